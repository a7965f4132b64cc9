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

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

// TestTheServerEndsTheSession has an administrator end it: all who wait are told why, the hook is called once, and nobody
// asks the server again before the next login.
func TestTheServerEndsTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(s *simplejwt.Settings) { s.OAuthErrors = true })
		var hook []error
		api := w.loggedIn(func(c *client.Config) { c.OnSessionEnd = func(err error) { hook = append(hook, err) } })
		for n := 1; n <= 2; n++ {
			w.revoke()
			time.Sleep(5 * time.Minute)
			start := time.Now()
			all(50, func(int) {
				err := errorOf(t, api, client.ErrSessionEnded)
				var told *client.Error
				if !errors.As(err, &told) || told.Op != "refresh" || told.Status != 401 || told.Code != "token_not_valid" ||
					told.Reason != "revoked" || told.Detail != "Token is blacklisted" {
					t.Errorf("the error is %+v", told)
				}
			})
			w.wantHits(refreshPath, n)
			if took := time.Since(start); took != 0 { // nobody else has the store of a client of its own
				t.Errorf("the refusal was thought over for %v", took)
			}
			time.Sleep(time.Hour)
			start = time.Now()
			err := errorOf(t, api, client.ErrSessionEnded)
			if took := time.Since(start); took != 0 {
				t.Errorf("a later request took %v", took)
			}
			if want := `Get "http://api.example/me": refresh: the session has ended: 401: Token is blacklisted (token_not_valid, revoked)`; err.Error() != want {
				t.Errorf("the error is %q, want %q", err, want)
			}
			w.wantHits(refreshPath, n)
			if len(hook) != n || !errors.Is(hook[n-1], client.ErrSessionEnded) {
				t.Errorf("the hook was called with %v", hook)
			}
			if err := api.Login(t.Context(), "alice", password, nil); err != nil {
				t.Fatal(err)
			}
			wantAlice(t, api)
		}
		w.wantHits("/me", 2)
	})
}

func TestTheHookMayLogIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var api *client.Client
		api = w.loggedIn(func(c *client.Config) {
			c.OnSessionEnd = func(error) {
				wantError(t, api, client.ErrSessionEnded)
				if err := api.Login(context.Background(), "alice", password, nil); err != nil {
					t.Error(err)
				}
				wantAlice(t, api)
			}
		})
		w.revoke()
		time.Sleep(5 * time.Minute)
		wantError(t, api, client.ErrSessionEnded)
		wantAlice(t, api)
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   client.Error
		text   string
	}{
		{"401 of SimpleJWT", answering(401, `{"detail":"Token is expired","code":"token_not_valid"}`),
			client.Error{Status: 401, Detail: "Token is expired", Code: "token_not_valid"}, "401: Token is expired (token_not_valid)"},
		{"400 by field", answering(400, `{"refresh":["This field may not be blank."],"a":["A.","B."],"n":1}`),
			client.Error{Status: 400, Detail: "a: A. a: B. refresh: This field may not be blank."}, "400: a: A. a: B. refresh: This field may not be blank."},
		{"400 of OAuth", answering(400, `{"error":"invalid_grant","error_description":"Gone."}`), client.Error{Status: 400, Detail: "Gone."}, "400: Gone."},
		{"401 without a body", answering(401, ""), client.Error{Status: 401}, "401 Unauthorized"},
		{"401 with another body", answering(401, "<html>"), client.Error{Status: 401}, "401 Unauthorized"},
		{"401 with control characters", answering(401, `{"detail":"a\u001b[2Jb\nc\u007f"}`), client.Error{Status: 401, Detail: "a[2Jbc"}, "401: a[2Jbc"},
		{"401 with a long text", answering(401, `{"detail":"`+strings.Repeat("x", 499)+`ä"}`), client.Error{Status: 401, Detail: strings.Repeat("x", 499)}, "401: " + strings.Repeat("x", 499)},
		{"401 with other types", answering(401, `{"detail":1,"code":[],"reason":{}}`), client.Error{Status: 401}, "401 Unauthorized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil, instead(refreshPath, 1, c.answer))
				api := w.loggedIn()
				time.Sleep(5 * time.Minute)
				err := errorOf(t, api, client.ErrSessionEnded)
				var told *client.Error
				if !errors.As(err, &told) {
					t.Fatalf("the error is %v", err)
				}
				got := client.Error{Status: told.Status, Detail: told.Detail, Code: told.Code}
				if got != c.want || told.Error() != "refresh: the session has ended: "+c.text {
					t.Errorf("the error is %+v, %q", got, told)
				}
				w.wantHits(refreshPath, 1)
			})
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		field  string
		fields map[string]any
		want   map[string]any
	}{
		{"name and password", "", nil, map[string]any{"username": "alice", "password": password}},
		{"another field", "email", nil, map[string]any{"email": "alice", "password": password}},
		{"more fields", "", map[string]any{"device_name": "laptop", "otp": 123456.0, "password": "x"},
			map[string]any{"username": "alice", "password": password, "device_name": "laptop", "otp": 123456.0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got map[string]any
			api, err := client.New(client.Config{BaseURL: base, UsernameField: c.field, Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.Method != http.MethodPost || r.URL.String() != base+"/api/token/" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "" {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				return respond(r, 200, `{"access":"a","refresh":"r"}`), nil
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

func TestTheDeviceOfALogin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if err := w.client().Login(t.Context(), "alice", password, map[string]any{"device_name": "build server"}); err != nil {
			t.Fatal(err)
		}
		sessions, err := w.auth.Sessions(t.Context(), "1")
		if err != nil || len(sessions) != 1 || sessions[0].Name != "build server" {
			t.Errorf("sessions %+v, %v", sessions, err)
		}
	})
}

// TestLoginThatFails keeps the session that is there, and never sends a password twice.
func TestLoginThatFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		password string
		fields   map[string]any
		trouble  http.HandlerFunc
		status   int
		text     string
	}{
		{"a wrong password", "wrong", nil, nil, 401, "login: 401: No active account found with the given credentials"},
		{"no password", "", nil, nil, 400, "login: 400: password: This field may not be blank."},
		{"503", password, nil, answering(503, "", "Retry-After", "7"), 503, "login: 503 Service Unavailable"},
		{"429", password, nil, answering(429, `{"detail":"Slowly."}`), 429, "login: 429: Slowly."},
		{"no refresh token", password, nil, answering(200, `{"access":"a"}`), 200, "login: 200 OK: the answer holds no tokens"},
		{"a lost answer", password, nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "login: EOF"},
		{"no answer", password, nil, hanging, 0, "login: context deadline exceeded"},
		{"a field that can't be sent", password, map[string]any{"x": func() {}}, nil, -1, "login: encode the fields: json: unsupported type: func()"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil)
				api := w.loggedIn()
				var asked atomic.Int64
				if c.trouble != nil {
					w.serve(t, "api.example:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
						asked.Add(1)
						c.trouble(rw, r)
					}))
					w.transport.CloseIdleConnections()
				}
				start := time.Now()
				err := api.Login(t.Context(), "alice", c.password, c.fields)
				var told *client.Error
				if err == nil || err.Error() != c.text || errors.As(err, &told) != (c.status >= 0) || (told != nil && told.Status != c.status) || errors.Is(err, client.ErrSessionEnded) {
					t.Errorf("Login: %v (%+v), want %q", err, told, c.text)
				}
				if asked.Load() > 1 {
					t.Errorf("the password was sent %d times", asked.Load())
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
				if c.trouble == nil {
					wantAlice(t, api)
					w.wantHits("/api/token/", 2-max(0, -c.status))
				}
			})
		})
	}
}

func TestWithoutALogin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var memory client.Memory
		api := w.client(on(&memory))
		wantError(t, api, client.ErrNotLoggedIn)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		if w.dials != 0 {
			t.Errorf("%d connections were made", w.dials)
		}
		pair, _, err := w.auth.ObtainPair(t.Context(), "alice", password) // by another way of logging in
		if err != nil {
			t.Fatal(err)
		}
		if err := memory.Save(t.Context(), client.Tokens{Access: pair.Access, Refresh: pair.Refresh}); err != nil {
			t.Fatal(err)
		}
		wantAlice(t, api)
	})
}

func TestLogout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var memory client.Memory
		api := w.loggedIn(on(&memory), func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
		other := w.client(on(&memory))
		time.Sleep(5 * time.Minute)
		wantAlice(t, other) // rotates, so that the token that api knows is an old one
		time.Sleep(time.Minute)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		if sessions, err := w.auth.Sessions(t.Context(), "1"); err != nil || len(sessions) != 0 {
			t.Errorf("sessions %v, %v; want none", sessions, err)
		}
		if tokens, _ := memory.Load(t.Context()); tokens != (client.Tokens{}) {
			t.Error("the store still has tokens")
		}
		wantError(t, api, client.ErrNotLoggedIn)
		time.Sleep(5 * time.Minute)
		wantError(t, other, client.ErrNotLoggedIn)
		w.wantHits(refreshPath, 1)
		w.wantHits(logoutPath, 1)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout once more: %v", err)
		}
		w.wantHits(logoutPath, 1)
		if err := api.Login(t.Context(), "alice", password, nil); err != nil {
			t.Error(err)
		}
		wantAlice(t, api)
	})
}

// TestLogoutThatFails forgets the tokens all the same.
func TestLogoutThatFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		ended  bool // whether the context has ended
		answer http.HandlerFunc
		tries  int
		over   bool
		text   string
	}{
		{"no answer", false, hanging, 4, false, "logout: context deadline exceeded"},
		{"503", false, answering(503, ""), 4, false, "logout: 503 Service Unavailable"},
		{"404", false, answering(404, ""), 1, false, "logout: 404 Not Found"},
		{"a redirect", false, answering(301, "", "Location", "/"), 1, false, "logout: 301 Moved Permanently: a redirect is not followed: check the URL and its slash at the end"},
		{"401", false, answering(401, `{"detail":"Token is blacklisted"}`), 1, true, "logout: the session has ended: 401: Token is blacklisted"},
		{"a context that has ended", true, answering(500, ""), 0, false, "logout: context canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var memory client.Memory
				w := newWorld(t, nil, instead(logoutPath, -1, c.answer))
				api := w.loggedIn(on(&memory))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.ended {
					cancel()
				}
				if err := api.Logout(ctx); err == nil || err.Error() != c.text || errors.Is(err, client.ErrSessionEnded) != c.over {
					t.Errorf("Logout: %v, want %q", err, c.text)
				}
				w.wantHits(logoutPath, c.tries)
				if tokens, _ := memory.Load(t.Context()); tokens != (client.Tokens{}) {
					t.Error("the store still has tokens")
				}
				wantError(t, api, client.ErrNotLoggedIn)
			})
		})
	}
}

// TestALostAnswerOfALogout tries again, which the server takes for what it is.
func TestALostAnswerOfALogout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, lose(logoutPath, 1))
		if err := w.loggedIn().Logout(t.Context()); err != nil && !errors.Is(err, client.ErrSessionEnded) {
			t.Errorf("Logout: %v", err)
		}
		w.wantHits(logoutPath, 2)
	})
}

func TestLogoutWithAStoreThatFails(t *testing.T) {
	t.Parallel()
	for _, load := range []bool{true, false} {
		bubbleName := map[bool]string{true: "loads", false: "does not load"}[load]
		t.Run(bubbleName, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil)
				var store hooked
				pair, _, err := w.auth.ObtainPair(t.Context(), "alice", password)
				if err != nil {
					t.Fatal(err)
				}
				_ = store.Memory.Save(t.Context(), client.Tokens{Access: pair.Access, Refresh: pair.Refresh})
				store.save = func(context.Context, client.Tokens) error { return errDisk }
				if !load {
					store.load = func(context.Context) (client.Tokens, error) { return client.Tokens{}, errDisk }
				}
				api := w.client(on(&store))
				if err := api.Logout(t.Context()); !errors.Is(err, errDisk) {
					t.Errorf("Logout: %v, want the error of the store", err)
				}
				store.load = nil
				wantError(t, api, client.ErrNotLoggedIn) // whatever the store still has
			})
		})
	}
}

func TestLogoutAfterTheSessionHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		api := w.loggedIn()
		w.revoke()
		time.Sleep(5 * time.Minute)
		wantError(t, api, client.ErrSessionEnded)
		if err := api.Logout(t.Context()); err != nil {
			t.Errorf("Logout: %v", err)
		}
		w.wantHits(logoutPath, 0)
		wantError(t, api, client.ErrNotLoggedIn)
	})
}

// TestLogoutDuringARefresh that hangs waits for it as long as its context lets it, and then forgets the tokens for good.
func TestLogoutDuringARefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		hangs time.Duration
		took  time.Duration
		fine  bool
	}{{"that ends", time.Second, time.Second, true}, {"that hangs", time.Hour, 2 * time.Second, false}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var memory client.Memory
				w := newWorld(t, nil, func(next http.Handler) http.Handler {
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
				api := w.loggedIn(on(&memory), func(c *client.Config) { c.TryTimeout = time.Minute })
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

// TestLogoutBetweenTwoTries of a refresh tells those who wait what has become of it, and not of the server's trouble.
func TestLogoutBetweenTwoTries(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead(refreshPath, -1, answering(503, "", "Retry-After", "9")))
		api := w.loggedIn()
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
		w.wantHits(refreshPath, 1)
	})
}

// TestLoginDuringARefresh is what counts, whichever ends first; requests wait for a login under way.
func TestLoginDuringARefresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var memory client.Memory
		w := newWorld(t, nil)
		api := w.loggedIn(on(&memory))
		time.Sleep(5 * time.Minute)
		all(20, func(i int) {
			if i%10 == 0 {
				if err := api.Login(t.Context(), "alice", password, nil); err != nil {
					t.Error(err)
				}
			}
			wantAlice(t, api)
		})
		wantAlice(t, w.client(on(&memory)))
	})
}

func TestLoginDuringARefreshThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead(refreshPath, -1, hanging))
		api := w.loggedIn()
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
