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

// serverBinaries are the paths of the two programs that make and run a cluster.
// Both are of one version.
type serverBinaries struct {
	initdb, postgres string
}

// findBinaries returns the programs of this machine. It also looks outside of
// PATH, where Debian installs them.
func findBinaries() (serverBinaries, bool) {
	return findBinariesIn(candidateFolders())
}

// findBinariesIn returns the programs of the first folder that has both.
func findBinariesIn(folders []string) (serverBinaries, bool) {
	for _, folder := range folders {
		initdb, err := exec.LookPath(filepath.Join(folder, "initdb"))
		if err != nil {
			continue
		}
		postgres, err := exec.LookPath(filepath.Join(folder, "postgres"))
		if err != nil {
			continue
		}
		return serverBinaries{initdb: initdb, postgres: postgres}, true
	}
	return serverBinaries{}, false
}

// candidateFolders returns absolute folders that may hold PostgreSQL, in order of
// preference: that of PATH, that of pg_config, then those of distributions and
// Homebrew, the newest version first.
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
		slices.SortFunc(matches, func(a, b string) int { return folderVersion(b) - folderVersion(a) })
		folders = append(folders, matches...)
	}
	return slices.DeleteFunc(folders, func(f string) bool { return !filepath.IsAbs(f) })
}

// folderVersion returns the version in the path of a folder
// ("/usr/lib/postgresql/15/bin" is 15), or 0 if there is none.
func folderVersion(folder string) int {
	digits := strings.Trim(filepath.Base(filepath.Dir(folder)), "abcdefghijklmnopqrstuvwxyz@-")
	n, _ := strconv.Atoi(digits)
	return n
}
