package models_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestRotate_ThroughPgBouncer(t *testing.T) {
	t.Parallel()
	programs, rounds := pickByLevel(8, 32), pickByLevel(3, 20)
	d := newPgBouncerDatabase(t)
	db := d.open(t)
	requireNoError(t, db.AutoMigrate(&account{}))
	pools := make([]*gorm.DB, programs)
	for i := range pools {
		pools[i] = d.open(t)
	}
	// all makes every program do it at once.
	all := func(do func(pool *gorm.DB) error) {
		t.Helper()
		errs := make([]error, programs)
		var group sync.WaitGroup
		for i, pool := range pools {
			group.Go(func() { errs[i] = do(pool) })
		}
		group.Wait()
		requireNoError(t, errors.Join(errs...))
	}
	all(func(pool *gorm.DB) error { return models.AutoMigrate(t.Context(), pool, &account{}) })
	for range rounds {
		jti := recordLogin(t, models.NewStore(db), "")
		var wins atomic.Int64
		all(func(pool *gorm.DB) error {
			_, ok, err := models.NewStore(pool).Rotate(t.Context(), newRotation(jti))
			if ok {
				wins.Add(1)
			}
			return err
		})
		if wins.Load() != 1 {
			t.Errorf("%d of %d rotations of one token won, want 1", wins.Load(), programs)
		}
		wantSessionRows(t, db, jti, 2, 1)
	}
}

func TestRotate_ConcurrentPools(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		racers := pickByLevel(16, 64)
		db := migrateDB(t, d.open(t), &account{})
		stores := make([]core.Store, racers)
		for i := range stores {
			stores[i] = models.NewStore(d.open(t))
		}
		for range pickByLevel(2, 5) {
			jti := recordLogin(t, stores[0], "")
			var wins atomic.Int64
			errs := make([]error, racers)
			var group sync.WaitGroup
			for i, store := range stores {
				group.Go(func() {
					_, ok, err := store.Rotate(t.Context(), newRotation(jti))
					if errs[i] = err; ok {
						wins.Add(1)
					}
				})
			}
			group.Wait()
			requireNoError(t, errors.Join(errs...))
			if wins.Load() != 1 {
				t.Errorf("%d of %d rotations of one token won, want 1", wins.Load(), racers)
			}
			wantSessionRows(t, db, jti, 2, 1)
		}
	})
}

func TestRotate_TwoProcesses(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		processes := []*process{startProcess(t, taskRace, d), startProcess(t, taskRace, d)}
		for range 20 {
			jti := recordLogin(t, store, "")
			wins := 0
			for _, p := range processes {
				p.send(t, jti)
			}
			for _, p := range processes {
				answer := p.receive(t)
				n, err := strconv.Atoi(answer)
				if err != nil {
					t.Fatalf("a second process answers %q", answer)
				}
				wins += n
			}
			if wins != 1 {
				t.Errorf("%d rotations of one token won, want 1", wins)
			}
			wantSessionRows(t, db, jti, 2, 1)
		}
	})
}

// A rotation without Consume must read the session again after it has recorded the successor, even if its client hangs up by then.
func TestRotate_ClientHangsUpWhileSessionEnds(t *testing.T) {
	t.Parallel()
	d := newPostgresDatabase(t)
	db := migrateDB(t, d.open(t), &account{})
	store := models.NewStore(db)
	user, err := addAccount(t.Context(), db, rand.Text())
	requireNoError(t, err)
	jti := recordLogin(t, store, user)
	begin := func(statement string, args ...any) *gorm.DB {
		tx := db.Begin()
		requireNoError(t, tx.Exec(statement, args...).Error)
		return tx
	}
	waiting := func(n int) { // until so many backends wait for a lock
		t.Helper()
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if countRows(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == n {
				return
			}
		}
		t.Fatalf("not %d backends wait", n)
	}
	users := begin("SELECT id FROM accounts WHERE id = ? FOR UPDATE", user) // its foreign key holds the rotation up
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	done := make(chan error, 1)
	go func() {
		r := newRotation(jti)
		r.Consume = false
		_, ok, err := store.Rotate(ctx, r)
		if ok && err == nil {
			t.Error("Rotate: rotated a token of an ended session")
		}
		done <- err
	}()
	waiting(1)
	_, err = store.Revoke(t.Context(), core.Scope{SessionID: jti}, core.ReasonLogout, now)
	requireNoError(t, err)
	locked := make(chan *gorm.DB, 1) // holds up what follows the rotation's statement
	go func() { locked <- begin("LOCK TABLE token_blacklist_blacklistedtoken IN ACCESS EXCLUSIVE MODE") }()
	waiting(2)
	requireNoError(t, users.Commit().Error)
	blacklist := <-locked
	waiting(1)
	hangUp()
	// A rotation that reads again, whatever its client does, is still waiting.
	time.AfterFunc(time.Second, func() { blacklist.Commit() })
	<-done
	time.Sleep(1500 * time.Millisecond)
	if live := countRows(t, db, `SELECT count(*) FROM token_blacklist_outstandingtoken o
		LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE b.id IS NULL`); live != 0 {
		t.Errorf("%d tokens of a session that has ended are live, want none", live)
	}
}

func TestRotate_UserDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		for range pickByLevel(10, 50) {
			user, err := addAccount(t.Context(), db, rand.Text())
			requireNoError(t, err)
			jti := recordLogin(t, store, user)
			var group sync.WaitGroup
			group.Go(func() {
				if err := db.Exec("DELETE FROM accounts WHERE id = ?", user).Error; err != nil {
					t.Errorf("delete the user: %v", err)
				}
			})
			group.Go(func() {
				if _, ok, err := store.Rotate(t.Context(), newRotation(jti)); err != nil || !ok {
					t.Errorf("Rotate: %v, %v; want it rotated", ok, err)
				}
			})
			group.Wait()
			if got := countRows(t, db, "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE user_id IS NOT NULL"); got != 0 {
				t.Errorf("%d rows name the deleted user", got)
			}
		}
	})
}

func TestRotate_SQLiteLockEndsWithContext(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	db := migrateDB(t, d.open(t), &account{})
	impatient := strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(1)", 1)
	store := models.NewStore(openDB(t, sqlite.Open(impatient)))
	jti := recordLogin(t, store, "")

	writer := db.Begin()
	requireNoError(t, writer.Error)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, ok, err := store.Rotate(ctx, newRotation(jti)); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another writer holds the lock: %v, %v; want the context's error", ok, err)
	}
	requireNoError(t, writer.Rollback().Error)
	if _, ok, err := store.Rotate(t.Context(), newRotation(jti)); err != nil || !ok {
		t.Errorf("after that: %v, %v; want it rotated", ok, err)
	}
}

func TestRotate_SQLiteDeferredTransactions(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	dsn := strings.Replace(d.dsn, "_txlock=immediate&", "", 1)
	db := migrateDB(t, openDB(t, sqlite.Open(dsn)), &account{})
	store := models.NewStore(db)
	for range pickByLevel(3, 10) {
		jti := recordLogin(t, store, "")
		wins := make([]bool, 16)
		errs := make([]error, len(wins))
		var group sync.WaitGroup
		for i := range wins {
			group.Go(func() { _, wins[i], errs[i] = store.Rotate(t.Context(), newRotation(jti)) })
		}
		group.Wait()
		requireNoError(t, errors.Join(errs...))
		wantSessionRows(t, db, jti, 2, 1)
	}
}

func TestRotate_RowWithoutSessionEnd(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		jti := recordLogin(t, store, "")
		r := newRotation(jti)
		r.SessionLifetime = 36*time.Hour + time.Microsecond
		successor, ok, err := store.Rotate(t.Context(), r)
		if err != nil || !ok {
			t.Fatalf("Rotate: %v, %v", ok, err)
		}
		end := now.Add(r.SessionLifetime)
		want := core.OutstandingToken{
			JTI: r.NewJTI, CreatedAt: now, ExpiresAt: end, SessionID: jti, ParentJTI: jti, SessionStartedAt: now, SessionExpiresAt: end,
		}
		if diff := cmp.Diff(want, successor); diff != "" {
			t.Errorf("the successor (-want +got):\n%s", diff)
		}
	})
}
