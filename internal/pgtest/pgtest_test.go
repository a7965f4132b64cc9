package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func openDB(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatalf("open: %s", reason(err))
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func queryString(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s string
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("query %q: %s", query, reason(err))
	}
	return s
}

func TestTwoDatabasesOfOneTestAreSeparate(t *testing.T) {
	t.Parallel()
	one, two := openDB(t, DSN(t)), openDB(t, DSN(t))
	if _, err := one.ExecContext(t.Context(), "CREATE TABLE only_in_one (id int)"); err != nil {
		t.Fatalf("create table: %s", reason(err))
	}
	const count = "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"
	if got := queryString(t, one, count); got != "1" {
		t.Errorf("the first database has %s tables, want 1", got)
	}
	if got := queryString(t, two, count); got != "0" {
		t.Errorf("the second database has %s tables, want 0: it is new and empty", got)
	}
}

func TestADatabaseIsUTF8InTheCLocale(t *testing.T) {
	t.Parallel()
	got := queryString(t, openDB(t, DSN(t)),
		"SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = current_database()")
	if want := "UTF8 C"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestADatabaseIsDroppedWhenItsTestEnds(t *testing.T) {
	t.Parallel()
	admin := openDB(t, Server(t))
	var name string
	var left *sql.DB
	t.Run("a test that leaves its connection open", func(t *testing.T) {
		dsn := DSN(t)
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatalf("open: %s", reason(err))
		}
		left = db
		name = queryString(t, db, "SELECT current_database()")
	})
	if left != nil {
		defer func() { _ = left.Close() }()
	}
	const count = "SELECT count(*)::text FROM pg_database WHERE datname = $1"
	if got := queryString(t, admin, count, name); got != "0" {
		t.Errorf("the database is still there after its test")
	}
}

func TestManyTestsMayCreateTheirDatabasesAtOnce(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("one of eight", func(t *testing.T) {
			t.Parallel()
			if got := queryString(t, openDB(t, DSN(t)), "SELECT 'ready'"); got != "ready" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// verdict stands in for a test and notes how it was ended.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper()           {}
func (v *verdict) Skip(args ...any)  { v.skipped = args[0].(string) }
func (v *verdict) Fatal(args ...any) { v.failed = args[0].(string) }

func TestWithoutAServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, required string
		fails          bool
	}{
		{"a test is skipped", "", false},
		{"a test is skipped when REQUIRE_POSTGRES is 0", "0", false},
		{"a test fails when REQUIRE_POSTGRES is 1", "1", true},
		{"a test fails when REQUIRE_POSTGRES is another word", "true", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v verdict
			giveUp(&v, tt.required)
			if got := v.failed != ""; got != tt.fails {
				t.Errorf("failed: %v, want %v", got, tt.fails)
			}
			if said := v.failed + v.skipped; !strings.Contains(said, skipText) {
				t.Errorf("said %q, want how to get a server", said)
			}
		})
	}
}

func TestAServerThatCannotBeUsedIsAnErrorWithoutItsConnectionString(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dsn, want string
	}{
		{"nobody listens", "postgres://anna:hunter2@127.0.0.1:1/db", "cannot be reached"},
		{"nobody listens, as keys and values", "host=127.0.0.1 port=1 user=anna password=hunter2", "cannot be reached"},
		{"a URL that does not parse", "postgres://anna:hunter2@127.0.0.1:port/db", "not valid"},
		{"no connection string at all", "anna hunter2", "not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(tt.dsn)
			if err == nil {
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
			for _, secret := range []string{"hunter2", "anna", "127.0.0.1"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error contains %q", secret)
				}
			}
		})
	}
}

func TestADatabaseNameReplacesThatOfTheConnectionString(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dsn, want string
	}{
		{"of a URL", "postgres://a:b%2Fc@h:1/old?sslmode=disable", "postgres://a:b%2Fc@h:1/new?sslmode=disable"},
		{"of a URL without one", "postgresql://h", "postgresql://h/new"},
		{"of a URL's query", "postgres://h/?dbname=old&database=old&host=%2Frun", "postgres://h/new?host=%2Frun"},
		{"of keys and values", "host=h dbname=old", "host=h dbname=old dbname=new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := withDatabase(tt.dsn, "new"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnErrorOfAnUnknownKindSaysNothing(t *testing.T) {
	t.Parallel()
	if got, want := reason(os.ErrInvalid), "the connection failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := reason(context.DeadlineExceeded), "no answer in time"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// BenchmarkCreateAndDrop tells what a database of one's own costs a test.
func BenchmarkCreateAndDrop(b *testing.B) {
	srv := shared.need(b)
	for b.Loop() {
		name := "simplejwt_test_" + randomHex()
		if err := errors.Join(srv.create(name), srv.drop(name)); err != nil {
			b.Fatal(reason(err))
		}
	}
}
