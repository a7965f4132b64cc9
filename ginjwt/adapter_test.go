package ginjwt_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
	"github.com/go-simplejwt/simplejwt/views"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // prints no routes
	os.Exit(m.Run())
}

func TestAdapter(t *testing.T) {
	t.Parallel()
	mount := func(mount func(gin.IRoutes, *core.Auth)) func(string, *core.Auth) http.Handler {
		return func(prefix string, a *core.Auth) http.Handler {
			r := newEngine()
			mount(r.Group(prefix), a)
			return r
		}
	}
	adaptertest.Run(t, adaptertest.Adapter[gin.HandlerFunc, gin.HandlerFunc]{
		Wrap: ginjwt.Wrap, Required: ginjwt.Required, Optional: ginjwt.Optional, Require: ginjwt.Require,
		Mount: mount(ginjwt.Mount), MountSliding: mount(ginjwt.MountSliding), MountSessions: mount(ginjwt.MountSessions),
		ServeID: func(h gin.HandlerFunc) http.Handler {
			r := newEngine()
			r.Any("/one/:id", h)
			return r
		},
		Serve: func(h gin.HandlerFunc, middleware ...gin.HandlerFunc) http.Handler {
			r := newEngine(middleware...)
			r.Any("/", h)
			return r
		},
		Handler: newHandler,
	})
}

// newEngine is an application as the documentation of Wrap wants it.
func newEngine(middleware ...gin.HandlerFunc) *gin.Engine {
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.NoMethod(ginjwt.Wrap(views.MethodNotAllowed()))
	r.Use(middleware...)
	return r
}

func newHandler(see func(adaptertest.Seen)) gin.HandlerFunc {
	return func(c *gin.Context) {
		s := adaptertest.Seen{Request: c.Request}
		s.Account, s.IsAccount = ginjwt.User[*memstore.Account](c)
		s.TokenUser, s.IsTokenUser = ginjwt.User[*core.TokenUser](c)
		s.Token, s.HasToken = ginjwt.Token(c)
		see(s)
		c.String(http.StatusOK, "ok")
	}
}
