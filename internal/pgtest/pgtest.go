// Package pgtest gives tests a PostgreSQL: every call of [DSN] creates a fresh
// database and drops it when the test ends.
//
// The server is the one named by the environment variable TEST_DATABASE_URL,
// as a role that may create databases (PostgreSQL 13 or newer), or else a
// throw-away cluster started from the machine's own binaries. A test binary
// starts at most one, at the first call. Where there is neither, the test is
// skipped, or fails if REQUIRE_POSTGRES=1 is set.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// so that the cluster is gone when the test binary ends. Without it, and after
// a panic, a timeout or a kill -9, the cluster goes a moment later: see
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
)

const (
	// skipText is what a reader of the test output sees; .ci/run looks for it.
	skipText = "PostgreSQL tests skipped: set TEST_DATABASE_URL or install PostgreSQL (initdb, postgres)"

	// statementTimeout bounds creating and dropping a database, which take
	// some 30 ms together, or 300 ms on a slow disk.
	statementTimeout = time.Minute
)

// errNoServer says that there is neither TEST_DATABASE_URL nor a PostgreSQL on
// this machine that could be started.
var errNoServer = errors.New("no PostgreSQL")

// shared is the test binary's one server. It is a package variable because
// testing hands a test nothing that outlives the test.
var shared lazyServer

// DSN creates an empty database (UTF-8, C locale) and returns its connection
// URL or key/value string, in the form of TEST_DATABASE_URL. The database is
// dropped when t ends, with every connection that is still open. Tests may run
// in parallel.
func DSN(t testing.TB) string {
	t.Helper()
	srv := shared.need(t)
	name := "simplejwt_test_" + randomHex()
	if err := srv.create(name); err != nil {
		t.Fatalf("pgtest: create a database: %s", reason(err))
	}
	t.Cleanup(func() {
		if err := srv.drop(name); err != nil {
			t.Errorf("pgtest: drop the database: %s", reason(err))
		}
	})
	return withDatabase(srv.dsn, name)
}

// Server returns the connection string of the server's maintenance database,
// for tests and programs that create their databases themselves. Nothing that
// they create is dropped, except that a throw-away cluster goes as a whole.
func Server(t testing.TB) string {
	t.Helper()
	return shared.need(t).dsn
}

// Main runs a package's tests and returns the exit code for os.Exit, after the
// cluster has stopped and its folder is removed.
func Main(m *testing.M) int {
	defer shared.stop()
	return m.Run()
}

// server is a PostgreSQL in which databases can be created.
type server struct {
	dsn     string
	admin   *sql.DB
	cluster *cluster // nil if the server is that of TEST_DATABASE_URL
}

// create makes an empty database. Unlike template1, template0 takes no
// connections, any of which would make this fail.
func (s *server) create(name string) error {
	return s.exec(`CREATE DATABASE ` + name + ` TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`)
}

// drop removes a database and cuts the connections to it.
func (s *server) drop(name string) error {
	return s.exec(`DROP DATABASE ` + name + ` WITH (FORCE)`)
}

// exec runs one statement in the maintenance database. It does not take the
// test's context, which is over when the clean-up runs.
func (s *server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_, err := s.admin.ExecContext(ctx, statement)
	return err
}

// lazyServer starts a server at the first need, and remembers a failure so
// that a hundred tests do not each wait for it.
type lazyServer struct {
	mu      sync.Mutex
	started bool
	server  *server
	err     error
}

// need returns the server; it skips or fails t if there is none.
func (l *lazyServer) need(t testing.TB) *server {
	t.Helper()
	srv, err := l.get()
	if errors.Is(err, errNoServer) {
		giveUp(t, os.Getenv("REQUIRE_POSTGRES"))
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return srv
}

// giveUp skips t, or fails it if required (REQUIRE_POSTGRES) is set.
func giveUp(t testing.TB, required string) {
	t.Helper()
	if required != "" && required != "0" {
		t.Fatal("REQUIRE_POSTGRES is set, but there is no server. " + skipText)
	}
	t.Skip(skipText)
}

func (l *lazyServer) get() (*server, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started = true
		l.server, l.err = open(os.Getenv("TEST_DATABASE_URL"))
	}
	return l.server, l.err
}

// stop closes the administrator's connections and ends the cluster. It is safe
// to call when nothing was started.
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

// open connects to the server at dsn, or to a new cluster if dsn is empty.
// No text in its errors comes from dsn.
func open(dsn string) (*server, error) {
	if dsn != "" {
		admin, err := connect(dsn)
		if err != nil {
			return nil, fmt.Errorf("cannot use the server of TEST_DATABASE_URL: %s", reason(err))
		}
		return &server{dsn: dsn, admin: admin}, nil
	}
	c, err := startCluster()
	if err != nil {
		return nil, err
	}
	admin, err := connect(c.dsn)
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to the new cluster: %s", reason(err))
	}
	return &server{dsn: c.dsn, admin: admin, cluster: c}, nil
}

func connect(dsn string) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	// Tests that run in parallel wait here for each other rather than use up
	// the connections of a server that others use too.
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
