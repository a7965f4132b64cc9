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
	adaptertest.Run(t, adaptertest.Adapter[http.Handler, middleware]{
		ObtainPair: stdjwt.ObtainPair, Refresh: stdjwt.Refresh, Verify: stdjwt.Verify, Blacklist: stdjwt.Blacklist,
		ObtainSliding: stdjwt.ObtainSliding, RefreshSliding: stdjwt.RefreshSliding,
		Sessions: stdjwt.Sessions, OtherSessions: stdjwt.OtherSessions, Session: stdjwt.Session,
		Required: stdjwt.Required, Optional: stdjwt.Optional, Require: stdjwt.Require,
		Mount: func(prefix string, a *core.Auth) http.Handler {
			mux := http.NewServeMux()
			stdjwt.Mount(mux, prefix, a)
			return mux
		},
		MountSliding: func(prefix string, a *core.Auth) http.Handler {
			mux := http.NewServeMux()
			stdjwt.MountSliding(mux, prefix, a)
			return mux
		},
		MountSessions: func(prefix string, a *core.Auth) http.Handler {
			mux := http.NewServeMux()
			stdjwt.MountSessions(mux, prefix, a)
			return mux
		},
		ServeSessions: func(all, others, one http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/all", all)
			mux.Handle("/others", others)
			mux.Handle("/one/{id}", one)
			return mux
		},
		Serve:   serve,
		Handler: handler,
	})
}

// serve is a mux with a handler behind middleware.
func serve(h http.Handler, all ...middleware) http.Handler {
	for _, m := range slices.Backward(all) {
		h = m(h)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	return mux
}

func handler(see func(adaptertest.Seen)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := adaptertest.Seen{Request: r}
		s.Account, s.IsAccount = stdjwt.User[*memstore.Account](r)
		s.TokenUser, s.IsTokenUser = stdjwt.User[*core.TokenUser](r)
		s.Token, s.HasToken = stdjwt.Token(r)
		see(s)
		_, _ = w.Write([]byte("ok"))
	})
}
