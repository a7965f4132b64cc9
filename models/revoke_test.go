package models_test

import (
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestRevoke_TwoProcessesRotate(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		const rounds = 100
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		processes := []*process{startProcess(t, taskRotate, d), startProcess(t, taskRotate, d)}
		for round := range rounds {
			session := recordLogin(t, store, user)
			for _, p := range processes {
				p.send(t, session)
			}
			time.Sleep(mathrand.N(10 * time.Millisecond)) // so that the sweep finds chains of every length
			scope := core.Scope{SessionID: session}
			if round%2 == 1 {
				scope = core.Scope{UserID: user}
			}
			_, err := store.Revoke(t.Context(), scope, core.ReasonLogout, now)
			requireNoError(t, err)
			if live := countRows(t, db, liveSessionRows, session); live != 0 {
				t.Errorf("round %d: %d live tokens after Revoke", round, live)
			}
			for _, p := range processes {
				if answer := p.receive(t); answer[0] == 'e' {
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
		for range pickByLevel(10, 50) {
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
