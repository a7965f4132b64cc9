package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

func TestOneRefreshForAllWhoWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		sleep, ahead  time.Duration
		refused, sent int // answers 401, and requests at all
	}{
		{"well before the end nobody refreshes", 4 * time.Minute, 0, 0, 100},
		{"shortly before the end", 5*time.Minute - 10*time.Second, 0, 0, 100},
		{"after the end", time.Hour, 0, 0, 100},
		{"where only the server knows that it is over", 0, time.Hour, 100, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var together sync.WaitGroup // the server keeps the first hundred until it has all of them
				together.Add(100)
				w := newWorld(t, nil, func(next http.Handler) http.Handler {
					var first atomic.Int64
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/me" && first.Add(1) <= 100 {
							together.Done()
							together.Wait()
						}
						next.ServeHTTP(w, r)
					})
				})
				var store hooked
				loads := 0
				store.load = func(ctx context.Context) (client.Tokens, error) { loads++; return store.Memory.Load(ctx) }
				api := w.loggedIn(on(&store))
				time.Sleep(c.sleep)
				w.ahead = c.ahead
				all(100, func(int) { wantAlice(t, api) })
				want := 1
				if c.sleep == 4*time.Minute {
					want = 0
				}
				w.wantHits(refreshPath, want)
				if loads != want {
					t.Errorf("the store was asked %d times, want %d", loads, want)
				}
				w.wantHits("401", c.refused)
				w.wantHits("/me", c.sent)
			})
		})
	}
}

// TestALate401 holds the first request until another one has refreshed: its 401 says nothing of the new token.
func TestALate401(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, nil, instead("/me", 1, func(w http.ResponseWriter, _ *http.Request) {
			<-release
			w.WriteHeader(401)
		}))
		api := w.loggedIn()
		var wg sync.WaitGroup
		wg.Go(func() { wantAlice(t, api) })
		synctest.Wait()
		w.ahead = time.Hour
		wantAlice(t, api)
		close(release)
		wg.Wait()
		w.wantHits(refreshPath, 1)
		w.wantHits("/me", 4)
	})
}

// TestLostAnswerOfARefresh cuts the connection after the server has rotated: the old token is consumed, and its grace
// period answers the next try with the same successor.
func TestLostAnswerOfARefresh(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(lost, " lost"), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil, lose(refreshPath, lost))
				api := w.loggedIn()
				for range 2 {
					time.Sleep(5 * time.Minute)
					wantAlice(t, api)
				}
				w.wantHits(refreshPath, lost+2)
				for _, token := range w.sent[:lost+1] {
					if token != w.sent[0] {
						t.Error("a try was made with another refresh token")
					}
				}
				if w.sent[lost+1] == w.sent[0] {
					t.Error("the successor was not used")
				}
			})
		})
	}
}

func TestTroubleThatPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		trouble  http.HandlerFunc
		min, max time.Duration // how long the request takes
	}{
		{"500", answering(500, "oops"), 100 * time.Millisecond, time.Second},
		{"502 by a proxy", answering(502, "<html>"), 100 * time.Millisecond, time.Second},
		{"503 that names seconds", answering(503, "{}", "Retry-After", "3"), 3*time.Second + 100*time.Millisecond, 4 * time.Second},
		{"429 that names a date", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		}, 3*time.Second + 100*time.Millisecond, 5 * time.Second},
		{"408", answering(408, ""), 100 * time.Millisecond, time.Second},
		{"cut before the answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 100 * time.Millisecond, time.Second},
		{"cut within the answer", cut(200, `{"access":"`), 100 * time.Millisecond, time.Second},
		{"cut within a refusal", cut(401, "{"), 100 * time.Millisecond, time.Second},
		{"cut within a 500", cut(500, ""), 100 * time.Millisecond, time.Second},
		{"no answer", hanging, 5 * time.Second, 6 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil, instead(refreshPath, 1, c.trouble))
				api := w.loggedIn(func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
				time.Sleep(5 * time.Minute)
				start := time.Now()
				wantAlice(t, api)
				if took := time.Since(start); took < c.min || took > c.max {
					t.Errorf("the request took %v, want %v to %v", took, c.min, c.max)
				}
				w.wantHits(refreshPath, 2)
				if w.sent[0] != w.sent[1] {
					t.Error("the second try was made with another refresh token")
				}
			})
		})
	}
}

func TestTroubleThatLasts(t *testing.T) {
	t.Parallel()
	tokens := fmt.Sprintf(`{"access":%q,"refresh":"r"}`, jwt("{}"))
	for _, c := range []struct {
		name    string
		trouble http.HandlerFunc
		tries   int
		status  int
	}{
		{"503", answering(503, ""), 4, 503},
		{"no answer", hanging, 4, 0},
		{"a long Retry-After", answering(503, "", "Retry-After", "86400"), 1, 503},
		{"a Retry-After that nobody wants to wait for", answering(429, "", "Retry-After", "20"), 1, 429},
		{"403", answering(403, `{"detail":"No."}`), 1, 403},
		{"404", answering(404, ""), 1, 404},
		{"a redirect", answering(308, "", "Location", base+"/elsewhere"), 1, 308},
		{"no JSON", answering(200, "<html>"), 1, 200},
		{"no object", answering(200, "[]"), 1, 200},
		{"no tokens", answering(200, "{}"), 1, 200},
		{"a token that is no word", answering(200, `{"access":"a b"}`), 1, 200},
		{"a token of another type", answering(200, `{"access":1}`), 1, 200},
		{"a good answer that is too long", answering(200, tokens+strings.Repeat(" ", 1<<20)), 1, 200},
		{"a refusal that is too long", answering(401, strings.Repeat(" ", 1<<20+1)), 1, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil, instead(refreshPath, c.tries, c.trouble))
				api := w.loggedIn(func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
				time.Sleep(5 * time.Minute)
				start := time.Now()
				err := errorOf(t, api, nil)
				var told *client.Error
				if !errors.As(err, &told) || told.Status != c.status || told.Op != "refresh" || errors.Is(err, client.ErrSessionEnded) {
					t.Errorf("the error is %v (%+v), want one of a refresh with status %d that is not ErrSessionEnded", err, told, c.status)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
				w.wantHits(refreshPath, c.tries)
				w.wantHits("/elsewhere", 0)
				time.Sleep(time.Minute)
				wantAlice(t, api) // the session has outlived it
			})
		})
	}
}

func TestAnAnswerOfExactlyOneMebibyteIsRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		tokens := fmt.Sprintf(`{"access":%q,"refresh":"r"}`, jwt("{}"))
		w.serve(t, "full.example:80", answering(200, tokens+strings.Repeat(" ", 1<<20-len(tokens))))
		api := w.client(func(c *client.Config) { c.TokenURL = "http://full.example/" })
		if err := api.Login(t.Context(), "alice", password, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestRetryAfterIsHonouredBetweenRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead(refreshPath, 1, answering(429, `{"detail":"Request was throttled."}`, "Retry-After", "40")))
		api := w.loggedIn()
		time.Sleep(5 * time.Minute)
		for range 10 {
			var told *client.Error
			if err := errorOf(t, api, nil); !errors.As(err, &told) || told.Status != 429 || told.RetryAfter != 40*time.Second {
				t.Errorf("the error is %v (%+v), want 429", err, told)
			}
			time.Sleep(3 * time.Second)
		}
		w.wantHits(refreshPath, 1)
		time.Sleep(10 * time.Second)
		wantAlice(t, api)
		w.wantHits(refreshPath, 2)
	})
}

// TestAGoodTokenOutlivesTrouble refreshes early, which fails, while the old token has some seconds left.
func TestAGoodTokenOutlivesTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		trouble http.HandlerFunc
	}{{"503", answering(503, "")}, {"a long Retry-After", answering(503, "", "Retry-After", "30")}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil, instead(refreshPath, -1, c.trouble))
				api := w.loggedIn()
				time.Sleep(5*time.Minute - 9*time.Second)
				wantAlice(t, api)
				wantAlice(t, api)
				time.Sleep(9 * time.Second)
				wantError(t, api, nil)
				w.wantHits("401", 0)
			})
		})
	}
}

func TestARefreshIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead(refreshPath, -1, hanging))
		api := w.loggedIn(func(c *client.Config) { c.Timeout, c.TryTimeout = 7*time.Second, time.Hour })
		time.Sleep(5 * time.Minute)
		start := time.Now()
		wantError(t, api, context.DeadlineExceeded)
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("it took %v, want the 7 s of Config.Timeout", took)
		}
	})
}

// TestWhoeverWaitsMayLeave cancels the request that began a refresh: it returns at once, and the refresh goes on for the
// others.
func TestWhoeverWaitsMayLeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == refreshPath {
					time.Sleep(3 * time.Second)
				}
				next.ServeHTTP(w, r)
			})
		}
		w := newWorld(t, nil, slow)
		api := w.loggedIn()
		time.Sleep(5 * time.Minute)
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := get(ctx, api, base+"/me"); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
			if took := time.Since(start); took != time.Second {
				t.Errorf("who left after 1 s came back after %v", took)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() { wantAlice(t, api) })
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, _, err := get(ctx, api, base+"/me"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who had 2 s got %v", err)
			}
		})
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		w.wantHits(refreshPath, 1)
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("all together took %v, want 3 s", took)
		}
	})
}

// TestNobodyWaits leaves a refresh that nobody waits for any more: it is finished, and its tokens are saved.
func TestNobodyWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var memory client.Memory
		w := newWorld(t, nil, lose(refreshPath, 1))
		api := w.loggedIn(on(&memory))
		before, _ := memory.Load(t.Context())
		time.Sleep(5 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Millisecond); cancel() }()
		if _, _, err := get(ctx, api, base+"/me"); !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		time.Sleep(time.Minute)
		if after, _ := memory.Load(t.Context()); after == before {
			t.Error("no new tokens were saved")
		}
		wantAlice(t, api)
		w.wantHits(refreshPath, 2)
	})
}

func TestWithoutRotationTheRefreshTokenStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var memory client.Memory
		w := newWorld(t, func(s *simplejwt.Settings) { *s = simplejwt.Settings{SigningKey: s.SigningKey} })
		api := w.loggedIn(on(&memory))
		before, _ := memory.Load(t.Context())
		for range 3 {
			time.Sleep(5 * time.Minute)
			wantAlice(t, api)
		}
		after, _ := memory.Load(t.Context())
		if after.Refresh != before.Refresh || after.Access == before.Access {
			t.Error("want the refresh token to stay and the access token to be a new one")
		}
		w.wantHits(refreshPath, 3)
		w.wantHits("401", 0)
	})
}

// TestClocksThatDiffer has a server whose clock is wrong, or that copies the iat of the login into each access token, as
// SimpleJWT does. No request is refused, and none refreshes too early.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ahead time.Duration
		date  bool // whether answers have the server's Date, or the right one
	}{
		{"ahead", time.Hour, true},
		{"behind", -time.Hour, true},
		{"ahead, behind a proxy that knows better", time.Hour, false},
		{"behind, behind a proxy that knows better", -time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var w *world
				w = newWorld(t, nil, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
						if c.date {
							rw.Header().Set("Date", time.Now().Add(w.ahead).UTC().Format(http.TimeFormat))
						}
						next.ServeHTTP(rw, r)
					})
				})
				w.ahead = c.ahead
				var memory client.Memory
				api := w.loggedIn(on(&memory))
				for range 10 {
					time.Sleep(time.Minute)
					wantAlice(t, api)
				}
				w.wantHits("401", 0)
				w.wantHits(refreshPath, 2)

				wantAlice(t, w.client(on(&memory))) // knows nothing of the difference: one request finds out
				n := w.hit(refreshPath) + w.hit("401")
				if n > 4 {
					t.Errorf("a new client was refused or refreshed %d times, want once", n-2)
				}
				time.Sleep(5 * time.Minute)
				other := w.loggedIn(on(&memory))
				wantAlice(t, api) // judges tokens that another process has saved by what it knows
				wantAlice(t, other)
				if more := w.hit(refreshPath) + w.hit("401") - n; more != 0 {
					t.Errorf("%d refreshes and refusals more, want none", more)
				}
			})
		})
	}
}

// handMade is a server whose access tokens have claims of the test's choice.
func handMade(t *testing.T, claims func(login time.Time) string) (api *client.Client, refreshes *int) {
	t.Helper()
	refreshes = new(int)
	login := time.Now()
	config := client.Config{BaseURL: base, Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == refreshPath {
			*refreshes++
		}
		if strings.HasPrefix(r.URL.Path, "/api/token/") {
			body, err := json.Marshal(client.Tokens{Access: jwt(claims(login)), Refresh: "r"})
			return respond(r, 200, string(body)), err
		}
		return respond(r, 200, "alice"), nil
	})}
	api, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	return api, refreshes
}

func TestWhenToRefresh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		claims func(login time.Time) string
		want   int // refreshes in ten minutes, with a request each second
	}{
		{"five minutes", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()+300)
		}, 2},
		{"one minute: a tenth of it earlier", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()+60)
		}, 11},
		{"the iat of the login, as SimpleJWT has it", func(login time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, login.Unix(), time.Now().Unix()+300)
		}, 2},
		{"no iat", func(time.Time) string { return fmt.Sprintf(`{"exp":%d.5}`, time.Now().Unix()+300) }, 2},
		{"no exp", func(time.Time) string { return fmt.Sprintf(`{"iat":%d}`, time.Now().Unix()) }, 0},
		{"an exp that has passed", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()-300)
		}, 0},
		{"an exp that is text", func(time.Time) string { return `{"exp":"tomorrow"}` }, 0},
		{"no JSON", func(time.Time) string { return "exp" }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				api, refreshes := handMade(t, c.claims)
				for range 600 {
					wantAlice(t, api)
					time.Sleep(time.Second)
				}
				if *refreshes != c.want {
					t.Errorf("%d refreshes, want %d", *refreshes, c.want)
				}
			})
		})
	}
}

func TestExpiryDelta(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		delta, life time.Duration
		first       time.Duration // when the first refresh is due
	}{
		{"by default 10 seconds", 0, 5 * time.Minute, 290 * time.Second},
		{"by default a tenth", 0, time.Minute, 54 * time.Second},
		{"as configured", time.Minute, 5 * time.Minute, 240 * time.Second},
		{"at most half", time.Hour, 5 * time.Minute, 150 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, func(s *simplejwt.Settings) { s.AccessTokenLifetime = c.life })
				api := w.loggedIn(func(config *client.Config) { config.ExpiryDelta = c.delta })
				time.Sleep(c.first - time.Nanosecond)
				wantAlice(t, api)
				w.wantHits(refreshPath, 0)
				time.Sleep(time.Nanosecond)
				wantAlice(t, api)
				w.wantHits(refreshPath, 1)
			})
		})
	}
}
