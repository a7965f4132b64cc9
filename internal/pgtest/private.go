package pgtest

import (
	"errors"
	"testing"
)

// Cluster is a PostgreSQL server for one test, which can stop and start it.
type Cluster struct {
	cluster *cluster
}

// NewCluster starts a cluster from the programs of this machine. It ignores
// TEST_DATABASE_URL, whose server can't be stopped. Without the programs it
// skips or fails t as [DSN] does. The cluster is removed when t ends.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := startPrivate()
	if errors.Is(err, errNoServer) {
		skipWithoutPostgres(t)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(c.stop)
	return &Cluster{c}
}

// DSN returns the connection URL of an empty database (UTF-8, C locale). It
// stays the same when the cluster is stopped and started.
func (c *Cluster) DSN() string { return c.cluster.dsn }

// Stop shuts the server down fast: it closes all connections, keeps what was
// committed, and returns when the server does not listen any more.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if err := c.cluster.shutDown(); err != nil {
		t.Fatalf("pgtest: stop the cluster: %v", err)
	}
}

// Start starts a server that Stop has stopped. It returns when the server
// accepts connections.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.cluster.startAgain(); err != nil {
		t.Fatalf("pgtest: start the cluster: %v", err)
	}
}
