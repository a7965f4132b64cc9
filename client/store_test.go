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

// TestStore_SavedBeforeUse delays Save: until it returns no request is sent.
func TestStore_SavedBeforeUse(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var store hookedStore
		api := server.newLoggedInClient(withStore(&store))
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
		for range 10 { // these come after the new tokens were received and before they are saved
			wg.Go(func() { wantAlice(t, api) })
		}
		synctest.Wait()
		server.wantHits(refreshPath, 1)
		server.wantHits("/me", 0)
		close(release)
		wg.Wait()
		server.wantHits("/me", 20)
		server.wantHits("401", 0)
	})
}

// TestStore_SlowSave exceeds the timeout of a refresh while its tokens are saved.
func TestStore_SlowSave(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var store hookedStore
		api := server.newLoggedInClient(withStore(&store), func(c *client.Config) { c.Timeout = time.Second })
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
		server.wantHits(refreshPath, 1)
	})
}

// TestStore_SaveFails checks that requests that wait get the error, and that later ones use the tokens in memory.
func TestStore_SaveFails(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var store hookedStore
		api := server.newLoggedInClient(withStore(&store), func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
		time.Sleep(5 * time.Minute)
		tries := 0
		store.save = func(context.Context, client.Tokens) error { tries++; return errDisk }
		runConcurrently(10, func(int) { wantError(t, api, errDisk) })
		if tries != 3 {
			t.Errorf("%d tries to save, want 3", tries)
		}
		server.wantHits("/me", 0)

		for range 3 {
			wantAlice(t, api) // the tokens are in memory
		}
		server.wantHits(refreshPath, 1)

		time.Sleep(5 * time.Minute) // the store still has the token that was rotated, which must not replace the newer one
		wantError(t, api, errDisk)
		wantAlice(t, api)

		time.Sleep(5 * time.Minute)
		store.save = nil
		wantAlice(t, api)
		server.wantHits(refreshPath, 3)
		server.wantHits("401", 0)
		wantAlice(t, server.newClient(withStore(&store))) // another process finds the newest tokens
		server.wantHits(refreshPath, 3)
	})
}

func TestStore_SaveFailsOnce(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var store hookedStore
		api := server.newLoggedInClient(withStore(&store))
		time.Sleep(5 * time.Minute)
		store.save = func(context.Context, client.Tokens) error { store.save = nil; return errDisk }
		wantAlice(t, api)
		wantAlice(t, server.newClient(withStore(&store)))
		server.wantHits(refreshPath, 1)
	})
}

// TestStore_LoginNotSaved checks that the session of the store is not used: it may be that of another user.
func TestStore_LoginNotSaved(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		store := &hookedStore{save: func(context.Context, client.Tokens) error { return errDisk }}
		if err := store.Memory.Save(t.Context(), client.Tokens{Access: tokenWithBogusSignature("{}"), Refresh: "another user's"}); err != nil {
			t.Fatal(err)
		}
		api := server.newClient(withStore(store))
		if err := api.Login(t.Context(), "alice", password, nil); !errors.Is(err, errDisk) {
			t.Errorf("Login: %v, want the error of the store", err)
		}
		wantAlice(t, api)
		time.Sleep(5 * time.Minute)
		wantError(t, api, errDisk)
		wantAlice(t, api)
		server.wantHits("401", 0)
	})
}

func TestStore_LoadFails(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var store hookedStore
		api := server.newLoggedInClient(withStore(&store))
		time.Sleep(5*time.Minute - 5*time.Second)
		store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
		wantAlice(t, api) // the old token has five seconds left
		time.Sleep(5 * time.Second)
		wantError(t, api, errDisk)
		server.wantHits(refreshPath, 0)
		store.load = nil
		wantAlice(t, api)
	})
}

func TestStore_LoadsTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		sleep     time.Duration
		refreshes int
	}{{"valid tokens are used", time.Minute, 0}, {"expired tokens are refreshed once", time.Hour, 1}} {
		t.Run(c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil)
				var memory client.Memory
				server.newLoggedInClient(withStore(&memory))
				time.Sleep(c.sleep)
				api := server.newClient(withStore(&memory))
				runConcurrently(20, func(int) { wantAlice(t, api) })
				server.wantHits(refreshPath, c.refreshes)
			})
		})
	}
}

// TestStore_ConcurrentProcesses has two clients with one store, as two processes would have it. Their access tokens expire at the same
// moment, several times.
func TestStore_ConcurrentProcesses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		grace        time.Duration
		reuse, locks bool
	}{
		{"a grace period", 10 * time.Second, true, false},
		{"no grace period", 0, false, false},
		{"reuse detection and a lock, without a grace period", 0, true, true},
		{"a grace period and a lock", 10 * time.Second, true, true},
	} {
		t.Run("both processes keep the session with "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, func(s *simplejwt.Settings) { s.RotationGracePeriod, s.ReuseDetection = c.grace, c.reuse })
				var store client.Store = new(client.Memory)
				lock := newLockingStore()
				if c.locks {
					store = lock
				}
				processes := []*client.Client{server.newLoggedInClient(withStore(store)), server.newClient(withStore(store))}
				const rounds = 5
				for range rounds {
					time.Sleep(5 * time.Minute)
					runConcurrently(40, func(i int) { wantAlice(t, processes[i%2]) })
				}
				server.wantHits("401", 0)
				if n := server.hitsOf(refreshPath); n < rounds || n > 2*rounds {
					t.Errorf("%d refreshes in %d rounds of two processes", n, rounds)
				}
				if c.locks {
					server.wantHits(refreshPath, rounds)
				}
			})
		})
	}
}

// TestStore_RefreshedByOtherProcess checks that the tokens of another process are used instead of a refresh, before the old ones expire
// and after a 401.
func TestStore_RefreshedByOtherProcess(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, func(s *simplejwt.Settings) { s.RotationGracePeriod = 0 })
		var memory client.Memory
		a, b := server.newLoggedInClient(withStore(&memory)), server.newClient(withStore(&memory))
		wantAlice(t, b)
		for i := range 4 {
			time.Sleep(5*time.Minute - 5*time.Second)
			wantAlice(t, a)
			time.Sleep(time.Minute)
			wantAlice(t, b)
			server.wantHits(refreshPath, 2*i+1)
			server.ahead += time.Hour
			wantAlice(t, b)
			wantAlice(t, a)
			server.wantHits(refreshPath, 2*i+2)
		}
		server.wantHits("401", 8)
	})
}

// TestStore_RejectedByRace rejects a refresh of an active session: another process has rotated, and saves its tokens only now.
func TestStore_RejectedByRace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		save time.Duration // how long after the rejection the other process saves
		good bool          // whether its access token is valid too, or its refresh token only
		end  bool
	}{
		{"tokens saved before are used", 0, true, false},
		{"tokens saved a second later are used", time.Second, true, false},
		{"tokens saved before and expired since are refreshed", 0, false, false},
		{"the session ends if no tokens are saved", time.Hour, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var server *testServer
				var memory client.Memory
				server = newTestServer(t, nil, respondInstead(refreshPath, 1, func(rw http.ResponseWriter, _ *http.Request) {
					pair, _, err := server.auth.ObtainPair(context.Background(), "alice", password)
					if err != nil {
						t.Error(err)
					}
					tokens := client.Tokens{Access: pair.Access, Refresh: pair.Refresh}
					if !c.good {
						tokens.Access = tokenWithBogusSignature(`{"exp":1}`)
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
				api := server.newLoggedInClient(withStore(&memory), func(c *client.Config) { c.OnSessionEnd = func(error) { ended++ } })
				time.Sleep(5 * time.Minute)
				if c.end {
					wantError(t, api, client.ErrSessionEnded)
					time.Sleep(time.Hour) // tokens saved later start a session again
				}
				wantAlice(t, api)
				if (ended == 1) != c.end {
					t.Errorf("the session ended %d times", ended)
				}
			})
		})
	}
}

// TestStore_LoadFailsAfterRejection checks that the session is kept if it is not known whether another process has rotated.
func TestStore_LoadFailsAfterRejection(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		var store hookedStore
		server := newTestServer(t, nil, respondInstead(refreshPath, 1, func(w http.ResponseWriter, _ *http.Request) {
			store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
			w.WriteHeader(401)
		}))
		api := server.newLoggedInClient(withStore(&store))
		time.Sleep(5 * time.Minute)
		if err := wantAnyError(t, api); !errors.Is(err, errDisk) || errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("GET /me: %v, want errDisk and not ErrSessionEnded", err)
		}
		store.load = nil
		wantAlice(t, api)
	})
}

// TestStore_AlwaysOutdated has a store that returns another rejected refresh token at each load: the number of tries is limited.
func TestStore_AlwaysOutdated(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		asked := 0
		store := &hookedStore{load: func(context.Context) (client.Tokens, error) {
			asked++
			return client.Tokens{Refresh: fmt.Sprint(asked)}, nil
		}}
		if err := wantAnyError(t, server.newClient(withStore(store))); errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("a token that was not tried ended the session: %v", err)
		}
		server.wantHits(refreshPath, 3)
	})
}

func TestLocker_Unavailable(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		store := newLockingStore()
		api := server.newLoggedInClient(withStore(store))
		wantAlice(t, api)
		store.held <- struct{}{}
		time.Sleep(5 * time.Minute)
		wantError(t, api, context.DeadlineExceeded)
		<-store.held
		wantAlice(t, api)
		server.wantHits(refreshPath, 1)

		store.held <- struct{}{}
		if err := api.Login(t.Context(), "alice", password, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Login: %v, want an error of the lock", err)
		}
		wantAlice(t, api)
		if err := api.Logout(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Logout: %v, want an error of the lock", err)
		}
		_ = wantAnyError(t, api)
		<-store.held
		wantError(t, api, client.ErrNotLoggedIn)
	})
}
