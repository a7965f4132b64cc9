package pgtest

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// binaries are the two programs that make and run a cluster, of one version.
type binaries struct {
	initdb, postgres string
}

// findBinaries looks where packages put PostgreSQL. Debian keeps the server's
// programs out of PATH.
func findBinaries() (binaries, bool) {
	return findIn(candidateFolders())
}

// findIn returns the programs of the first folder that has both.
func findIn(folders []string) (binaries, bool) {
	for _, folder := range folders {
		initdb, err := exec.LookPath(filepath.Join(folder, "initdb"))
		if err != nil {
			continue
		}
		postgres, err := exec.LookPath(filepath.Join(folder, "postgres"))
		if err != nil {
			continue
		}
		return binaries{initdb: initdb, postgres: postgres}, true
	}
	return binaries{}, false
}

// candidateFolders lists absolute folders, the likeliest first: PATH, what
// pg_config says, then the known places of distributions and Homebrew.
func candidateFolders() []string {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(initdb))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // Red Hat
		"/usr/local/pgsql/bin",              // built from source
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew, Apple silicon
		"/usr/local/opt/postgresql*/bin",    // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // fails for a malformed pattern only
		slices.SortFunc(matches, func(a, b string) int { return version(b) - version(a) })
		folders = append(folders, matches...)
	}
	return slices.DeleteFunc(folders, func(f string) bool { return !filepath.IsAbs(f) })
}

// version returns the number in a folder's name ("/usr/lib/postgresql/15/bin"
// is 15), or 0 where there is none.
func version(folder string) int {
	digits := strings.Trim(filepath.Base(filepath.Dir(folder)), "abcdefghijklmnopqrstuvwxyz@-")
	n, _ := strconv.Atoi(digits)
	return n
}
