package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintUsers(t *testing.T) {
	t.Parallel()
	dsn := "sqlite://" + filepath.Join(t.TempDir(), "it's a file.sqlite3")
	db, err := openDatabase(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDatabase(db)
	quoted := "'" + strings.ReplaceAll(dsn, "'", `'\''`) + "'"
	for _, c := range []struct{ add, database, want string }{
		{"", dsn, "there is no user yet; to make one: go run ./example_app createuser -database " + quoted + " -username NAME -password PASSWORD\n"},
		{"al ice's\x1b", dsn, `there is the user "al ice's\x1b"; to set a password: go run ./example_app setpassword -database ` + quoted + " -username NAME -password PASSWORD\n"},
		{"bob", defaultDatabase, `there are 2 users, the first is "al ice's\x1b"; to set a password: go run ./example_app setpassword -username NAME -password PASSWORD` + "\n"},
		{"", "postgres://app:hunter2@db/app", `there are 2 users, the first is "al ice's\x1b"; to set a password: go run ./example_app setpassword -database DSN -username NAME -password PASSWORD` + "\n"},
	} {
		if c.add != "" {
			if _, err := createAccount(t.Context(), db, c.add, "secret", true); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		if err := (&program{stderr: &log, database: c.database}).printUsers(t.Context(), db); err != nil || log.String() != c.want {
			t.Errorf("%s: error %v, printed %q, want %q", c.database, err, log.String(), c.want)
		}
	}
}
