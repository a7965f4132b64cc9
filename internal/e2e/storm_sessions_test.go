package e2e

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// refreshStep is a refresh: the token that was sent and the one that came back.
type refreshStep struct{ sent, got string }

// TestStorm_LostAnswers has the three tabs of each session lose a third of the answers. A tab that lost one sends the
// token it had again, which the others have rotated meanwhile, and so falls generations behind. No tab may be logged out.
func TestStorm_LostAnswers(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	const sessions, tabs = 8, 3
	refreshes := max(testlevel.Rounds(120), 40)
	s := newStorm(t, recommended, newPostgres(t))
	exchanges := make([][]refreshStep, sessions*tabs)
	first := make([]string, sessions)
	for i := range first {
		first[i] = s.login()
	}
	var wg sync.WaitGroup
	for i := range exchanges {
		wg.Go(func() {
			held := first[i/tabs]
			for range refreshes {
				r := s.refresh(t.Context(), rand.N(2), held)
				if r.status != http.StatusOK {
					t.Errorf("a client whose answers get lost is answered %v, want 200", r)
					return
				}
				exchanges[i] = append(exchanges[i], refreshStep{held, r.token})
				if rand.N(3) > 0 {
					held = r.token
				}
			}
		})
	}
	wg.Wait()
	behind := 0
	for i, token := range first {
		generations := s.wantChain(s.readJTI(token))
		for _, ofTab := range exchanges[i*tabs : (i+1)*tabs] {
			for _, e := range ofTab {
				sent, ok1 := generations[s.readJTI(e.sent)]
				got, ok2 := generations[s.readJTI(e.got)]
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

// rotator refreshes one session's tokens until it is rejected, or should be.
type rotator struct {
	got   []string
	last  reply
	ended time.Time
}

func (r *rotator) rotateUntilRejected(s *storm, token string, latest *atomic.Pointer[string], loggedOut *atomic.Bool) {
	for {
		after := loggedOut.Load()
		a := s.refresh(s.t.Context(), 0, token)
		if a.status != http.StatusOK || after {
			r.last, r.ended = a, time.Now()
			return
		}
		got := a.token
		r.got = append(r.got, got)
		latest.Store(&got)
		token = got
	}
}

// TestStorm_LogoutAgainstRotations logs out while six clients rotate the session's tokens: none may be good afterwards.
func TestStorm_LogoutAgainstRotations(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	rounds := testlevel.Rounds(300)
	s := newStorm(t, `, "ROTATION_GRACE_PERIOD": "1m"`, newPostgres(t))
	for round := range rounds {
		logoutAgainstRotators(s, round)
		if t.Failed() {
			t.Fatalf("in round %d of %d", round+1, rounds)
		}
	}
}

// logoutAgainstRotators logs out at the other process, with the first or the latest token of the session.
func logoutAgainstRotators(s *storm, round int) {
	s.t.Helper()
	first := s.login()
	var latest atomic.Pointer[string]
	latest.Store(&first)
	var loggedOut atomic.Bool
	var rotators [6]rotator
	var wg sync.WaitGroup
	for i := range rotators {
		wg.Go(func() { rotators[i].rotateUntilRejected(s, first, &latest, &loggedOut) })
	}
	s.await(rand.N(12))
	token := first
	if round%2 == 0 {
		token = *latest.Load()
	}
	start := time.Now()
	if r := s.post(s.t.Context(), 1, "/api/token/blacklist/", token); r.status != http.StatusOK {
		s.t.Errorf("the logout is answered %v, want 200", r)
	}
	loggedOut.Store(true)
	wg.Wait()
	tokens := map[string]bool{first: true}
	for _, r := range rotators {
		if r.last.status != http.StatusUnauthorized || r.ended.Before(start) {
			s.t.Errorf("a client that rotates ends with %v, want 401 after the logout", r.last)
		}
		for _, token := range r.got {
			tokens[token] = true
		}
	}
	for _, r := range s.readRecords(s.readJTI(first)) {
		if r.reason == active {
			s.t.Errorf("token %s is active after the logout", r.jti)
		}
	}
	wantRejected(s, tokens)
}

// wantRejected presents each token to one of the processes.
func wantRejected(s *storm, tokens map[string]bool) {
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
