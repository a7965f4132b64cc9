package storetest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	raceSize   = 16
	raceRounds = 10
)

func raceCases() []testCase {
	return []testCase{{
		name: "of concurrent rotations of one token exactly one succeeds",
		rule: "of any number of concurrent calls for one token at most one answers true, over all handles on the data: a second one forks the session",
		run:  raceRotate,
	}, {
		name: "concurrent rotations without Consume all succeed",
		rule: "without Consume nothing arbitrates: each call records a successor of its own",
		run:  raceWithoutConsume,
	}, {
		name: "of concurrent Rotate, Blacklist and Revoke exactly one consumes the token",
		rule: "won is true for exactly one of all calls that would consume the token, so that each token ends once and for one reason",
		run:  raceConsume,
	}, {
		name: "concurrent calls of Record with one jti record it once",
		rule: "a jti that is on record already is left as it is, without an error, also when it is being recorded at this moment",
		run:  raceRecord,
	}, {
		name: "State reads a session in one snapshot while it rotates",
		rule: "consuming and recording are seen together: at any time a session that rotates has a live head, or a retry is refused at random",
		run:  raceState,
	}}
}

// together calls act n times at once, in turn on both handles, and returns the answers once all have ended. An error
// fails the case.
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
			e.Fatalf("in a race, which the store has to settle without errors: %v", err)
		}
	}
	return out
}

// handle is one of the two handles on the data.
func (e *env) storeOf(i int) core.Store {
	if i%2 == 0 {
		return e.Store
	}
	return e.second
}

func countTrue(answers []bool) int {
	n := 0
	for _, yes := range answers {
		if yes {
			n++
		}
	}
	return n
}

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
				e.Errorf("a rotation that answered %v recorded a successor: %v", won[i], recorded)
			}
			if won[i] {
				e.wantLatest("the session after the race", first.JTI, "", jti)
			}
		}
		e.wantEqual("the presented row", consumedState(first, core.ReasonRotated), e.loadRow(first.JTI))
	}
}

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

// raceConsume lets a third of the raceSize rotate, a third blacklist, a third revoke, and settles the account by the rows.
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
		e.wantEqual("who consumed a token by the rows, and who says so", want, got)
	}
}

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
			e.Errorf("the row of a jti that was recorded concurrently is that of %d calls, want one", n)
		}
		e.wantRevoked(core.Scope{SessionID: jti}, 1)
	}
}

// raceState lets one racer rotate while two look, each until the other side has done its share.
func raceState(e *env) {
	const steps, looks = 20, 50
	first := e.recordLogin()
	var rotated, looked, stopped atomic.Int64
	runConcurrently(e, 3, func(i int, s core.Store) (struct{}, error) {
		defer stopped.Add(1)
		if i == 0 {
			jti := first.JTI
			for (rotated.Load() < steps || looked.Load() < 2*looks) && stopped.Load() == 0 {
				r := e.newRotation(jti)
				_, ok, err := s.Rotate(e.ctx, r)
				if err != nil {
					return struct{}{}, err
				}
				if !ok {
					return struct{}{}, errors.New("the head of a session was not rotated")
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
				return struct{}{}, errors.New("State of a session that rotates has no live head")
			}
			looked.Add(1)
		}
		return struct{}{}, nil
	})
}
