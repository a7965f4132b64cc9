// Package pgtest provides tests with PostgreSQL: every call of [DSN] creates a
// new database and drops it when the test ends.
//
// The server is the one named by the environment variable TEST_DATABASE_URL,
// as a role that may create databases (PostgreSQL 13 or newer), or else a
// throw-away cluster started from the programs of this machine. A test binary
// starts at most one, at the first call. If there is neither, the test is
// skipped, or fails if REQUIRE_POSTGRES=1 or TEST_FULL=1 is set.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// so that the cluster is removed before the test binary ends. Without it, and
// after a panic, a timeout or a kill -9, the cluster ends a moment later: see
// cluster_unix.go.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

const (
	// skipText is the reason of a skipped test.
	skipText = "PostgreSQL tests skipped: set TEST_DATABASE_URL or install PostgreSQL (initdb, postgres)"

	// statementTimeout limits creating and dropping a database, which take
	// about 30 ms together, or 300 ms on a slow disk.
	statementTimeout = time.Minute
)

// errNoServer is the error of a machine without TEST_DATABASE_URL and without
// the programs of PostgreSQL.
var errNoServer = errors.New("no PostgreSQL")

// shared is the only server of the test binary. It is a package variable
// because package testing has no other place that outlives a test.
var shared lazyServer

// DSN creates an empty database (UTF-8, C locale) and returns its connection
// URL or key/value string, in the form of TEST_DATABASE_URL. When t ends, the
// database is dropped and connections that are open are closed. Tests may run
// in parallel. Without a server it skips or fails t, see the package comment.
func DSN(t testing.TB) string {
	t.Helper()
	srv := shared.mustGet(t)
	name := "simplejwt_test_" + randomHex()
	if err := srv.createDatabase(name); err != nil {
		t.Fatalf("pgtest: create a database: %s", describeError(err))
	}
	t.Cleanup(func() {
		if err := srv.dropDatabase(name); err != nil {
			t.Errorf("pgtest: drop the database: %s", describeError(err))
		}
	})
	return withDatabase(srv.dsn, name)
}

// Server returns the connection string of the server's maintenance database,
// for tests that create their databases themselves. They must drop what they
// create: only a throw-away cluster is removed as a whole. Without a server it
// skips or fails t.
func Server(t testing.TB) string {
	t.Helper()
	return shared.mustGet(t).dsn
}

// Main runs the tests of a package and returns the exit code for os.Exit. When
// it returns, the cluster has stopped and its folder is removed.
func Main(m *testing.M) int {
	defer shared.stop()
	return m.Run()
}

// server is a PostgreSQL server in which databases can be created.
type server struct {
	dsn     string
	admin   *sql.DB
	cluster *cluster // nil if the server is that of TEST_DATABASE_URL
}

// createDatabase creates an empty database. Its template is template0: a
// connection to the template would make this fail, and template0 takes none.
func (s *server) createDatabase(name string) error {
	return s.execStatement(`CREATE DATABASE ` + name + ` TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`)
}

// dropDatabase drops a database and closes the connections to it.
func (s *server) dropDatabase(name string) error {
	return s.execStatement(`DROP DATABASE ` + name + ` WITH (FORCE)`)
}

// execStatement runs one statement in the maintenance database. It does not
// take the test's context, which is cancelled before the clean-up runs.
func (s *server) execStatement(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_, err := s.admin.ExecContext(ctx, statement)
	return err
}

// lazyServer starts a server at its first use. It keeps an error of the start,
// so that a hundred tests do not each wait for it.
type lazyServer struct {
	mu      sync.Mutex
	started bool
	server  *server
	err     error
}

// mustGet returns the server. It skips or fails t if there is none.
func (l *lazyServer) mustGet(t testing.TB) *server {
	t.Helper()
	srv, err := l.get()
	if errors.Is(err, errNoServer) {
		skipWithoutPostgres(t)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return srv
}

// skipWithoutPostgres ends a test on a machine without PostgreSQL.
func skipWithoutPostgres(t testing.TB) {
	t.Helper()
	skipMissing(t, "REQUIRE_POSTGRES", skipText)
}

// skipMissing skips t with text, or fails it if the server is required: the
// environment variable is set and not "0", or TEST_FULL is.
func skipMissing(t testing.TB, variable, text string) {
	t.Helper()
	required := os.Getenv(variable)
	switch {
	case required != "" && required != "0":
		t.Fatal(variable + " is set, but there is no server. " + text)
	case testlevel.IsFull():
		t.Fatal(testlevel.Variable + " is set, but there is no server. " + text)
	default:
		t.Skip(text)
	}
}

// get returns the server and starts it at the first call.
func (l *lazyServer) get() (*server, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started = true
		l.server, l.err = openServer(os.Getenv("TEST_DATABASE_URL"))
	}
	return l.server, l.err
}

// stop closes the admin connections and ends the cluster. It does nothing if no
// server was started.
func (l *lazyServer) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return
	}
	_ = l.server.admin.Close()
	if l.server.cluster != nil {
		l.server.cluster.stop()
	}
	l.server = nil
	l.err = errors.New("the server was stopped: a test runs after Main returned")
}

// openServer connects to the server of dsn, or to a new cluster if dsn is "".
// Its errors hold no part of dsn, which may have a password.
func openServer(dsn string) (*server, error) {
	if dsn != "" {
		admin, err := connectAdmin(dsn)
		if err != nil {
			return nil, fmt.Errorf("cannot use the server of TEST_DATABASE_URL: %s", describeError(err))
		}
		return &server{dsn: dsn, admin: admin}, nil
	}
	c, err := startCluster()
	if err != nil {
		return nil, err
	}
	admin, err := connectAdmin(c.dsn)
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to the new cluster: %s", describeError(err))
	}
	return &server{dsn: c.dsn, admin: admin, cluster: c}, nil
}

// connectAdmin opens a pool of connections and checks that the server responds.
func connectAdmin(dsn string) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	// Parallel tests wait here for each other, so that they do not use up the
	// connections of a server that other programs use too.
	db.SetMaxOpenConns(4)
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// randomHex returns 16 hexadecimal digits; crypto/rand.Read never fails.
func randomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
