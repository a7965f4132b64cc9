package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/stdjwt"
	"github.com/go-simplejwt/simplejwt/views"
)

// frameworks returns, by the value of -framework, what makes the routes: the library's views below /api/token/, two protected routes, one that
// changes the password, the page below /account/, and the start page at /. They are the same on each framework.
func frameworks() map[string]func(*app) http.Handler {
	return map[string]func(*app) http.Handler{"gin": newGinHandler, "echo": newEchoHandler, "std": newStdHandler}
}

// userAnswer is the answer of a protected route. The id is text where a user was loaded, and the claim's type elsewhere.
type userAnswer struct {
	ID       any `json:"id"`
	Username any `json:"username"`
}

// describeTokenUser returns what the token alone has of its user, as with SimpleJWT's JWTStatelessUserAuthentication: no database is
// asked, so a deleted user is there until the token expires. Claims keep their type.
func describeTokenUser(ctx context.Context) userAnswer {
	user, _ := views.User[*core.TokenUser](ctx)
	out := userAnswer{ID: user.ID(), Username: ""}
	if token, _ := views.Token(ctx); token.Has("username") {
		out.Username = token.Get("username")
	}
	return out
}

// onlyGet answers any method but GET and HEAD. As in Django it comes after authentication: 401 wins over 405.
var onlyGet = views.MethodNotAllowed(http.MethodGet, http.MethodHead)

func isGet(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// transport is a path below which the views are mounted, and an engine that carries tokens in bodies and headers, or in cookies.
type transport struct {
	path string
	auth *core.Auth
}

// listTransports returns /api, with tokens in bodies and headers for clients of any kind, and with AUTH_COOKIE /account, with cookies for
// the page.
func (a *app) listTransports() []transport {
	api := transport{"/api", a.auth.WithoutCookies()}
	if !a.auth.Settings().AuthCookie {
		return []transport{api}
	}
	return []transport{api, {strings.TrimSuffix(pagePath, "/"), a.auth}}
}

// withSlash returns a path without and with the trailing slash: Django has it, many clients forget it.
func withSlash(path string) []string { return []string{path, path + "/"} }

// newGinHandler makes the routes on Gin.
//
// Here as in the other two, the view that changes a password is behind CheckingSession: the access token of a session that was ended is
// accepted elsewhere until it expires, but must not end the sessions that are left.
func newGinHandler(a *app) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	_ = r.SetTrustedProxies(nil) // Gin trusts every proxy by default
	// A method that a view does not have is SimpleJWT's 405 with its body, and not Gin's 404.
	r.HandleMethodNotAllowed = true
	r.NoMethod(ginjwt.Wrap(views.MethodNotAllowed()))
	transports := a.listTransports()
	for _, tr := range transports {
		ginjwt.Mount(r.Group(tr.path+"/token"), tr.auth)
		ginjwt.MountSessions(r.Group(tr.path+"/token"), tr.auth)
		for _, path := range withSlash(tr.path + "/me/password") {
			r.Any(path, outlastGinClient, ginjwt.Required(tr.auth.CheckingSession()), gin.WrapF(a.changePassword(tr.auth)))
		}
		for _, path := range withSlash(tr.path + "/me") {
			r.Any(path, ginjwt.Required(tr.auth), func(c *gin.Context) {
				if !isGet(c.Request.Method) {
					onlyGet.ServeHTTP(c.Writer, c.Request)
					return
				}
				user, _ := ginjwt.User[*Account](c)
				c.JSON(http.StatusOK, userAnswer{user.AuthID(), user.Username})
			})
		}
	}
	api := transports[0]
	ginjwt.MountSliding(r.Group(api.path+"/token"), api.auth)
	for _, path := range withSlash(api.path + "/me/stateless") {
		r.Any(path, ginjwt.Required(api.auth.Stateless()), func(c *gin.Context) {
			if !isGet(c.Request.Method) {
				onlyGet.ServeHTTP(c.Writer, c.Request)
				return
			}
			c.JSON(http.StatusOK, describeTokenUser(c.Request.Context()))
		})
	}
	for path, handler := range a.pageHandlers() {
		r.Any(path, gin.WrapH(handler))
	}
	return r
}

// outlastGinClient is outlastClient as middleware of Gin: the handlers behind it see the request with the new context.
func outlastGinClient(c *gin.Context) {
	next := func(_ http.ResponseWriter, r *http.Request) {
		c.Request = r
		c.Next()
	}
	outlastClient(http.HandlerFunc(next)).ServeHTTP(c.Writer, c.Request)
}

// newEchoHandler makes the routes on Echo. Its middleware is applied from the first to the last, so the context of outlastClient is there
// when Required authenticates.
func newEchoHandler(a *app) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect() // Echo believes X-Forwarded-For by default
	transports := a.listTransports()
	for _, tr := range transports {
		echojwt.Mount(e.Group(tr.path+"/token"), tr.auth)
		echojwt.MountSessions(e.Group(tr.path+"/token"), tr.auth)
		for _, path := range withSlash(tr.path + "/me/password") {
			e.Any(path, echo.WrapHandler(a.changePassword(tr.auth)), echo.WrapMiddleware(outlastClient), echojwt.Required(tr.auth.CheckingSession()))
		}
		for _, path := range withSlash(tr.path + "/me") {
			e.Any(path, func(c echo.Context) error {
				if !isGet(c.Request().Method) {
					onlyGet.ServeHTTP(c.Response(), c.Request())
					return nil
				}
				user, _ := echojwt.User[*Account](c)
				return c.JSON(http.StatusOK, userAnswer{user.AuthID(), user.Username})
			}, echojwt.Required(tr.auth))
		}
	}
	api := transports[0]
	echojwt.MountSliding(e.Group(api.path+"/token"), api.auth)
	for _, path := range withSlash(api.path + "/me/stateless") {
		e.Any(path, func(c echo.Context) error {
			if !isGet(c.Request().Method) {
				onlyGet.ServeHTTP(c.Response(), c.Request())
				return nil
			}
			return c.JSON(http.StatusOK, describeTokenUser(c.Request().Context()))
		}, echojwt.Required(api.auth.Stateless()))
	}
	for path, handler := range a.pageHandlers() {
		e.Any(path, echo.WrapHandler(handler))
	}
	return e
}

// newStdHandler makes the routes on net/http, whose mux answers only the exact path of a pattern that has no trailing slash.
func newStdHandler(a *app) http.Handler {
	mux := http.NewServeMux()
	// A pattern that ends in a slash matches all paths below it; with {$} it matches itself alone.
	handle := func(path string, handler http.Handler) {
		mux.Handle(path, handler)
		mux.Handle(path+"/{$}", handler)
	}
	transports := a.listTransports()
	for _, tr := range transports {
		stdjwt.Mount(mux, tr.path+"/token/", tr.auth)
		stdjwt.MountSessions(mux, tr.path+"/token/", tr.auth)
		handle(tr.path+"/me/password", outlastClient(stdjwt.Required(tr.auth.CheckingSession())(a.changePassword(tr.auth))))
		handle(tr.path+"/me", stdjwt.Required(tr.auth)(serveUser(func(r *http.Request) userAnswer {
			user, _ := stdjwt.User[*Account](r)
			return userAnswer{user.AuthID(), user.Username}
		})))
	}
	api := transports[0]
	stdjwt.MountSliding(mux, api.path+"/token/", api.auth)
	handle(api.path+"/me/stateless", stdjwt.Required(api.auth.Stateless())(serveUser(func(r *http.Request) userAnswer {
		return describeTokenUser(r.Context())
	})))
	for path, handler := range a.pageHandlers() {
		if strings.HasSuffix(path, "/") {
			path += "{$}"
		}
		mux.Handle(path, handler)
	}
	return mux
}

// serveUser answers GET and HEAD with what describe returns, as JSON.
func serveUser(describe func(*http.Request) userAnswer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isGet(r.Method) {
			onlyGet.ServeHTTP(w, r)
			return
		}
		body, err := json.Marshal(describe(r))
		if err != nil {
			http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the client may be gone
	})
}
