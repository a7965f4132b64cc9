package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/stdjwt"
	"github.com/go-simplejwt/simplejwt/views"
)

// frameworks make the same routes on each framework: the views below /api/token/, two protected ones, and one that
// changes the password.
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

func ginRoutes(a *app) http.Handler {
	auth := a.auth
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	_ = r.SetTrustedProxies(nil) // Gin trusts every proxy by default
	r.HandleMethodNotAllowed = true
	r.NoMethod(ginjwt.NoMethod())
	ginjwt.Mount(r.Group("/api/token"), auth)
	ginjwt.MountSliding(r.Group("/api/token"), auth)
	ginjwt.MountSessions(r.Group("/api/token"), auth)
	for _, path := range []string{"/api/me/password", "/api/me/password/"} {
		r.Any(path, ginjwt.Required(auth.CheckingSession()), gin.WrapF(a.changePassword))
	}
	for _, path := range []string{"/api/me", "/api/me/"} {
		r.Any(path, ginjwt.Required(auth), func(c *gin.Context) {
			if !isGet(c.Request.Method) {
				otherMethods.ServeHTTP(c.Writer, c.Request)
				return
			}
			user, _ := ginjwt.User[*Account](c)
			c.JSON(http.StatusOK, me{user.AuthID(), user.Username})
		})
	}
	for _, path := range []string{"/api/me/stateless", "/api/me/stateless/"} {
		r.Any(path, ginjwt.Required(auth.Stateless()), func(c *gin.Context) {
			if !isGet(c.Request.Method) {
				otherMethods.ServeHTTP(c.Writer, c.Request)
				return
			}
			c.JSON(http.StatusOK, fromToken(c.Request.Context()))
		})
	}
	return r
}

func echoRoutes(a *app) http.Handler {
	auth := a.auth
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	echojwt.Mount(e.Group("/api/token"), auth)
	echojwt.MountSliding(e.Group("/api/token"), auth)
	echojwt.MountSessions(e.Group("/api/token"), auth)
	for _, path := range []string{"/api/me/password", "/api/me/password/"} {
		e.Any(path, echo.WrapHandler(http.HandlerFunc(a.changePassword)), echojwt.Required(auth.CheckingSession()))
	}
	for _, path := range []string{"/api/me", "/api/me/"} {
		e.Any(path, func(c echo.Context) error {
			if !isGet(c.Request().Method) {
				otherMethods.ServeHTTP(c.Response(), c.Request())
				return nil
			}
			user, _ := echojwt.User[*Account](c)
			return c.JSON(http.StatusOK, me{user.AuthID(), user.Username})
		}, echojwt.Required(auth))
	}
	for _, path := range []string{"/api/me/stateless", "/api/me/stateless/"} {
		e.Any(path, func(c echo.Context) error {
			if !isGet(c.Request().Method) {
				otherMethods.ServeHTTP(c.Response(), c.Request())
				return nil
			}
			return c.JSON(http.StatusOK, fromToken(c.Request().Context()))
		}, echojwt.Required(auth.Stateless()))
	}
	return e
}

func stdRoutes(a *app) http.Handler {
	auth := a.auth
	mux := http.NewServeMux()
	stdjwt.Mount(mux, "/api/token/", auth)
	stdjwt.MountSliding(mux, "/api/token/", auth)
	stdjwt.MountSessions(mux, "/api/token/", auth)
	userBacked := stdjwt.Required(auth)(get(func(r *http.Request) me {
		user, _ := stdjwt.User[*Account](r)
		return me{user.AuthID(), user.Username}
	}))
	stateless := stdjwt.Required(auth.Stateless())(get(func(r *http.Request) me {
		return fromToken(r.Context())
	}))
	password := stdjwt.Required(auth.CheckingSession())(http.HandlerFunc(a.changePassword))
	for _, slash := range []string{"", "/{$}"} {
		mux.Handle("/api/me"+slash, userBacked)
		mux.Handle("/api/me/stateless"+slash, stateless)
		mux.Handle("/api/me/password"+slash, password)
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
