package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// noPgBouncerText is what a reader of the test output sees.
const noPgBouncerText = "PgBouncer tests skipped: install pgbouncer"

// errNoPgBouncer says that this machine has no pgbouncer that could be started.
var errNoPgBouncer = errors.New("no PgBouncer")

// PgBouncer starts a pgbouncer in front of the database of dsn, pooling by
// transactions with at most servers connections to it, and returns the
// connection URL that goes through it. It is gone when t ends. Where there is
// none, t is skipped, or fails if REQUIRE_PGBOUNCER=1 is set.
func PgBouncer(t testing.TB, dsn string, servers int) string {
	t.Helper()
	through, stop, err := startPgBouncer(dsn, servers)
	if errors.Is(err, errNoPgBouncer) {
		if required := os.Getenv("REQUIRE_PGBOUNCER"); required != "" && required != "0" {
			t.Fatal("REQUIRE_PGBOUNCER is set, but there is none. " + noPgBouncerText)
		}
		t.Skip(noPgBouncerText)
	}
	if err != nil {
		t.Fatalf("pgtest: start pgbouncer: %v", err)
	}
	t.Cleanup(stop)
	return through
}

// findPgBouncer looks where packages put it: Debian's folder is not in every
// user's PATH.
func findPgBouncer() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoPgBouncer
}
