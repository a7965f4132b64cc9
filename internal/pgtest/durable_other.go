//go:build !unix

package pgtest

import "os"

// startDurable starts nothing here: see cluster_other.go.
func startDurable([]string) (*Durable, error) { return nil, errNoServer }

// DiskFolder returns the usual folder for temporary files.
func DiskFolder() string { return os.TempDir() }
