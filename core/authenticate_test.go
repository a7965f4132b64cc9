package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestAuthenticateToken_LoadsUserOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection, withCheckRevokeToken)
	pair := e.mustLogin()
	e.changeAlice(func(a *memstore.Account) { a.Username = "alice2" })
	e.spy.takeCalls()
	user, token, err := e.AuthenticateToken(background, pair.Access)
	if err != nil {
		t.Fatal(err)
	}
	if got := user.(*memstore.Account).Username; got != "alice2" {
		t.Errorf("the user is %q, want the user as stored now", got)
	}
	if token.Class().Name != core.AccessToken || token.JTI() != e.readJTI(pair.Access) || token.UserID() != "1" {
		t.Errorf("the token is %v of user %q", token, token.UserID())
	}
	if diff := cmp.Diff([]string{"ByField"}, e.spy.takeCalls()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
	e.wantNoSecrets(nil, pair.Access)
}

func TestAuthenticateToken_DeniedUser(t *testing.T) {
	t.Parallel()
	never := withSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return false }
	})
	noActiveCheck := withSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) })
	byField, nobody := []string{"ByField"}, []string(nil)
	for name, c := range map[string]struct {
		options []authOption
		claims  map[string]any
		want    *core.Error
		calls   []string
	}{
		"no user claim":                   {nil, map[string]any{"user_id": nil}, core.ErrTokenNoUser, nobody},
		"a user claim of null":            {nil, map[string]any{"user_id": json.RawMessage("null")}, core.ErrUnknownUser, nobody},
		"an empty user claim":             {nil, map[string]any{"user_id": ""}, core.ErrUnknownUser, nobody},
		"a user claim of 0":               {nil, map[string]any{"user_id": 0}, core.ErrUnknownUser, nobody},
		"a user claim that is an object":  {nil, map[string]any{"user_id": map[string]any{"id": 1}}, core.ErrUnknownUser, nobody},
		"a user claim that is a fraction": {nil, map[string]any{"user_id": 1.5}, core.ErrUnknownUser, nobody},
		"a user's id in another spelling": {nil, map[string]any{"user_id": "01"}, core.ErrUnknownUser, byField},
		"an unknown user":                 {nil, map[string]any{"user_id": "99"}, core.ErrUnknownUser, byField},
		"an inactive user":                {nil, map[string]any{"user_id": "2"}, core.ErrUserInactive, byField},
		"inactive, before the rule":       {[]authOption{never, withCheckRevokeToken}, map[string]any{"user_id": "2"}, core.ErrUserInactive, byField},
		"the rule, before the password":   {[]authOption{never, withCheckRevokeToken}, nil, core.ErrNoActiveAccount, byField},
		"the rule alone":                  {[]authOption{never, noActiveCheck}, map[string]any{"user_id": "2"}, core.ErrNoActiveAccount, byField},
		"no digest of the password":       {[]authOption{withCheckRevokeToken}, nil, core.ErrPasswordChanged, byField},
		"another digest":                  {[]authOption{withCheckRevokeToken}, map[string]any{"hash_password": "00"}, core.ErrPasswordChanged, byField},
		"a digest that is no text":        {[]authOption{withCheckRevokeToken}, map[string]any{"hash_password": 5}, core.ErrPasswordChanged, byField},
	} {
		e := newEnv(t, c.options...)
		raw := e.signExternal(accessClaims(c.claims))
		user, token, err := e.AuthenticateToken(background, raw)
		if !errors.Is(err, c.want) || user != nil || token != nil {
			t.Errorf("%s: user %v, token %v, error %v, want %v", name, user, token, err, c.want)
		}
		if diff := cmp.Diff(c.calls, e.spy.takeCalls()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
		e.wantNoSecrets(err, raw)
	}
	e := newEnv(t)
	if _, _, err := e.AuthenticateToken(background, e.signExternal(accessClaims(map[string]any{"user_id": 1, "hash_password": "00"}))); err != nil {
		t.Errorf("CHECK_REVOKE_TOKEN off, the claim is not compared: %v", err)
	}
}

// A request that is denied for its password does not blacklist the token: only a refresh does.
func TestAuthenticateToken_ChangedPassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withTokenClasses(core.AccessToken, core.SlidingToken, core.RefreshToken), withCheckRevokeToken, withRotation)
	pair, sliding := e.mustLogin(), e.mustLoginSliding()
	tokens := map[string]string{"access": pair.Access, "refresh": pair.Refresh, "sliding": sliding}
	for kind, raw := range tokens {
		if _, _, err := e.AuthenticateToken(background, raw); err != nil {
			t.Errorf("%s token, before: %v", kind, err)
		}
	}
	e.changeAlice(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	for kind, raw := range tokens {
		for range 2 {
			if _, _, err := e.AuthenticateToken(background, raw); !errors.Is(err, core.ErrPasswordChanged) {
				t.Errorf("%s token: error %v, want ErrPasswordChanged", kind, err)
			}
		}
		if kind != "access" && e.readReason(raw) != "active" {
			t.Errorf("%s token: a request blacklisted it: %s", kind, e.readReason(raw))
		}
	}
	if _, _, err := e.AuthenticateToken(background, e.mustLogin().Access); err != nil {
		t.Errorf("a login with the new password: %v", err)
	}
}

// withDeviceToken adds a custom token class, which is looked up in the blacklist.
func withDeviceToken(_ *simplejwt.Settings, d *core.Deps) {
	d.TokenClasses = []core.TokenClass{{Name: "DeviceToken", Type: "device", Lifetime: time.Hour, Blacklistable: true}}
}

func TestAuthenticateToken_MessageOfEachClass(t *testing.T) {
	t.Parallel()
	types := map[core.ClassName]string{core.AccessToken: "access", core.SlidingToken: "sliding", core.RefreshToken: "refresh", "DeviceToken": "device"}
	signed := func(claims map[string]any) func(e *env) string {
		return func(e *env) string { return e.signExternal(claims) }
	}
	blacklisted := func(claims map[string]any) func(e *env) string {
		return func(e *env) string {
			raw := e.recordExternal(claims)
			_, _, _ = e.mem.Blacklist(background, e.readJTI(raw), nil, core.ReasonAdmin, e.clock.now())
			return raw
		}
	}
	all := func(text string) [4]string { return [4]string{text, text, text, text} }
	for name, c := range map[string]struct {
		raw      func(e *env) string
		messages [4]string // of AccessToken, SlidingToken, RefreshToken, DeviceToken
		lookups  int
	}{
		"garbage":                     {func(*env) string { return "garbage" }, all("Token is invalid"), 0},
		"an expired token":            {signed(accessClaims(map[string]any{"exp": startTime().Unix()})), all("Token is expired"), 0},
		"a token without a type":      {signed(map[string]any{"token_type": nil}), all("Token has no type"), 3},
		"a token of another type":     {signed(map[string]any{"token_type": "Access"}), all("Token has wrong type"), 3},
		"a token without an id":       {signed(map[string]any{"jti": nil}), all("Token has no id"), 0},
		"a token without an end":      {signed(map[string]any{"exp": nil, "jti": nil}), all("Token has no 'exp' claim"), 0},
		"a blacklisted refresh token": {blacklisted(nil), [4]string{"Token has wrong type", "Token is blacklisted", "Token is blacklisted", "Token is blacklisted"}, 3},
		"a blacklisted sliding token": {blacklisted(map[string]any{"token_type": "sliding"}), [4]string{"Token has wrong type", "Token is blacklisted", "Token is blacklisted", "Token is blacklisted"}, 3},
	} {
		for _, classes := range [][]core.ClassName{
			{core.AccessToken, core.SlidingToken, core.RefreshToken, "DeviceToken"},
			{"DeviceToken", core.RefreshToken, core.SlidingToken, core.AccessToken},
			{core.AccessToken},
			{"rest_framework_simplejwt.tokens." + core.SlidingToken, core.AccessToken},
		} {
			e := newEnv(t, withDeviceToken, withTokenClasses(classes...))
			raw := c.raw(e)
			var want []core.Message
			lookups := c.lookups
			for i, class := range []core.ClassName{core.AccessToken, core.SlidingToken, core.RefreshToken, "DeviceToken"} {
				for _, asked := range classes {
					if asked == class {
						want = append(want, core.Message{TokenClass: class, TokenType: types[class], Message: c.messages[i]})
					}
				}
			}
			switch classes[0] {
			case "DeviceToken":
				want[0], want[1], want[2], want[3] = want[3], want[2], want[1], want[0]
			case core.AccessToken:
				lookups = min(lookups, len(classes)-1) // read as an access token it is never looked up
			default:
				want = []core.Message{{TokenClass: core.SlidingToken, TokenType: "sliding", Message: c.messages[1]}, want[0]}
				lookups = min(lookups, 1)
			}
			for which, a := range map[string]core.Authenticator{"with a user": e, "stateless": e.Stateless()} {
				user, token, err := a.AuthenticateToken(background, raw)
				var got *core.Error
				if !errors.As(err, &got) || !errors.Is(err, core.ErrTokenNotAllowed) || user != nil || token != nil {
					t.Fatalf("%s, %s, %v: user %v, error %v", name, which, classes, user, err)
				}
				if diff := cmp.Diff(want, got.Messages); diff != "" {
					t.Errorf("%s, %s, %v: messages (-want +got):\n%s", name, which, classes, diff)
				}
				calls := e.spy.takeCalls()
				if len(calls) != lookups || (lookups > 0 && calls[0] != "IsBlacklisted") {
					t.Errorf("%s, %s, %v: calls %v, want %d look-ups", name, which, classes, calls, lookups)
				}
			}
			if core.ErrTokenNotAllowed.Messages != nil {
				t.Fatal("the shared ErrTokenNotAllowed was changed")
			}
		}
	}
}

func TestAuthenticateToken_FirstFittingClass(t *testing.T) {
	t.Parallel()
	untyped := withSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off })
	for _, c := range []struct {
		name    string
		options []authOption
		claims  map[string]any
		want    core.ClassName
		lookups int
	}{
		{"access first", []authOption{withTokenClasses(core.AccessToken, core.SlidingToken)}, accessClaims(nil), core.AccessToken, 0},
		{"access last", []authOption{withTokenClasses(core.SlidingToken, core.AccessToken)}, accessClaims(nil), core.AccessToken, 1},
		{"sliding", []authOption{withTokenClasses(core.AccessToken, core.SlidingToken)}, map[string]any{"token_type": "sliding"}, core.SlidingToken, 1},
		{"refresh", []authOption{withTokenClasses(core.RefreshToken)}, nil, core.RefreshToken, 1},
		{"a custom class", []authOption{withDeviceToken, withTokenClasses(core.AccessToken, "DeviceToken")}, map[string]any{"token_type": "device"}, "DeviceToken", 1},
		{"types off", []authOption{untyped, withTokenClasses(core.SlidingToken, core.AccessToken)}, map[string]any{"token_type": "whatever"}, core.SlidingToken, 1},
		{"without a store nothing is looked up", []authOption{withoutStore, withTokenClasses(core.SlidingToken)}, map[string]any{"token_type": "sliding"}, core.SlidingToken, 0},
	} {
		e := newEnv(t, c.options...)
		raw := e.signExternal(c.claims)
		lookup := make([]string, c.lookups, 2)
		for i := range lookup {
			lookup[i] = "IsBlacklisted"
		}
		for which, a := range map[string]core.Authenticator{"with a user": e, "stateless": e.Stateless()} {
			_, token, err := a.AuthenticateToken(background, raw)
			if err != nil || token.Class().Name != c.want {
				t.Errorf("%s, %s: error %v, want a %s", c.name, which, err, c.want)
			}
			want := lookup
			if which == "with a user" {
				want = append(lookup, "ByField")
			}
			if got := e.spy.takeCalls(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, %s: calls %v, want %v", c.name, which, got, want)
			}
		}
	}
}

func TestAuthenticateToken_ErrorIsTheDenialOfAClass(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	access := e.mustLogin().Access
	e.clock.advance(6 * time.Minute)
	_, _, err := e.AuthenticateToken(background, access)
	if !errors.Is(err, core.ErrTokenNotAllowed) || !errors.Is(err, core.ErrTokenExpired) || errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("error %v", err)
	}
}

func TestAuthenticateToken_ClientDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		access := e.mustLogin().Access
		e.spy.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		start := time.Now()
		if _, _, err := e.AuthenticateToken(ctx, access); !errors.Is(err, core.ErrServiceUnavailable) || time.Since(start) != time.Second {
			t.Errorf("error %v after %v, want ErrServiceUnavailable after a second", err, time.Since(start))
		}
		if got := e.events.ofType(core.EventStoreError); len(got) != 1 {
			t.Errorf("emitted %v, want one store_error", got)
		}
	})
}

func TestStateless_WarnsAboutCheckSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on   bool
		want int
	}{"beside CHECK_SESSION it warns once": {true, 1}, "without CHECK_SESSION it does not warn": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.CheckSession = c.on }))
			if strings.Contains(e.log.String(), "Stateless") {
				t.Error("it warns before Stateless is called")
			}
			for range 2 {
				e.Stateless()
				e.WithoutCookies().Stateless()
			}
			if got := strings.Count(e.log.String(), "level=WARN msg=\"Auth.Stateless ignores CHECK_SESSION"); got != c.want {
				t.Errorf("%d warnings, want %d:\n%s", got, c.want, e.log.String())
			}
		})
	}
}

func TestStateless_CallsNeitherUsersNorStore(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withCheckRevokeToken, withSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { t.Error("the rule was called"); return false }
	}))
	for name, id := range map[string]string{"alice": "1", "an inactive user": "2", "an unknown user": "any-id-at-all"} {
		raw := e.signExternal(accessClaims(map[string]any{"user_id": id, "hash_password": "another"}))
		user, token, err := e.Stateless().AuthenticateToken(background, raw)
		if err != nil || user.AuthID() != id || token.UserID() != id {
			t.Errorf("%s: user %v, error %v", name, user, err)
		}
	}
	if _, _, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(map[string]any{"user_id": nil}))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("no user claim: error %v, want ErrTokenNoUser", err)
	}
	if calls := e.spy.takeCalls(); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

func TestStateless_TokenUserClass(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
		s.TokenUserClass = func(claims simplejwt.Claims) simplejwt.User {
			id, _ := claims["user_id"].(string)
			claims["user_id"] = "changed"
			return &memstore.Account{ID: "made of " + id}
		}
	}))
	user, token, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(nil)))
	if err != nil || user.AuthID() != "made of 1" || token.UserID() != "1" {
		t.Errorf("user %v, error %v; the hook gets a copy of the claims", user, err)
	}
}

func TestStateless_ClaimWithLoneSurrogate(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	user, token, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(map[string]any{"name": json.RawMessage(`"\ud800"`)})))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := token.Get("name"), user.(*core.TokenUser).Claim("name"); a != "\ufffd" || b != "\ufffd" {
		t.Errorf("the claim is %q, and %q for the user", a, b)
	}
}

func TestFromContext(t *testing.T) {
	t.Parallel()
	if user, token, ok := core.FromContext(t.Context()); ok || user != nil || token != nil {
		t.Errorf("an anonymous request: user %v, token %v, %v", user, token, ok)
	}
	e := newEnv(t)
	alice, token := e.loadUser("alice"), e.decodeToken(e.mustLogin().Access)
	ctx := core.NewContext(t.Context(), alice, token)
	type key struct{}
	gotUser, gotToken, ok := core.FromContext(context.WithValue(ctx, key{}, 1))
	if !ok || gotUser != simplejwt.User(alice) || gotToken != token {
		t.Errorf("user %v, token %v, %v", gotUser, gotToken, ok)
	}
	if _, _, ok := core.FromContext(t.Context()); ok {
		t.Error("the outer context was changed")
	}
}

func TestNewContext_UserIsNotPrinted(t *testing.T) {
	t.Parallel()
	ctx := core.NewContext(t.Context(), &memstore.Account{ID: "1", Password: "the hash"}, nil)
	for _, verb := range []string{"%v", "%+v", "%s"} {
		if text := fmt.Sprintf(verb, ctx); strings.Contains(text, "the hash") || !strings.Contains(text, "authenticated") {
			t.Errorf("%s: %s", verb, text)
		}
	}
	type key struct{}
	inner := context.WithValue(core.NewContext(context.WithValue(t.Context(), key{}, "outer"), nil, nil), key{}, "inner")
	if _, _, ok := core.FromContext(inner); !ok || inner.Value(key{}) != "inner" {
		t.Error("the user is hidden by a value")
	}
	if got := core.NewContext(context.WithValue(t.Context(), key{}, "outer"), nil, nil).Value(key{}); got != "outer" {
		t.Errorf("a value of the outer context is %v", got)
	}
}
