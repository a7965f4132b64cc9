package pgtest

import (
	"os/exec"
	"path/filepath"
)

// ErrNoServer is what StartDurable answers on a machine without PostgreSQL.
var ErrNoServer = errNoServer

// Durable is a cluster of a program's own that writes to disk as one in
// production does. Unlike the clusters of tests it is none to be quick with:
// whoever measures a database wants its fsync.
type Durable struct {
	cluster *cluster
	parent  string
}

// StartDurable makes a cluster with PostgreSQL's own defaults but for settings
// ("shared_buffers=512MB"), and returns when it takes connections, on 127.0.0.1
// only. It is gone, with its folder, after Stop or when this process ends.
func StartDurable(settings ...string) (*Durable, error) {
	return startDurable(settings)
}

// DSN is the connection URL of an empty database (UTF-8, C locale), as a
// superuser.
func (d *Durable) DSN() string { return d.cluster.dsn }

// Folder is where the cluster's folder was made: a place that is no memory, as
// far as the machine keeps to its own rules.
func (d *Durable) Folder() string { return d.parent }

// Stop ends the cluster without saving anything.
func (d *Durable) Stop() { d.cluster.stop() }

// Database returns dsn, in either form, with another database.
func Database(dsn, name string) string { return withDatabase(dsn, name) }

// Program returns the path of one of PostgreSQL's programs ("pgbench"), of the
// version that clusters are started with where that has it.
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
