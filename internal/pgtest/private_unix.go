//go:build unix

package pgtest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// socketPort only names the socket in the cluster's folder. While the server is
// stopped, no other server can take it, as it could take a port.
const socketPort = 5432

// startPrivate makes a cluster that can be stopped and started.
func startPrivate() (*cluster, error) {
	bin, ok := findBinaries()
	if !ok {
		return nil, errNoServer
	}
	owner, err := clusterOwner()
	if err != nil {
		return nil, err
	}
	c, err := startAt(bin, owner, socketPort, true)
	if err != nil {
		return nil, fmt.Errorf("start a PostgreSQL cluster: %w", err)
	}
	return c, nil
}

// shutDown does a fast shutdown and waits until the server has ended.
func (c *cluster) shutDown() error {
	if _, err := io.WriteString(c.pipe, "stop\n"); err != nil {
		return err
	}
	for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); time.Sleep(pollInterval) {
		if _, err := os.Stat(c.pidFile()); os.IsNotExist(err) {
			return nil
		}
	}
	return fmt.Errorf("it still runs after %v", stopTimeout)
}

// startAgain starts a server that shutDown has ended. It skips the log so far,
// which would report errors of the last run.
func (c *cluster) startAgain() error {
	log, err := os.Stat(filepath.Join(c.folder, "log"))
	if err != nil {
		return err
	}
	c.logged = int(log.Size())
	if _, err := io.WriteString(c.pipe, "start\n"); err != nil {
		return err
	}
	return c.waitReady()
}
