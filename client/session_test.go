package client_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

// TestSession_ClockOffset has a server whose clock is wrong, and which copies the iat of the login into each access token, as
// SimpleJWT does. No request gets a 401, and none refreshes too early.
func TestSession_ClockOffset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ahead time.Duration
		date  bool // whether responses have the server's Date, or the correct one
	}{
		{"ahead", time.Hour, true},
		{"behind", -time.Hour, true},
		{"ahead, with a proxy that sets the correct Date", time.Hour, false},
		{"behind, with a proxy that sets the correct Date", -time.Hour, false},
	} {
		t.Run("the server's clock is "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var server *testServer
				server = newTestServer(t, nil, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
						if c.date {
							rw.Header().Set("Date", time.Now().Add(server.ahead).UTC().Format(http.TimeFormat))
						}
						next.ServeHTTP(rw, r)
					})
				})
				server.ahead = c.ahead
				var memory client.Memory
				api := server.newLoggedInClient(withStore(&memory))
				for range 10 {
					time.Sleep(time.Minute)
					wantAlice(t, api)
				}
				server.wantHits("401", 0)
				server.wantHits(refreshPath, 2)

				wantAlice(t, server.newClient(withStore(&memory))) // does not know the offset: its first request finds out
				n := server.hitsOf(refreshPath) + server.hitsOf("401")
				if n > 4 {
					t.Errorf("a new client got a 401 or refreshed %d times, want once", n-2)
				}
				time.Sleep(5 * time.Minute)
				other := server.newLoggedInClient(withStore(&memory))
				wantAlice(t, api) // applies the offset to tokens that another process has saved
				wantAlice(t, other)
				if more := server.hitsOf(refreshPath) + server.hitsOf("401") - n; more != 0 {
					t.Errorf("%d more refreshes and 401s, want none", more)
				}
			})
		})
	}
}

func TestSession_RefreshTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		claims func(login time.Time) string
		want   int // refreshes in ten minutes, with a request each second
	}{
		{"a lifetime of five minutes", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()+300)
		}, 2},
		{"a lifetime of one minute, so a tenth earlier", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()+60)
		}, 11},
		{"the iat of the login, as in SimpleJWT", func(login time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, login.Unix(), time.Now().Unix()+300)
		}, 2},
		{"no iat", func(time.Time) string { return fmt.Sprintf(`{"exp":%d.5}`, time.Now().Unix()+300) }, 2},
		{"no exp", func(time.Time) string { return fmt.Sprintf(`{"iat":%d}`, time.Now().Unix()) }, 0},
		{"an exp that has passed", func(time.Time) string {
			return fmt.Sprintf(`{"iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Unix()-300)
		}, 0},
		{"an exp that is text", func(time.Time) string { return `{"exp":"tomorrow"}` }, 0},
		{"claims that are not JSON", func(time.Time) string { return "exp" }, 0},
	} {
		t.Run("refreshes are in time with "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				api, refreshes := newClaimsClient(t, c.claims)
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
