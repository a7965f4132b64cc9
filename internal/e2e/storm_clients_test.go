package e2e

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// retryDelay is how long a client waits that got no token.
const retryDelay = 20 * time.Millisecond

// refresher is a client that refreshes over and over, at either process, always with the last token it got.
type refresher struct {
	first, token string
	statuses     map[int]int
	slowest      time.Duration
}

// refreshers are clients, each with a session of its own.
type refreshers struct {
	s        *storm
	all      []*refresher
	stopping atomic.Bool
	wg       sync.WaitGroup
}

// startRefreshers logs clients in and starts them. An answer that is none of the allowed statuses is an error; 0 stands for no answer.
func startRefreshers(s *storm, clients int, allowed ...int) *refreshers {
	s.t.Helper()
	rs := &refreshers{s: s}
	for range clients {
		token := s.login()
		rs.all = append(rs.all, &refresher{first: token, token: token, statuses: map[int]int{}})
	}
	s.t.Cleanup(rs.stop)
	rs.start(allowed...)
	return rs
}

// start has the clients refresh until stop is called.
func (rs *refreshers) start(allowed ...int) {
	rs.stopping.Store(false)
	for _, r := range rs.all {
		rs.wg.Go(func() {
			for !rs.stopping.Load() && r.refresh(rs.s, allowed) {
			}
		})
	}
}

// refresh sends one request and reports whether the answer is an allowed one.
func (r *refresher) refresh(s *storm, allowed []int) bool {
	a := s.refresh(s.t.Context(), rand.N(2), r.token)
	r.statuses[a.status]++
	r.slowest = max(r.slowest, a.took)
	if !slices.Contains(allowed, a.status) {
		s.t.Errorf("a client is answered %v, want one of %v", a, allowed)
		return false
	}
	if a.status != http.StatusOK {
		time.Sleep(retryDelay)
		return true
	}
	r.token = a.token
	return true
}

// stop stops the clients; requests under way are answered before it returns.
func (rs *refreshers) stop() {
	rs.stopping.Store(true)
	rs.wg.Wait()
}

// wantActive stops the clients and has each refresh with the last token it got: it succeeds at once or, where lost connections to
// the database have to be noticed first, after an allowed rejection. Then it looks at the answers and into the tables. It
// returns how often there was each status.
func (rs *refreshers) wantActive(allowed ...int) map[int]int {
	rs.s.t.Helper()
	rs.stop()
	allowed = append(allowed, http.StatusOK)
	statuses := map[int]int{}
	for _, r := range rs.all {
		answered := r.statuses[http.StatusOK]
		for late := time.Now().Add(maxWait()); r.statuses[http.StatusOK] == answered; {
			if !r.refresh(rs.s, allowed) {
				break
			}
			if time.Now().After(late) {
				rs.s.t.Errorf("a client gets no token within %v, its answers are %v", maxWait(), r.statuses)
				break
			}
		}
		if r.slowest > maxWait() {
			rs.s.t.Errorf("an answer took %v, want at most %v", r.slowest, maxWait())
		}
		if generations := rs.s.wantChain(rs.s.readJTI(r.first)); generations[rs.s.readJTI(r.token)] != len(generations)-1 {
			rs.s.t.Errorf("the token of a client is number %d of its session, want the last of %d", generations[rs.s.readJTI(r.token)]+1, len(generations))
		}
		for status, n := range r.statuses {
			statuses[status] += n
		}
	}
	return statuses
}

// wantStatuses checks that there were answers of each of the statuses: clients noticed what the test did.
func wantStatuses(t *testing.T, statuses map[int]int, wanted ...int) {
	t.Helper()
	for _, status := range wanted {
		if statuses[status] == 0 {
			t.Errorf("the answers are %v, want some %d", statuses, status)
		}
	}
}
