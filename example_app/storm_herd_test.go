package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

func TestStormOfAHerdThatRefreshesOneTokenAtOnce(t *testing.T) {
	t.Parallel()
	const herd = 32
	for _, tt := range []struct {
		name   string
		grace  string
		winner int
		newDSN func(testing.TB) string
		rounds int
	}{
		{"one wins on PostgreSQL", "0s", 1, pgtest.DSN, many(300)},
		{"all get one successor within the grace period on PostgreSQL", "1m", herd, pgtest.DSN, many(300)},
		{"one wins on SQLite", "0s", 1, sqliteDSN, many(20)},
		{"all get one successor within the grace period on SQLite", "1m", herd, sqliteDSN, many(20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStorm(t, `, "ROTATION_GRACE_PERIOD": "`+tt.grace+`"`, tt.newDSN(t))
			for round := range tt.rounds {
				token := s.login()
				statuses, successors := map[int]int{}, map[string]bool{}
				for _, r := range s.herd(herd, token) {
					statuses[r.status]++
					if r.status == http.StatusOK {
						successors[s.jti(r.token)] = true
					}
				}
				if statuses[http.StatusOK] != tt.winner || statuses[http.StatusUnauthorized] != herd-tt.winner || len(successors) != 1 {
					t.Errorf("round %d: statuses %v with %d successors, want %d times 200 with one, and else 401",
						round, statuses, len(successors), tt.winner)
				}
				generations := s.wantChain(s.jti(token))
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

func TestStormWhoReloadsAPageTenTimesASecondStaysLoggedIn(t *testing.T) {
	t.Parallel()
	const reloads, interval = 50, 100 * time.Millisecond
	onBothDatabases(t, func(t *testing.T, newDSN func(testing.TB) string) {
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
		s.wantChain(s.jti(first))
	})
}
