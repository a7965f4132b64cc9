package echojwt_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
)

func TestAdapter(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Adapter[echo.HandlerFunc, echo.MiddlewareFunc]{
		ObtainPair: echojwt.ObtainPair, Refresh: echojwt.Refresh, Verify: echojwt.Verify, Blacklist: echojwt.Blacklist,
		ObtainSliding: echojwt.ObtainSliding, RefreshSliding: echojwt.RefreshSliding,
		Sessions: echojwt.Sessions, OtherSessions: echojwt.OtherSessions, Session: echojwt.Session,
		Required: func(a core.Authenticator) echo.MiddlewareFunc { return echojwt.Required(a) },
		Optional: func(a core.Authenticator) echo.MiddlewareFunc { return echojwt.Optional(a) },
		Require:  echojwt.Require,
		Mount: func(prefix string, a *core.Auth) http.Handler {
			e := echo.New()
			echojwt.Mount(e.Group(prefix), a)
			return e
		},
		MountSliding: func(prefix string, a *core.Auth) http.Handler {
			e := echo.New()
			echojwt.MountSliding(e.Group(prefix), a)
			return e
		},
		MountSessions: func(prefix string, a *core.Auth) http.Handler {
			e := echo.New()
			echojwt.MountSessions(e.Group(prefix), a)
			return e
		},
		ServeSessions: func(all, others, one echo.HandlerFunc) http.Handler {
			e := echo.New()
			e.Any("/all", all)
			e.Any("/others", others)
			e.Any("/one/:id", one)
			return e
		},
		Serve: func(h echo.HandlerFunc, middleware ...echo.MiddlewareFunc) http.Handler {
			e := echo.New()
			e.Any("/", h, middleware...)
			return e
		},
		Handler: handler,
	})
}

func handler(see func(adaptertest.Seen)) echo.HandlerFunc {
	return func(c echo.Context) error {
		s := adaptertest.Seen{Request: c.Request()}
		s.Account, s.IsAccount = echojwt.User[*memstore.Account](c)
		s.TokenUser, s.IsTokenUser = echojwt.User[*core.TokenUser](c)
		s.Token, s.HasToken = echojwt.Token(c)
		see(s)
		return c.String(http.StatusOK, "ok")
	}
}
