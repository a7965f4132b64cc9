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

// Required lets only authenticated requests pass; others are aborted with 401, or 503 where nobody could be asked.
// Give it auth, or auth.Stateless().
func Required(a core.Authenticator) gin.HandlerFunc { return authenticate(a, false) }

// Optional lets requests without credentials pass as anonymous; bad credentials are refused all the same.
func Optional(a core.Authenticator) gin.HandlerFunc { return authenticate(a, true) }

func authenticate(a core.Authenticator, anonymous bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := views.Guard(c.Writer.Header(), a, c.Request, anonymous)
		if err != nil {
			abort(c, a, err)
			return
		}
		c.Request = r
	}
}

// Require stands behind Required and lets pass whom the permission lets pass; others are aborted with 403.
func Require(a core.Authenticator, may views.Permission) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := views.CheckPermission(c.Request.Context(), may); err != nil {
			abort(c, a, err)
		}
	}
}

func abort(c *gin.Context, a core.Authenticator, err error) {
	_ = c.Error(err)
	views.WriteError(c.Writer, c.Request, a, err)
	c.Abort()
}

// User is the user of the request as the application's own type; false for an anonymous request or another type.
func User[T simplejwt.User](c *gin.Context) (T, bool) { return views.User[T](c.Request.Context()) }

// Token is the token of the request; false for an anonymous request.
func Token(c *gin.Context) (*core.Token, bool) { return views.Token(c.Request.Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a group such as r.Group("/api/token"), each with and
// without the trailing slash.
func Mount(group gin.IRoutes, a *core.Auth) { mount(group, views.Routes(a)) }

// MountSessions mounts the user's own sessions below a group: sessions/, sessions/others/ and sessions/{id}/.
func MountSessions(group gin.IRoutes, a *core.Auth) { mount(group, views.SessionRoutes(a)) }

// MountSliding mounts obtain and refresh of sliding tokens below a group: sliding/ and sliding/refresh/.
func MountSliding(group gin.IRoutes, a *core.Auth) { mount(group, views.SlidingRoutes(a)) }

func mount(group gin.IRoutes, routes []views.Route) {
	for _, route := range routes {
		path := "/" + strings.Replace(route.Path, "{id}", ":id", 1)
		group.Any(path, Wrap(route.View))
		if g, ok := group.(interface{ BasePath() string }); !ok || !strings.HasSuffix(g.BasePath(), "/") || route.Path != "" {
			group.Any(strings.TrimSuffix(path, "/"), Wrap(route.View)) // below a path that ends in a slash both are one
		}
	}
}

// Wrap makes a view of the package views a handler of Gin: ginjwt.Wrap(views.BrowserClient()). The parameters of the route are
// its path values. A method that no route has is a 404 of Gin's own: set engine.HandleMethodNotAllowed and give
// ginjwt.Wrap(views.MethodNotAllowed()) to engine.NoMethod, and it is a 405 as DRF answers it.
func Wrap(h http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		h.ServeHTTP(c.Writer, c.Request)
	}
}
