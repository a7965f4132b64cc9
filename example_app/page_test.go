package main

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// getPage asks for a page without following redirects.
func (s *target) getPage(ctx context.Context, method, path string) (status int, header http.Header, body string) {
	w := serveRequest(ctx, s.handler, method, path, "", "")
	return w.Code, w.Header(), w.Body.String()
}

func TestPages_ContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	for framework := range frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			s := startTarget(t, framework, rotating+recommended+`, "AUTH_COOKIE_INSECURE": true`, newSQLite(t))
			for path, want := range map[string]string{
				"/account/": "text/html; charset=utf-8", "/account/page.js": "text/javascript; charset=utf-8", "/account/page.css": "text/css; charset=utf-8",
				"/account/icon.svg": "image/svg+xml", "/account/simplejwt.js": "text/javascript; charset=utf-8",
			} {
				status, h, body := s.getPage(t.Context(), http.MethodGet, path)
				if diff := cmp.Diff([]string{want, "nosniff"}, []string{h.Get("Content-Type"), h.Get("X-Content-Type-Options")}); diff != "" || status != 200 || body == "" {
					t.Errorf("%s: %d (-want +got):\n%s", path, status, diff)
				}
				if status, _, _ := s.getPage(t.Context(), http.MethodPost, path); status != http.StatusMethodNotAllowed {
					t.Errorf("POST %s: %d, want 405", path, status)
				}
			}
			_, h, html := s.getPage(t.Context(), http.MethodGet, "/account/")
			policy := h.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("the policy is %q", policy)
			}
			if inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\son[a-z]+=|\sstyle=`).FindString(html); inline != "" {
				t.Errorf("the page has a script or style of its own: %q", inline)
			}
			if !strings.Contains(html, `data-token-url="/account/token/"`) || !strings.Contains(html, `data-csrf-cookie="csrftoken"`) || !strings.Contains(html, `data-csrf-header="X-Csrftoken"`) {
				t.Errorf("the page's script lacks what it needs of the server: %s", html)
			}
			if status, h, _ := s.getPage(t.Context(), http.MethodGet, "/account"); status != http.StatusPermanentRedirect || h.Get("Location") != "/account/" {
				t.Errorf("/account: %d to %q, want /account/", status, h.Get("Location"))
			}
		})
	}
}

func TestPages_WithoutCookies(t *testing.T) {
	t.Parallel()
	s := startTarget(t, "std", `, "AUTH_COOKIE": false`, newSQLite(t))
	for _, path := range []string{"/account/", "/account/simplejwt.js", "/account/token/", "/account/me/"} {
		if status, _, _ := s.getPage(t.Context(), http.MethodGet, path); status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}
