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
	minRevokeRounds = 10 // on a slow machine, where they take maxRevokeTime
	maxRevokeTime   = 10 * time.Second
	revokeClients   = 3
	// maxRotations limits the rotations of a client, so that a store whose sessions never end fails instead of
	// hanging.
	maxRotations = 40
)

// revokeRaceCases returns the cases about Revoke while tokens of its scope are rotated.
func revokeRaceCases() []testCase {
	const rule = "once Revoke has returned, no token of the scope is active, nor one that a concurrent Rotate records: " +
		"a statement does not see a successor that is inserted while it runs, so Revoke repeats until it finds none"
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
		rule: rule + "; without Consume no unique index orders the two, so the rotation must check again as well",
		run:  func(e *env) { raceRevoke(e, session, false) },
	}}
}

// raceRevoke revokes a scope while clients rotate its session, and then looks for active tokens among all that were
// recorded.
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
				e.Fatalf("round %d: one of %d tokens in the session is active after Revoke", round, len(race.jtis))
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
	// warm is how many rotations run before Revoke starts, so that it meets sessions of every length.
	warm      int64
	rotations atomic.Int64
	ready     chan struct{}
	once      sync.Once
	revoked   atomic.Bool

	mu sync.Mutex
	// jtis are the ids of all successors, whether their rotation succeeded or not.
	jtis []string
}

// rotateUntilEnded rotates a token until its session has ended. If another client was faster it continues with the
// latest token.
func (r *revokeRace) rotateUntilEnded(s core.Store) error {
	defer r.once.Do(func() { close(r.ready) })
	jti := r.first.JTI
	for range maxRotations {
		if r.rotations.Load() >= r.warm {
			r.once.Do(func() { close(r.ready) })
		}
		revoked := r.revoked.Load()
		next, ok, err := r.rotateOnce(s, jti)
		if err != nil {
			return err
		}
		if ok && revoked {
			return errors.New("a rotation that started after Revoke had returned succeeded")
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

// rotateOnce rotates a token, notes the successor's jti and returns it.
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

// revokeScope revokes the scope once the clients have warmed up, and checks the latest token.
func (r *revokeRace) revokeScope(s core.Store, scope core.Scope) error {
	<-r.ready
	if _, err := s.Revoke(r.ctx, scope, core.ReasonAdmin, now); err != nil {
		return err
	}
	r.revoked.Store(true)
	state, err := s.State(r.ctx, r.first.JTI, r.first.SessionID)
	// Without Consume the latest row may belong to a rotation that has not returned yet and will revoke it.
	if err == nil && r.consume && (state.Latest == nil || !state.Latest.Blacklisted) {
		return errors.New("the latest token of the session is not on the blacklist after Revoke has returned")
	}
	return err
}
