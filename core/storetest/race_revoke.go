package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	revokeRounds    = 50
	minRevokeRounds = 10 // on a machine that takes maxRevokeTime for them
	maxRevokeTime   = 10 * time.Second
	revokeClients   = 3
	// maxRotations bounds a client, so that a store whose sessions cannot be ended fails instead of hanging.
	maxRotations = 40
)

func revokeRaceCases() []testCase {
	const rule = "once Revoke has returned, no token of the scope is usable, nor one that a concurrent Rotate records: " +
		"a child that is being born while the sweep runs is invisible to it, so it sweeps until it finds none"
	session := func(t core.OutstandingToken) core.Scope { return core.Scope{SessionID: t.SessionID} }
	user := func(t core.OutstandingToken) core.Scope { return core.Scope{UserID: t.UserID} }
	return []testCase{{
		name: "after Revoke of a session no token of it is active, however often it is rotated",
		rule: rule,
		run:  func(e *env) { raceRevoke(e, session, true) },
	}, {
		name: "after Revoke of a user no token of theirs is active, however often it is rotated",
		rule: rule,
		run:  func(e *env) { raceRevoke(e, user, true) },
	}, {
		name: "after Revoke no token is active that a rotation without Consume records",
		rule: rule + "; without Consume no unique row orders the two, so the rotation has to look again as well",
		run:  func(e *env) { raceRevoke(e, session, false) },
	}}
}

func raceRevoke(e *env, scope func(core.OutstandingToken) core.Scope, consume bool) {
	start := time.Now()
	for round := range revokeRounds {
		if round >= minRevokeRounds && time.Since(start) > maxRevokeTime {
			return
		}
		first := e.recordLogin()
		race := &revokeRace{env: e, first: first, consume: consume, warm: int64(round % 7), ready: make(chan struct{}), jtis: []string{first.JTI}}
		runConcurrently(e, revokeClients+1, func(i int, s core.Store) (struct{}, error) {
			if i < revokeClients {
				return struct{}{}, race.rotateUntilEnded(s)
			}
			return struct{}{}, race.revokeScope(s, scope(first))
		})
		for _, jti := range race.jtis {
			if row := e.loadState(jti, "").Presented; row != nil && !row.Blacklisted {
				e.Fatalf("round %d: a token of %d in the session is usable after Revoke", round, len(race.jtis))
				return
			}
		}
	}
}

// revokeRace is a session that clients rotate as fast as they can while it is revoked.
type revokeRace struct {
	*env
	first   core.OutstandingToken
	consume bool
	// warm is how many rotations there are before the sweep starts, so that it meets chains of every length.
	warm      int64
	rotations atomic.Int64
	ready     chan struct{}
	once      sync.Once
	revoked   atomic.Bool

	mu sync.Mutex
	// jtis are all that a rotation was asked to record, whatever it answered.
	jtis []string
}

// client rotates, and goes on from the head where another one was faster, until the session is over.
func (r *revokeRace) rotateUntilEnded(s core.Store) error {
	defer r.once.Do(func() { close(r.ready) })
	jti := r.first.JTI
	for range maxRotations {
		if r.rotations.Load() >= r.warm {
			r.once.Do(func() { close(r.ready) })
		}
		over := r.revoked.Load()
		next, ok, err := r.rotateOnce(s, jti)
		if err != nil {
			return err
		}
		if ok && over {
			return errors.New("a rotation that began after Revoke had returned succeeded")
		}
		if ok {
			jti = next
			continue
		}
		state, err := s.State(r.ctx, jti, r.first.SessionID)
		if err != nil || !r.consume || state.Latest == nil || state.Latest.Blacklisted {
			return err
		}
		jti = state.Latest.JTI
	}
	return nil
}

func (r *revokeRace) rotateOnce(s core.Store, jti string) (string, bool, error) {
	next := r.newRotation(jti)
	next.Consume = r.consume
	r.mu.Lock()
	r.jtis = append(r.jtis, next.NewJTI)
	r.mu.Unlock()
	_, ok, err := s.Rotate(r.ctx, next)
	if ok {
		r.rotations.Add(1)
	}
	return next.NewJTI, ok, err
}

func (r *revokeRace) revokeScope(s core.Store, scope core.Scope) error {
	<-r.ready
	if _, err := s.Revoke(r.ctx, scope, core.ReasonAdmin, now); err != nil {
		return err
	}
	r.revoked.Store(true)
	state, err := s.State(r.ctx, r.first.JTI, r.first.SessionID)
	// Without Consume the newest row may be that of a rotation which has not answered yet and will take it back.
	if err == nil && r.consume && (state.Latest == nil || !state.Latest.Blacklisted) {
		return errors.New("the session's head is not on the blacklist after Revoke has returned")
	}
	return err
}
