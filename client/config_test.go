package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

func TestNew_InvalidConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config client.Config
		want   []string
	}{
		{"no field", client.Config{}, []string{"BaseURL: is missing"}},
		{"every field invalid", client.Config{
			BaseURL: "ftp://api.example", Origins: []string{"https://files.example/x", ":", "//files.example"}, TokenURL: "https://user:hunter2@api.example/", RefreshURL: "%zz",
			BlacklistURL: "mailto:x", UsernameField: "password", Header: "X Y", Scheme: "Bearer ", ExpiryDelta: -1, Timeout: -1, TryTimeout: -1,
		}, []string{
			"BaseURL: needs the scheme https or http", "Origins: must not have a path", "Origins: is not a URL", "Origins: needs the scheme https or http",
			"TokenURL: must not hold a user name or password", "RefreshURL: is not a URL", "BlacklistURL: needs the scheme https or http",
			"Header: is not a valid header name", "Scheme: is not a valid scheme name", "UsernameField: must not be the field of the password",
			"ExpiryDelta: must not be negative", "Timeout: must not be negative", "TryTimeout: must not be negative",
		}},
		{"a URL without a host", client.Config{BaseURL: "https:///x"}, []string{"BaseURL: has no host"}},
		{"a query", client.Config{BaseURL: "https://api.example/?x=1"}, []string{"BaseURL: must not have a query or a fragment"}},
		{"a fragment", client.Config{BaseURL: "https://api.example/#x"}, []string{"BaseURL: must not have a query or a fragment"}},
	} {
		t.Run("a configuration with "+c.name+" is rejected", func(t *testing.T) {
			t.Parallel()
			api, err := client.New(c.config)
			if api != nil || err == nil {
				t.Fatalf("New: %v, %v; want an error", api, err)
			}
			first, rest, _ := strings.Cut(err.Error(), "\n")
			var got []string
			for line := range strings.SplitSeq(rest, "\n") {
				got = append(got, strings.TrimSpace(line))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("after %q the errors (-want +got):\n%s", first, diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error holds the password of a URL")
			}
		})
	}
}

// TestNew_ViewURLs checks where login, refresh and logout go.
func TestNew_ViewURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config client.Config
		want   []string
	}{
		{"the defaults", client.Config{BaseURL: "https://api.example"}, []string{"https://api.example/api/token/", "https://api.example/api/token/refresh/", "https://api.example/api/token/blacklist/"}},
		{"paths relative to the path of BaseURL", client.Config{BaseURL: "https://api.example/v1/", TokenURL: "auth/login"},
			[]string{"https://api.example/v1/auth/login", "https://api.example/v1/auth/login/refresh/", "https://api.example/v1/auth/login/blacklist/"}},
		{"a URL for each", client.Config{BaseURL: "https://api.example/v1/", TokenURL: "https://login.example:8443/in", RefreshURL: "/again", BlacklistURL: "//login.example/out"},
			[]string{"https://login.example:8443/in", "https://api.example/again", "https://login.example/out"}},
	} {
		t.Run("the views are found by "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				var got []string // the clock of synctest starts in the year 2000; the token is valid for its first minute
				c.config.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != "/me" {
						got = append(got, r.URL.String())
					}
					return newResponse(r, 200, `{"access":"`+tokenWithBogusSignature(`{"exp":946684860}`)+`","refresh":"r"}`), nil
				})
				api, err := client.New(c.config)
				if err != nil {
					t.Fatal(err)
				}
				err = api.Login(t.Context(), "alice", password, nil)
				time.Sleep(time.Minute)
				_, _, err2 := getPage(t.Context(), api, "https://api.example/me")
				if err := errors.Join(err, err2, api.Logout(t.Context())); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scheme, host, want string }{
		{"https", "api.example", "https://api.example:443"},
		{"HTTP", "API.example", "http://api.example:80"},
		{"https", "api.example:8443", "https://api.example:8443"},
		{"https", "[2001:DB8::1]", "https://[2001:db8::1]:443"},
		{"ws", "api.example", "ws://api.example:"},
	} {
		if got := client.OriginOf(c.scheme, c.host); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.scheme, c.host, got, c.want)
		}
	}
}

func TestConfig_Header(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, func(s *simplejwt.Settings) {
			s.AuthHeaderName, s.AuthHeaderTypes = "X-Access-Token", []string{"JWT"}
		})
		wantAlice(t, server.newLoggedInClient(func(c *client.Config) { c.Header, c.Scheme = "x-access-token", "JWT" }))
		if status, _, err := getPage(t.Context(), server.newLoggedInClient(), base+"/me"); status != http.StatusUnauthorized || err != nil {
			t.Errorf("with the default header: %d, %v; want 401", status, err)
		}
	})
}

func TestConfig_ExpiryDelta(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		delta, life time.Duration
		first       time.Duration // when the first refresh is expected
	}{
		{"10 seconds by default", 0, 5 * time.Minute, 290 * time.Second},
		{"a tenth of a short lifetime by default", 0, time.Minute, 54 * time.Second},
		{"the configured time", time.Minute, 5 * time.Minute, 240 * time.Second},
		{"half of the lifetime at most", time.Hour, 5 * time.Minute, 150 * time.Second},
	} {
		t.Run("the refresh is early by "+c.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, func(s *simplejwt.Settings) { s.AccessTokenLifetime = c.life })
				api := server.newLoggedInClient(func(config *client.Config) { config.ExpiryDelta = c.delta })
				time.Sleep(c.first - time.Nanosecond)
				wantAlice(t, api)
				server.wantHits(refreshPath, 0)
				time.Sleep(time.Nanosecond)
				wantAlice(t, api)
				server.wantHits(refreshPath, 1)
			})
		})
	}
}

func TestConfig_OnSessionEnd(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		var api *client.Client
		api = server.newLoggedInClient(func(c *client.Config) {
			c.OnSessionEnd = func(error) {
				wantError(t, api, client.ErrSessionEnded)
				if err := api.Login(context.Background(), "alice", password, nil); err != nil {
					t.Error(err)
				}
				wantAlice(t, api)
			}
		})
		server.revokeSessions()
		time.Sleep(5 * time.Minute)
		wantError(t, api, client.ErrSessionEnded)
		wantAlice(t, api)
	})
}
