package main

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lull is how long a client waits before it comes again that got no token.
const lull = 20 * time.Millisecond

// roamer is a client that refreshes over and over, at either process, always with the last token it got.
type roamer struct {
	first, token string
	statuses     map[int]int
	slowest      time.Duration
}

// roamers are clients, each with a session of its own.
type roamers struct {
	s     *storm
	all   []*roamer
	leave atomic.Bool
	wg    sync.WaitGroup
}

// roam sends clients on their way, until they are told to stop.
func roam(s *storm, clients int, allowed ...int) *roamers {
	s.t.Helper()
	rs := &roamers{s: s}
	for range clients {
		token := s.login()
		rs.all = append(rs.all, &roamer{first: token, token: token, statuses: map[int]int{}})
	}
	s.t.Cleanup(rs.stop)
	rs.roam(allowed...)
	return rs
}

// roam sends the clients on. An answer that is none of the allowed statuses is an error; 0 stands for no answer.
func (rs *roamers) roam(allowed ...int) {
	rs.leave.Store(false)
	for _, r := range rs.all {
		rs.wg.Go(func() {
			for !rs.leave.Load() && r.refresh(rs.s, allowed) {
			}
		})
	}
}

// refresh is one request; it reports whether the answer is an allowed one.
func (r *roamer) refresh(s *storm, allowed []int) bool {
	a := s.refresh(s.t.Context(), rand.N(2), r.token)
	r.statuses[a.status]++
	r.slowest = max(r.slowest, a.took)
	if !slices.Contains(allowed, a.status) {
		s.t.Errorf("a client is answered %v, want one of %v", a, allowed)
		return false
	}
	if a.status != http.StatusOK {
		time.Sleep(lull)
		return true
	}
	r.token = a.token
	return true
}

// stop ends the clients' ways; requests under way are answered before it returns.
func (rs *roamers) stop() {
	rs.leave.Store(true)
	rs.wg.Wait()
}

// wantGoOn stops the clients and has each go on with the last token it got: at once or, where connections to the
// database have to be found dead first, after an allowed refusal. Then it looks at the answers and into the tables. It
// returns how often there was each status.
func (rs *roamers) wantGoOn(allowed ...int) map[int]int {
	rs.s.t.Helper()
	rs.stop()
	allowed = append(allowed, http.StatusOK)
	statuses := map[int]int{}
	for _, r := range rs.all {
		answered := r.statuses[http.StatusOK]
		for late := time.Now().Add(bound); r.statuses[http.StatusOK] == answered; {
			if !r.refresh(rs.s, allowed) {
				break
			}
			if time.Now().After(late) {
				rs.s.t.Errorf("a client does not go on within %v, its answers are %v", bound, r.statuses)
				break
			}
		}
		if r.slowest > bound {
			rs.s.t.Errorf("an answer took %v, want at most %v", r.slowest, bound)
		}
		if generations := rs.s.wantChain(rs.s.jti(r.first)); generations[rs.s.jti(r.token)] != len(generations)-1 {
			rs.s.t.Errorf("the token of a client is number %d of its session, want the last of %d", generations[rs.s.jti(r.token)]+1, len(generations))
		}
		for status, n := range r.statuses {
			statuses[status] += n
		}
	}
	return statuses
}

// wantSome checks that there were answers of each of the statuses: what the test does was felt.
func wantSome(t *testing.T, statuses map[int]int, wanted ...int) {
	t.Helper()
	for _, status := range wanted {
		if statuses[status] == 0 {
			t.Errorf("the answers are %v, want some %d", statuses, status)
		}
	}
}
