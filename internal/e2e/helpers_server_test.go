package e2e

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// signingKey is the HMAC secret of these tests.
const signingKey = "a signing key of these tests, long enough for every HMAC algorithm there is"

const (
	// rotating are the settings that use up a refresh token by its refresh.
	rotating = `, "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true`
	// recommended, after rotating, are the other settings of the recommended profile.
	recommended = `, "ROTATION_GRACE_PERIOD": "10s", "REUSE_DETECTION": true, "SESSION_LIFETIME": "720h"`
)

// account is the example's user model, as far as these tests need it.
type account struct {
	ID         int64
	Username   string
	Password   string
	IsActive   bool
	DateJoined time.Time
	LastLogin  *time.Time
}

func (account) TableName() string       { return "auth_user" }
func (a *account) AuthID() string       { return strconv.FormatInt(a.ID, 10) }
func (a *account) AuthActive() bool     { return a.IsActive }
func (a *account) AuthPassword() string { return a.Password }

// backend is a database and a settings file for the program, and a connection of the test's own: for logins without passwords, and
// to look into the tables.
type backend struct {
	t        *testing.T
	dsn      string
	settings string // the file
	db       *gorm.DB
	pool     *sql.DB // that of db
}

// newBackend writes a settings file of SIGNING_KEY and more members of the JSON object, such as rotating. The program makes the tables.
func newBackend(t *testing.T, settings, dsn string) *backend {
	t.Helper()
	b := &backend{t: t, dsn: dsn, settings: filepath.Join(t.TempDir(), "settings.json")}
	if err := os.WriteFile(b.settings, []byte(`{"SIGNING_KEY": "`+signingKey+`"`+settings+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dialector := postgres.Open(dsn)
	if path, ok := strings.CutPrefix(dsn, "sqlite://"); ok {
		dialector = sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	}
	var err error
	if b.db, err = gorm.Open(dialector, &gorm.Config{Logger: logger.Discard}); err != nil {
		t.Fatal(err)
	}
	if b.pool, err = b.db.DB(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.pool.Close() })
	b.pool.SetMaxOpenConns(2)
	b.pool.SetMaxIdleConns(2)
	return b
}

// newSQLite returns the DSN of a fresh SQLite file.
func newSQLite(t *testing.T) string {
	t.Helper()
	return "sqlite://" + filepath.Join(pgtest.TempDir(t), "db.sqlite3")
}

// newPostgres returns the DSN of a fresh database on PostgreSQL. With -short the test is skipped.
func newPostgres(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: without PostgreSQL")
	}
	return pgtest.DSN(t)
}

// startProcess has the program serve the database, by a DSN that may lead there on another way.
func (b *backend) startProcess(framework, dsn string) *process {
	b.t.Helper()
	return startProcess(b.t, b.t.TempDir(), nil, "serve", "-addr", "127.0.0.1:0", "-framework", framework, "-database", dsn, "-settings", b.settings)
}

// runCommand runs a command of the program that changes the database.
func (b *backend) runCommand(name string, args ...string) {
	b.t.Helper()
	if _, err := runProgram(b.t, b.t.TempDir(), append([]string{name, "-database", b.dsn}, args...)...); err != nil {
		b.t.Fatal(err)
	}
}

// hashOnce hashes the password that most users here have: a hash is slow by intention.
var hashOnce = sync.OnceValues(func() (string, error) { return hashPassword("correct horse") })

func hashPassword(password string) (string, error) {
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		return "", err
	}
	return h.Make(context.Background(), password)
}

// addUser stores a user whose password is "correct horse".
func (b *backend) addUser(username string) *account {
	b.t.Helper()
	hash, err := hashOnce()
	if err != nil {
		b.t.Fatal(err)
	}
	a := &account{Username: username, Password: hash, IsActive: true, DateJoined: time.Now().UTC()}
	if err := b.db.Create(a).Error; err != nil {
		b.t.Fatal(err)
	}
	return a
}

// readSettings reads the settings file as the program does.
func (b *backend) readSettings() simplejwt.Settings {
	b.t.Helper()
	settings, err := simplejwt.FromFile(simplejwt.Settings{}, b.settings)
	if err != nil {
		b.t.Fatal(err)
	}
	return settings
}

// newAuth makes an engine in the test's own process, on the same records.
func (b *backend) newAuth(settings simplejwt.Settings, claims func(context.Context, simplejwt.User, *core.Token) error) *core.Auth {
	b.t.Helper()
	auth, err := core.New(settings, core.Deps{Users: models.NewUsers[account](b.db), Store: models.NewStore(b.db), Claims: claims})
	if err != nil {
		b.t.Fatal(err)
	}
	return auth
}

// queryValue reads one value of the database.
func (b *backend) queryValue(query string) string {
	b.t.Helper()
	var out string
	if err := b.pool.QueryRowContext(b.t.Context(), query).Scan(&out); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return out
}

// server is the program serving a database with the user alice, and a client of it.
type server struct {
	*backend
	*client
}

// startServer serves settings, in the form of newBackend, on net/http with a fresh SQLite file.
func startServer(t *testing.T, settings string) *server {
	t.Helper()
	return startServerOn(t, "std", settings, newSQLite(t))
}

func startServerOn(t *testing.T, framework, settings, dsn string) *server {
	t.Helper()
	b := newBackend(t, settings, dsn)
	p := b.startProcess(framework, dsn)
	b.addUser("alice")
	return &server{backend: b, client: newClient(t, p.url)}
}

// onEachFramework runs a test against each framework: on SQLite, and net/http on PostgreSQL. With -short only the latter, on SQLite.
func onEachFramework(t *testing.T, settings string, test func(t *testing.T, s *server)) {
	t.Helper()
	databases := map[string]func(*testing.T) string{"gin": newSQLite, "echo": newSQLite, "std": newPostgres}
	if testing.Short() {
		databases = map[string]func(*testing.T) string{"std": newSQLite}
	}
	for framework, newDSN := range databases {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, startServerOn(t, framework, settings, newDSN(t)))
		})
	}
}
