package pgtest

import (
	"os"
	"testing"
)

// folderPrefix is how the names of temporary folders begin.
const folderPrefix = "simplejwt-pgtest-"

// TempDir is t.TempDir, in memory where the machine has a file system there with room for databases. An SQLite file of a test waits for
// the disk otherwise, several times as long as the test takes where other tests write too.
func TempDir(t testing.TB) string {
	t.Helper()
	folder := memoryFolder()
	if folder == "" {
		return t.TempDir()
	}
	path, err := os.MkdirTemp(folder, folderPrefix)
	if err != nil {
		t.Fatalf("pgtest: make a folder in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(path); err != nil {
			t.Errorf("pgtest: remove the folder in memory: %v", err)
		}
	})
	return path
}
