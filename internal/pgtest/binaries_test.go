package pgtest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindBinaries(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	install := func(folder string, programs ...string) string {
		path := filepath.Join(root, folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, p := range programs {
			if err := os.WriteFile(filepath.Join(path, p), []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	client := install("client", "psql", "initdb")
	newer := install("16", "initdb", "postgres")
	older := install("13", "initdb", "postgres")

	got, ok := findBinariesIn([]string{filepath.Join(root, "missing"), client, newer, older})
	if want := filepath.Join(newer, "postgres"); !ok || got.postgres != want {
		t.Errorf("got %q (found %v), want %q", got.postgres, ok, want)
	}
	if got, ok := findBinariesIn([]string{client}); ok {
		t.Errorf("found %v in a folder without a server", got)
	}
}

func TestFolderVersion(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string]int{
		"/usr/lib/postgresql/9/bin":           9,
		"/usr/lib/postgresql/15/bin":          15,
		"/usr/pgsql-17/bin":                   17,
		"/opt/homebrew/opt/postgresql@16/bin": 16,
		"/usr/local/pgsql/bin":                0,
	} {
		if got := folderVersion(folder); got != want {
			t.Errorf("version(%q) = %d, want %d", folder, got, want)
		}
	}
}
