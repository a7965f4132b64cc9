package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestRefresh_TemporaryError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		failure  http.HandlerFunc
		min, max time.Duration // how long the request takes
	}{
		{"a 500", respondWith(500, "oops"), 100 * time.Millisecond, time.Second},
		{"a 502 of a proxy", respondWith(502, "<html>"), 100 * time.Millisecond, time.Second},
		{"a 503 with Retry-After in seconds", respondWith(503, "{}", "Retry-After", "3"), 3*time.Second + 100*time.Millisecond, 4 * time.Second},
		{"a 429 with Retry-After as a date", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		}, 3*time.Second + 100*time.Millisecond, 5 * time.Second},
		{"a 408", respondWith(408, ""), 100 * time.Millisecond, time.Second},
		{"a connection closed before the response", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 100 * time.Millisecond, time.Second},
		{"a connection closed within the response", respondPartly(200, `{"access":"`), 100 * time.Millisecond, time.Second},
		{"a connection closed within a 401", respondPartly(401, "{"), 100 * time.Millisecond, time.Second},
		{"a connection closed within a 500", respondPartly(500, ""), 100 * time.Millisecond, time.Second},
		{"no response", neverRespond, 5 * time.Second, 6 * time.Second},
	} {
		t.Run("the refresh is sent again after "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil, respondInstead(refreshPath, 1, c.failure))
				api := server.newLoggedInClient(func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
				time.Sleep(5 * time.Minute)
				start := time.Now()
				wantAlice(t, api)
				if took := time.Since(start); took < c.min || took > c.max {
					t.Errorf("the request took %v, want %v to %v", took, c.min, c.max)
				}
				server.wantHits(refreshPath, 2)
				if server.sent[0] != server.sent[1] {
					t.Error("the second try was made with another refresh token")
				}
			})
		})
	}
}

func TestRefresh_PermanentError(t *testing.T) {
	t.Parallel()
	tokens := fmt.Sprintf(`{"access":%q,"refresh":"r"}`, tokenWithBogusSignature("{}"))
	for _, c := range []struct {
		name    string
		failure http.HandlerFunc
		tries   int
		status  int
	}{
		{"a 503", respondWith(503, ""), 4, 503},
		{"no response", neverRespond, 4, 0},
		{"a long Retry-After", respondWith(503, "", "Retry-After", "86400"), 1, 503},
		{"a Retry-After that is too long to wait for", respondWith(429, "", "Retry-After", "20"), 1, 429},
		{"a 403", respondWith(403, `{"detail":"No."}`), 1, 403},
		{"a 404", respondWith(404, ""), 1, 404},
		{"a redirect", respondWith(308, "", "Location", base+"/elsewhere"), 1, 308},
		{"a response that is not JSON", respondWith(200, "<html>"), 1, 200},
		{"JSON that is not an object", respondWith(200, "[]"), 1, 200},
		{"a response without tokens", respondWith(200, "{}"), 1, 200},
		{"a token with a space", respondWith(200, `{"access":"a b"}`), 1, 200},
		{"a token of another type", respondWith(200, `{"access":1}`), 1, 200},
		{"a valid response that is too long", respondWith(200, tokens+strings.Repeat(" ", 1<<20)), 1, 200},
		{"a 401 that is too long", respondWith(401, strings.Repeat(" ", 1<<20+1)), 1, 401},
	} {
		t.Run("the request fails and the session stays after "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil, respondInstead(refreshPath, c.tries, c.failure))
				api := server.newLoggedInClient(func(c *client.Config) { c.OnSessionEnd = func(err error) { t.Error("the session ended:", err) } })
				time.Sleep(5 * time.Minute)
				start := time.Now()
				err := wantAnyError(t, api)
				var authErr *client.Error
				if !errors.As(err, &authErr) || authErr.Status != c.status || authErr.Op != "refresh" || errors.Is(err, client.ErrSessionEnded) {
					t.Errorf("the error is %v (%+v), want one of a refresh with status %d that is not ErrSessionEnded", err, authErr, c.status)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
				server.wantHits(refreshPath, c.tries)
				server.wantHits("/elsewhere", 0)
				time.Sleep(time.Minute)
				wantAlice(t, api) // the session is still active
			})
		})
	}
}

func TestRefresh_RetryAfter(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead(refreshPath, 1, respondWith(429, `{"detail":"Request was throttled."}`, "Retry-After", "40")))
		api := server.newLoggedInClient()
		time.Sleep(5 * time.Minute)
		for range 10 {
			var authErr *client.Error
			if err := wantAnyError(t, api); !errors.As(err, &authErr) || authErr.Status != 429 || authErr.RetryAfter != 40*time.Second {
				t.Errorf("the error is %v (%+v), want 429", err, authErr)
			}
			time.Sleep(3 * time.Second)
		}
		server.wantHits(refreshPath, 1)
		time.Sleep(10 * time.Second)
		wantAlice(t, api)
		server.wantHits(refreshPath, 2)
	})
}

func TestLogin_AnswerOfOneMebibyte(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		tokens := fmt.Sprintf(`{"access":%q,"refresh":"r"}`, tokenWithBogusSignature("{}"))
		server.serve(t, "full.example:80", respondWith(200, tokens+strings.Repeat(" ", 1<<20-len(tokens))))
		api := server.newClient(func(c *client.Config) { c.TokenURL = "http://full.example/" })
		if err := api.Login(t.Context(), "alice", password, nil); err != nil {
			t.Error(err)
		}
	})
}
