package pgtest

import (
	"os/exec"
	"path/filepath"
)

// ErrNoServer is the error of StartDurable on a machine without PostgreSQL.
var ErrNoServer = errNoServer

// Durable is a cluster that writes to disk as one in production does, for
// programs that measure a database. The clusters of tests do without fsync.
type Durable struct {
	cluster *cluster
	parent  string
}

// StartDurable starts a cluster with PostgreSQL's own defaults, changed by
// settings ("shared_buffers=512MB"), that listens on 127.0.0.1 only. It returns
// when the server accepts connections. The cluster and its folder are removed
// by Stop, or when this process ends. Errors: ErrNoServer.
func StartDurable(settings ...string) (*Durable, error) {
	return startDurable(settings)
}

// DSN returns the connection URL of an empty database (UTF-8, C locale), as a
// superuser.
func (d *Durable) DSN() string { return d.cluster.dsn }

// Folder returns the folder that holds the cluster's folder: see DiskFolder.
func (d *Durable) Folder() string { return d.parent }

// Stop ends the cluster at once and removes its folder.
func (d *Durable) Stop() { d.cluster.stop() }

// Database returns dsn, a URL or a key/value string, with another database.
func Database(dsn, name string) string { return withDatabase(dsn, name) }

// Program returns the path of one of PostgreSQL's programs ("pgbench"). It
// prefers the version that clusters are started with. The error is an
// *exec.Error if there is no such program.
func Program(name string) (string, error) {
	folders := candidateFolders()
	if bin, ok := findBinaries(); ok {
		if real, err := filepath.EvalSymlinks(bin.postgres); err == nil {
			folders = append([]string{filepath.Dir(real)}, folders...) // Debian links to some of them only
		}
	}
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}
