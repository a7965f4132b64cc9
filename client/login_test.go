package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		field  string
		fields map[string]any
		want   map[string]any
	}{
		{"the name and the password", "", nil, map[string]any{"username": "alice", "password": password}},
		{"the name in another field", "email", nil, map[string]any{"email": "alice", "password": password}},
		{"further fields", "", map[string]any{"device_name": "laptop", "otp": 123456.0, "password": "x"},
			map[string]any{"username": "alice", "password": password, "device_name": "laptop", "otp": 123456.0}},
	} {
		t.Run("the login sends "+c.name, func(t *testing.T) {
			t.Parallel()
			var got map[string]any
			api, err := client.New(client.Config{BaseURL: base, UsernameField: c.field, Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if r.Method != http.MethodPost || r.URL.String() != base+"/api/token/" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "" {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				return newResponse(r, 200, `{"access":"a","refresh":"r"}`), nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			if err := api.Login(t.Context(), "alice", password, c.fields); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("the body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogin_Device(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		if err := server.newClient().Login(t.Context(), "alice", password, map[string]any{"device_name": "build server"}); err != nil {
			t.Fatal(err)
		}
		sessions, err := server.auth.Sessions(t.Context(), "1")
		if err != nil || len(sessions) != 1 || sessions[0].Name != "build server" {
			t.Errorf("sessions %+v, %v", sessions, err)
		}
	})
}

// TestLogin_Fails checks that a failed login keeps the current session, and that no password is sent twice.
func TestLogin_Fails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		password string
		fields   map[string]any
		failure  http.HandlerFunc
		status   int
		text     string
	}{
		{"a wrong password", "wrong", nil, nil, 401, "login: 401: No active account found with the given credentials"},
		{"an empty password", "", nil, nil, 400, "login: 400: password: This field may not be blank."},
		{"a 503", password, nil, respondWith(503, "", "Retry-After", "7"), 503, "login: 503 Service Unavailable"},
		{"a 429", password, nil, respondWith(429, `{"detail":"Slowly."}`), 429, "login: 429: Slowly."},
		{"a response without a refresh token", password, nil, respondWith(200, `{"access":"a"}`), 200, "login: 200 OK: the response holds no tokens"},
		{"a lost response", password, nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "login: EOF"},
		{"no response", password, nil, neverRespond, 0, "login: context deadline exceeded"},
		{"a field that can't be sent", password, map[string]any{"x": func() {}}, nil, -1, "login: encode the fields: json: unsupported type: func()"},
	} {
		t.Run("the session stays after "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil)
				api := server.newLoggedInClient()
				var asked atomic.Int64
				if c.failure != nil {
					server.serve(t, "api.example:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
						asked.Add(1)
						c.failure(rw, r)
					}))
					server.transport.CloseIdleConnections()
				}
				start := time.Now()
				err := api.Login(t.Context(), "alice", c.password, c.fields)
				var authErr *client.Error
				if err == nil || err.Error() != c.text || errors.As(err, &authErr) != (c.status >= 0) || (authErr != nil && authErr.Status != c.status) || errors.Is(err, client.ErrSessionEnded) {
					t.Errorf("Login: %v (%+v), want %q", err, authErr, c.text)
				}
				if asked.Load() > 1 {
					t.Errorf("the password was sent %d times", asked.Load())
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
				if c.failure == nil {
					wantAlice(t, api)
					server.wantHits("/api/token/", 2-max(0, -c.status))
				}
			})
		})
	}
}

// TestLogin_DuringRefresh checks that the login counts, whichever ends first. Requests wait for a login under way.
func TestLogin_DuringRefresh(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		var memory client.Memory
		server := newTestServer(t, nil)
		api := server.newLoggedInClient(withStore(&memory))
		time.Sleep(5 * time.Minute)
		runConcurrently(20, func(i int) {
			if i%10 == 0 {
				if err := api.Login(t.Context(), "alice", password, nil); err != nil {
					t.Error(err)
				}
			}
			wantAlice(t, api)
		})
		wantAlice(t, server.newClient(withStore(&memory)))
	})
}

func TestLogin_DuringHangingRefresh(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead(refreshPath, -1, neverRespond))
		api := server.newLoggedInClient()
		time.Sleep(5 * time.Minute)
		var wg sync.WaitGroup
		wg.Go(func() { wantError(t, api, context.DeadlineExceeded) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := api.Login(ctx, "alice", password, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Login with a second: %v", err)
		}
		if err := api.Login(t.Context(), "alice", password, nil); err != nil {
			t.Errorf("Login: %v", err)
		}
		wg.Wait()
		wantAlice(t, api)
	})
}

func TestLogout(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var memory client.Memory
		api := server.newLoggedInClient(withStore(&memory), func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
		other := server.newClient(withStore(&memory))
		time.Sleep(5 * time.Minute)
		wantAlice(t, other) // rotates, so that api has an old token
		time.Sleep(time.Minute)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		if sessions, err := server.auth.Sessions(t.Context(), "1"); err != nil || len(sessions) != 0 {
			t.Errorf("sessions %v, %v; want none", sessions, err)
		}
		if tokens, _ := memory.Load(t.Context()); tokens != (client.Tokens{}) {
			t.Error("the store still has tokens")
		}
		wantError(t, api, client.ErrNotLoggedIn)
		time.Sleep(5 * time.Minute)
		wantError(t, other, client.ErrNotLoggedIn)
		server.wantHits(refreshPath, 1)
		server.wantHits(logoutPath, 1)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout once more: %v", err)
		}
		server.wantHits(logoutPath, 1)
		if err := api.Login(t.Context(), "alice", password, nil); err != nil {
			t.Error(err)
		}
		wantAlice(t, api)
	})
}

// TestLogout_Fails checks that the tokens are forgotten in any case.
func TestLogout_Fails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		ended  bool // whether the context has ended
		answer http.HandlerFunc
		tries  int
		over   bool
		text   string
	}{
		{"no response", false, neverRespond, 4, false, "logout: context deadline exceeded"},
		{"a 503", false, respondWith(503, ""), 4, false, "logout: 503 Service Unavailable"},
		{"a 404", false, respondWith(404, ""), 1, false, "logout: 404 Not Found"},
		{"a redirect", false, respondWith(301, "", "Location", "/"), 1, false, "logout: 301 Moved Permanently: a redirect is not followed: check the URL and its slash at the end"},
		{"a 401", false, respondWith(401, `{"detail":"Token is blacklisted"}`), 1, true, "logout: the session has ended: 401: Token is blacklisted"},
		{"a context that has ended", true, respondWith(500, ""), 0, false, "logout: context canceled"},
	} {
		t.Run("the tokens are forgotten after "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var memory client.Memory
				server := newTestServer(t, nil, respondInstead(logoutPath, -1, c.answer))
				api := server.newLoggedInClient(withStore(&memory))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.ended {
					cancel()
				}
				if err := api.Logout(ctx); err == nil || err.Error() != c.text || errors.Is(err, client.ErrSessionEnded) != c.over {
					t.Errorf("Logout: %v, want %q", err, c.text)
				}
				server.wantHits(logoutPath, c.tries)
				if tokens, _ := memory.Load(t.Context()); tokens != (client.Tokens{}) {
					t.Error("the store still has tokens")
				}
				wantError(t, api, client.ErrNotLoggedIn)
			})
		})
	}
}

// TestLogout_LostAnswer accepts that the server calls the token of the second try blacklisted.
func TestLogout_LostAnswer(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, loseResponses(logoutPath, 1))
		if err := server.newLoggedInClient().Logout(t.Context()); err != nil && !errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("Logout: %v", err)
		}
		server.wantHits(logoutPath, 2)
	})
}

func TestLogout_StoreFails(t *testing.T) {
	t.Parallel()
	for _, load := range []bool{true, false} {
		name := map[bool]string{true: "saving fails", false: "loading and saving fail"}[load]
		t.Run("the tokens are forgotten though "+name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil)
				var store hookedStore
				pair, _, err := server.auth.ObtainPair(t.Context(), "alice", password)
				if err != nil {
					t.Fatal(err)
				}
				_ = store.Memory.Save(t.Context(), client.Tokens{Access: pair.Access, Refresh: pair.Refresh})
				store.save = func(context.Context, client.Tokens) error { return errDisk }
				if !load {
					store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
				}
				api := server.newClient(withStore(&store))
				if err := api.Logout(t.Context()); !errors.Is(err, errDisk) {
					t.Errorf("Logout: %v, want the error of the store", err)
				}
				store.load = nil
				wantError(t, api, client.ErrNotLoggedIn) // though the store still has tokens
			})
		})
	}
}

func TestLogout_SessionEnded(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		api := server.newLoggedInClient()
		server.revokeSessions()
		time.Sleep(5 * time.Minute)
		wantError(t, api, client.ErrSessionEnded)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		server.wantHits(logoutPath, 0)
		wantError(t, api, client.ErrNotLoggedIn)
	})
}

// TestLogout_DuringRefresh checks that a logout waits for a refresh until its own context ends, and then forgets the tokens for good.
func TestLogout_DuringRefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		hangs time.Duration
		took  time.Duration
		fine  bool
	}{{"a refresh that ends", time.Second, time.Second, true}, {"a refresh that hangs", time.Hour, 2 * time.Second, false}} {
		t.Run("the logout waits for "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var memory client.Memory
				server := newTestServer(t, nil, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == refreshPath {
							body, _ := io.ReadAll(r.Body)
							r.Body = io.NopCloser(strings.NewReader(string(body)))
							select {
							case <-time.After(c.hangs):
							case <-r.Context().Done():
							}
						}
						next.ServeHTTP(w, r)
					})
				})
				api := server.newLoggedInClient(withStore(&memory), func(c *client.Config) { c.TryTimeout = time.Minute })
				time.Sleep(5 * time.Minute)
				var wg sync.WaitGroup
				wg.Go(func() {
					if !c.fine {
						wantError(t, api, client.ErrNotLoggedIn)
					} else {
						wantAlice(t, api)
					}
				})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				start := time.Now()
				if err := api.Logout(ctx); (err == nil) != c.fine {
					t.Errorf("Logout: %v", err)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("Logout took %v, want %v", took, c.took)
				}
				wg.Wait()
				time.Sleep(time.Minute)
				if tokens, _ := memory.Load(t.Context()); tokens != (client.Tokens{}) {
					t.Error("the store has tokens again")
				}
				wantError(t, api, client.ErrNotLoggedIn)
			})
		})
	}
}

// TestLogout_BetweenRetries checks that requests that wait for a refresh get ErrNotLoggedIn, and not the error of the last try.
func TestLogout_BetweenRetries(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead(refreshPath, -1, respondWith(503, "", "Retry-After", "9")))
		api := server.newLoggedInClient()
		time.Sleep(5 * time.Minute)
		var wg sync.WaitGroup
		wg.Go(func() { wantError(t, api, client.ErrNotLoggedIn) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := api.Logout(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Logout: %v", err)
		}
		wg.Wait()
		server.wantHits(refreshPath, 1)
	})
}
