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
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // prints no routes
	os.Exit(m.Run())
}

func TestAdapter(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Adapter[gin.HandlerFunc, gin.HandlerFunc]{
		ObtainPair: ginjwt.ObtainPair, Refresh: ginjwt.Refresh, Verify: ginjwt.Verify, Blacklist: ginjwt.Blacklist,
		ObtainSliding: ginjwt.ObtainSliding, RefreshSliding: ginjwt.RefreshSliding,
		Sessions: ginjwt.Sessions, OtherSessions: ginjwt.OtherSessions, Session: ginjwt.Session,
		Required: ginjwt.Required, Optional: ginjwt.Optional, Require: ginjwt.Require,
		Mount: func(prefix string, a *core.Auth) http.Handler {
			r := engine()
			ginjwt.Mount(r.Group(prefix), a)
			return r
		},
		MountSliding: func(prefix string, a *core.Auth) http.Handler {
			r := engine()
			ginjwt.MountSliding(r.Group(prefix), a)
			return r
		},
		MountSessions: func(prefix string, a *core.Auth) http.Handler {
			r := engine()
			ginjwt.MountSessions(r.Group(prefix), a)
			return r
		},
		ServeSessions: func(all, others, one gin.HandlerFunc) http.Handler {
			r := engine()
			r.Any("/all", all)
			r.Any("/others", others)
			r.Any("/one/:id", one)
			return r
		},
		Serve: func(h gin.HandlerFunc, middleware ...gin.HandlerFunc) http.Handler {
			r := engine(middleware...)
			r.Any("/", h)
			return r
		},
		Handler: handler,
	})
}

// engine is an application as the documentation of NoMethod wants it.
func engine(middleware ...gin.HandlerFunc) *gin.Engine {
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.NoMethod(ginjwt.NoMethod())
	r.Use(middleware...)
	return r
}

func handler(see func(adaptertest.Seen)) gin.HandlerFunc {
	return func(c *gin.Context) {
		s := adaptertest.Seen{Request: c.Request}
		s.Account, s.IsAccount = ginjwt.User[*memstore.Account](c)
		s.TokenUser, s.IsTokenUser = ginjwt.User[*core.TokenUser](c)
		s.Token, s.HasToken = ginjwt.Token(c)
		see(s)
		c.String(http.StatusOK, "ok")
	}
}
