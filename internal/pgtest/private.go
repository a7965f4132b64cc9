package pgtest

import (
	"errors"
	"os"
	"testing"
)

// Cluster is a PostgreSQL of one test's own, which the test can stop and start.
type Cluster struct {
	cluster *cluster
}

// NewCluster starts a cluster from the machine's own binaries, whether or not
// TEST_DATABASE_URL names a server: that one can't be stopped. It skips or fails
// t as [DSN] does. The cluster is gone when t ends.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := startPrivate()
	if errors.Is(err, errNoServer) {
		giveUp(t, os.Getenv("REQUIRE_POSTGRES"))
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(c.stop)
	return &Cluster{c}
}

// DSN is the connection URL of an empty database (UTF-8, C locale).
func (c *Cluster) DSN() string { return c.cluster.dsn }

// Stop is a fast shutdown: it cuts the connections, keeps what was committed,
// and returns when nobody listens any more.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if err := c.cluster.shutDown(); err != nil {
		t.Fatalf("pgtest: stop the cluster: %v", err)
	}
}

// Start starts what Stop stopped, and returns when it takes connections.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.cluster.startAgain(); err != nil {
		t.Fatalf("pgtest: start the cluster: %v", err)
	}
}
