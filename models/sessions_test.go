package models_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

const (
	sessionLimit = 3
	loginsAtOnce = 8
	liveSessions = `SELECT count(DISTINCT COALESCE(o.session_id, o.jti)) FROM token_blacklist_outstandingtoken o
		WHERE o.user_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
	limitedLogins = `SELECT count(*) FROM token_blacklist_blacklistedtoken WHERE reason = 'limit'`
)

// logInOften logs a user in from several clients at once, under a limit of sessions, and answers how often.
func logInConcurrently(ctx context.Context, db *gorm.DB, userID string) (int, error) {
	auth, err := core.New(
		simplejwt.Settings{SigningKey: strings.Repeat("k", 32), MaxSessionsPerUser: sessionLimit},
		core.Deps{Users: models.NewUsers[account](db), Store: models.NewStore(db), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(userID, 10, 64)
	if err != nil {
		return 0, err
	}
	errs := make([]error, loginsAtOnce)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			_, errs[i] = auth.Login(ctx, &account{ID: id, IsActive: true})
		})
	}
	group.Wait()
	return loginsAtOnce, errors.Join(errs...)
}

func TestSessions_LimitAcrossProcesses(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		children := []*process{startProcess(t, taskLogin, d), startProcess(t, taskLogin, d)}
		rounds := 3
		if d.name == "SQLite" {
			rounds = 1
		}
		for range rounds {
			user, err := addAccount(t.Context(), db, rand.Text())
			requireNoError(t, err)
			for _, c := range children {
				c.send(t, user)
			}
			for _, c := range children {
				if got, want := c.receive(t), strconv.Itoa(processClients*loginsAtOnce); got != want {
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

func TestFlushExpired_OneAtATime(t *testing.T) {
	t.Parallel()
	db := migrateDB(t, newPostgresDatabase(t).open(t), &account{})
	expire := func(n int) {
		t.Helper()
		execSQL(t, db, fmt.Sprintf(`INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at)
			SELECT '', gen_random_uuid()::text, '2030-01-01' FROM generate_series(1, %d)`, n),
			`INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
			SELECT '2029-12-31', id, 'rotated' FROM token_blacklist_outstandingtoken WHERE id % 2 = 0`)
	}
	expire(10)
	store := models.NewStore(db)
	requireNoError(t, db.Transaction(func(tx *gorm.DB) error {
		requireNoError(t, tx.Exec("SELECT pg_advisory_xact_lock(?::bigint)", models.FlushLock).Error)
		if n, err := store.FlushExpired(t.Context(), now); n != 0 || !errors.Is(err, core.ErrFlushRunning) {
			t.Errorf("while another flush is under way: %d rows, error %v, want ErrFlushRunning", n, err)
		}
		return nil
	}))
	if n, err := store.FlushExpired(t.Context(), now); n != 10 || err != nil {
		t.Errorf("afterwards: %d rows, error %v, want all 10", n, err)
	}
}

func TestFlushExpired_TwoProcesses(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		const rows = 4000
		insert := `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + strconv.Itoa(rows) + `)
			INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at) SELECT '', 'old-' || i, '2030-01-01 00:00:00+00:00' FROM n`
		if d.name == "PostgreSQL" {
			insert = strings.Replace(insert, "'2030-01-01 00:00:00+00:00'", "'2030-01-01 00:00:00+00:00'::timestamptz", 1)
		}
		execSQL(t, db, insert)
		live := recordLogin(t, models.NewStore(db), "")
		children := []*process{startProcess(t, taskFlush, d), startProcess(t, taskFlush, d)}
		for _, c := range children {
			c.send(t, "")
		}
		total := 0
		for _, c := range children {
			n, err := strconv.Atoi(c.receive(t))
			requireNoError(t, err)
			total += n
		}
		left, err := models.NewStore(db).FlushExpired(t.Context(), now) // what the last one left when it met another
		requireNoError(t, err)
		if total+left != rows {
			t.Errorf("%d rows and then %d were deleted, want %d together", total, left, rows)
		}
		wantSessionRows(t, db, live, 1, 1)
	})
}

// The documented query must run, and show a session from its login to its end.
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
