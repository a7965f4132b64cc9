package stdjwt_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

func TestMount_Prefixes(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	for _, c := range []struct{ name, prefix, below string }{
		{"a prefix with a slash", "/api/token/", "/api/token"},
		{"a prefix without a slash", "/api/token", "/api/token"},
		{"the root", "/", ""},
		{"the empty prefix", "", ""},
		{"a prefix with a wildcard", "/{tenant}/token/", "/shop/token"},
		{"a prefix of one host", "example.com/token/", "http://example.com/token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			stdjwt.Mount(mux, c.prefix, auth)
			stdjwt.MountSliding(mux, c.prefix, auth)
			for _, path := range []string{"/", "/refresh/", "/refresh", "/sliding/", "/sliding", "/sliding/refresh"} {
				if w := adaptertest.Request(t, mux, http.MethodPost, c.below+path, ""); w.Code != http.StatusBadRequest {
					t.Errorf("POST %s: %d %s, want the view's 400", c.below+path, w.Code, w.Body)
				}
			}
		})
	}
}

func TestMount_StrippedPrefix(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	inner, outer := http.NewServeMux(), http.NewServeMux()
	stdjwt.Mount(inner, "/token/", auth)
	outer.Handle("/v1/", http.StripPrefix("/v1", inner))
	for path, want := range map[string]int{"/v1/token/": 400, "/v1/token": 400, "/v1/token/verify/": 400, "/v1/token/verify": 400, "/token/": 404} {
		if w := adaptertest.Request(t, outer, http.MethodPost, path, ""); w.Code != want {
			t.Errorf("POST %s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}

// TestMount_ApplicationRoutes mounts where an application has routes of its own.
func TestMount_ApplicationRoutes(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	mux := http.NewServeMux()
	for _, pattern := range []string{"/", "/api/", "GET /api/token/mine", "/api/token/{id}/of/{user}"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(pattern)) })
	}
	stdjwt.Mount(mux, "/api/token/", auth)
	stdjwt.MountSliding(mux, "/api/token/", auth)
	for path, want := range map[string]string{"/api/other": "/api/", "/x": "/", "/api/token/mine": "GET /api/token/mine", "/api/token/7/of/alice": "/api/token/{id}/of/{user}"} {
		if w := adaptertest.Request(t, mux, http.MethodGet, path, ""); w.Body.String() != want {
			t.Errorf("GET %s: %d %s, want the route %s", path, w.Code, w.Body, want)
		}
	}
	if w := adaptertest.Request(t, mux, http.MethodPost, "/api/token", ""); w.Code != http.StatusBadRequest {
		t.Errorf("POST /api/token: %d %s, want the view's 400", w.Code, w.Body)
	}
}

// TestMount_BesidePages mounts beside a catch-all, by which single-page applications serve their page.
func TestMount_BesidePages(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	for _, pattern := range []string{"GET /", "GET /{path...}", "/", "GET /api/"} {
		mux := http.NewServeMux()
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the page")) })
		stdjwt.Mount(mux, "/api/token/", auth)
		stdjwt.MountSliding(mux, "/api/token/", auth)
		stdjwt.MountSessions(mux, "/api/token/", auth)
		if w := adaptertest.Request(t, mux, http.MethodGet, "/api/other", ""); w.Body.String() != "the page" {
			t.Errorf("%s: GET of a page: %d %s", pattern, w.Code, w.Body)
		}
		for _, path := range []string{"/api/token", "/api/token/", "/api/token/refresh", "/api/token/sliding/"} {
			for method, status := range map[string]int{http.MethodGet: http.StatusMethodNotAllowed, http.MethodOptions: http.StatusNoContent, http.MethodPost: http.StatusBadRequest} {
				if w := adaptertest.Request(t, mux, method, path, ""); w.Code != status {
					t.Errorf("%s: %s %s: %d %s, want the view's %d", pattern, method, path, w.Code, w.Body, status)
				}
			}
		}
	}
}

// recorder is a writer as logging middleware has it.
type recorder struct {
	http.ResponseWriter
	status, size int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.size += len(p)
	return r.ResponseWriter.Write(p)
}

func TestRequired_MiddlewareChain(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	type outcome struct{ Status, Size int }
	for _, c := range []struct {
		name, authorization string
		may                 bool
		want                outcome
	}{
		{"a request with a good token passes", alice, true, outcome{http.StatusTeapot, len("ok")}},
		{"a request without a token ends at Required", "", true, outcome{http.StatusUnauthorized, len(adaptertest.NotProvided)}},
		{"a request without permission ends at Require", alice, false, outcome{http.StatusForbidden, len(adaptertest.Denied)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var logged *recorder
			require := stdjwt.Require(auth, func(context.Context, simplejwt.User, *core.Token) bool { return c.may })
			guarded := stdjwt.Required(auth)(require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if w != http.ResponseWriter(logged) {
					t.Errorf("the handler got a %T, want the writer of the application", w)
				}
				w.WriteHeader(http.StatusTeapot)
				_, _ = w.Write([]byte("ok"))
			})))
			adaptertest.Request(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				logged = &recorder{ResponseWriter: w}
				guarded.ServeHTTP(logged, r)
			}), http.MethodGet, "/", c.authorization)
			if diff := cmp.Diff(c.want, outcome{logged.status, logged.size}); diff != "" {
				t.Errorf("logged (-want +got):\n%s", diff)
			}
		})
	}
}
