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

// frameworks make the same routes on each framework: the views below /api/token/, two protected ones, and one that
// changes the password; the page with what it needs below /account/; and a start page at /.
func frameworks() map[string]func(*app) http.Handler {
	return map[string]func(*app) http.Handler{"gin": ginRoutes, "echo": echoRoutes, "std": stdRoutes}
}

// me is the answer of a protected route.
type me struct {
	ID       any `json:"id"`
	Username any `json:"username"`
}

// fromToken answers with nothing but what the token says, in whatever type.
func fromToken(ctx context.Context) me {
	user, _ := views.User[*core.TokenUser](ctx)
	out := me{ID: user.ID(), Username: ""}
	if token, _ := views.Token(ctx); token.Has("username") {
		out.Username = token.Get("username")
	}
	return out
}

// Protected routes answer GET and HEAD; as in Django the method is looked at after the token.
var otherMethods = views.MethodNotAllowed(http.MethodGet, http.MethodHead)

func isGet(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// door is a path below which a user is served, and how his tokens travel there.
type door struct {
	path string
	auth *core.Auth
}

// doors are /api for clients of any kind, with tokens in bodies and headers, and /account for the page, with cookies.
func (a *app) doors() []door {
	api := door{"/api", a.auth.WithoutCookies()}
	if !a.auth.Settings().AuthCookie {
		return []door{api}
	}
	return []door{api, {strings.TrimSuffix(pagePath, "/"), a.auth}}
}

// slashes are a path with and without the trailing slash.
func slashes(path string) []string { return []string{path, path + "/"} }

func ginRoutes(a *app) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	_ = r.SetTrustedProxies(nil) // Gin trusts every proxy by default
	r.HandleMethodNotAllowed = true
	r.NoMethod(ginjwt.Wrap(views.MethodNotAllowed()))
	doors := a.doors()
	for _, d := range doors {
		ginjwt.Mount(r.Group(d.path+"/token"), d.auth)
		ginjwt.MountSessions(r.Group(d.path+"/token"), d.auth)
		for _, path := range slashes(d.path + "/me/password") {
			r.Any(path, outlastGinClient, ginjwt.Required(d.auth.CheckingSession()), gin.WrapF(a.changePassword(d.auth)))
		}
		for _, path := range slashes(d.path + "/me") {
			r.Any(path, ginjwt.Required(d.auth), func(c *gin.Context) {
				if !isGet(c.Request.Method) {
					otherMethods.ServeHTTP(c.Writer, c.Request)
					return
				}
				user, _ := ginjwt.User[*Account](c)
				c.JSON(http.StatusOK, me{user.AuthID(), user.Username})
			})
		}
	}
	api := doors[0]
	ginjwt.MountSliding(r.Group(api.path+"/token"), api.auth)
	for _, path := range slashes(api.path + "/me/stateless") {
		r.Any(path, ginjwt.Required(api.auth.Stateless()), func(c *gin.Context) {
			if !isGet(c.Request.Method) {
				otherMethods.ServeHTTP(c.Writer, c.Request)
				return
			}
			c.JSON(http.StatusOK, fromToken(c.Request.Context()))
		})
	}
	for path, handler := range a.pages() {
		r.Any(path, gin.WrapH(handler))
	}
	return r
}

// outlastGinClient is outlastClient for Gin.
func outlastGinClient(c *gin.Context) {
	next := func(_ http.ResponseWriter, r *http.Request) {
		c.Request = r
		c.Next()
	}
	outlastClient(http.HandlerFunc(next)).ServeHTTP(c.Writer, c.Request)
}

func echoRoutes(a *app) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	doors := a.doors()
	for _, d := range doors {
		echojwt.Mount(e.Group(d.path+"/token"), d.auth)
		echojwt.MountSessions(e.Group(d.path+"/token"), d.auth)
		for _, path := range slashes(d.path + "/me/password") {
			e.Any(path, echo.WrapHandler(a.changePassword(d.auth)), echo.WrapMiddleware(outlastClient), echojwt.Required(d.auth.CheckingSession()))
		}
		for _, path := range slashes(d.path + "/me") {
			e.Any(path, func(c echo.Context) error {
				if !isGet(c.Request().Method) {
					otherMethods.ServeHTTP(c.Response(), c.Request())
					return nil
				}
				user, _ := echojwt.User[*Account](c)
				return c.JSON(http.StatusOK, me{user.AuthID(), user.Username})
			}, echojwt.Required(d.auth))
		}
	}
	api := doors[0]
	echojwt.MountSliding(e.Group(api.path+"/token"), api.auth)
	for _, path := range slashes(api.path + "/me/stateless") {
		e.Any(path, func(c echo.Context) error {
			if !isGet(c.Request().Method) {
				otherMethods.ServeHTTP(c.Response(), c.Request())
				return nil
			}
			return c.JSON(http.StatusOK, fromToken(c.Request().Context()))
		}, echojwt.Required(api.auth.Stateless()))
	}
	for path, handler := range a.pages() {
		e.Any(path, echo.WrapHandler(handler))
	}
	return e
}

func stdRoutes(a *app) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, handler http.Handler) {
		mux.Handle(path, handler)
		mux.Handle(path+"/{$}", handler)
	}
	doors := a.doors()
	for _, d := range doors {
		stdjwt.Mount(mux, d.path+"/token/", d.auth)
		stdjwt.MountSessions(mux, d.path+"/token/", d.auth)
		handle(d.path+"/me/password", outlastClient(stdjwt.Required(d.auth.CheckingSession())(a.changePassword(d.auth))))
		handle(d.path+"/me", stdjwt.Required(d.auth)(get(func(r *http.Request) me {
			user, _ := stdjwt.User[*Account](r)
			return me{user.AuthID(), user.Username}
		})))
	}
	api := doors[0]
	stdjwt.MountSliding(mux, api.path+"/token/", api.auth)
	handle(api.path+"/me/stateless", stdjwt.Required(api.auth.Stateless())(get(func(r *http.Request) me {
		return fromToken(r.Context())
	})))
	for path, handler := range a.pages() {
		if strings.HasSuffix(path, "/") {
			path += "{$}"
		}
		mux.Handle(path, handler)
	}
	return mux
}

// get answers GET and HEAD with what the function says.
func get(answer func(*http.Request) me) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isGet(r.Method) {
			otherMethods.ServeHTTP(w, r)
			return
		}
		body, err := json.Marshal(answer(r))
		if err != nil {
			http.Error(w, "the answer can't be encoded", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the client may be gone
	})
}
