package adaptertest

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// errDatabase is what a driver might say: nothing of it may reach a client.
var errDatabase = errors.New("pq: connect to postgres://app@10.0.0.7:5432/shop: connection refused")

func troubleCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "trouble with the users is a 503",
		rule: "a 401 would make the client drop a good session; the cause is for the log, not for the client",
		run:  (*env[H, M]).usersTrouble,
	}, {
		name: "trouble with the store is a 503",
		rule: "whether a token is blacklisted is unknown then: the handler must not run",
		run:  (*env[H, M]).storeTrouble,
	}, {
		name: "a custom Authenticator answers for itself",
		rule: "its header is read, its denials and its challenge are answered as they are, and any other error says nothing",
		run:  (*env[H, M]).customAuthenticator,
	}, {
		name: "a panic of the application's handler or hook passes",
		rule: "the application's own recovery middleware must learn of it",
		run:  (*env[H, M]).panicsPass,
	}}
}

// brokenUsers are users that can't be asked.
type brokenUsers struct{ *memstore.Users }

func (brokenUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errDatabase
}

func (e *env[H, M]) usersTrouble() {
	broken := e.newAuth(func(_ *simplejwt.Settings, d *core.Deps) { d.Users = brokenUsers{e.users} })
	good := "Bearer " + e.login(e.alice).Access
	for _, guard := range []M{e.Required(broken), e.Optional(broken)} {
		e.wantRefusal(e.get(e.Serve(e.never(), guard), good), http.StatusServiceUnavailable, unavailable)
	}
	e.wantOK(e.get(e.Serve(e.Handler(func(Seen) {}), e.Optional(broken)))) // nobody needs no database
}

// brokenStore is a store that can't be asked what is blacklisted.
type brokenStore struct{ core.Store }

func (brokenStore) IsBlacklisted(context.Context, string) (owner *string, blacklisted bool, err error) {
	return nil, false, errDatabase
}

func (e *env[H, M]) storeTrouble() {
	broken := e.newAuth(func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthTokenClasses = []core.ClassName{core.SlidingToken} // access tokens are in no table
		d.Store = brokenStore{e.store}
	})
	good := "Bearer " + e.sliding()
	for _, guard := range []M{e.Required(broken), e.Optional(broken), e.Required(broken.Stateless())} {
		e.wantRefusal(e.get(e.Serve(e.never(), guard), good), http.StatusServiceUnavailable, unavailable)
	}
}

// machines is a program's own Authenticator. It answers every key with its error.
type machines struct{ err error }

func (m machines) AuthenticateToken(context.Context, string) (simplejwt.User, *core.Token, error) {
	return nil, nil, m.err
}

func (machines) Transport() core.Transport {
	return core.Transport{Header: "X-Key", Schemes: []string{"Key"}}
}

func (e *env[H, M]) customAuthenticator() {
	revoked := &core.Error{Status: http.StatusUnauthorized, Code: "revoked", Detail: "Key is revoked."}
	for _, c := range []struct {
		name      string
		err       error
		status    int
		body      string
		challenge string
	}{
		{"a refusal", revoked, http.StatusUnauthorized, `{"detail":"Key is revoked.","code":"revoked"}`, `Key realm="api"`},
		{"another error", errDatabase, http.StatusInternalServerError, serverError, ""},
	} {
		for _, guard := range []M{e.Required(machines{c.err}), e.Optional(machines{c.err})} {
			w := e.getWith(e.Serve(e.never(), guard), "X-Key", "Key x")
			e.wantAnswer(w, refusal(c.status, c.body, c.challenge))
		}
	}
}

func (e *env[H, M]) panicsPass() {
	anybody := func(context.Context, simplejwt.User, *core.Token) bool { return true }
	h := e.Handler(func(Seen) { panic(errDatabase) })
	app := e.Serve(h, e.Required(e.auth), e.Optional(e.auth), e.Require(e.auth, anybody))
	e.wantPanic("of a handler", func() { e.get(app, "Bearer "+e.login(e.alice).Access) })

	hooked := e.newAuth(func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenVerifySerializer = func(context.Context, *simplejwt.SerializerInput, func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
			panic(errDatabase)
		}
	})
	e.wantPanic("of a hook", func() { e.post(views.Verify(hooked), "token", e.login(e.alice).Access) })
}

func (e *env[H, M]) wantPanic(what string, run func()) {
	e.Helper()
	defer func() {
		if got := recover(); got != any(errDatabase) {
			e.Errorf("the panic %s arrives as %v", what, got)
		}
	}()
	run()
}
