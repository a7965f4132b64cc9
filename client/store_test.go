package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

// hooked is a Store whose calls go through functions, where there are some.
type hooked struct {
	client.Memory
	load func(context.Context) (client.Tokens, error)
	save func(context.Context, client.Tokens) error
}

func (h *hooked) Load(ctx context.Context) (client.Tokens, error) {
	if h.load != nil {
		return h.load(ctx)
	}
	return h.Memory.Load(ctx)
}

func (h *hooked) Save(ctx context.Context, t client.Tokens) error {
	if h.save != nil {
		return h.save(ctx, t)
	}
	return h.Memory.Save(ctx, t)
}

// locking is a Store with a lock.
type locking struct {
	client.Memory
	held  chan struct{}
	locks int // with the lock held
}

func newLocking() *locking { return &locking{held: make(chan struct{}, 1)} }

func (l *locking) Lock(ctx context.Context) (func(), error) {
	select {
	case l.held <- struct{}{}:
		l.locks++
		return func() { <-l.held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errDisk = errors.New("the disk is full")

// TestTokensAreSavedBeforeTheyAreUsed holds Save: meanwhile no request is sent, and no request has the new token.
func TestTokensAreSavedBeforeTheyAreUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var store hooked
		api := w.loggedIn(on(&store))
		time.Sleep(5 * time.Minute)
		release := make(chan struct{})
		store.save = func(ctx context.Context, tokens client.Tokens) error {
			<-release
			return store.Memory.Save(ctx, tokens)
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { wantAlice(t, api) })
		}
		synctest.Wait()
		for range 10 { // these come while the new tokens are there, and not yet saved
			wg.Go(func() { wantAlice(t, api) })
		}
		synctest.Wait()
		w.wantHits(refreshPath, 1)
		w.wantHits("/me", 0)
		close(release)
		wg.Wait()
		w.wantHits("/me", 20)
		w.wantHits("401", 0)
	})
}

// TestSavingOutlivesTheTimeout lets the time of a refresh run out while its tokens are saved.
func TestSavingOutlivesTheTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var store hooked
		api := w.loggedIn(on(&store), func(c *client.Config) { c.Timeout = time.Second })
		time.Sleep(5 * time.Minute)
		store.save = func(ctx context.Context, tokens client.Tokens) error {
			select {
			case <-time.After(9 * time.Second):
				return store.Memory.Save(ctx, tokens)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		wantAlice(t, api)
		w.wantHits(refreshPath, 1)
	})
}

// TestSaveThatFails tells those who wait, and goes on in memory.
func TestSaveThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var store hooked
		api := w.loggedIn(on(&store), func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
		time.Sleep(5 * time.Minute)
		tries := 0
		store.save = func(context.Context, client.Tokens) error { tries++; return errDisk }
		all(10, func(int) { wantError(t, api, errDisk) })
		if tries != 3 {
			t.Errorf("%d tries to save, want 3", tries)
		}
		w.wantHits("/me", 0)

		for range 3 {
			wantAlice(t, api) // the tokens are in memory
		}
		w.wantHits(refreshPath, 1)

		time.Sleep(5 * time.Minute) // the store still has the token that was rotated: it is not taken for a newer one
		wantError(t, api, errDisk)
		wantAlice(t, api)

		time.Sleep(5 * time.Minute)
		store.save = nil
		wantAlice(t, api)
		w.wantHits(refreshPath, 3)
		w.wantHits("401", 0)
		wantAlice(t, w.client(on(&store))) // another process finds the newest tokens
		w.wantHits(refreshPath, 3)
	})
}

func TestSaveThatFailsOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var store hooked
		api := w.loggedIn(on(&store))
		time.Sleep(5 * time.Minute)
		store.save = func(context.Context, client.Tokens) error { store.save = nil; return errDisk }
		wantAlice(t, api)
		wantAlice(t, w.client(on(&store)))
		w.wantHits(refreshPath, 1)
	})
}

// TestALoginThatWasNotSaved must not fall back to the session that the store has: it may be that of another user.
func TestALoginThatWasNotSaved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		store := &hooked{save: func(context.Context, client.Tokens) error { return errDisk }}
		if err := store.Memory.Save(t.Context(), client.Tokens{Access: jwt("{}"), Refresh: "another user's"}); err != nil {
			t.Fatal(err)
		}
		api := w.client(on(store))
		if err := api.Login(t.Context(), "alice", password, nil); !errors.Is(err, errDisk) {
			t.Errorf("Login: %v, want the error of the store", err)
		}
		wantAlice(t, api)
		time.Sleep(5 * time.Minute)
		wantError(t, api, errDisk)
		wantAlice(t, api)
		w.wantHits("401", 0)
	})
}

func TestLoadThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var store hooked
		api := w.loggedIn(on(&store))
		time.Sleep(5*time.Minute - 5*time.Second)
		store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
		wantAlice(t, api) // the old token has five seconds left
		time.Sleep(5 * time.Second)
		wantError(t, api, errDisk)
		w.wantHits(refreshPath, 0)
		store.load = nil
		wantAlice(t, api)
	})
}

func TestTokensOfTheStoreAreTakenUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		sleep     time.Duration
		refreshes int
	}{{"good ones", time.Minute, 0}, {"expired ones", time.Hour, 1}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil)
				var memory client.Memory
				w.loggedIn(on(&memory))
				time.Sleep(c.sleep)
				api := w.client(on(&memory))
				all(20, func(int) { wantAlice(t, api) })
				w.wantHits(refreshPath, c.refreshes)
			})
		})
	}
}

// TestProcessesOnOneStore lets two clients with one store, as two processes have it, reach the end of an access token
// together, again and again.
func TestProcessesOnOneStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		grace        time.Duration
		reuse, locks bool
	}{
		{"grace", 10 * time.Second, true, false},
		{"no grace", 0, false, false},
		{"no grace, reuse detection, a lock", 0, true, true},
		{"grace, a lock", 10 * time.Second, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, func(s *simplejwt.Settings) { s.RotationGracePeriod, s.ReuseDetection = c.grace, c.reuse })
				var store client.Store = new(client.Memory)
				lock := newLocking()
				if c.locks {
					store = lock
				}
				processes := []*client.Client{w.loggedIn(on(store)), w.client(on(store))}
				const rounds = 5
				for range rounds {
					time.Sleep(5 * time.Minute)
					all(40, func(i int) { wantAlice(t, processes[i%2]) })
				}
				w.wantHits("401", 0)
				if n := w.hit(refreshPath); n < rounds || n > 2*rounds {
					t.Errorf("%d refreshes in %d rounds of two processes", n, rounds)
				}
				if c.locks {
					w.wantHits(refreshPath, rounds)
				}
			})
		})
	}
}

// TestAnotherProcessHasRefreshed finds its tokens instead of refreshing, before the end of the old ones and after a 401.
func TestAnotherProcessHasRefreshed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(s *simplejwt.Settings) { s.RotationGracePeriod = 0 })
		var memory client.Memory
		a, b := w.loggedIn(on(&memory)), w.client(on(&memory))
		wantAlice(t, b)
		for i := range 4 {
			time.Sleep(5*time.Minute - 5*time.Second)
			wantAlice(t, a)
			time.Sleep(time.Minute)
			wantAlice(t, b)
			w.wantHits(refreshPath, 2*i+1)
			w.ahead += time.Hour
			wantAlice(t, b)
			wantAlice(t, a)
			w.wantHits(refreshPath, 2*i+2)
		}
		w.wantHits("401", 8)
	})
}

// TestARefusalByARace refuses a refresh whose session goes on: another process has rotated, and saves what it got only
// now.
func TestARefusalByARace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		save time.Duration // how long after the refusal the other process saves
		good bool          // whether its access token is good, or its refresh token only
		end  bool
	}{
		{"saved before", 0, true, false},
		{"saved a second later", time.Second, true, false},
		{"saved before, and expired since", 0, false, false},
		{"never saved", time.Hour, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var w *world
				var memory client.Memory
				w = newWorld(t, nil, instead(refreshPath, 1, func(rw http.ResponseWriter, _ *http.Request) {
					pair, _, err := w.auth.ObtainPair(context.Background(), "alice", password)
					if err != nil {
						t.Error(err)
					}
					tokens := client.Tokens{Access: pair.Access, Refresh: pair.Refresh}
					if !c.good {
						tokens.Access = jwt(`{"exp":1}`)
					}
					save := func() { _ = memory.Save(context.Background(), tokens) }
					if c.save == 0 {
						save()
					} else {
						time.AfterFunc(c.save, save)
					}
					rw.WriteHeader(401)
				}))
				ended := 0
				api := w.loggedIn(on(&memory), func(c *client.Config) { c.OnSessionEnd = func(error) { ended++ } })
				time.Sleep(5 * time.Minute)
				if c.end {
					wantError(t, api, client.ErrSessionEnded)
					time.Sleep(time.Hour) // and once tokens are saved it goes on
				}
				wantAlice(t, api)
				if (ended == 1) != c.end {
					t.Errorf("the session ended %d times", ended)
				}
			})
		})
	}
}

// TestLoadThatFailsAfterARefusal leaves open whether another process has rotated: the session is not given up.
func TestLoadThatFailsAfterARefusal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var store hooked
		w := newWorld(t, nil, instead(refreshPath, 1, func(w http.ResponseWriter, _ *http.Request) {
			store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
			w.WriteHeader(401)
		}))
		api := w.loggedIn(on(&store))
		time.Sleep(5 * time.Minute)
		if err := errorOf(t, api, errDisk); errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("the session was given up: %v", err)
		}
		store.load = nil
		wantAlice(t, api)
	})
}

// TestAStoreThatIsNeverRight has other refresh tokens, all refused, whenever it is asked: there is an end to it.
func TestAStoreThatIsNeverRight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		asked := 0
		store := &hooked{load: func(context.Context) (client.Tokens, error) {
			asked++
			return client.Tokens{Refresh: fmt.Sprint(asked)}, nil
		}}
		if err := errorOf(t, w.client(on(store)), nil); errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("a token that was not tried ended the session: %v", err)
		}
		w.wantHits(refreshPath, 3)
	})
}

func TestALockThatIsNotToBeHad(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		store := newLocking()
		api := w.loggedIn(on(store))
		wantAlice(t, api)
		store.held <- struct{}{}
		time.Sleep(5 * time.Minute)
		wantError(t, api, context.DeadlineExceeded)
		<-store.held
		wantAlice(t, api)
		w.wantHits(refreshPath, 1)

		store.held <- struct{}{}
		if err := api.Login(t.Context(), "alice", password, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Login: %v, want an error of the lock", err)
		}
		wantAlice(t, api)
		if err := api.Logout(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Logout: %v, want an error of the lock", err)
		}
		wantError(t, api, nil)
		<-store.held
		wantError(t, api, client.ErrNotLoggedIn)
	})
}
