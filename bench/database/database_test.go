package database

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

func TestEveryPartRunsAndPrintsItsTargets(t *testing.T) {
	t.Parallel()
	for part, words := range map[string][]string{
		partRotate: {"1.00 round trips and 1.00 transactions", "Store.Rotate", "pgbench", ">= 0.7"},
		partRows:   {"by time", "random", "<= 1.25"},
		partFlush:  {"saturating", "half of that", "<= 2 ", "<= 250 "},
		partSQLite: {"modernc.org/sqlite", "<= 0 ok", "<= 50 "},
	} {
		t.Run(part, func(t *testing.T) {
			if part != partSQLite {
				if _, err := pgtest.Program("pgbench"); err != nil {
					t.Skip("skipped: this machine has no PostgreSQL with pgbench")
				}
			}
			var out bytes.Buffer
			if err := Run(t.Context(), &out, Options{Quick: true, Parts: []string{part}}); err != nil {
				t.Fatal(err)
			}
			for _, word := range words {
				if !strings.Contains(out.String(), word) {
					t.Errorf("nothing of %q in\n%s", word, &out)
				}
			}
			t.Log(out.String())
		})
	}
}
