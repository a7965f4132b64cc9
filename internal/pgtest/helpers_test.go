package pgtest

import (
	"database/sql"
	"testing"
	"time"
)

// openDatabase opens a database that is closed when t ends.
func openDatabase(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatalf("open: %s", describeError(err))
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// queryText returns the only column of the only row of a query.
func queryText(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("query %q: %s", query, describeError(err))
	}
	return s
}

// fakeTest records how a test was ended.
type fakeTest struct {
	testing.TB
	skipped, failed string
}

func (f *fakeTest) Helper()           {}
func (f *fakeTest) Skip(args ...any)  { f.skipped = args[0].(string) }
func (f *fakeTest) Fatal(args ...any) { f.failed = args[0].(string) }

// waitFor fails t unless done returns true within 30 seconds.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Errorf("not within 30 s: %s", what)
}
