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

// Skipper says which requests a middleware leaves alone, like the Skipper of Echo's own middleware.
type Skipper func(echo.Context) bool

// Required lets only authenticated requests pass; for others it returns an *echo.HTTPError with 401, or 503 where nobody
// could be asked. Give it auth, or auth.Stateless().
func Required(a core.Authenticator, skip ...Skipper) echo.MiddlewareFunc {
	return authenticate(a, false, skip)
}

// Optional lets requests without credentials pass as anonymous; bad credentials are refused all the same.
func Optional(a core.Authenticator, skip ...Skipper) echo.MiddlewareFunc {
	return authenticate(a, true, skip)
}

func authenticate(a core.Authenticator, anonymous bool, skip []Skipper) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, s := range skip {
				if s(c) {
					return next(c)
				}
			}
			r, err := views.Guard(c.Response().Header(), a, c.Request(), anonymous)
			if err != nil {
				return refuse(c, a, err)
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

// Require stands behind Required and lets pass whom the permission lets pass; for others it returns a 403.
func Require(a core.Authenticator, may views.Permission) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := views.CheckPermission(c.Request().Context(), may); err != nil {
				return refuse(c, a, err)
			}
			return next(c)
		}
	}
}

// refuse makes the error whose body Echo's error handler writes as it is.
func refuse(c echo.Context, a core.Authenticator, err error) error {
	status, body := views.Reject(c.Response().Header(), a, err)
	return &echo.HTTPError{Code: status, Message: body, Internal: err}
}

// User is the user of the request as the application's own type; false for an anonymous request or another type.
func User[T simplejwt.User](c echo.Context) (T, bool) { return views.User[T](c.Request().Context()) }

// Token is the token of the request; false for an anonymous request.
func Token(c echo.Context) (*core.Token, bool) { return views.Token(c.Request().Context()) }

// Mount mounts obtain pair, refresh, verify and blacklist below a group such as e.Group("/api/token"), each with and
// without the trailing slash.
func Mount(group *echo.Group, a *core.Auth) { mount(group, views.Routes(a)) }

// MountSessions mounts the user's own sessions below a group: sessions/, sessions/others/ and sessions/{id}/.
func MountSessions(group *echo.Group, a *core.Auth) { mount(group, views.SessionRoutes(a)) }

// MountSliding mounts obtain and refresh of sliding tokens below a group: sliding/ and sliding/refresh/.
func MountSliding(group *echo.Group, a *core.Auth) { mount(group, views.SlidingRoutes(a)) }

func mount(group *echo.Group, routes []views.Route) {
	for _, route := range routes {
		path, view := "/"+strings.Replace(route.Path, "{id}", ":id", 1), Wrap(route.View)
		if strings.Contains(group.RouteNotFound(path, view).Path, "//") { // the group's own path ends in a slash
			path = strings.TrimPrefix(path, "/")
		}
		for _, p := range []string{path, strings.TrimSuffix(path, "/")} {
			group.Any(p, view)
			group.RouteNotFound(p, view) // methods that Any does not know: the view answers 405
		}
	}
}

// Wrap makes a view of the package views a handler of Echo: echojwt.Wrap(views.BrowserClient()). It serves through Echo's own
// writer, so that middleware sees status and size. The parameters of the route are its path values.
func Wrap(h http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		for i, name := range c.ParamNames() {
			value := c.ParamValues()[i]
			if c.Request().URL.RawPath != "" { // then Echo matches, and passes on, what is escaped
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
