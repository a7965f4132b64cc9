// Package stdjwt mounts SimpleJWT's views and authentication in a net/http application, and in any router that takes
// http.Handlers. Start with [Mount] and [Required]. A single view of the package views is an http.Handler already.
package stdjwt

import (
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// Required lets only authenticated requests pass; others are answered with 401, or 503 where nobody could be asked.
// Give it auth, or auth.Stateless().
func Required(a core.Authenticator) func(http.Handler) http.Handler { return authenticate(a, false) }

// Optional lets requests without credentials pass as anonymous; bad credentials are refused all the same.
func Optional(a core.Authenticator) func(http.Handler) http.Handler { return authenticate(a, true) }

func authenticate(a core.Authenticator, anonymous bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed, err := views.Guard(w.Header(), a, r, anonymous)
			if err != nil {
				views.WriteError(w, r, a, err)
				return
			}
			next.ServeHTTP(w, passed)
		})
	}
}

// Require stands behind Required and lets pass whom the permission lets pass; others are answered with 403.
func Require(a core.Authenticator, may views.Permission) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := views.CheckPermission(r.Context(), may); err != nil {
				views.WriteError(w, r, a, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// User is the user of the request as the application's own type; false for an anonymous request or another type.
func User[T simplejwt.User](r *http.Request) (T, bool) { return views.User[T](r.Context()) }

// Token is the token of the request; false for an anonymous request.
func Token(r *http.Request) (*core.Token, bool) { return views.Token(r.Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a prefix such as "/api/token/", each with and without the
// trailing slash. The views answer every method, so a catch-all on the same mux must do so too: "/", not "GET /".
func Mount(mux *http.ServeMux, prefix string, a *core.Auth) { mount(mux, prefix, views.Routes(a)) }

// MountSessions mounts the user's own sessions below a prefix: sessions/, sessions/others/ and sessions/{id}/.
func MountSessions(mux *http.ServeMux, prefix string, a *core.Auth) {
	mount(mux, prefix, views.SessionRoutes(a))
}

// MountSliding mounts obtain and refresh of sliding tokens below a prefix: sliding/ and sliding/refresh/.
func MountSliding(mux *http.ServeMux, prefix string, a *core.Auth) {
	mount(mux, prefix, views.SlidingRoutes(a))
}

func mount(mux *http.ServeMux, prefix string, routes []views.Route) {
	prefix = strings.TrimSuffix(prefix, "/") + "/"
	for _, route := range routes {
		path := prefix + route.Path
		mux.Handle(path+"{$}", route.View)
		if bare := strings.TrimSuffix(path, "/"); bare != "" {
			mux.Handle(bare, route.View)
		}
	}
}
