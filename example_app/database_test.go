package main

import (
	"strings"
	"testing"
)

func TestOpenDatabase_Forms(t *testing.T) {
	t.Parallel()
	t.Run("the text of the error names DSNs that are accepted", func(t *testing.T) {
		t.Parallel()
		for dsn, want := range map[string]string{"sqlite://app.sqlite3": "app.sqlite3", "sqlite:///var/lib/app.sqlite3": "/var/lib/app.sqlite3", "sqlite://": "", "app.sqlite3": ""} {
			if got := sqlitePath(dsn); got != want || want != "" && !strings.Contains(databaseForms, dsn) {
				t.Errorf("%s is the file %q, want %q, as %q says", dsn, got, want, databaseForms)
			}
		}
	})
	for _, dsn := range []string{"app.sqlite3", "sqlite:app.sqlite3", "sqlite://", "mysql://host/name", ""} {
		if _, err := openDatabase(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), databaseForms) {
			t.Errorf("%q: error %v", dsn, err)
		}
	}
}
