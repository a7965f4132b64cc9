package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

const (
	key      = "a signing key of thirty-two bytes or more"
	password = "correct horse"
	jsonType = "application/json"
)

// The bodies of denials, as DRF and SimpleJWT write them.
const (
	// NotProvided is the body for a request without credentials.
	NotProvided = `{"detail":"Authentication credentials were not provided."}`
	// BadHeader is the body for a malformed Authorization header.
	BadHeader = `{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}`
	// Denied is the body for a user without permission.
	Denied = `{"detail":"You do not have permission to perform this action."}`

	badToken    = `{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is invalid"}]}`
	notFound    = `{"detail":"User not found","code":"user_not_found"}`
	unavailable = `{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable"}`
	serverError = `{"detail":"A server error occurred.","code":"error"}`
)

// NewAuth returns an Auth over memory, and the Authorization field of its user alice, for tests of what only one framework does.
func NewAuth(t testing.TB) (auth *core.Auth, alice string) {
	t.Helper()
	f := newFixture(t)
	return f.auth, "Bearer " + f.loginPair(f.alice).Access
}

// Request sends an application a request with an empty JSON object, and with an Authorization field unless it is "".
func Request(t testing.TB, app http.Handler, method, path, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
	r.Header.Set("Content-Type", jsonType)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// Nobody is a permission that nobody has.
func Nobody(context.Context, simplejwt.User, *core.Token) bool { return false }

// fixture is an Auth over memory with two users, alice and bob. Passwords are compared in plain text, so that no case
// waits for a hash.
type fixture struct {
	t          testing.TB
	auth       *core.Auth
	users      *memstore.Users
	store      *memstore.Store
	alice, bob *memstore.Account
}

// newFixture returns a fixture with rotation and blacklisting.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{
		t: t, users: memstore.NewUsers(), store: memstore.New(),
		alice: &memstore.Account{ID: "1", Username: "alice"}, bob: &memstore.Account{ID: "2", Username: "bob"},
	}
	for _, account := range []*memstore.Account{f.alice, f.bob} {
		if err := f.users.Add(*account); err != nil {
			t.Fatal(err)
		}
	}
	f.auth = f.newAuth()
	return f
}

// newAuth makes an Auth over the same users, store and key; change may alter settings and dependencies before.
func (f *fixture) newAuth(change ...func(*simplejwt.Settings, *core.Deps)) *core.Auth {
	f.t.Helper()
	settings := simplejwt.Settings{SigningKey: key, RotateRefreshTokens: true, BlacklistAfterRotation: true}
	deps := core.Deps{Users: f.users, Store: f.store, Authenticate: f.checkPassword}
	for _, c := range change {
		c(&settings, &deps)
	}
	auth, err := core.New(settings, deps)
	if err != nil {
		f.t.Fatal(err)
	}
	return auth
}

// checkPassword is Deps.Authenticate. It returns the user if the password is exactly the constant.
func (f *fixture) checkPassword(ctx context.Context, username, given string) (simplejwt.User, error) {
	user, err := f.users.ByUsername(ctx, username)
	if errors.Is(err, core.ErrUserNotFound) || given != password {
		return nil, nil
	}
	return user, err
}

// loginPair starts a session of a user and returns its tokens.
func (f *fixture) loginPair(user simplejwt.User) core.Pair {
	f.t.Helper()
	pair, err := f.auth.Login(f.t.Context(), user)
	if err != nil {
		f.t.Fatal(err)
	}
	return pair
}

// loginSliding starts a session of alice and returns its sliding token.
func (f *fixture) loginSliding() string {
	f.t.Helper()
	token, err := f.auth.LoginSliding(f.t.Context(), f.alice)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}
