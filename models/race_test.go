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
func rotation(jti string) core.Rotation {
	return core.Rotation{JTI: jti, NewJTI: rand.Text(), Now: now, ActiveAfter: now, ExpiresAt: now.Add(48 * time.Hour), Consume: true}
}

// login records the first token of a session and returns its jti.
func login(t testing.TB, store core.Store, userID string) string {
	t.Helper()
	jti := rand.Text()
	must(t, store.Record(t.Context(), core.OutstandingToken{
		JTI: jti, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour), SessionID: jti, SessionStartedAt: now,
	}))
	return jti
}

const (
	sessionRows = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE session_id = ?"
	sessionLive = `SELECT count(*) FROM token_blacklist_outstandingtoken o
		WHERE session_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
)

func wantRows(t testing.TB, db *gorm.DB, jti string, rows, live int) {
	t.Helper()
	if got := count(t, db, sessionRows, jti); got != rows {
		t.Errorf("the session has %d rows, want %d", got, rows)
	}
	if got := count(t, db, sessionLive, jti); got != live {
		t.Errorf("the session has %d live tokens, want %d", got, live)
	}
}

func TestOf64RotationsOverAsManyPoolsOneWins(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		const racers = 64
		db := migrated(t, d.open(t), &account{})
		stores := make([]core.Store, racers)
		for i := range stores {
			stores[i] = models.NewStore(d.open(t))
		}
		for range 5 {
			jti := login(t, stores[0], "")
			var wins atomic.Int64
			errs := make([]error, racers)
			var group sync.WaitGroup
			for i, store := range stores {
				group.Go(func() {
					_, ok, err := store.Rotate(t.Context(), rotation(jti))
					if errs[i] = err; ok {
						wins.Add(1)
					}
				})
			}
			group.Wait()
			must(t, errors.Join(errs...))
			if wins.Load() != 1 {
				t.Errorf("%d of %d rotations of one token won, want 1", wins.Load(), racers)
			}
			wantRows(t, db, jti, 2, 1)
		}
	})
}

func TestOfRotationsInTwoProcessesOneWins(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		store := models.NewStore(db)
		children := []*child{startChild(t, taskRace, d), startChild(t, taskRace, d)}
		for range 20 {
			jti := login(t, store, "")
			wins := 0
			for _, c := range children {
				c.ask(t, jti)
			}
			for _, c := range children {
				answer := c.answer(t)
				n, err := strconv.Atoi(answer)
				if err != nil {
					t.Fatalf("a second process answers %q", answer)
				}
				wins += n
			}
			if wins != 1 {
				t.Errorf("%d rotations of one token won, want 1", wins)
			}
			wantRows(t, db, jti, 2, 1)
		}
	})
}

func TestNothingIsUsableAfterRevokeOfASessionThatTwoProcessesRotate(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		const rounds = 100
		db := migrated(t, d.open(t), &account{})
		store := models.NewStore(db)
		user, err := addAccount(t.Context(), db, "ada")
		must(t, err)
		children := []*child{startChild(t, taskRotate, d), startChild(t, taskRotate, d)}
		for round := range rounds {
			session := login(t, store, user)
			for _, c := range children {
				c.ask(t, session)
			}
			time.Sleep(mathrand.N(10 * time.Millisecond)) // The sweep meets chains of every length.
			scope := core.Scope{SessionID: session}
			if round%2 == 1 {
				scope = core.Scope{UserID: user}
			}
			_, err := store.Revoke(t.Context(), scope, core.ReasonLogout, now)
			must(t, err)
			if live := count(t, db, sessionLive, session); live != 0 {
				t.Errorf("round %d: %d live tokens after Revoke", round, live)
			}
			for _, c := range children {
				if answer := c.answer(t); answer[0] == 'e' {
					t.Fatalf("round %d: a second process answers %q", round, answer)
				}
			}
			if live := count(t, db, sessionLive, session); live != 0 {
				t.Errorf("round %d: %d live tokens after the clients gave up", round, live)
			}
		}
	})
}

func TestNothingIsUsableAfterRevokeOfASessionThatRotatesWithoutConsume(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		store := models.NewStore(db)
		for range 50 {
			session := login(t, store, "")
			errs := make([]error, 4)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() {
					for ok := true; ok && errs[i] == nil; {
						r := rotation(session)
						r.Consume = false
						_, ok, errs[i] = store.Rotate(t.Context(), r)
					}
				})
			}
			time.Sleep(mathrand.N(3 * time.Millisecond))
			_, err := store.Revoke(t.Context(), core.Scope{SessionID: session}, core.ReasonLogout, now)
			must(t, err)
			group.Wait()
			must(t, errors.Join(errs...))
			if live := count(t, db, sessionLive, session); live != 0 {
				t.Fatalf("%d live tokens after Revoke", live)
			}
		}
	})
}

func TestSeveralProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := d.open(t)
		must(t, db.AutoMigrate(&account{}))
		children := make([]*child, 6)
		for i := range children {
			children[i] = startChild(t, taskMigrate, d)
		}
		for _, c := range children {
			c.ask(t, "")
		}
		for _, c := range children {
			if answer := c.answer(t); answer != strconv.Itoa(childClients) {
				t.Errorf("a second process answers %q", answer)
			}
		}
	})
}

func TestWritersOfOneStoreDoNotMeetAtSQLitesLock(t *testing.T) {
	t.Parallel()
	d := onSQLite(t)
	db := migrated(t, d.open(t), &account{})
	user := account{Username: "ada", Password: "old"}
	must(t, db.Create(&user).Error)
	d.dsn = strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(0)", 1)
	var seen outage
	shaky := openShaky(t, d, &seen)
	store, users := models.NewStore(shaky), models.NewUsers[account](shaky)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for range 20 {
				token := firstToken(&user)
				_, err := store.RecordLogin(t.Context(), token, users, &user)
				_, _, rotateErr := store.Rotate(t.Context(), rotation(token.JTI))
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
	must(t, errors.Join(errs...))
	if seen.failures > 0 {
		t.Errorf("%d statements failed, and were tried again after a pause", seen.failures)
	}
}
