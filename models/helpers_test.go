package models_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

// TestMain runs the tests, or serves as the second process that a test has started from this binary.
func TestMain(m *testing.M) {
	if os.Getenv(processTask) != "" {
		os.Exit(runProcess())
	}
	checks := quickSchedules
	if testlevel.IsFull() {
		checks = fullSchedules
	}
	if err := flag.Set("rapid.checks", checks); err != nil { // before the flags are parsed, so that the command line wins
		panic(err)
	}
	os.Exit(pgtest.Main(m))
}

// now is the tests' clock.
var now = time.Date(2040, time.March, 4, 5, 6, 7, 891011000, time.UTC)

// pickByLevel returns quick, or full with TEST_FULL=1: how often a race is run.
func pickByLevel(quick, full int) int {
	if testlevel.IsFull() {
		return full
	}
	return quick
}

// database is a place to put tables; open makes another pool of connections to it.
type database struct {
	name, dsn string
	open      func(t testing.TB) *gorm.DB
}

func newSQLiteDatabase(t testing.TB) database {
	dsn := sqliteDSN(filepath.Join(t.TempDir(), "tokens.db"))
	return database{"SQLite", dsn, func(t testing.TB) *gorm.DB { return openDB(t, sqlite.Open(dsn)) }}
}

// postgresDSN returns the connection string of an empty PostgreSQL database. With -short it skips the test instead, so that no
// server is started.
func postgresDSN(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: SQLite only")
	}
	return pgtest.DSN(t)
}

func newPostgresDatabase(t testing.TB) database {
	t.Helper()
	dsn := postgresDSN(t)
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

// runOnEachForm is runOnEach for tests about a form of the tables: with the race detector it leaves SQLite out.
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

// migrateDB creates the user's table and the token tables, and returns db.
func migrateDB(t testing.TB, db *gorm.DB, user any) *gorm.DB {
	t.Helper()
	requireNoError(t, db.AutoMigrate(user))
	requireNoError(t, models.AutoMigrate(t.Context(), db, user))
	return db
}

// requireNoError fails and ends the test, or one random schedule, if err is not nil.
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

// countRows returns the number that a query selects.
func countRows(t testing.TB, db *gorm.DB, query string, args ...any) int {
	t.Helper()
	var n int
	requireNoError(t, db.Raw(query, args...).Row().Scan(&n))
	return n
}

func sortLines(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// throughPgBouncer is what a DSN needs where PgBouncer pools by transactions. pgx's own default prepares statements by
// name, and those stay behind on a connection that the next transaction does not get. PgBouncer knows them from 1.21 on.
const throughPgBouncer = "&default_query_exec_mode=exec"

// newPgBouncerDatabase returns a database whose few connections PgBouncer passes on from transaction to transaction.
func newPgBouncerDatabase(t testing.TB) database {
	const servers = 4
	dsn := pgtest.PgBouncer(t, postgresDSN(t), servers) + throughPgBouncer
	return database{"PgBouncer", dsn, func(t testing.TB) *gorm.DB { return openDB(t, postgres.Open(dsn)) }}
}

// waitForLock waits until a statement of the database waits for a lock.
func waitForLock(t *testing.T, d database, db *gorm.DB) {
	t.Helper()
	if d.name == "SQLite" {
		time.Sleep(100 * time.Millisecond) // SQLite does not say who waits
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

// isolationLevels returns the isolation levels that a database may have as its default; SQLite has one.
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
