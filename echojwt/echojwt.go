// Package echojwt mounts SimpleJWT's views and authentication in an Echo v4 application. Start with [Mount] and
// [Required]; [Wrap] serves a single view.
package echojwt

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// Skipper reports whether a middleware leaves a request alone, like the Skipper of Echo's own middleware.
type Skipper func(echo.Context) bool

// Required returns middleware that lets only authenticated requests pass, with user and token on their context. For any other it returns
// an *echo.HTTPError with 401, with 403 if a cookie's request may come from another site, or with 503 if the database is unavailable.
// The error of core is its Internal. a is auth, or auth.Stateless(), which loads no user. A request that a Skipper skips passes
// unchanged, without a user.
func Required(a core.Authenticator, skip ...Skipper) echo.MiddlewareFunc {
	return newGuard(a, false, skip)
}

// Optional returns middleware like [Required] that also lets requests without credentials pass, as anonymous. Credentials that are
// wrong or expired are rejected all the same: such a client must not silently become a visitor.
func Optional(a core.Authenticator, skip ...Skipper) echo.MiddlewareFunc {
	return newGuard(a, true, skip)
}

// newGuard returns views.Guard as middleware.
func newGuard(a core.Authenticator, anonymous bool, skip []Skipper) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, s := range skip {
				if s(c) {
					return next(c)
				}
			}
			r, err := views.Guard(c.Response().Header(), a, c.Request(), anonymous)
			if err != nil {
				return newHTTPError(c, a, err)
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

// Require returns middleware for routes behind [Required]: it returns a 403 unless the permission allows the user. Behind [Optional], or
// alone, it returns a 401 for an anonymous request.
func Require(a core.Authenticator, may views.Permission) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := views.CheckPermission(c.Request().Context(), may); err != nil {
				return newHTTPError(c, a, err)
			}
			return next(c)
		}
	}
}

// newHTTPError returns the error whose message Echo's default error handler writes as the body. It sets the response headers, and
// writes nothing: the application's error handler decides.
func newHTTPError(c echo.Context, a core.Authenticator, err error) error {
	status, body := views.Reject(c.Response().Header(), a, err)
	return &echo.HTTPError{Code: status, Message: body, Internal: err}
}

// User returns the user of the request as the application's own type. It returns false for an anonymous request, and for a user of
// another type, such as a *core.TokenUser behind auth.Stateless().
func User[T simplejwt.User](c echo.Context) (T, bool) { return views.User[T](c.Request().Context()) }

// Token returns the token of the request; false for an anonymous request.
func Token(c echo.Context) (*core.Token, bool) { return views.Token(c.Request().Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a group such as e.Group("/api/token"), each with and
// without the trailing slash.
func Mount(group *echo.Group, a *core.Auth) { mountRoutes(group, views.Routes(a)) }

// MountSessions mounts the views of a user's own sessions below a group, as [Mount] does: sessions/, sessions/others/ and sessions/{id}/.
func MountSessions(group *echo.Group, a *core.Auth) { mountRoutes(group, views.SessionRoutes(a)) }

// MountSliding mounts obtain and refresh of sliding tokens below a group, as [Mount] does: sliding/ and sliding/refresh/.
func MountSliding(group *echo.Group, a *core.Auth) { mountRoutes(group, views.SlidingRoutes(a)) }

// mountRoutes registers each view twice, as a redirect to the path with the slash would lose the body of a POST.
func mountRoutes(group *echo.Group, routes []views.Route) {
	for _, route := range routes {
		path, view := "/"+strings.Replace(route.Path, "{id}", ":id", 1), Wrap(route.View)
		if strings.Contains(group.RouteNotFound(path, view).Path, "//") { // the group's own path ends in a slash
			path = strings.TrimPrefix(path, "/")
		}
		for _, p := range []string{path, strings.TrimSuffix(path, "/")} {
			group.Any(p, view)
			group.RouteNotFound(p, view) // methods that Any does not know: the view returns 405
		}
	}
}

// Wrap returns a view of the package views as a handler of Echo: echojwt.Wrap(views.BrowserClient()). The view writes through Echo's
// writer, so that middleware sees status and size, and reads the parameters of the route by http.Request.PathValue.
func Wrap(h http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		for i, name := range c.ParamNames() {
			value := c.ParamValues()[i]
			if c.Request().URL.RawPath != "" { // then Echo matches the escaped path, and its parameters are escaped
				if plain, err := url.PathUnescape(value); err == nil {
					value = plain
				}
			}
			c.Request().SetPathValue(name, value)
		}
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}
