package main

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// recommended, after rotating, are the settings of the recommended profile.
const recommended = `, "ROTATION_GRACE_PERIOD": "10s", "REUSE_DETECTION": true, "SESSION_LIFETIME": "720h"`

// step is a refresh: the token that was sent and the one that came back.
type step struct{ sent, got string }

// TestStormNobodyIsLoggedOutWhoseAnswersGetLost has the three tabs of each session lose a third of the answers. A tab that
// lost one comes again with the token it had, while the others have gone on, and so falls generations behind.
func TestStormNobodyIsLoggedOutWhoseAnswersGetLost(t *testing.T) {
	t.Parallel()
	const sessions, tabs = 8, 3
	refreshes := max(many(120), 40)
	s := newStorm(t, recommended, pgtest.DSN(t))
	steps := make([][]step, sessions*tabs)
	first := make([]string, sessions)
	for i := range first {
		first[i] = s.login()
	}
	var wg sync.WaitGroup
	for i := range steps {
		wg.Go(func() {
			held := first[i/tabs]
			for range refreshes {
				r := s.refresh(t.Context(), rand.N(2), held)
				if r.status != http.StatusOK {
					t.Errorf("a client whose answers get lost is answered %v, want 200", r)
					return
				}
				steps[i] = append(steps[i], step{held, r.token})
				if rand.N(3) > 0 {
					held = r.token
				}
			}
		})
	}
	wg.Wait()
	behind := 0
	for i, token := range first {
		generations := s.wantChain(s.jti(token))
		for _, of := range steps[i*tabs : (i+1)*tabs] {
			for _, st := range of {
				sent, ok1 := generations[s.jti(st.sent)]
				got, ok2 := generations[s.jti(st.got)]
				if !ok1 || !ok2 || got <= sent {
					t.Errorf("generation %d (on record: %v) got generation %d (%v), want a later one", sent, ok1, got, ok2)
				}
				if got > sent+1 {
					behind++
				}
			}
		}
	}
	if behind == 0 {
		t.Error("no client was more than one generation behind")
	}
}

// runner refreshes with one session's tokens until it is refused, or should be.
type runner struct {
	got   []string
	last  reply
	ended time.Time
}

func (r *runner) run(s *storm, token string, newest *atomic.Pointer[string], loggedOut *atomic.Bool) {
	for {
		after := loggedOut.Load()
		a := s.refresh(s.t.Context(), 0, token)
		if a.status != http.StatusOK || after {
			r.last, r.ended = a, time.Now()
			return
		}
		got := a.token
		r.got = append(r.got, got)
		newest.Store(&got)
		token = got
	}
}

func TestStormNothingIsUsableAfterALogoutAgainstSixClientsThatRotate(t *testing.T) {
	t.Parallel()
	rounds := many(300)
	s := newStorm(t, `, "ROTATION_GRACE_PERIOD": "1m"`, pgtest.DSN(t))
	for round := range rounds {
		logoutAgainstRunners(s, round)
		if t.Failed() {
			t.Fatalf("in round %d of %d", round+1, rounds)
		}
	}
}

// logoutAgainstRunners logs out, at the other process, with the first token of the session or the newest.
func logoutAgainstRunners(s *storm, round int) {
	s.t.Helper()
	first := s.login()
	var newest atomic.Pointer[string]
	newest.Store(&first)
	var loggedOut atomic.Bool
	var runners [6]runner
	var wg sync.WaitGroup
	for i := range runners {
		wg.Go(func() { runners[i].run(s, first, &newest, &loggedOut) })
	}
	s.await(rand.N(12))
	token := first
	if round%2 == 0 {
		token = *newest.Load()
	}
	begun := time.Now()
	if r := s.post(s.t.Context(), 1, "/api/token/blacklist/", token); r.status != http.StatusOK {
		s.t.Errorf("the logout is answered %v, want 200", r)
	}
	loggedOut.Store(true)
	wg.Wait()
	tokens := map[string]bool{first: true}
	for _, r := range runners {
		if r.last.status != http.StatusUnauthorized || r.ended.Before(begun) {
			s.t.Errorf("a client that rotates ends with %v, want 401 after the logout", r.last)
		}
		for _, token := range r.got {
			tokens[token] = true
		}
	}
	for _, l := range s.chain(s.jti(first)) {
		if l.reason == live {
			s.t.Errorf("token %s is live after the logout", l.jti)
		}
	}
	wantRefused(s, tokens)
}

// wantRefused presents each token to one of the processes.
func wantRefused(s *storm, tokens map[string]bool) {
	var wg sync.WaitGroup
	work := make(chan string)
	for i := range 6 {
		wg.Go(func() {
			for token := range work {
				if r := s.refresh(s.t.Context(), i, token); r.status != http.StatusUnauthorized {
					s.t.Errorf("a token of the session that was ended is answered %v, want 401", r)
				}
			}
		})
	}
	for token := range tokens {
		work <- token
	}
	close(work)
	wg.Wait()
}
