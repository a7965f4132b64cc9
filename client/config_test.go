package client_test

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config client.Config
		want   []string
	}{
		{"nothing", client.Config{}, []string{"BaseURL: is missing"}},
		{"all", client.Config{
			BaseURL: "ftp://api.example", Origins: []string{"https://files.example/x", ":", "//files.example"}, TokenURL: "https://user:hunter2@api.example/", RefreshURL: "%zz",
			BlacklistURL: "mailto:x", UsernameField: "password", Header: "X Y", Scheme: "Bearer ", ExpiryDelta: -1, Timeout: -1, TryTimeout: -1,
		}, []string{
			"BaseURL: needs the scheme https or http", "Origins: an origin has no path", "Origins: is no URL", "Origins: needs the scheme https or http",
			"TokenURL: must not hold a user name or password", "RefreshURL: is no URL", "BlacklistURL: needs the scheme https or http",
			"Header: is no name of a header", "Scheme: is no name of a scheme", "UsernameField: is the field of the password",
			"ExpiryDelta: is negative", "Timeout: is negative", "TryTimeout: is negative",
		}},
		{"no host", client.Config{BaseURL: "https:///x"}, []string{"BaseURL: names no host"}},
		{"a query", client.Config{BaseURL: "https://api.example/?x=1"}, []string{"BaseURL: must have no query and no fragment"}},
		{"a fragment", client.Config{BaseURL: "https://api.example/#x"}, []string{"BaseURL: must have no query and no fragment"}},
	} {
		t.Run(c.name, func(t *testing.T) {
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
				t.Errorf("after %q the faults (-want +got):\n%s", first, diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the password of a URL is told")
			}
		})
	}
}

// TestURLsOfTheViews looks at where login, refresh and logout go.
func TestURLsOfTheViews(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config client.Config
		want   []string
	}{
		{"defaults", client.Config{BaseURL: "https://api.example"}, []string{"https://api.example/api/token/", "https://api.example/api/token/refresh/", "https://api.example/api/token/blacklist/"}},
		{"a path of the base counts for relative URLs only", client.Config{BaseURL: "https://api.example/v1/", TokenURL: "auth/login"},
			[]string{"https://api.example/v1/auth/login", "https://api.example/v1/auth/login/refresh/", "https://api.example/v1/auth/login/blacklist/"}},
		{"each of its own", client.Config{BaseURL: "https://api.example/v1/", TokenURL: "https://login.example:8443/in", RefreshURL: "/again", BlacklistURL: "//login.example/out"},
			[]string{"https://login.example:8443/in", "https://api.example/again", "https://login.example/out"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var got []string // a bubble's clock begins with the year 2000; the token is good for its first minute
				c.config.Transport = transport(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != "/me" {
						got = append(got, r.URL.String())
					}
					return respond(r, 200, `{"access":"`+jwt(`{"exp":946684860}`)+`","refresh":"r"}`), nil
				})
				api, err := client.New(c.config)
				if err != nil {
					t.Fatal(err)
				}
				err = api.Login(t.Context(), "alice", password, nil)
				time.Sleep(time.Minute)
				_, _, err2 := get(t.Context(), api, "https://api.example/me")
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

func TestOrigins(t *testing.T) {
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

func TestTimesOf_OfDots(t *testing.T) {
	token := strings.Repeat(".", 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	exp, iat := client.TimesOf(token)
	runtime.ReadMemStats(&after)
	if !exp.IsZero() || !iat.IsZero() {
		t.Errorf("times %v, %v", exp, iat)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes for a token of 1 MiB", got)
	}
}

// FuzzTimesOf reads whatever a server may send as an access token.
func FuzzTimesOf(f *testing.F) {
	for _, claims := range []string{`{"exp":1.5,"iat":1}`, `{"exp":1e308}`, `{"exp":-1}`, `{"exp":253402300799}`, `{"exp":253402300800}`, `{"exp":"1"}`, `[]`, ``} {
		f.Add(jwt(claims))
	}
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		exp, iat := client.TimesOf(token)
		for _, at := range []time.Time{exp, iat} {
			if !at.IsZero() && (at.Unix() < 0 || at.UTC().Year() > 9999) {
				t.Errorf("%q: %v", token, at)
			}
		}
	})
}
