// Package ginjwt mounts SimpleJWT's views and authentication in a Gin application. Start with [Mount] and [Required]; [Wrap]
// serves a single view.
package ginjwt

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// Required returns middleware that lets only authenticated requests pass, with user and token on their context. It aborts any other
// with 401, with 403 if a cookie's request may come from another site, or with 503 if the database is unavailable. a is auth, or
// auth.Stateless(), which loads no user. The error is also in c.Errors, for logging middleware.
func Required(a core.Authenticator) gin.HandlerFunc { return newGuard(a, false) }

// Optional returns middleware like [Required] that also lets requests without credentials pass, as anonymous. Credentials that are
// wrong or expired are rejected all the same: such a client must not silently become a visitor.
func Optional(a core.Authenticator) gin.HandlerFunc { return newGuard(a, true) }

// newGuard returns views.Guard as middleware.
func newGuard(a core.Authenticator, anonymous bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := views.Guard(c.Writer.Header(), a, c.Request, anonymous)
		if err != nil {
			abortRequest(c, a, err)
			return
		}
		c.Request = r
	}
}

// Require returns middleware for routes behind [Required]: it aborts with 403 unless the permission allows the user. Behind [Optional],
// or alone, it aborts an anonymous request with 401.
func Require(a core.Authenticator, may views.Permission) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := views.CheckPermission(c.Request.Context(), may); err != nil {
			abortRequest(c, a, err)
		}
	}
}

// abortRequest writes the response for an error, adds it to c.Errors and skips the handlers behind.
func abortRequest(c *gin.Context, a core.Authenticator, err error) {
	_ = c.Error(err)
	views.WriteError(c.Writer, c.Request, a, err)
	c.Abort()
}

// User returns the user of the request as the application's own type. It returns false for an anonymous request, and for a user of
// another type, such as a *core.TokenUser behind auth.Stateless().
func User[T simplejwt.User](c *gin.Context) (T, bool) { return views.User[T](c.Request.Context()) }

// Token returns the token of the request; false for an anonymous request.
func Token(c *gin.Context) (*core.Token, bool) { return views.Token(c.Request.Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a group such as r.Group("/api/token"), each with and
// without the trailing slash.
func Mount(group gin.IRoutes, a *core.Auth) { mountRoutes(group, views.Routes(a)) }

// MountSessions mounts the views of a user's own sessions below a group, as [Mount] does: sessions/, sessions/others/ and sessions/{id}/.
func MountSessions(group gin.IRoutes, a *core.Auth) { mountRoutes(group, views.SessionRoutes(a)) }

// MountSliding mounts obtain and refresh of sliding tokens below a group, as [Mount] does: sliding/ and sliding/refresh/.
func MountSliding(group gin.IRoutes, a *core.Auth) { mountRoutes(group, views.SlidingRoutes(a)) }

// mountRoutes registers each view twice, as a redirect to the path with the slash would lose the body of a POST.
func mountRoutes(group gin.IRoutes, routes []views.Route) {
	for _, route := range routes {
		path := "/" + strings.Replace(route.Path, "{id}", ":id", 1)
		group.Any(path, Wrap(route.View))
		if g, ok := group.(interface{ BasePath() string }); !ok || !strings.HasSuffix(g.BasePath(), "/") || route.Path != "" {
			group.Any(strings.TrimSuffix(path, "/"), Wrap(route.View)) // below a path that ends in a slash both are one
		}
	}
}

// Wrap returns a view of the package views as a handler of Gin: ginjwt.Wrap(views.BrowserClient()). The view writes through Gin's
// writer, so that middleware sees status and size, and reads the parameters of the route by http.Request.PathValue.
//
// For a method for which a path has no route, Gin returns its own 404. For DRF's 405 set engine.HandleMethodNotAllowed and pass
// ginjwt.Wrap(views.MethodNotAllowed()) to engine.NoMethod.
func Wrap(h http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		h.ServeHTTP(c.Writer, c.Request)
	}
}
