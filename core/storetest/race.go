package storetest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	raceSize   = 16 // concurrent calls
	raceRounds = 10
)

// raceCases returns the cases about concurrent calls.
func raceCases() []testCase {
	return []testCase{{
		name: "of concurrent rotations of one token exactly one succeeds",
		rule: "of any number of concurrent calls for one token at most one returns true, over all handles on the data: a second one would fork the session",
		run:  raceRotate,
	}, {
		name: "concurrent rotations without Consume all succeed",
		rule: "without Consume nothing decides between the calls: each records a successor",
		run:  raceWithoutConsume,
	}, {
		name: "of concurrent Rotate, Blacklist and Revoke exactly one consumes the token",
		rule: "won is true for exactly one of all calls that would consume the token, so that each token is consumed once and for one reason",
		run:  raceConsume,
	}, {
		name: "concurrent calls of Record with one jti record it once",
		rule: "recording a jti again changes nothing and is not an error, also if the first call is still running",
		run:  raceRecord,
	}, {
		name: "State reads a session in one snapshot while it rotates",
		rule: "consuming and recording become visible together: a session that rotates always has an active latest token, or retries would be rejected at random",
		run:  raceState,
	}}
}

// runConcurrently calls act n times at once, alternating between both handles, and returns the results once all
// calls have returned. An error fails the case.
func runConcurrently[T any](e *env, n int, act func(i int, s core.Store) (T, error)) []T {
	e.Helper()
	out, errs, start := make([]T, n), make([]error, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		s := e.storeOf(i)
		wg.Go(func() {
			<-start
			out[i], errs[i] = act(i, s)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			e.Fatalf("concurrent calls must not return errors: %v", err)
		}
	}
	return out
}

// storeOf returns the handle for call i.
func (e *env) storeOf(i int) core.Store {
	if i%2 == 0 {
		return e.Store
	}
	return e.second
}

// countTrue returns how many results are true.
func countTrue(results []bool) int {
	n := 0
	for _, yes := range results {
		if yes {
			n++
		}
	}
	return n
}

// raceRotate rotates one token at once and compares the results with the rows.
func raceRotate(e *env) {
	for range raceRounds {
		first := e.recordLogin()
		news := make([]string, raceSize)
		won := runConcurrently(e, raceSize, func(i int, s core.Store) (bool, error) {
			r := e.newRotation(first.JTI)
			news[i] = r.NewJTI
			_, ok, err := s.Rotate(e.ctx, r)
			return ok, err
		})
		if n := countTrue(won); n != 1 {
			e.Errorf("%d of %d concurrent rotations of one token succeeded, want 1", n, raceSize)
		}
		for i, jti := range news {
			if recorded := e.loadState(jti, "").Presented != nil; recorded != won[i] {
				e.Errorf("a rotation that returned %v recorded a successor: %v", won[i], recorded)
			}
			if won[i] {
				e.wantLatest(latestCheck{what: "the session after the race", jti: first.JTI, want: jti})
			}
		}
		e.wantEqual("the presented row", consumedState(first, core.ReasonRotated), e.loadRow(first.JTI))
	}
}

// raceWithoutConsume rotates one token at once without consuming it.
func raceWithoutConsume(e *env) {
	first := e.recordLogin()
	won := runConcurrently(e, raceSize, func(_ int, s core.Store) (bool, error) {
		r := e.newRotation(first.JTI)
		r.Consume = false
		_, ok, err := s.Rotate(e.ctx, r)
		return ok, err
	})
	if n := countTrue(won); n != raceSize {
		e.Errorf("%d of %d concurrent rotations without Consume succeeded, want all", n, raceSize)
	}
	e.wantEqual("the presented row", activeState(first), e.loadRow(first.JTI))
}

// raceConsume consumes one token by all three methods at once, and compares the reasons that the rows have with
// what the calls returned.
func raceConsume(e *env) {
	for range raceRounds {
		first := e.recordLogin()
		var rotated, blacklisted, revoked atomic.Int64
		var successor atomic.Value
		runConcurrently(e, raceSize, func(i int, s core.Store) (struct{}, error) {
			switch i / 2 % 3 {
			case 0:
				r := e.newRotation(first.JTI)
				_, ok, err := s.Rotate(e.ctx, r)
				if ok {
					rotated.Add(1)
					successor.Store(r.NewJTI)
				}
				return struct{}{}, err
			case 1:
				_, won, err := s.Blacklist(e.ctx, first.JTI, nil, core.ReasonLogout, now)
				if won {
					blacklisted.Add(1)
				}
				return struct{}{}, err
			}
			n, err := s.Revoke(e.ctx, core.Scope{SessionID: first.SessionID}, core.ReasonAdmin, now)
			revoked.Add(int64(n))
			return struct{}{}, err
		})
		want := map[core.Reason]int64{e.loadRow(first.JTI).Reason: 1}
		if jti, ok := successor.Load().(string); ok {
			if state := e.loadRow(jti); state.Blacklisted {
				want[state.Reason]++
			}
		}
		got := map[core.Reason]int64{}
		for reason, n := range map[core.Reason]int64{
			core.ReasonRotated: rotated.Load(), core.ReasonLogout: blacklisted.Load(), core.ReasonAdmin: revoked.Load(),
		} {
			if n > 0 {
				got[reason] = n
			}
		}
		e.wantEqual("reasons of consumed tokens, by the rows and by what the calls returned", want, got)
	}
}

// raceRecord records one jti at once with different parents: the row must be that of one call.
func raceRecord(e *env) {
	for range raceRounds {
		jti := e.newID()
		parents := runConcurrently(e, raceSize, func(_ int, s core.Store) (string, error) {
			t := core.OutstandingToken{JTI: jti, UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenExpiry, SessionID: jti, ParentJTI: e.newID()}
			return t.ParentJTI, s.Record(e.ctx, t)
		})
		kept := e.loadRow(jti).ParentJTI
		n := 0
		for _, parent := range parents {
			if parent == kept {
				n++
			}
		}
		if n != 1 {
			e.Errorf("the row of a jti that was recorded concurrently matches %d calls, want one", n)
		}
		e.wantRevoked(core.Scope{SessionID: jti}, 1)
	}
}

// raceState lets one call rotate a session while two others read it, until each side has done enough.
func raceState(e *env) {
	const minRotations, minReads = 20, 50
	first := e.recordLogin()
	var rotated, read, stopped atomic.Int64
	runConcurrently(e, 3, func(i int, s core.Store) (struct{}, error) {
		defer stopped.Add(1)
		if i == 0 {
			jti := first.JTI
			for (rotated.Load() < minRotations || read.Load() < 2*minReads) && stopped.Load() == 0 {
				r := e.newRotation(jti)
				_, ok, err := s.Rotate(e.ctx, r)
				if err != nil {
					return struct{}{}, err
				}
				if !ok {
					return struct{}{}, errors.New("the latest token of a session was not rotated")
				}
				jti = r.NewJTI
				rotated.Add(1)
			}
			return struct{}{}, nil
		}
		for stopped.Load() == 0 {
			state, err := s.State(e.ctx, first.JTI, first.SessionID)
			if err != nil {
				return struct{}{}, err
			}
			if state.Latest == nil || state.Latest.Blacklisted {
				return struct{}{}, errors.New("State of a session that rotates has no active latest token")
			}
			read.Add(1)
		}
		return struct{}{}, nil
	})
}
