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

// errDatabase is an error as a driver returns it. Nothing of it may reach a client.
var errDatabase = errors.New("pq: connect to postgres://app@10.0.0.7:5432/shop: connection refused")

func errorCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "unavailable users are a 503",
		rule: "a 401 would make the client drop a good session; the cause is for the log, not for the client",
		run:  (*env[H, M]).checkUsersUnavailable,
	}, {
		name: "an unavailable store is a 503",
		rule: "whether a token is blacklisted is unknown then: the handler must not run",
		run:  (*env[H, M]).checkStoreUnavailable,
	}, {
		name: "a custom Authenticator answers for itself",
		rule: "its header is read, its denials and its challenge are answered as they are, and any other error says nothing",
		run:  (*env[H, M]).checkCustomAuthenticator,
	}, {
		name: "a panic of the application's handler or hook propagates",
		rule: "the application's recovery middleware must see it",
		run:  (*env[H, M]).checkPanicsPass,
	}}
}

// brokenUsers are Users that are unavailable.
type brokenUsers struct{ *memstore.Users }

func (brokenUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errDatabase
}

func (e *env[H, M]) checkUsersUnavailable() {
	broken := e.newAuth(func(_ *simplejwt.Settings, d *core.Deps) { d.Users = brokenUsers{e.users} })
	good := "Bearer " + e.loginPair(e.alice).Access
	for _, guard := range []M{e.Required(broken), e.Optional(broken)} {
		e.wantDenial(e.sendGet(e.Serve(e.newUnreachableHandler(), guard), good), http.StatusServiceUnavailable, unavailable)
	}
	e.wantOK(e.sendGet(e.Serve(e.Handler(func(Seen) {}), e.Optional(broken)))) // an anonymous request needs no database
}

// brokenStore is a Store whose blacklist is unavailable.
type brokenStore struct{ core.Store }

func (brokenStore) IsBlacklisted(context.Context, string) (owner *string, blacklisted bool, err error) {
	return nil, false, errDatabase
}

func (e *env[H, M]) checkStoreUnavailable() {
	broken := e.newAuth(func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthTokenClasses = []core.ClassName{core.SlidingToken} // access tokens are in no table
		d.Store = brokenStore{e.store}
	})
	good := "Bearer " + e.loginSliding()
	for _, guard := range []M{e.Required(broken), e.Optional(broken), e.Required(broken.Stateless())} {
		e.wantDenial(e.sendGet(e.Serve(e.newUnreachableHandler(), guard), good), http.StatusServiceUnavailable, unavailable)
	}
}

// machines is a custom Authenticator. It answers every key with its error.
type machines struct{ err error }

func (m machines) AuthenticateToken(context.Context, string) (simplejwt.User, *core.Token, error) {
	return nil, nil, m.err
}

func (machines) Transport() core.Transport {
	return core.Transport{Header: "X-Key", Schemes: []string{"Key"}}
}

func (e *env[H, M]) checkCustomAuthenticator() {
	revoked := &core.Error{Status: http.StatusUnauthorized, Code: "revoked", Detail: "Key is revoked."}
	for _, c := range []struct {
		name      string
		err       error
		status    int
		body      string
		challenge string
	}{
		{"a denial", revoked, http.StatusUnauthorized, `{"detail":"Key is revoked.","code":"revoked"}`, `Key realm="api"`},
		{"another error", errDatabase, http.StatusInternalServerError, serverError, ""},
	} {
		for _, guard := range []M{e.Required(machines{c.err}), e.Optional(machines{c.err})} {
			w := e.sendGetWith(e.Serve(e.newUnreachableHandler(), guard), "X-Key", "Key x")
			e.wantAnswer(w, newDenial(c.status, c.body, c.challenge))
		}
	}
}

func (e *env[H, M]) checkPanicsPass() {
	anybody := func(context.Context, simplejwt.User, *core.Token) bool { return true }
	h := e.Handler(func(Seen) { panic(errDatabase) })
	app := e.Serve(h, e.Required(e.auth), e.Optional(e.auth), e.Require(e.auth, anybody))
	e.wantPanic("of a handler", func() { e.sendGet(app, "Bearer "+e.loginPair(e.alice).Access) })

	hooked := e.newAuth(func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenVerifySerializer = func(context.Context, *simplejwt.SerializerInput, func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
			panic(errDatabase)
		}
	})
	e.wantPanic("of a hook", func() { e.postObject(views.Verify(hooked), "token", e.loginPair(e.alice).Access) })
}

// wantPanic checks that run panics with errDatabase.
func (e *env[H, M]) wantPanic(what string, run func()) {
	e.Helper()
	defer func() {
		if got := recover(); got != any(errDatabase) {
			e.Errorf("the panic %s arrives as %v", what, got)
		}
	}()
	run()
}
