package pgtest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTempDir(t *testing.T) {
	t.Parallel()
	var path string
	t.Run("a test can write into its folder, which no other test has", func(t *testing.T) {
		path = TempDir(t)
		if other := TempDir(t); other == path {
			t.Errorf("two calls return %s", path)
		}
		if err := os.WriteFile(filepath.Join(path, "file"), []byte("text"), 0o600); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after the test the folder is there: %v", err)
	}
}
