package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// TestStorm_RefreshAtOnce refreshes one token 32 times at once, at two processes. By default it is the one race that runs.
func TestStorm_RefreshAtOnce(t *testing.T) {
	t.Parallel()
	const clients = 32
	for _, tt := range []struct {
		name    string
		grace   string
		winners int
		newDSN  func(*testing.T) string
		rounds  int
	}{
		{"one refresh wins on PostgreSQL", "0s", 1, newPostgres, testlevel.Rounds(300)},
		{"all refreshes get one successor within the grace period on PostgreSQL", "1m", clients, newPostgres, testlevel.Rounds(300)},
		{"one refresh wins on SQLite", "0s", 1, newSQLite, testlevel.Rounds(20)},
		{"all refreshes get one successor within the grace period on SQLite", "1m", clients, newSQLite, testlevel.Rounds(20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStorm(t, `, "ROTATION_GRACE_PERIOD": "`+tt.grace+`"`, tt.newDSN(t))
			for round := range tt.rounds {
				token := s.login()
				statuses, successors := map[int]int{}, map[string]bool{}
				for _, r := range s.refreshAtOnce(clients, token) {
					statuses[r.status]++
					if r.status == http.StatusOK {
						successors[s.readJTI(r.token)] = true
					}
				}
				if statuses[http.StatusOK] != tt.winners || statuses[http.StatusUnauthorized] != clients-tt.winners || len(successors) != 1 {
					t.Errorf("round %d: statuses %v with %d successors, want %d times 200 with one, and else 401",
						round, statuses, len(successors), tt.winners)
				}
				generations := s.wantChain(s.readJTI(token))
				for jti := range successors {
					if len(generations) != 2 || generations[jti] != 1 {
						t.Errorf("round %d: the session has %d rows, want 2, and that of the successor as the second", round, len(generations))
					}
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// page is what a browser keeps of a session: the token of the last answer that reached it.
type page struct {
	token              atomic.Pointer[string]
	answered, canceled atomic.Int64
}

// load sends the requests of a page that was just loaded; they end with ctx.
func (p *page) load(ctx context.Context, s *storm, requests int, pending *sync.WaitGroup) {
	token := *p.token.Load()
	for range requests {
		pending.Go(func() {
			r := s.refresh(ctx, rand.N(2), token)
			switch {
			case r.status == http.StatusOK:
				p.answered.Add(1)
				p.token.Store(&r.token)
			case r.status == 0 && ctx.Err() != nil:
				p.canceled.Add(1)
			default:
				s.t.Errorf("a request of a page is answered %v", r)
			}
		})
	}
}

// TestStorm_PageReloads reloads a page ten times a second, and leaves it at once half of the time: the user stays logged in.
func TestStorm_PageReloads(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	const reloads, interval = 50, 100 * time.Millisecond
	onBothDatabases(t, func(t *testing.T, newDSN func(*testing.T) string) {
		s := newStorm(t, recommended, newDSN(t))
		var p page
		first := s.login()
		p.token.Store(&first)
		var pending sync.WaitGroup
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for i := range reloads {
			ctx := t.Context()
			if i%2 == 0 { // left at once: the browser aborts what is under way
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, rand.N(2*time.Millisecond))
				defer cancel()
			}
			p.load(ctx, s, 1+rand.N(4), &pending)
			<-tick.C
		}
		pending.Wait()
		if p.answered.Load() == 0 || p.canceled.Load() == 0 {
			t.Errorf("%d requests were answered and %d aborted, want some of each", p.answered.Load(), p.canceled.Load())
		}
		if r := s.refresh(t.Context(), 0, *p.token.Load()); r.status != http.StatusOK {
			t.Errorf("after all the reloads the user gets %v, want 200", r)
		}
		s.wantChain(s.readJTI(first))
	})
}
