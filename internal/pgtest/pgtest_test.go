package pgtest

import (
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestDSN_SeparateDatabases(t *testing.T) {
	t.Parallel()
	one, two := openDatabase(t, DSN(t)), openDatabase(t, DSN(t))
	if _, err := one.ExecContext(t.Context(), "CREATE TABLE only_in_one (id int)"); err != nil {
		t.Fatalf("create table: %s", describeError(err))
	}
	const count = "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"
	if got := queryText(t, one, count); got != "1" {
		t.Errorf("the first database has %s tables, want 1", got)
	}
	if got := queryText(t, two, count); got != "0" {
		t.Errorf("the second database has %s tables, want 0: it is new and empty", got)
	}
}

func TestDSN_EncodingAndLocale(t *testing.T) {
	t.Parallel()
	got := queryText(t, openDatabase(t, DSN(t)),
		"SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = current_database()")
	if want := "UTF8 C"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDSN_DroppedWithItsTest(t *testing.T) {
	t.Parallel()
	admin := openDatabase(t, Server(t))
	var name string
	var left *sql.DB
	t.Run("a test that leaves its connection open", func(t *testing.T) {
		dsn := DSN(t)
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatalf("open: %s", describeError(err))
		}
		left = db
		name = queryText(t, db, "SELECT current_database()")
	})
	if left != nil {
		defer func() { _ = left.Close() }()
	}
	const count = "SELECT count(*)::text FROM pg_database WHERE datname = $1"
	if got := queryText(t, admin, count, name); got != "0" {
		t.Errorf("the database still exists after its test")
	}
}

func TestDSN_ConcurrentTests(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("one of eight", func(t *testing.T) {
			t.Parallel()
			if got := queryText(t, openDatabase(t, DSN(t)), "SELECT 'ready'"); got != "ready" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSkipMissing(t *testing.T) {
	tests := []struct {
		name, required, full string
		fails                bool
	}{
		{"a test is skipped", "", "", false},
		{"a test is skipped when REQUIRE_POSTGRES is 0", "0", "", false},
		{"a test fails when REQUIRE_POSTGRES is 1", "1", "", true},
		{"a test fails when REQUIRE_POSTGRES is another word", "true", "", true},
		{"a test fails when TEST_FULL is 1", "", "1", true},
		{"a test fails when TEST_FULL is 1 and REQUIRE_POSTGRES is 0", "0", "1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("REQUIRE_POSTGRES", tt.required)
			t.Setenv(testlevel.Variable, tt.full)
			var f fakeTest
			skipWithoutPostgres(&f)
			if got := f.failed != ""; got != tt.fails {
				t.Errorf("failed: %v, want %v", got, tt.fails)
			}
			if said := f.failed + f.skipped; !strings.Contains(said, skipText) {
				t.Errorf("said %q, want how to get a server", said)
			}
		})
	}
}

func TestOpenServer_HidesConnectionString(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dsn, want string
	}{
		{"nobody listens at a URL", "postgres://anna:hunter2@127.0.0.1:1/db", "cannot be reached"},
		{"nobody listens at keys and values", "host=127.0.0.1 port=1 user=anna password=hunter2", "cannot be reached"},
		{"a URL does not parse", "postgres://anna:hunter2@127.0.0.1:port/db", "not valid"},
		{"the text is not a connection string", "anna hunter2", "not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := openServer(tt.dsn)
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

// BenchmarkCreateAndDrop measures what a database costs a test.
func BenchmarkCreateAndDrop(b *testing.B) {
	srv := shared.mustGet(b)
	for b.Loop() {
		name := "simplejwt_test_" + randomHex()
		if err := errors.Join(srv.createDatabase(name), srv.dropDatabase(name)); err != nil {
			b.Fatal(describeError(err))
		}
	}
}
