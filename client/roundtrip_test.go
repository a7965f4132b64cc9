package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/client"
)

func TestRoundTrip_RequestUnchanged(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		api := server.newLoggedInClient()
		server.ahead = time.Hour // a 401, a refresh, and a second sending
		body := &closeRecorder{Reader: strings.NewReader("!")}
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
			t.Errorf("got %d %s", resp.StatusCode, text)
		}
		server.wantHits("401", 1)
		if diff := cmp.Diff(http.Header{"X-Mine": {"1"}}, req.Header); diff != "" {
			t.Errorf("the header was changed (-want +got):\n%s", diff)
		}
		if req.URL != before.URL || req.Body != io.ReadCloser(body) || req.Context() != t.Context() {
			t.Error("the request was changed")
		}
		if resp.Request != req {
			t.Error("the response names another request, which has the token in its header")
		}
		if !body.closed.Load() {
			t.Error("the body was not closed")
		}
	})
}

func TestRoundTrip_NilHeader(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		u, err := url.Parse(base + "/me")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.newLoggedInClient().RoundTrip(&http.Request{Method: http.MethodGet, URL: u})
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		}
		_ = resp.Body.Close()
	})
}

func TestRoundTrip_NilURL(t *testing.T) {
	t.Parallel()
	api, err := client.New(client.Config{BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.RoundTrip(&http.Request{}); err == nil || errors.Is(err, client.ErrNotLoggedIn) { //nolint:bodyclose // there is none
		t.Errorf("got %v, want what the transport says", err)
	}
}

func TestRoundTrip_ClosesBodyOnError(t *testing.T) {
	t.Parallel()
	api, err := client.New(client.Config{BaseURL: base, Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
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
		body := &closeRecorder{Reader: strings.NewReader("x")}
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

// TestRoundTrip_Origins checks the header of requests of a client with three origins.
func TestRoundTrip_Origins(t *testing.T) {
	t.Parallel()
	var got []string
	api, err := client.New(client.Config{
		BaseURL: "https://API.example/v1/", Origins: []string{"http://files.example:8080", "https://[::1]:8443/"}, TokenURL: "https://login.example/token/", RefreshURL: "/again",
		Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "login.example" && r.URL.Path == "/token/" {
				return newResponse(r, 200, `{"access":"`+tokenWithBogusSignature("{}")+`","refresh":"r"}`), nil
			}
			got = r.Header["Authorization"]
			return newResponse(r, 200, ""), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	token := []string{"Bearer " + tokenWithBogusSignature("{}")}
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

func TestRoundTrip_Redirects(t *testing.T) {
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
			t.Run(fmt.Sprintf("a %d %s carries the token: %t", status, c.name, c.carried), func(t *testing.T) {
				runInBubble(t, func(t *testing.T) {
					var header, body string
					target := func(w http.ResponseWriter, r *http.Request) {
						data, _ := io.ReadAll(r.Body)
						header, body = r.Header.Get("Authorization"), string(data)
						if _, err := r.Cookie("any"); err == nil || len(r.Header["Referer"]) == 0 {
							t.Error("this is not a redirect of http.Client")
						}
					}
					server := newTestServer(t, nil, respondInstead("/from", -1, respondWith(status, "", "Location", c.to)), respondInstead("/target", -1, target))
					for _, address := range []string{"evil.example:80", "sub.api.example:80", "api.example:8080"} {
						server.serve(t, address, http.HandlerFunc(target))
					}
					resp, err := server.newLoggedInClient().Client().Post(base+"/from", "text/plain", strings.NewReader("x"))
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					if resp.StatusCode != 200 || (body == "x") != (status != 302) {
						t.Errorf("got %d, with the body %q", resp.StatusCode, body)
					}
					if strings.HasPrefix(header, "Bearer e") != c.carried || (header == "") == c.carried {
						t.Errorf("the token was carried: %t, want %t", header != "", c.carried)
					}
				})
			})
		}
	}
}

func TestRoundTrip_SecondSending(t *testing.T) {
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
		{"a body whose GetBody fails", io.MultiReader(strings.NewReader("!")), func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }, 401, ""},
	} {
		t.Run("after a 401, a request with "+c.name+map[bool]string{true: " is sent again", false: " returns the 401"}[c.status == 200], func(t *testing.T) {
			runInBubble(t, func(t *testing.T) {
				server := newTestServer(t, nil)
				api := server.newLoggedInClient()
				server.ahead = time.Hour
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
					t.Errorf("got %d, %v; want %d", resp.StatusCode, err, c.status)
				}
				if c.status == 200 {
					server.wantHits(refreshPath, 1)
					server.wantHits("/me", 2)
					if string(text) != c.text {
						t.Errorf("the response is %q, want %q", text, c.text)
					}
					return
				}
				if !strings.Contains(string(text), "token_not_valid") {
					t.Errorf("the 401 was changed: %q", text)
				}
				server.wantHits(refreshPath, 0)
				server.wantHits("/me", 1)
				wantAlice(t, api) // the next request knows that the token was rejected
				server.wantHits(refreshPath, 1)
				server.wantHits("401", 1)
			})
		})
	}
}

// TestRoundTrip_Permanent401 has an API that rejects every token while the server still issues them.
func TestRoundTrip_Permanent401(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead("/me", -1, respondWith(401, "no")))
		api := server.newLoggedInClient()
		for range 20 {
			if status, body, err := getPage(t.Context(), api, base+"/me"); status != 401 || body != "no" || err != nil {
				t.Errorf("got %d %q, %v; want the 401", status, body, err)
			}
		}
		server.wantHits("/me", 21)
		server.wantHits(refreshPath, 1)
		runConcurrently(100, func(int) {
			if status, _, err := getPage(t.Context(), api, base+"/me"); status != 401 || err != nil {
				t.Errorf("got %d, %v; want the 401", status, err)
			}
		})
		server.wantHits("/me", 121)
		server.wantHits(refreshPath, 1)
		for range 3 { // after the cooldown the next 401 refreshes
			time.Sleep(5 * time.Second)
			_, _, _ = getPage(t.Context(), api, base+"/me")
		}
		server.wantHits("/me", 127)
		server.wantHits(refreshPath, 4)
	})
}

// TestRoundTrip_RepeatedRejection rejects the token of a login at once, and that of a refresh after the cooldown of five seconds.
func TestRoundTrip_RepeatedRejection(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil)
		api := server.newLoggedInClient()
		for i := range 5 {
			server.ahead += time.Hour
			wantAlice(t, api)
			server.wantHits(refreshPath, i+1)
			time.Sleep(5 * time.Second)
		}
	})
}

func TestRoundTrip_ClosesBodyOf401(t *testing.T) {
	t.Parallel()
	rejected := &closeRecorder{Reader: strings.NewReader("no")}
	api, err := client.New(client.Config{BaseURL: base, Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/me" && !rejected.closed.Load() {
			resp := newResponse(r, 401, "")
			resp.Body = rejected
			return resp, nil
		}
		if r.URL.Path == refreshPath && !rejected.closed.Load() {
			t.Error("the refresh was sent before")
		}
		return newResponse(r, 200, `{"access":"a","refresh":"r"}`), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	if status, _, err := getPage(t.Context(), api, base+"/me"); status != 200 || err != nil {
		t.Errorf("got %d, %v", status, err)
	}
}

// TestRoundTrip_EndlessBodyOf401 has a 401 with a body that does not end: only its start is read.
func TestRoundTrip_EndlessBodyOf401(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead("/me", 1, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}))
		wantAlice(t, server.newLoggedInClient())
	})
}

func TestRoundTrip_ClosesUnsentBody(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		server := newTestServer(t, nil, respondInstead(refreshPath, -1, respondWith(503, "")))
		api := server.newLoggedInClient()
		server.ahead = time.Hour
		second := &closeRecorder{Reader: strings.NewReader("!")}
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
