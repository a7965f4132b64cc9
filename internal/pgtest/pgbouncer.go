package pgtest

import (
	"errors"
	"os/exec"
	"testing"
)

// noPgBouncerText is the reason of a skipped test; .ci/run looks for it.
const noPgBouncerText = "PgBouncer tests skipped: install pgbouncer"

// errNoPgBouncer is the error of a machine without pgbouncer.
var errNoPgBouncer = errors.New("no PgBouncer")

// PgBouncer starts a pgbouncer in front of the database of dsn and returns a
// connection URL that leads through it. It pools by transactions, with at most
// servers connections to the database, and ends when t ends. On a machine
// without pgbouncer t is skipped, or fails if REQUIRE_PGBOUNCER=1 or
// TEST_FULL=1 is set.
func PgBouncer(t testing.TB, dsn string, servers int) string {
	t.Helper()
	through, stop, err := startPgBouncer(dsn, servers)
	if errors.Is(err, errNoPgBouncer) {
		skipMissing(t, "REQUIRE_PGBOUNCER", noPgBouncerText)
	}
	if err != nil {
		t.Fatalf("pgtest: start pgbouncer: %v", err)
	}
	t.Cleanup(stop)
	return through
}

// findPgBouncer returns the path of pgbouncer. It also looks outside of PATH:
// Debian installs it into a folder that is not in every user's PATH.
func findPgBouncer() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoPgBouncer
}
