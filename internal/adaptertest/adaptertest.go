// Package adaptertest is the conformance suite of the adapters: the rules that views and middleware keep on every framework.
//
// What the views answer is tested in views. The suite tests that an adapter reaches them, that a request which is rejected never
// reaches the application's handler, and that user and token arrive. An adapter's test calls [Run] once.
//
// Each file holds the cases of one subject: mount.go, endpoints.go, guards.go, errors.go, requests.go, sessions.go and hangups.go, and
// with AUTH_COOKIE cookies.go, replaced.go, csrf.go and planted.go. env.go and fixture.go are the kit, browser.go is a browser for the
// cases with cookies. A case has a rule beside its name, which a failure logs.
package adaptertest

import (
	"net/http"
	"testing"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// Adapter is what an adapter exports, with the framework's handlers H and middleware M, and how an application is made of them. All
// fields are required.
type Adapter[H, M any] struct {
	// Wrap returns a view as a handler; where handlers are http.Handlers it returns the view itself.
	Wrap func(view http.Handler) H

	Required, Optional func(core.Authenticator) M
	Require            func(core.Authenticator, views.Permission) M

	// Mount, MountSliding and MountSessions make an application with nothing but these routes below a prefix: "", "/", "/api/token" or
	// "/api/token/".
	Mount, MountSliding, MountSessions func(prefix string, a *core.Auth) http.Handler
	// PlainUnknownMethods says that a method which no RFC of HTTP defines gets the router's own 405, not that of DRF.
	PlainUnknownMethods bool
	// ServeID makes an application with a handler at "/one/" and an id, the path value "id", for every method.
	ServeID func(h H) http.Handler
	// Serve makes an application with a handler at "/" for every method, behind middleware; the first stands outermost. It
	// catches no panic.
	Serve func(h H, middleware ...M) http.Handler
	// Handler makes a handler that calls see with what it sees and answers 200 with the body "ok".
	Handler func(see func(Seen)) H
}

// Seen is what a handler sees of a request, by the adapter's own functions.
type Seen struct {
	// Request is the request as it is behind the middleware.
	Request *http.Request
	// Account and IsAccount are what User answers for *memstore.Account.
	Account   *memstore.Account
	IsAccount bool
	// TokenUser and IsTokenUser are what User answers for *core.TokenUser.
	TokenUser   *core.TokenUser
	IsTokenUser bool
	// Token and HasToken are what Token answers.
	Token    *core.Token
	HasToken bool
}

// testCase is a rule with the code that checks it.
type testCase[H, M any] struct {
	name string
	// rule says what an adapter must do and why it matters. A failure logs it.
	rule string
	run  func(*env[H, M])
}

// Run checks an adapter. Every case is a parallel sub-test with an Auth of its own, in memory.
func Run[H, M any](t *testing.T, a Adapter[H, M]) {
	t.Helper()
	for _, group := range [][]testCase[H, M]{
		mountCases[H, M](), endpointCases[H, M](), guardCases[H, M](), errorCases[H, M](), requestCases[H, M](),
		sessionCases[H, M](), hangupCases[H, M](), cookieCases[H, M](), replacedCases[H, M](), csrfCases[H, M](), plantedCases[H, M](),
	} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				defer func() {
					if t.Failed() {
						t.Logf("the rule: %s", c.rule)
					}
				}()
				c.run(newEnv(t, a))
			})
		}
	}
}
