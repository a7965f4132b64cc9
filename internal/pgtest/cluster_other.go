//go:build !unix

package pgtest

// cluster is never started on this system, as its guard is a POSIX shell. Tests use the
// server of TEST_DATABASE_URL.
type cluster struct {
	dsn string
}

func startCluster() (*cluster, error) { return nil, errNoServer }

func (c *cluster) stop() {}

func startPrivate() (*cluster, error) { return nil, errNoServer }

func (c *cluster) shutDown() error { return errNoServer }

func (c *cluster) startAgain() error { return errNoServer }
