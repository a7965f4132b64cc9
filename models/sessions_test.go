package models_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestSessions_LimitAcrossProcesses(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		processes := []*process{startProcess(t, taskLogin, d), startProcess(t, taskLogin, d)}
		rounds := 3
		if d.name == "SQLite" {
			rounds = 1
		}
		for range rounds {
			user, err := addAccount(t.Context(), db, rand.Text())
			requireNoError(t, err)
			for _, p := range processes {
				p.send(t, user)
			}
			for _, p := range processes {
				if got, want := p.receive(t), strconv.Itoa(processClients*loginsAtOnce); got != want {
					t.Fatalf("a second process answers %q, want %s logins", got, want)
				}
			}
			if got := countRows(t, db, liveSessions, user); got != sessionLimit {
				t.Errorf("%d sessions are left after the last answer, want %d", got, sessionLimit)
			}
		}
		if countRows(t, db, limitedLogins) == 0 {
			t.Error("no row says that a limit ended its session")
		}
	})
}

// The query in docs/sessions.md must run, and show a session from its login to its end.
func TestSessions_DocumentedQuery(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", "sessions.md"))
	requireNoError(t, err)
	_, query, found := strings.Cut(string(text), "```sql\n")
	query, _, ends := strings.Cut(query, "```")
	if !found || !ends {
		t.Fatal("docs/sessions.md has no query")
	}
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		first := core.OutstandingToken{JTI: "ID", UserID: user, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Device: core.Device{Name: "phone", IP: "192.0.2.1"}}
		requireNoError(t, store.Record(t.Context(), first)) // as Django writes it: no session
		r := core.Rotation{JTI: "ID", NewJTI: "child", Now: now, ActiveAfter: now, ExpiresAt: now.Add(2 * time.Hour), Consume: true, Device: core.Device{IP: "192.0.2.2"}}
		_, _, err = store.Rotate(t.Context(), r)
		requireNoError(t, err)
		_, err = store.Revoke(t.Context(), core.Scope{SessionID: "ID"}, core.ReasonReuse, now)
		requireNoError(t, err)
		recordLogin(t, store, user) // another session
		var got []map[string]any
		requireNoError(t, db.Raw(query).Scan(&got).Error)
		var lines []string
		for _, row := range got {
			lines = append(lines, fmt.Sprintln(row["jti"], row["parent_jti"], row["user_id"], row["device_name"], row["ip"], row["reason"]))
		}
		want := []string{fmt.Sprintln("ID", nil, user, "phone", "192.0.2.1", "rotated"), fmt.Sprintln("child", "ID", user, "phone", "192.0.2.2", "reuse")}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("the history (-want +got):\n%s", diff)
		}
	})
}
