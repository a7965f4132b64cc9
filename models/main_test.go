package models_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// TestMain runs the tests, or plays the second process that a test has started from this binary.
func TestMain(m *testing.M) {
	if os.Getenv(processTask) != "" {
		os.Exit(runProcess())
	}
	if err := flag.Set("rapid.checks", schedules); err != nil { // before the flags are parsed: the command line counts
		panic(err)
	}
	os.Exit(pgtest.Main(m))
}

// now is the tests' clock.
var now = time.Date(2040, time.March, 4, 5, 6, 7, 891011000, time.UTC)

// account is a user with an integer key and the fields of Django's user.
type account struct {
	ID        int64
	Username  string `gorm:"uniqueIndex"`
	Email     string
	Password  string
	IsActive  bool
	LastLogin *time.Time
	UpdatedAt time.Time
	DeletedAt gorm.DeletedAt
}

func (a *account) AuthID() string       { return strconv.FormatInt(a.ID, 10) }
func (a *account) AuthActive() bool     { return a.IsActive }
func (a *account) AuthPassword() string { return a.Password }

// member has a UUID as its key and logs in by e-mail address.
type member struct {
	ID    uuid.UUID `gorm:"type:uuid;primaryKey"`
	Email string    `gorm:"uniqueIndex"`
	Hash  string
}

func (m *member) AuthID() string            { return m.ID.String() }
func (m *member) AuthActive() bool          { return true }
func (m *member) AuthPassword() string      { return m.Hash }
func (m *member) AuthUsernameField() string { return "Email" }
func (m *member) AuthPasswordField() string { return "hash" }

// badge has a text as its key.
type badge struct {
	Code     string `gorm:"primaryKey;size:40"`
	Username string `gorm:"uniqueIndex"`
	Number   *int32 `gorm:"unique"`
	Password string
}

func (b *badge) AuthID() string       { return b.Code }
func (b *badge) AuthActive() bool     { return true }
func (b *badge) AuthPassword() string { return b.Password }

// database is a place to put tables; open makes another pool of connections to it.
type database struct {
	name, dsn string
	open      func(t testing.TB) *gorm.DB
}

func newSQLiteDatabase(t testing.TB) database {
	dsn := sqliteDSN(filepath.Join(t.TempDir(), "tokens.db"))
	return database{"SQLite", dsn, func(t testing.TB) *gorm.DB { return openDB(t, sqlite.Open(dsn)) }}
}

func newPostgresDatabase(t testing.TB) database {
	dsn := pgtest.DSN(t)
	return database{"PostgreSQL", dsn, func(t testing.TB) *gorm.DB { return openDB(t, postgres.Open(dsn)) }}
}

func sqliteDSN(path string) string {
	return "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(OFF)"
}

// onEach runs a test on both databases.
func runOnEach(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLiteDatabase(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgresDatabase(t))
	})
}

// onEachForm is onEach for tests about a form of the tables: with the race detector it leaves SQLite out.
func runOnEachForm(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	if !underRace {
		runOnEach(t, test)
		return
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, newPostgresDatabase(t))
	})
}

func openDB(t testing.TB, dialector gorm.Dialector, options ...gorm.Option) *gorm.DB {
	t.Helper()
	db, err := connectDB(dialector, options...)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return db
}

func connectDB(dialector gorm.Dialector, options ...gorm.Option) (*gorm.DB, error) {
	return gorm.Open(dialector, append([]gorm.Option{&gorm.Config{Logger: logger.Discard}}, options...)...)
}

// reopen opens a database with options of GORM.
func reopenDB(t testing.TB, d database, options gorm.Config) *gorm.DB {
	t.Helper()
	options.Logger = logger.Discard
	if d.name == "SQLite" {
		return openDB(t, sqlite.Open(d.dsn), &options)
	}
	return openDB(t, postgres.Open(d.dsn), &options)
}

// migrated makes the user's table and the token tables.
func migrateDB(t testing.TB, db *gorm.DB, user any) *gorm.DB {
	t.Helper()
	requireNoError(t, db.AutoMigrate(user))
	requireNoError(t, models.AutoMigrate(t.Context(), db, user))
	return db
}

// requireNoError ends the test, or one run of a random schedule, if err is an error.
func requireNoError(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func execSQL(t testing.TB, db *gorm.DB, statements ...string) {
	t.Helper()
	for _, one := range statements {
		if err := db.Exec(one).Error; err != nil {
			t.Fatalf("%s: %v", one, err)
		}
	}
}

// count is the number that a query answers.
func countRows(t testing.TB, db *gorm.DB, query string, args ...any) int {
	t.Helper()
	var n int
	requireNoError(t, db.Raw(query, args...).Row().Scan(&n))
	return n
}

// addAccount inserts an active account and returns its key as text.
func addAccount(ctx context.Context, db *gorm.DB, name string) (string, error) {
	a := account{Username: name, IsActive: true, Password: "old"}
	err := db.WithContext(ctx).Create(&a).Error
	return fmt.Sprint(a.ID), err
}

func sortLines(lines []string) []string {
	slices.Sort(lines)
	return lines
}
