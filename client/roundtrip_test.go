package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
)

func TestTheHeaderOfTheServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, func(s *simplejwt.Settings) {
			s.AuthHeaderName, s.AuthHeaderTypes = "X-Access-Token", []string{"JWT"}
		})
		wantAlice(t, w.loggedIn(func(c *client.Config) { c.Header, c.Scheme = "x-access-token", "JWT" }))
		if status, _, err := get(t.Context(), w.loggedIn(), base+"/me"); status != http.StatusUnauthorized || err != nil {
			t.Errorf("with the default header: %d, %v; want 401", status, err)
		}
	})
}

// closing is a body that tells whether it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

func TestTheCallersRequestStaysAsItIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		api := w.loggedIn()
		w.ahead = time.Hour // refused, refreshed, and sent again
		body := &closing{Reader: strings.NewReader("!")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/me", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Mine", "1")
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("!")), nil }
		before := *req
		resp, err := api.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(text) != "alice!" {
			t.Errorf("answered %d %s", resp.StatusCode, text)
		}
		w.wantHits("401", 1)
		if diff := cmp.Diff(http.Header{"X-Mine": {"1"}}, req.Header); diff != "" {
			t.Errorf("the header was changed (-want +got):\n%s", diff)
		}
		if req.URL != before.URL || req.Body != io.ReadCloser(body) || req.Context() != t.Context() {
			t.Error("the request was changed")
		}
		if resp.Request != req {
			t.Error("the answer names another request, which has the token in its header")
		}
		if !body.closed.Load() {
			t.Error("the body was not closed")
		}
	})
}

func TestARequestWithoutAHeader(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		u, err := url.Parse(base + "/me")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.loggedIn().RoundTrip(&http.Request{Method: http.MethodGet, URL: u})
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
		_ = resp.Body.Close()
	})
}

func TestARequestWithoutAURL(t *testing.T) {
	t.Parallel()
	api, err := client.New(client.Config{BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.RoundTrip(&http.Request{}); err == nil || errors.Is(err, client.ErrNotLoggedIn) { //nolint:bodyclose // there is none
		t.Errorf("got %v, want what the transport says", err)
	}
}

func TestBodiesOfRequestsThatAreNotSentAreClosed(t *testing.T) {
	t.Parallel()
	api, err := client.New(client.Config{BaseURL: base, Transport: transport(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no")
	})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"not logged in": client.ErrNotLoggedIn, "the context has ended": context.Canceled} {
		ctx, cancel := context.WithCancel(t.Context())
		if errors.Is(want, context.Canceled) {
			cancel()
		}
		body := &closing{Reader: strings.NewReader("x")}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/me", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := api.RoundTrip(req) //nolint:bodyclose // there is none
		if resp != nil || !errors.Is(err, want) || !body.closed.Load() {
			t.Errorf("%s: %v, %v, closed: %t", name, resp, err, body.closed.Load())
		}
		cancel()
	}
}

// TestWhereTheTokenGoes looks at the header of requests to a client of two origins.
func TestWhereTheTokenGoes(t *testing.T) {
	t.Parallel()
	var got []string
	api, err := client.New(client.Config{
		BaseURL: "https://API.example/v1/", Origins: []string{"http://files.example:8080", "https://[::1]:8443/"}, TokenURL: "https://login.example/token/", RefreshURL: "/again",
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "login.example" && r.URL.Path == "/token/" {
				return respond(r, 200, `{"access":"`+jwt("{}")+`","refresh":"r"}`), nil
			}
			got = r.Header["Authorization"]
			return respond(r, 200, ""), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	token := []string{"Bearer " + jwt("{}")}
	for _, c := range []struct {
		url, host, own string
		opaque         bool
		want           []string
	}{
		{url: "https://api.example/me", want: token},
		{url: "https://API.EXAMPLE:443/me", want: token},
		{url: "https://api.example/v2", want: token},
		{url: "http://files.example:8080/", want: token},
		{url: "https://[::1]:8443/", want: token},
		{url: "https://api.example/me", host: "api.example:443", want: token},

		{url: "http://api.example/me"},
		{url: "http://api.example:443/me"},
		{url: "https://api.example:8443/me"},
		{url: "https://api.example./me"},
		{url: "https://evil.example/me"},
		{url: "https://sub.api.example/me"},
		{url: "https://api.example.evil.example/me"},
		{url: "https://api.example@evil.example/me"},
		{url: "https://evil.example/https://api.example/"},
		{url: "https://evil.example?api.example"},
		{url: "https://evil.example#@api.example/"},
		{url: "https://files.example:8080/"},
		{url: "http://files.example/"},
		{url: "https://[::1]/"},
		{url: "https://login.example/me"},
		{url: "https://api.example/me", host: "evil.example"},
		{url: "https://api.example/me", host: "api.example:8443"},
		{url: "https://api.example/me", opaque: true},

		{url: "https://api.example/me", own: "Basic x", want: []string{"Basic x"}},
		{url: "https://api.example/token/", want: token},
		{url: "https://api.example/again/", want: token},
		{url: "https://api.example:443/again"},
		{url: "https://login.example/token/blacklist/"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		if c.own != "" {
			req.Header.Set("Authorization", c.own)
		}
		if c.opaque {
			req.URL.Opaque = "//evil.example/me"
		}
		resp, err := api.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s as %q: the header (-want +got):\n%s", c.url, c.host, diff)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, to string
		carried  bool
	}{
		{"to the same server", base + "/target", true},
		{"to another host", "http://evil.example/target", false},
		{"to another port", "http://api.example:8080/target", false},
		{"to a host below", "http://sub.api.example/target", false},
	} {
		for _, status := range []int{302, 307, 308} {
			t.Run(c.name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var header, body string
					target := func(w http.ResponseWriter, r *http.Request) {
						data, _ := io.ReadAll(r.Body)
						header, body = r.Header.Get("Authorization"), string(data)
						if _, err := r.Cookie("any"); err == nil || len(r.Header["Referer"]) == 0 {
							t.Error("this is no redirect of http.Client")
						}
					}
					w := newWorld(t, nil, instead("/from", -1, answering(status, "", "Location", c.to)), instead("/target", -1, target))
					for _, address := range []string{"evil.example:80", "sub.api.example:80", "api.example:8080"} {
						w.serve(t, address, http.HandlerFunc(target))
					}
					resp, err := w.loggedIn().Client().Post(base+"/from", "text/plain", strings.NewReader("x"))
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					if resp.StatusCode != 200 || (body == "x") != (status != 302) {
						t.Errorf("answered %d, with the body %q", resp.StatusCode, body)
					}
					if strings.HasPrefix(header, "Bearer e") != c.carried || (header == "") == c.carried {
						t.Errorf("the token was carried: %t, want %t", header != "", c.carried)
					}
				})
			})
		}
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	again := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("!")), nil }
	for _, c := range []struct {
		name    string
		body    io.Reader
		getBody func() (io.ReadCloser, error)
		status  int
		text    string
	}{
		{"no body", nil, nil, 200, "alice"},
		{"http.NoBody", http.NoBody, nil, 200, "alice"},
		{"a body that net/http can rewind", bytes.NewReader([]byte("!")), nil, 200, "alice!"},
		{"a body with GetBody", io.MultiReader(strings.NewReader("!")), again, 200, "alice!"},
		{"a body that can't be rewound", io.MultiReader(strings.NewReader("!")), nil, 401, ""},
		{"a body that was not rewound", io.MultiReader(strings.NewReader("!")), func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, nil)
				api := w.loggedIn()
				w.ahead = time.Hour
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/me", c.body)
				if err != nil {
					t.Fatal(err)
				}
				if c.getBody != nil {
					req.GetBody = c.getBody
				}
				resp, err := api.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != c.status {
					t.Errorf("answered %d, %v; want %d", resp.StatusCode, err, c.status)
				}
				if c.status == 200 {
					w.wantHits(refreshPath, 1)
					w.wantHits("/me", 2)
					if string(text) != c.text {
						t.Errorf("the answer is %q, want %q", text, c.text)
					}
					return
				}
				if !strings.Contains(string(text), "token_not_valid") {
					t.Errorf("the 401 was touched: %q", text)
				}
				w.wantHits(refreshPath, 0)
				w.wantHits("/me", 1)
				wantAlice(t, api) // the next one knows that the token is not good
				w.wantHits(refreshPath, 1)
				w.wantHits("401", 1)
			})
		})
	}
}

// TestA401ForEver has an API that refuses every token, while the server goes on to give them.
func TestA401ForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead("/me", -1, answering(401, "no")))
		api := w.loggedIn()
		for range 20 {
			if status, body, err := get(t.Context(), api, base+"/me"); status != 401 || body != "no" || err != nil {
				t.Errorf("answered %d %q, %v; want the 401", status, body, err)
			}
		}
		w.wantHits("/me", 21)
		w.wantHits(refreshPath, 1)
		all(100, func(int) {
			if status, _, err := get(t.Context(), api, base+"/me"); status != 401 || err != nil {
				t.Errorf("answered %d, %v; want the 401", status, err)
			}
		})
		w.wantHits("/me", 121)
		w.wantHits(refreshPath, 1)
		for range 3 { // some time later it is tried again
			time.Sleep(5 * time.Second)
			_, _, _ = get(t.Context(), api, base+"/me")
		}
		w.wantHits("/me", 127)
		w.wantHits(refreshPath, 4)
	})
}

// TestATokenMayBeRefusedAtAnyTime refuses a login's token at once, and a refresh's once its five seconds are over.
func TestATokenMayBeRefusedAtAnyTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil)
		api := w.loggedIn()
		for i := range 5 {
			w.ahead += time.Hour
			wantAlice(t, api)
			w.wantHits(refreshPath, i+1)
			time.Sleep(5 * time.Second)
		}
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead("/me", 1, answering(401, strings.Repeat("x", 50<<10))))
		api := w.loggedIn()
		for range 3 {
			wantAlice(t, api)
			time.Sleep(5 * time.Minute)
			wantAlice(t, api)
		}
		if err := api.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if w.dials != 1 {
			t.Errorf("%d connections were made, want 1", w.dials)
		}
		api.CloseIdleConnections()
		_, _, _ = get(t.Context(), w.loggedIn(), base+"/me")
		if w.dials != 2 {
			t.Errorf("after CloseIdleConnections %d connections were made, want 2", w.dials)
		}
	})
}

func TestTheBodyOfA401IsClosedBeforeAnythingElseIsSent(t *testing.T) {
	t.Parallel()
	refused := &closing{Reader: strings.NewReader("no")}
	api, err := client.New(client.Config{BaseURL: base, Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/me" && !refused.closed.Load() {
			resp := respond(r, 401, "")
			resp.Body = refused
			return resp, nil
		}
		if r.URL.Path == refreshPath && !refused.closed.Load() {
			t.Error("the refresh was sent before")
		}
		return respond(r, 200, `{"access":"a","refresh":"r"}`), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	if status, _, err := get(t.Context(), api, base+"/me"); status != 200 || err != nil {
		t.Errorf("answered %d, %v", status, err)
	}
}

// TestEndless401 has a body without end behind a 401: only its beginning is read.
func TestEndless401(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead("/me", 1, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}))
		wantAlice(t, w.loggedIn())
	})
}

func TestTheBodyOfARequestThatIsNotSentAgainIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, nil, instead(refreshPath, -1, answering(503, "")))
		api := w.loggedIn()
		w.ahead = time.Hour
		second := &closing{Reader: strings.NewReader("!")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/me", strings.NewReader("!"))
		if err != nil {
			t.Fatal(err)
		}
		req.GetBody = func() (io.ReadCloser, error) { return second, nil }
		if _, err := api.RoundTrip(req); err == nil || !second.closed.Load() { //nolint:bodyclose // there is none
			t.Errorf("error %v, closed: %t", err, second.closed.Load())
		}
	})
}
