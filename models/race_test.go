package models_test

import (
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// rotation is an ordinary refresh of a token at the tests' time.
func newRotation(jti string) core.Rotation {
	return core.Rotation{JTI: jti, NewJTI: rand.Text(), Now: now, ActiveAfter: now, ExpiresAt: now.Add(48 * time.Hour), Consume: true}
}

// login records the first token of a session and returns its jti.
func recordLogin(t testing.TB, store core.Store, userID string) string {
	t.Helper()
	jti := rand.Text()
	requireNoError(t, store.Record(t.Context(), core.OutstandingToken{
		JTI: jti, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour), SessionID: jti, SessionStartedAt: now,
	}))
	return jti
}

const (
	sessionRows     = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE session_id = ?"
	liveSessionRows = `SELECT count(*) FROM token_blacklist_outstandingtoken o
		WHERE session_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
)

func wantSessionRows(t testing.TB, db *gorm.DB, jti string, rows, live int) {
	t.Helper()
	if got := countRows(t, db, sessionRows, jti); got != rows {
		t.Errorf("the session has %d rows, want %d", got, rows)
	}
	if got := countRows(t, db, liveSessionRows, jti); got != live {
		t.Errorf("the session has %d live tokens, want %d", got, live)
	}
}

func TestRotate_ConcurrentPools(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		const racers = 64
		db := migrateDB(t, d.open(t), &account{})
		stores := make([]core.Store, racers)
		for i := range stores {
			stores[i] = models.NewStore(d.open(t))
		}
		for range 5 {
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
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		children := []*process{startProcess(t, taskRace, d), startProcess(t, taskRace, d)}
		for range 20 {
			jti := recordLogin(t, store, "")
			wins := 0
			for _, c := range children {
				c.send(t, jti)
			}
			for _, c := range children {
				answer := c.receive(t)
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

func TestRevoke_TwoProcessesRotate(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		const rounds = 100
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		children := []*process{startProcess(t, taskRotate, d), startProcess(t, taskRotate, d)}
		for round := range rounds {
			session := recordLogin(t, store, user)
			for _, c := range children {
				c.send(t, session)
			}
			time.Sleep(mathrand.N(10 * time.Millisecond)) // The sweep meets chains of every length.
			scope := core.Scope{SessionID: session}
			if round%2 == 1 {
				scope = core.Scope{UserID: user}
			}
			_, err := store.Revoke(t.Context(), scope, core.ReasonLogout, now)
			requireNoError(t, err)
			if live := countRows(t, db, liveSessionRows, session); live != 0 {
				t.Errorf("round %d: %d live tokens after Revoke", round, live)
			}
			for _, c := range children {
				if answer := c.receive(t); answer[0] == 'e' {
					t.Fatalf("round %d: a second process answers %q", round, answer)
				}
			}
			if live := countRows(t, db, liveSessionRows, session); live != 0 {
				t.Errorf("round %d: %d live tokens after the clients gave up", round, live)
			}
		}
	})
}

func TestRevoke_RotationWithoutConsume(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		for range 50 {
			session := recordLogin(t, store, "")
			errs := make([]error, 4)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() {
					for ok := true; ok && errs[i] == nil; {
						r := newRotation(session)
						r.Consume = false
						_, ok, errs[i] = store.Rotate(t.Context(), r)
					}
				})
			}
			time.Sleep(mathrand.N(3 * time.Millisecond))
			_, err := store.Revoke(t.Context(), core.Scope{SessionID: session}, core.ReasonLogout, now)
			requireNoError(t, err)
			group.Wait()
			requireNoError(t, errors.Join(errs...))
			if live := countRows(t, db, liveSessionRows, session); live != 0 {
				t.Fatalf("%d live tokens after Revoke", live)
			}
		}
	})
}

func TestAutoMigrate_SeveralProcesses(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := d.open(t)
		requireNoError(t, db.AutoMigrate(&account{}))
		children := make([]*process, 6)
		for i := range children {
			children[i] = startProcess(t, taskMigrate, d)
		}
		for _, c := range children {
			c.send(t, "")
		}
		for _, c := range children {
			if answer := c.receive(t); answer != strconv.Itoa(processClients) {
				t.Errorf("a second process answers %q", answer)
			}
		}
	})
}

func TestStore_SQLiteWritersQueue(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	db := migrateDB(t, d.open(t), &account{})
	user := account{Username: "ada", Password: "old"}
	requireNoError(t, db.Create(&user).Error)
	d.dsn = strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(0)", 1)
	var seen outage
	shaky := openFailing(t, d, &seen)
	store, users := models.NewStore(shaky), models.NewUsers[account](shaky)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for range 20 {
				token := newLoginRecord(&user)
				_, err := store.RecordLogin(t.Context(), token, users, &user)
				_, _, rotateErr := store.Rotate(t.Context(), newRotation(token.JTI))
				_, revokeErr := store.Revoke(t.Context(), core.Scope{SessionID: token.SessionID}, core.ReasonLogout, now)
				_, _, blacklistErr := store.Blacklist(t.Context(), token.JTI, nil, core.ReasonLogout, now)
				_, flushErr := store.FlushExpired(t.Context(), now.Add(-time.Hour))
				if errors.Is(flushErr, core.ErrFlushRunning) {
					flushErr = nil
				}
				errs[i] = errors.Join(errs[i], err, rotateErr, revokeErr, blacklistErr, flushErr)
			}
		})
	}
	group.Wait()
	requireNoError(t, errors.Join(errs...))
	if seen.failures > 0 {
		t.Errorf("%d statements failed, and were tried again after a pause", seen.failures)
	}
}
