package models_test

import (
	"context"
	"crypto/rand"
	"errors"
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

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// newLoginRecord is the record of a login.
func newLoginRecord(user simplejwt.User) core.OutstandingToken {
	jti := rand.Text()
	return core.OutstandingToken{JTI: jti, UserID: user.AuthID(), CreatedAt: now, ExpiresAt: now.Add(time.Hour), SessionID: jti, SessionStartedAt: now}
}

const rowsOfJTI = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti = ?"

// waitForLock waits until a statement of the database waits for a lock.
func waitForLock(t *testing.T, d database, db *gorm.DB) {
	t.Helper()
	if d.name == "SQLite" {
		time.Sleep(100 * time.Millisecond) // who waits there can't be asked
		return
	}
	for range 500 {
		if countRows(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("nobody waits for a lock")
}

// isolationLevels are the isolation levels that a database may have as its default; SQLite has one.
func isolationLevels(d database) []string {
	if d.name == "SQLite" {
		return []string{""}
	}
	return []string{"read committed", "repeatable read", "serializable"}
}

// setIsolationLevel makes a level the default of connections that are opened from now on.
func setIsolationLevel(t *testing.T, db *gorm.DB, level string) {
	t.Helper()
	if level != "" {
		execSQL(t, db, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''`+level+`''', current_database()); END $$`)
	}
}

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

func (a *account) AuthID() string { return strconv.FormatInt(a.ID, 10) }

func (a *account) AuthActive() bool { return a.IsActive }

func (a *account) AuthPassword() string { return a.Password }

// member has a UUID as its key and logs in by e-mail address.
type member struct {
	ID    uuid.UUID `gorm:"type:uuid;primaryKey"`
	Email string    `gorm:"uniqueIndex"`
	Hash  string
}

func (m *member) AuthID() string { return m.ID.String() }

func (m *member) AuthActive() bool { return true }

func (m *member) AuthPassword() string { return m.Hash }

func (m *member) AuthUsernameField() string { return "Email" }

func (m *member) AuthPasswordField() string { return "hash" }

// badge has a text as its key.
type badge struct {
	Code     string `gorm:"primaryKey;size:40"`
	Username string `gorm:"uniqueIndex"`
	Number   *int32 `gorm:"unique"`
	Password string
}

func (b *badge) AuthID() string { return b.Code }

func (b *badge) AuthActive() bool { return true }

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

// runOnEach runs a test on both databases.
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

// runOnEachForm is onEach for tests about a form of the tables: with the race detector it leaves SQLite out.
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

// reopenDB opens a database with options of GORM.
func reopenDB(t testing.TB, d database, options gorm.Config) *gorm.DB {
	t.Helper()
	options.Logger = logger.Discard
	if d.name == "SQLite" {
		return openDB(t, sqlite.Open(d.dsn), &options)
	}
	return openDB(t, postgres.Open(d.dsn), &options)
}

// migrateDB makes the user's table and the token tables.
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

// countRows is the number that a query answers.
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

// The ways to end sessions, named as the schedules name them.

func revokeSession(auth *core.Auth, user, session string) error {
	err := auth.RevokeSession(context.Background(), user, session, core.ReasonAdmin)
	if errors.Is(err, core.ErrSessionNotFound) {
		return nil // it is over already
	}
	return err
}

func revokeUser(auth *core.Auth, user string) error {
	return auth.RevokeUser(context.Background(), user, core.ReasonAdmin)
}

func revokeOtherSessions(auth *core.Auth, user, keep string) error {
	return auth.RevokeOtherSessions(context.Background(), user, keep, core.ReasonAdmin)
}

// matchesError reports whether err is the refusal that was asked for.
func matchesError(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}

// readAllRecords are all records and their blacklist rows.
func readAllRecords(ctx context.Context, db *gorm.DB) (map[string]core.TokenState, error) {
	var all []models.OutstandingToken
	if err := db.WithContext(ctx).Joins("Blacklisted").Find(&all).Error; err != nil {
		return nil, err
	}
	out := map[string]core.TokenState{}
	for _, row := range all {
		state := core.TokenState{OutstandingToken: core.OutstandingToken{
			JTI: row.JTI, UserID: orZero(row.UserID), CreatedAt: orZero(row.CreatedAt).UTC(), ExpiresAt: row.ExpiresAt.UTC(),
			SessionID: orZero(row.SessionID), ParentJTI: orZero(row.ParentJTI),
			SessionStartedAt: orZero(row.SessionStartedAt).UTC(), SessionExpiresAt: orZero(row.SessionExpiresAt).UTC(),
		}}
		if b := row.Blacklisted; b != nil {
			state.Blacklisted, state.BlacklistedAt, state.Reason = true, b.BlacklistedAt.UTC(), core.Reason(orZero(b.Reason))
		}
		out[row.JTI] = state
	}
	return out, nil
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// throughPgBouncer is what a DSN needs where PgBouncer pools by transactions. pgx's own default prepares statements by
// name, and those stay behind on a connection that the next transaction does not get. PgBouncer knows them from 1.21 on.
const throughPgBouncer = "&default_query_exec_mode=exec"

// newPgBouncerDatabase is a database whose few connections PgBouncer hands on from transaction to transaction.
func newPgBouncerDatabase(t testing.TB) database {
	const servers = 4
	dsn := pgtest.PgBouncer(t, pgtest.DSN(t), servers) + throughPgBouncer
	return database{"PgBouncer", dsn, func(t testing.TB) *gorm.DB { return openDB(t, postgres.Open(dsn)) }}
}

// runEveryOperation asks a store for all that it can do.
func runEveryOperation(t *testing.T, store core.Store, user string) {
	t.Helper()
	ctx := t.Context()
	first := recordLogin(t, store, user)
	next := newRotation(first)
	if _, ok, err := store.Rotate(ctx, next); err != nil || !ok {
		t.Fatalf("Rotate: %v, %v", ok, err)
	}
	if _, found, err := store.IsBlacklisted(ctx, first); err != nil || !found {
		t.Errorf("IsBlacklisted: %v, %v", found, err)
	}
	if state, err := store.State(ctx, first, ""); err != nil || state.Latest == nil || state.Latest.JTI != next.NewJTI {
		t.Errorf("State: %+v, %v", state, err)
	}
	if all, err := store.Sessions(ctx, user, now); err != nil || len(all) != 1 {
		t.Errorf("Sessions: %v, %v", all, err)
	}
	if found, won, err := store.Blacklist(ctx, next.NewJTI, nil, core.ReasonLogout, now); err != nil || !found || !won {
		t.Errorf("Blacklist: %v, %v, %v", found, won, err)
	}
	recordLogin(t, store, user)
	if n, err := store.Revoke(ctx, core.Scope{UserID: user}, core.ReasonAdmin, now); err != nil || n != 1 {
		t.Errorf("Revoke: %d, %v", n, err)
	}
	if n, err := store.FlushExpired(ctx, now.Add(100*time.Hour)); err != nil || n != 3 {
		t.Errorf("FlushExpired: %d, %v", n, err)
	}
}

// newRotation is an ordinary refresh of a token at the tests' time.
func newRotation(jti string) core.Rotation {
	return core.Rotation{JTI: jti, NewJTI: rand.Text(), Now: now, ActiveAfter: now, ExpiresAt: now.Add(48 * time.Hour), Consume: true}
}

// recordLogin records the first token of a session and returns its jti.
func recordLogin(t testing.TB, store core.Store, userID string) string {
	t.Helper()
	jti := rand.Text()
	requireNoError(t, store.Record(t.Context(), core.OutstandingToken{
		JTI: jti, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour), SessionID: jti, SessionStartedAt: now,
	}))
	return jti
}

const (
	sessionRows     = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE session_id = ?"
	liveSessionRows = `SELECT count(*) FROM token_blacklist_outstandingtoken o
		WHERE session_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
)

func wantSessionRows(t testing.TB, db *gorm.DB, jti string, rows, live int) {
	t.Helper()
	if got := countRows(t, db, sessionRows, jti); got != rows {
		t.Errorf("the session has %d rows, want %d", got, rows)
	}
	if got := countRows(t, db, liveSessionRows, jti); got != live {
		t.Errorf("the session has %d live tokens, want %d", got, live)
	}
}

// adaID is the key of the member ada@example.com.
var adaID = uuid.MustParse("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")

// createUsers fills the three user tables.
func createUsers(t testing.TB, db *gorm.DB) *gorm.DB {
	t.Helper()
	requireNoError(t, db.AutoMigrate(&account{}, &member{}, &badge{}))
	requireNoError(t, db.Create(&[]account{
		{ID: 1, Username: "ada", Email: "ada@example.com", Password: "old", IsActive: true},
		{ID: 2, Username: "Bob", Email: "", IsActive: true},
		{ID: 3, Username: "gone", IsActive: true, DeletedAt: gorm.DeletedAt{Time: now, Valid: true}},
	}).Error)
	requireNoError(t, db.Create(&member{ID: adaID, Email: "ada@example.com", Hash: "old"}).Error)
	requireNoError(t, db.Create(&[]badge{
		{Code: "B-1", Username: "ada", Number: new(int32(7))}, {Code: "b-1", Username: "bob"}, {Code: "Ünï ", Username: "uni"},
	}).Error)
	return db
}
