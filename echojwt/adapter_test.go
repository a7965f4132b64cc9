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
	mount := func(mount func(*echo.Group, *core.Auth)) func(string, *core.Auth) http.Handler {
		return func(prefix string, a *core.Auth) http.Handler {
			e := echo.New()
			mount(e.Group(prefix), a)
			return e
		}
	}
	adaptertest.Run(t, adaptertest.Adapter[echo.HandlerFunc, echo.MiddlewareFunc]{
		Wrap:     echojwt.Wrap,
		Required: func(a core.Authenticator) echo.MiddlewareFunc { return echojwt.Required(a) },
		Optional: func(a core.Authenticator) echo.MiddlewareFunc { return echojwt.Optional(a) },
		Require:  echojwt.Require,
		Mount:    mount(echojwt.Mount), MountSliding: mount(echojwt.MountSliding), MountSessions: mount(echojwt.MountSessions),
		ServeID: func(h echo.HandlerFunc) http.Handler {
			e := echo.New()
			e.Any("/one/:id", h)
			return e
		},
		Serve: func(h echo.HandlerFunc, middleware ...echo.MiddlewareFunc) http.Handler {
			e := echo.New()
			e.Any("/", h, middleware...)
			return e
		},
		Handler: newHandler,
	})
}

func newHandler(see func(adaptertest.Seen)) echo.HandlerFunc {
	return func(c echo.Context) error {
		s := adaptertest.Seen{Request: c.Request()}
		s.Account, s.IsAccount = echojwt.User[*memstore.Account](c)
		s.TokenUser, s.IsTokenUser = echojwt.User[*core.TokenUser](c)
		s.Token, s.HasToken = echojwt.Token(c)
		see(s)
		return c.String(http.StatusOK, "ok")
	}
}
