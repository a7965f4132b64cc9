package stdjwt_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

type middleware = func(http.Handler) http.Handler

func TestAdapter(t *testing.T) {
	t.Parallel()
	mount := func(mount func(*http.ServeMux, string, *core.Auth)) func(string, *core.Auth) http.Handler {
		return func(prefix string, a *core.Auth) http.Handler {
			mux := http.NewServeMux()
			mount(mux, prefix, a)
			return mux
		}
	}
	adaptertest.Run(t, adaptertest.Adapter[http.Handler, middleware]{
		PlainUnknownMethods: true,
		Wrap:                func(view http.Handler) http.Handler { return view },
		Required:            stdjwt.Required, Optional: stdjwt.Optional, Require: stdjwt.Require,
		Mount: mount(stdjwt.Mount), MountSliding: mount(stdjwt.MountSliding), MountSessions: mount(stdjwt.MountSessions),
		ServeID: func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/one/{id}", h)
			return mux
		},
		Serve:   serveBehind,
		Handler: newHandler,
	})
}

// serveBehind returns a mux with a handler behind middleware.
func serveBehind(h http.Handler, all ...middleware) http.Handler {
	for _, m := range slices.Backward(all) {
		h = m(h)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	return mux
}

func newHandler(see func(adaptertest.Seen)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := adaptertest.Seen{Request: r}
		s.Account, s.IsAccount = stdjwt.User[*memstore.Account](r)
		s.TokenUser, s.IsTokenUser = stdjwt.User[*core.TokenUser](r)
		s.Token, s.HasToken = stdjwt.Token(r)
		see(s)
		_, _ = w.Write([]byte("ok"))
	})
}
