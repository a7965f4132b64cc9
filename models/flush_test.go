package models_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestFlushExpired_StatementFails(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		s := newFailingAuth(t, d)
		runEveryOutage(t, s, func(mode outageMode, at int) bool {
			s.resetTo(t, policy{rotate: true, consume: true, grace: 10 * time.Second})
			s.refresh(t, s.refresh(t, s.login(t, s.user)))
			s.now = s.now.Add(20 * time.Hour) // these, and the bystander's, must go
			s.refresh(t, s.login(t, s.user))
			before := s.readAllRows(t)

			s.outage.failAt(at, mode.lose, mode.err)
			_, err := s.auth.FlushExpired(t.Context())
			failed := s.outage.disarm()
			what := fmt.Sprintf("statement %d %s", at, mode.name)
			if err != nil && (!failed || mode.heals || !errors.Is(err, mode.err)) {
				t.Errorf("%s: the flush answers %v", what, err)
			}
			s.wantFlushed(t, what, before, err == nil)
			if err != nil {
				_, err := s.auth.FlushExpired(t.Context())
				requireNoError(t, err)
				s.wantFlushed(t, what+", then again", before, true)
			}
			return failed
		})
	})
}

// wantFlushed checks that records that have not expired are as they were before, and that expired ones are gone or, where the flush
// did not finish, may still be there as they were: a token that lost only its blacklist row would be usable again.
func (s *failingAuth) wantFlushed(t *testing.T, what string, before map[string]core.TokenState, ended bool) {
	t.Helper()
	after := s.readAllRows(t)
	for jti, was := range before {
		is, here := after[jti]
		valid := was.ExpiresAt.After(s.now)
		if diff := cmp.Diff(was, is); here && diff != "" {
			t.Errorf("%s: %s changed (-before +after):\n%s", what, jti, diff)
		}
		if valid && !here || !valid && here && ended {
			t.Errorf("%s: the record of %s, which ends at %v, is there: %v", what, jti, was.ExpiresAt, here)
		}
	}
	if n := countRows(t, s.db, `SELECT count(*) FROM token_blacklist_blacklistedtoken b
		WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o WHERE o.id = b.token_id)`); n != 0 {
		t.Errorf("%s: %d blacklist rows without a token", what, n)
	}
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
	testlevel.SkipUnlessFull(t)
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
		processes := []*process{startProcess(t, taskFlush, d), startProcess(t, taskFlush, d)}
		for _, p := range processes {
			p.send(t, "")
		}
		total := 0
		for _, p := range processes {
			n, err := strconv.Atoi(p.receive(t))
			requireNoError(t, err)
			total += n
		}
		left, err := models.NewStore(db).FlushExpired(t.Context(), now) // what a flush left to another one
		requireNoError(t, err)
		if total+left != rows {
			t.Errorf("%d rows and then %d were deleted, want %d together", total, left, rows)
		}
		wantSessionRows(t, db, live, 1, 1)
	})
}

func TestFlushExpired_WhileBlacklisting(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := createDjangoTables(t, d.open(t)) // Its foreign keys delete nothing by themselves.
		requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
		store := models.NewStore(db)
		for range pickByLevel(10, 50) {
			jti := recordLogin(t, store, "")
			var group sync.WaitGroup
			group.Go(func() {
				if _, err := store.FlushExpired(t.Context(), now.Add(24*time.Hour)); err != nil {
					t.Errorf("FlushExpired: %v", err)
				}
			})
			group.Go(func() {
				if _, _, err := store.Blacklist(t.Context(), jti, nil, core.ReasonLogout, now); err != nil {
					t.Errorf("Blacklist: %v", err)
				}
			})
			group.Wait()
			if got := countRows(t, db, `SELECT count(*) FROM token_blacklist_blacklistedtoken b
				WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o WHERE o.id = b.token_id)`); got != 0 {
				t.Errorf("%d blacklist rows without a token", got)
			}
		}
	})
}
