package main

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// get asks for a page without following redirects.
func (c *client) get(method, path string) (status int, header http.Header, body string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

func TestThePageRunsNothingButItsOwnFiles(t *testing.T) {
	t.Parallel()
	for framework := range frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			c := startFramework(t, framework, recommendedProfile+`, "AUTH_COOKIE_INSECURE": true`, "sqlite://"+filepath.Join(t.TempDir(), "db.sqlite3"))
			for path, want := range map[string]string{
				"/account/": "text/html; charset=utf-8", "/account/page.js": "text/javascript; charset=utf-8", "/account/page.css": "text/css; charset=utf-8",
				"/account/icon.svg": "image/svg+xml", "/account/simplejwt.js": "text/javascript; charset=utf-8",
			} {
				status, h, body := c.get(http.MethodGet, path)
				if diff := cmp.Diff([]string{want, "nosniff"}, []string{h.Get("Content-Type"), h.Get("X-Content-Type-Options")}); diff != "" || status != 200 || body == "" {
					t.Errorf("%s: %d (-want +got):\n%s", path, status, diff)
				}
				if status, _, _ := c.get(http.MethodPost, path); status != http.StatusMethodNotAllowed {
					t.Errorf("POST %s: %d, want 405", path, status)
				}
			}
			_, h, html := c.get(http.MethodGet, "/account/")
			policy := h.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("the policy is %q", policy)
			}
			if inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\son[a-z]+=|\sstyle=`).FindString(html); inline != "" {
				t.Errorf("the page has a script or style of its own: %q", inline)
			}
			if !strings.Contains(html, `data-token-url="/account/token/"`) || !strings.Contains(html, `data-csrf-cookie="csrftoken"`) || !strings.Contains(html, `data-csrf-header="X-Csrftoken"`) {
				t.Errorf("the page's script is not told of the server: %s", html)
			}
			if status, h, _ := c.get(http.MethodGet, "/account"); status != http.StatusPermanentRedirect || h.Get("Location") != "/account/" {
				t.Errorf("/account: %d to %q, want /account/", status, h.Get("Location"))
			}
		})
	}
}

func TestTheSettingsMayForbidThePage(t *testing.T) {
	t.Parallel()
	c := start(t, `, "AUTH_COOKIE": false`)
	for _, path := range []string{"/account/", "/account/simplejwt.js", "/account/token/", "/account/me/"} {
		if status, _, _ := c.get(http.MethodGet, path); status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}

func TestCookiesNeedNoTLSOnThisMachine(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, addr := range []string{"127.0.0.1:8000", "[::1]:0", "localhost:8000", ":8000", "0.0.0.0:8000", "example.com:80", "127.0.0.1"} {
		got[addr] = isLoopback(addr)
	}
	want := map[string]bool{"127.0.0.1:8000": true, "[::1]:0": true, "localhost:8000": true, ":8000": false, "0.0.0.0:8000": false, "example.com:80": false, "127.0.0.1": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loopback addresses (-want +got):\n%s", diff)
	}
}
