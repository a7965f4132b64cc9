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

// Required returns middleware that lets only authenticated requests pass, with user and token on their context. It answers any other
// with 401, with 403 if a cookie's request may come from another site, or with 503 if the database is unavailable. a is auth, or
// auth.Stateless(), which loads no user.
func Required(a core.Authenticator) func(http.Handler) http.Handler { return newGuard(a, false) }

// Optional returns middleware like [Required] that also lets requests without credentials pass, as anonymous. Credentials that are
// wrong or expired are rejected all the same: such a client must not silently become a visitor.
func Optional(a core.Authenticator) func(http.Handler) http.Handler { return newGuard(a, true) }

// newGuard returns views.Guard as middleware.
func newGuard(a core.Authenticator, anonymous bool) func(http.Handler) http.Handler {
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

// Require returns middleware for routes behind [Required]: it answers 403 unless the permission allows the user. Behind [Optional], or
// alone, it answers an anonymous request with 401.
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

// User returns the user of the request as the application's own type. It returns false for an anonymous request, and for a user of
// another type, such as a *core.TokenUser behind auth.Stateless().
func User[T simplejwt.User](r *http.Request) (T, bool) { return views.User[T](r.Context()) }

// Token returns the token of the request; false for an anonymous request.
func Token(r *http.Request) (*core.Token, bool) { return views.Token(r.Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a prefix such as "/api/token/", each with and without the trailing
// slash. The prefix may have a host and wildcards. The views answer every method of RFC 9110 and PATCH; a catch-all on the same
// mux may be "/" or "GET /".
func Mount(mux *http.ServeMux, prefix string, a *core.Auth) {
	mountRoutes(mux, prefix, views.Routes(a))
}

// MountSessions mounts the views of a user's own sessions below a prefix, as [Mount] does: sessions/, sessions/others/ and
// sessions/{id}/.
func MountSessions(mux *http.ServeMux, prefix string, a *core.Auth) {
	mountRoutes(mux, prefix, views.SessionRoutes(a))
}

// MountSliding mounts obtain and refresh of sliding tokens below a prefix, as [Mount] does: sliding/ and sliding/refresh/.
func MountSliding(mux *http.ServeMux, prefix string, a *core.Auth) {
	mountRoutes(mux, prefix, views.SlidingRoutes(a))
}

// methods returns those that a view answers. "GET" includes HEAD. A pattern without a method would conflict with "GET /", by which
// applications serve their pages: it is more general in the method and more specific in the path, and the mux panics.
func methods() []string {
	return []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace,
	}
}

// mountRoutes registers each view twice for each method, as a redirect to the path with the slash would lose the body of a POST. The empty path has one
// pattern: at the root there is nothing without the slash.
func mountRoutes(mux *http.ServeMux, prefix string, routes []views.Route) {
	prefix = strings.TrimSuffix(prefix, "/") + "/"
	for _, route := range routes {
		path := prefix + route.Path
		for _, method := range methods() {
			mux.Handle(method+" "+path+"{$}", route.View)
			if bare := strings.TrimSuffix(path, "/"); bare != "" {
				mux.Handle(method+" "+bare, route.View)
			}
		}
	}
}
