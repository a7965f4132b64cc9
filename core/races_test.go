package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func TestRotate_ManyAtOnce(t *testing.T) {
	t.Parallel()
	const racers = 64
	for name, c := range map[string]struct {
		options               []authOption
		external              bool
		successes, successors int
	}{
		"without a grace period one refresh succeeds":                                   {[]authOption{withRotation}, false, 1, 1},
		"with a grace period all refreshes get the same successor":                      {[]authOption{withGracePeriod, withReuseDetection}, false, racers, 1},
		"without a grace period one refresh of an external token succeeds":              {[]authOption{withRotation}, true, 1, 1},
		"with a grace period all refreshes of an external token get the same successor": {[]authOption{withGracePeriod, withReuseDetection}, true, racers, 1},
		"without blacklisting each refresh gets its own successor":                      {[]authOption{withRotationOnly}, false, racers, racers},
		"with detection but without a grace period one refresh succeeds":                {[]authOption{withRotation, withReuseDetection}, false, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			raw := e.signExternal(nil)
			if !c.external {
				raw = e.mustLogin().Refresh
			}
			var mu sync.Mutex
			var wg sync.WaitGroup
			successes, successors := 0, map[string]bool{}
			for range racers {
				wg.Go(func() {
					pair, err := e.refreshToken(raw)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						successes++
						successors[e.readJTI(pair.Refresh)] = true
					} else if !errors.Is(err, core.ErrTokenBlacklisted) {
						t.Errorf("another refresh got %v", err)
					}
				})
			}
			wg.Wait()
			rotations := len(e.events.ofType(core.EventRefresh))
			if successes != c.successes || len(successors) != c.successors || rotations != c.successors {
				t.Errorf("%d of %d succeeded with %d successors and %d rotations, want %d with %d",
					successes, racers, len(successors), rotations, c.successes, c.successors)
			}
		})
	}
}

// refreshCase is a refresh that races with what ends its session.
type refreshCase struct {
	name    string
	options []authOption
	prepare func(e *env) (presented, latest string)
	endings []ending
}

func refreshCases() []refreshCase {
	return []refreshCase{
		{"a rotation", []authOption{withGracePeriod, withReuseDetection}, rotateTimes(0), sessionEndings()},
		{"a retry", []authOption{withGracePeriod, withReuseDetection}, rotateTimes(2), sessionEndings()},
		{"a rotation without blacklisting", []authOption{withRotationOnly}, rotateTimes(1), sessionEndings()},
		{"a refresh without rotation", []authOption{withDefaults}, rotateTimes(0), sessionEndings()},
		{"a refresh with SESSION_LIFETIME", []authOption{withSessionLifetime(time.Hour)}, rotateTimes(0), sessionEndings()},
		{"a rotation of an external token", []authOption{withGracePeriod, withReuseDetection}, presentExternal(nil), logoutEndings()},
	}
}

// A session may end between any two calls of a refresh. Afterwards none of its tokens is good, not even the one that the
// refresh returned.
func TestRefresh_SessionEndsMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range refreshCases() {
		dry := newEnv(t, c.options...)
		raw, _ := c.prepare(dry)
		dry.spy.takeCalls()
		dry.mustRefresh(raw)
		calls := dry.spy.takeCalls()
		for _, ending := range c.endings {
			for i := range 2 * len(calls) {
				name := fmt.Sprintf("%s, %s %s %s", c.name, ending.name, []string{"before", "after"}[i%2], calls[i/2])
				e := newEnv(t, c.options...)
				raw, _ := c.prepare(e)
				seen := 0
				interrupt := func(context.Context, string) error {
					seen++
					if seen == i/2+1 {
						if err := ending.end(e, raw); err != nil {
							t.Errorf("%s: the ending: %v", name, err)
						}
					}
					return nil
				}
				if i%2 == 0 {
					e.spy.before = interrupt
				} else {
					e.spy.after = interrupt
				}
				pair, err := e.refreshToken(raw)
				if err != nil && !errors.Is(err, core.ErrTokenBlacklisted) {
					t.Errorf("%s: the refresh: %v", name, err)
				}
				for _, left := range []string{raw, pair.Refresh} {
					if left != "" {
						e.wantRefreshDenied(name, left, core.ErrTokenBlacklisted)
					}
				}
				e.wantSessionEnded(e.readSession(raw))
			}
		}
	}
}

func TestRefresh_ManyWhileSessionEnds(t *testing.T) {
	t.Parallel()
	const racers = 64
	for mode, options := range map[string][]authOption{"with blacklisting": {withGracePeriod, withReuseDetection}, "without blacklisting": {withRotationOnly}} {
		for _, ending := range sessionEndings() {
			t.Run(mode+", "+ending.name+" leaves no active token", func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, options...)
				first := e.mustLogin().Refresh
				begun := make(chan struct{}, racers)
				var wg sync.WaitGroup
				for range racers {
					wg.Go(func() {
						raw := first
						for i := range 50 {
							pair, err := e.refreshToken(raw)
							if i == 0 {
								begun <- struct{}{}
							}
							if err != nil {
								if !errors.Is(err, core.ErrTokenBlacklisted) {
									t.Errorf("a refresh: %v", err)
								}
								return
							}
							raw = pair.Refresh
						}
					})
				}
				for range racers / 8 {
					<-begun
				}
				if err := ending.end(e, first); err != nil {
					t.Errorf("the ending: %v", err)
				}
				wg.Wait()
				e.wantSessionEnded(e.readJTI(first))
				e.wantRefreshDenied("the first token", first, core.ErrTokenBlacklisted)
			})
		}
	}
}
