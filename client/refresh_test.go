package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

func TestRefresh_ConcurrentRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		sleep, ahead   time.Duration
		rejected, sent int // 401 responses, and requests in all
	}{
		{"well before the expiry cause no refresh", 4 * time.Minute, 0, 0, 100},
		{"shortly before the expiry cause one refresh", 5*time.Minute - 10*time.Second, 0, 0, 100},
		{"after the expiry cause one refresh", time.Hour, 0, 0, 100},
		{"cause one refresh if only the server knows of the expiry", 0, time.Hour, 100, 200},
	} {
		t.Run("100 requests "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var together sync.WaitGroup // the server answers the first hundred once it has all of them
				together.Add(100)
				server := newTestServer(t, nil, func(next http.Handler) http.Handler {
					var first atomic.Int64
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/me" && first.Add(1) <= 100 {
							together.Done()
							together.Wait()
						}
						next.ServeHTTP(w, r)
					})
				})
				var store hookedStore
				loads := 0
				store.load = func(ctx context.Context) (client.Tokens, error) { loads++; return store.Memory.Load(ctx) }
				api := server.newLoggedInClient(withStore(&store))
				time.Sleep(c.sleep)
				server.ahead = c.ahead
				runConcurrently(100, func(int) { wantAlice(t, api) })
				want := 1
				if c.sleep == 4*time.Minute {
					want = 0
				}
				server.wantHits(refreshPath, want)
				if loads != want {
					t.Errorf("the store was loaded %d times, want %d", loads, want)
				}
				server.wantHits("401", c.rejected)
				server.wantHits("/me", c.sent)
			})
		})
	}
}

// TestRefresh_Late401 delays a 401 until another request has refreshed: this 401 is not about the new token.
func TestRefresh_Late401(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		server := newTestServer(t, nil, respondInstead("/me", 1, func(w http.ResponseWriter, _ *http.Request) {
			<-release
			w.WriteHeader(401)
		}))
		api := server.newLoggedInClient()
		var wg sync.WaitGroup
		wg.Go(func() { wantAlice(t, api) })
		synctest.Wait()
		server.ahead = time.Hour
		wantAlice(t, api)
		close(release)
		wg.Wait()
		server.wantHits(refreshPath, 1)
		server.wantHits("/me", 4)
	})
}

// TestRefresh_LostAnswer closes the connection after the server has rotated: the old token is used, and within the grace period the
// next try gets the same successor.
func TestRefresh_LostAnswer(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{1, 2, 3} {
		t.Run(fmt.Sprint("the session survives ", lost, " lost responses"), func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil, loseResponses(refreshPath, lost))
				api := server.newLoggedInClient()
				for range 2 {
					time.Sleep(5 * time.Minute)
					wantAlice(t, api)
				}
				server.wantHits(refreshPath, lost+2)
				for _, token := range server.sent[:lost+1] {
					if token != server.sent[0] {
						t.Error("a try was made with another refresh token")
					}
				}
				if server.sent[lost+1] == server.sent[0] {
					t.Error("the successor was not used")
				}
			})
		})
	}
}

// TestRefresh_FallBack refreshes early, which fails, while the old token has some seconds left.
func TestRefresh_FallBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		failure http.HandlerFunc
	}{{"a 503", respondWith(503, "")}, {"a long Retry-After", respondWith(503, "", "Retry-After", "30")}} {
		t.Run("an unexpired token is used after "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil, respondInstead(refreshPath, -1, c.failure))
				api := server.newLoggedInClient()
				time.Sleep(5*time.Minute - 9*time.Second)
				wantAlice(t, api)
				wantAlice(t, api)
				time.Sleep(9 * time.Second)
				_ = wantAnyError(t, api)
				server.wantHits("401", 0)
			})
		})
	}
}

func TestRefresh_Timeout(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead(refreshPath, -1, neverRespond))
		api := server.newLoggedInClient(func(c *client.Config) { c.Timeout, c.TryTimeout = 7*time.Second, time.Hour })
		time.Sleep(5 * time.Minute)
		start := time.Now()
		wantError(t, api, context.DeadlineExceeded)
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("it took %v, want the 7 s of Config.Timeout", took)
		}
	})
}

// TestRefresh_CanceledRequest cancels the request that started a refresh: it returns at once, and the refresh continues for the other
// requests.
func TestRefresh_CanceledRequest(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		slow := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == refreshPath {
					time.Sleep(3 * time.Second)
				}
				next.ServeHTTP(w, r)
			})
		}
		server := newTestServer(t, nil, slow)
		api := server.newLoggedInClient()
		time.Sleep(5 * time.Minute)
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := getPage(ctx, api, base+"/me"); !errors.Is(err, context.Canceled) {
				t.Errorf("the canceled request got %v", err)
			}
			if took := time.Since(start); took != time.Second {
				t.Errorf("the request canceled after 1 s returned after %v", took)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() { wantAlice(t, api) })
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, _, err := getPage(ctx, api, base+"/me"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the request with 2 s got %v", err)
			}
		})
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		server.wantHits(refreshPath, 1)
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("all together took %v, want 3 s", took)
		}
	})
}

// TestRefresh_AllRequestsCanceled cancels the only request that waits for a refresh: the refresh completes, and its tokens are saved.
func TestRefresh_AllRequestsCanceled(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		var memory client.Memory
		server := newTestServer(t, nil, loseResponses(refreshPath, 1))
		api := server.newLoggedInClient(withStore(&memory))
		before, _ := memory.Load(t.Context())
		time.Sleep(5 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Millisecond); cancel() }()
		if _, _, err := getPage(ctx, api, base+"/me"); !errors.Is(err, context.Canceled) {
			t.Errorf("the canceled request got %v", err)
		}
		time.Sleep(time.Minute)
		if after, _ := memory.Load(t.Context()); after == before {
			t.Error("no new tokens were saved")
		}
		wantAlice(t, api)
		server.wantHits(refreshPath, 2)
	})
}

func TestRefresh_WithoutRotation(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		var memory client.Memory
		server := newTestServer(t, func(s *simplejwt.Settings) { *s = simplejwt.Settings{SigningKey: s.SigningKey} })
		api := server.newLoggedInClient(withStore(&memory))
		before, _ := memory.Load(t.Context())
		for range 3 {
			time.Sleep(5 * time.Minute)
			wantAlice(t, api)
		}
		after, _ := memory.Load(t.Context())
		if after.Refresh != before.Refresh || after.Access == before.Access {
			t.Error("want the refresh token to stay and the access token to be a new one")
		}
		server.wantHits(refreshPath, 3)
		server.wantHits("401", 0)
	})
}

// TestRefresh_SessionEnded has an administrator end the session: all requests that wait get the reason, OnSessionEnd is called once,
// and nothing is sent before the next login.
func TestRefresh_SessionEnded(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, func(s *simplejwt.Settings) { s.OAuthErrors = true })
		var hook []error
		api := server.newLoggedInClient(func(c *client.Config) { c.OnSessionEnd = func(err error) { hook = append(hook, err) } })
		for n := 1; n <= 2; n++ {
			server.revokeSessions()
			time.Sleep(5 * time.Minute)
			start := time.Now()
			runConcurrently(50, func(int) {
				err := wantAnyError(t, api)
				var authErr *client.Error
				if !errors.Is(err, client.ErrSessionEnded) || !errors.As(err, &authErr) || authErr.Op != "refresh" || authErr.Status != 401 || authErr.Code != "token_not_valid" ||
					authErr.Reason != "revoked" || authErr.Detail != "Token is blacklisted" {
					t.Errorf("the error is %+v", authErr)
				}
			})
			server.wantHits(refreshPath, n)
			if took := time.Since(start); took != 0 { // a private store is loaded once
				t.Errorf("the end of the session took %v", took)
			}
			time.Sleep(time.Hour)
			start = time.Now()
			err := wantAnyError(t, api)
			if took := time.Since(start); took != 0 {
				t.Errorf("a later request took %v", took)
			}
			if want := `Get "http://api.example/me": refresh: the session has ended: 401: Token is blacklisted (token_not_valid, revoked)`; !errors.Is(err, client.ErrSessionEnded) || err.Error() != want {
				t.Errorf("the error is %q, want %q", err, want)
			}
			server.wantHits(refreshPath, n)
			if len(hook) != n || !errors.Is(hook[n-1], client.ErrSessionEnded) {
				t.Errorf("the hook was called with %v", hook)
			}
			if err := api.Login(t.Context(), "alice", password, nil); err != nil {
				t.Fatal(err)
			}
			wantAlice(t, api)
		}
		server.wantHits("/me", 2)
	})
}
