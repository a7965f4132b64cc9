package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsDevice adds a token class of the application's own, which is looked up in the blacklist.
func opsDevice(_ *simplejwt.Settings, d *core.Deps) {
	d.TokenClasses = []core.TokenClass{{Name: "DeviceToken", Type: "device", Lifetime: time.Hour, Blacklistable: true}}
}

// opsAccess are claims for forge: an access token with changes.
func opsAccess(changes map[string]any) map[string]any {
	claims := map[string]any{"token_type": "access"}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

func TestARequestLoadsItsUserOnce(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse, opsCheckRevoke)
	pair := e.login()
	e.change(func(a *memstore.Account) { a.Username = "alice2" })
	e.spy.take()
	user, token, err := e.AuthenticateToken(opsCtx(), pair.Access)
	if err != nil {
		t.Fatal(err)
	}
	if got := user.(*memstore.Account).Username; got != "alice2" {
		t.Errorf("the user is %q, want him as he is now", got)
	}
	if token.Class().Name != core.AccessToken || token.JTI() != e.jti(pair.Access) || token.UserID() != "1" {
		t.Errorf("the token is %v of user %q", token, token.UserID())
	}
	if diff := cmp.Diff([]string{"ByField"}, e.spy.take()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
	e.noSecrets(nil, pair.Access)
}

func TestARequestIsRefusedForItsUser(t *testing.T) {
	t.Parallel()
	never := opsSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return false }
	})
	noActiveCheck := opsSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) })
	byField, nobody := []string{"ByField"}, []string(nil)
	for name, c := range map[string]struct {
		options []opsOption
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
		"inactive, before the rule":       {[]opsOption{never, opsCheckRevoke}, map[string]any{"user_id": "2"}, core.ErrUserInactive, byField},
		"the rule, before the password":   {[]opsOption{never, opsCheckRevoke}, nil, core.ErrNoActiveAccount, byField},
		"the rule alone":                  {[]opsOption{never, noActiveCheck}, map[string]any{"user_id": "2"}, core.ErrNoActiveAccount, byField},
		"no digest of the password":       {[]opsOption{opsCheckRevoke}, nil, core.ErrPasswordChanged, byField},
		"another digest":                  {[]opsOption{opsCheckRevoke}, map[string]any{"hash_password": "00"}, core.ErrPasswordChanged, byField},
		"a digest that is no text":        {[]opsOption{opsCheckRevoke}, map[string]any{"hash_password": 5}, core.ErrPasswordChanged, byField},
	} {
		e := opsNew(t, c.options...)
		raw := e.forge(opsAccess(c.claims))
		user, token, err := e.AuthenticateToken(opsCtx(), raw)
		if !errors.Is(err, c.want) || user != nil || token != nil {
			t.Errorf("%s: user %v, token %v, error %v, want %v", name, user, token, err, c.want)
		}
		if diff := cmp.Diff(c.calls, e.spy.take()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
		e.noSecrets(err, raw)
	}
	e := opsNew(t)
	if _, _, err := e.AuthenticateToken(opsCtx(), e.forge(opsAccess(map[string]any{"user_id": 1, "hash_password": "00"}))); err != nil {
		t.Errorf("CHECK_REVOKE_TOKEN off, the claim is not asked for: %v", err)
	}
}

// A request refused for a password consumes nothing: only a refresh does.
func TestAChangedPasswordRefusesRequests(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsClasses(core.AccessToken, core.SlidingToken, core.RefreshToken), opsCheckRevoke, opsRotate)
	pair, sliding := e.login(), e.loginSliding()
	tokens := map[string]string{"access": pair.Access, "refresh": pair.Refresh, "sliding": sliding}
	for kind, raw := range tokens {
		if _, _, err := e.AuthenticateToken(opsCtx(), raw); err != nil {
			t.Errorf("%s token, before: %v", kind, err)
		}
	}
	e.change(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	for kind, raw := range tokens {
		for range 2 {
			if _, _, err := e.AuthenticateToken(opsCtx(), raw); !errors.Is(err, core.ErrPasswordChanged) {
				t.Errorf("%s token: error %v, want ErrPasswordChanged", kind, err)
			}
		}
		if kind != "access" && e.reason(raw) != "live" {
			t.Errorf("%s token: a request consumed it: %s", kind, e.reason(raw))
		}
	}
	if _, _, err := e.AuthenticateToken(opsCtx(), e.login().Access); err != nil {
		t.Errorf("a login with the new password: %v", err)
	}
}

func TestDeactivatingOrDeletingAUserIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	doors := []struct {
		name string
		do   func(e *opsEnv, tokens [3]string) error
	}{
		{"request", func(e *opsEnv, tk [3]string) error { _, _, err := e.AuthenticateToken(opsCtx(), tk[0]); return err }},
		{"sliding request", func(e *opsEnv, tk [3]string) error { _, _, err := e.AuthenticateToken(opsCtx(), tk[2]); return err }},
		{"stateless", func(e *opsEnv, tk [3]string) error {
			_, _, err := e.Stateless().AuthenticateToken(opsCtx(), tk[0])
			return err
		}},
		{"refresh", func(e *opsEnv, tk [3]string) error { _, err := e.refresh(tk[1]); return err }},
		{"sliding refresh", func(e *opsEnv, tk [3]string) error { _, err := e.slide(tk[2]); return err }},
		{"verify", func(e *opsEnv, tk [3]string) error { _, err := e.Verify(opsCtx(), tk[1]); return err }},
		{"login", func(e *opsEnv, _ [3]string) error {
			_, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
			return err
		}},
		{"sliding login", func(e *opsEnv, _ [3]string) error {
			_, _, err := e.ObtainSliding(opsCtx(), "alice", opsPassword)
			return err
		}},
		{"logout", func(e *opsEnv, tk [3]string) error { return e.Blacklist(opsCtx(), tk[1]) }},
	}
	deactivate := func(e *opsEnv) { e.change(func(a *memstore.Account) { a.Inactive = true }) }
	remove := func(e *opsEnv) { e.accounts.Delete("1"); e.mem.ForgetUser("1") }
	noActiveCheck := opsSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) })
	everybody := opsSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return true }
	})
	gone, noLogin := core.ErrNoActiveAccount, core.ErrNoActiveAccount
	for _, c := range []struct {
		name   string
		option opsOption
		change func(e *opsEnv)
		want   [9]error // by door
	}{
		{"nothing", opsPlain, func(*opsEnv) {}, [9]error{}},
		{"deactivated", opsPlain, deactivate, [9]error{core.ErrUserInactive, core.ErrUserInactive, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"deleted", opsPlain, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"deactivated, CHECK_USER_IS_ACTIVE off", noActiveCheck, deactivate, [9]error{6: noLogin, 7: noLogin}},
		{"deleted, CHECK_USER_IS_ACTIVE off", noActiveCheck, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"deactivated, a rule that takes everybody", everybody, deactivate, [9]error{core.ErrUserInactive, core.ErrUserInactive, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"deleted, a rule that takes everybody", everybody, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.option, opsRotateOnly, opsClasses(core.AccessToken, core.SlidingToken))
			pair := e.login()
			tokens := [3]string{pair.Access, pair.Refresh, e.loginSliding()}
			c.change(e)
			for i, door := range doors {
				if err := door.do(e, tokens); !errors.Is(err, c.want[i]) {
					t.Errorf("%s: error %v, want %v", door.name, err, c.want[i])
				}
			}
		})
	}
}

func TestARefusalHasAMessageForEachClass(t *testing.T) {
	t.Parallel()
	types := map[core.ClassName]string{core.AccessToken: "access", core.SlidingToken: "sliding", core.RefreshToken: "refresh", "DeviceToken": "device"}
	forged := func(claims map[string]any) func(e *opsEnv) string {
		return func(e *opsEnv) string { return e.forge(claims) }
	}
	blacklisted := func(claims map[string]any) func(e *opsEnv) string {
		return func(e *opsEnv) string {
			raw := e.record(claims)
			_, _, _ = e.mem.Blacklist(opsCtx(), e.jti(raw), nil, core.ReasonAdmin, e.clock.now())
			return raw
		}
	}
	all := func(text string) [4]string { return [4]string{text, text, text, text} }
	for name, c := range map[string]struct {
		raw      func(e *opsEnv) string
		messages [4]string // of AccessToken, SlidingToken, RefreshToken, DeviceToken
		lookups  int
	}{
		"garbage":                     {func(*opsEnv) string { return "garbage" }, all("Token is invalid"), 0},
		"an expired token":            {forged(opsAccess(map[string]any{"exp": opsStart().Unix()})), all("Token is expired"), 0},
		"a token of no type":          {forged(map[string]any{"token_type": nil}), all("Token has no type"), 3},
		"a token of another type":     {forged(map[string]any{"token_type": "Access"}), all("Token has wrong type"), 3},
		"a token without an id":       {forged(map[string]any{"jti": nil}), all("Token has no id"), 0},
		"a token without an end":      {forged(map[string]any{"exp": nil, "jti": nil}), all("Token has no 'exp' claim"), 0},
		"a blacklisted refresh token": {blacklisted(nil), [4]string{"Token has wrong type", "Token is blacklisted", "Token is blacklisted", "Token is blacklisted"}, 3},
		"a blacklisted sliding token": {blacklisted(map[string]any{"token_type": "sliding"}), [4]string{"Token has wrong type", "Token is blacklisted", "Token is blacklisted", "Token is blacklisted"}, 3},
	} {
		for _, classes := range [][]core.ClassName{
			{core.AccessToken, core.SlidingToken, core.RefreshToken, "DeviceToken"},
			{"DeviceToken", core.RefreshToken, core.SlidingToken, core.AccessToken},
			{core.AccessToken},
			{"rest_framework_simplejwt.tokens." + core.SlidingToken, core.AccessToken},
		} {
			e := opsNew(t, opsDevice, opsClasses(classes...))
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
			for who, a := range map[string]core.Authenticator{"with a user": e, "stateless": e.Stateless()} {
				user, token, err := a.AuthenticateToken(opsCtx(), raw)
				var got *core.Error
				if !errors.As(err, &got) || !errors.Is(err, core.ErrTokenNotAllowed) || user != nil || token != nil {
					t.Fatalf("%s, %s, %v: user %v, error %v", name, who, classes, user, err)
				}
				if diff := cmp.Diff(want, got.Messages); diff != "" {
					t.Errorf("%s, %s, %v: messages (-want +got):\n%s", name, who, classes, diff)
				}
				calls := e.spy.take()
				if len(calls) != lookups || (lookups > 0 && calls[0] != "IsBlacklisted") {
					t.Errorf("%s, %s, %v: calls %v, want %d look-ups", name, who, classes, calls, lookups)
				}
			}
			if core.ErrTokenNotAllowed.Messages != nil {
				t.Fatal("the refusal that all share was changed")
			}
		}
	}
}

func TestTheFirstClassThatFitsCounts(t *testing.T) {
	t.Parallel()
	untyped := opsSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off })
	for _, c := range []struct {
		name    string
		options []opsOption
		claims  map[string]any
		want    core.ClassName
		lookups int
	}{
		{"access first", []opsOption{opsClasses(core.AccessToken, core.SlidingToken)}, opsAccess(nil), core.AccessToken, 0},
		{"access last", []opsOption{opsClasses(core.SlidingToken, core.AccessToken)}, opsAccess(nil), core.AccessToken, 1},
		{"sliding", []opsOption{opsClasses(core.AccessToken, core.SlidingToken)}, map[string]any{"token_type": "sliding"}, core.SlidingToken, 1},
		{"refresh", []opsOption{opsClasses(core.RefreshToken)}, nil, core.RefreshToken, 1},
		{"one of the application's own", []opsOption{opsDevice, opsClasses(core.AccessToken, "DeviceToken")}, map[string]any{"token_type": "device"}, "DeviceToken", 1},
		{"types off", []opsOption{untyped, opsClasses(core.SlidingToken, core.AccessToken)}, map[string]any{"token_type": "whatever"}, core.SlidingToken, 1},
		{"without a store nothing is looked up", []opsOption{opsNoStore, opsClasses(core.SlidingToken)}, map[string]any{"token_type": "sliding"}, core.SlidingToken, 0},
	} {
		e := opsNew(t, c.options...)
		raw := e.forge(c.claims)
		lookup := make([]string, c.lookups, 2)
		for i := range lookup {
			lookup[i] = "IsBlacklisted"
		}
		for who, a := range map[string]core.Authenticator{"with a user": e, "stateless": e.Stateless()} {
			_, token, err := a.AuthenticateToken(opsCtx(), raw)
			if err != nil || token.Class().Name != c.want {
				t.Errorf("%s, %s: error %v, want a %s", c.name, who, err, c.want)
			}
			want := lookup
			if who == "with a user" {
				want = append(lookup, "ByField")
			}
			if got := e.spy.take(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, %s: calls %v, want %v", c.name, who, got, want)
			}
		}
	}
}

func TestStateless_WarnsOnceOfCheckSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on   bool
		want int
	}{"beside CHECK_SESSION it warns once": {true, 1}, "without CHECK_SESSION it does not warn": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.CheckSession = c.on }))
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

func TestStatelessAsksNobody(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsCheckRevoke, opsSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { t.Error("the rule was asked"); return false }
	}))
	for name, id := range map[string]string{"alice": "1", "an inactive user": "2", "an unknown user": "any-id-at-all"} {
		raw := e.forge(opsAccess(map[string]any{"user_id": id, "hash_password": "another"}))
		user, token, err := e.Stateless().AuthenticateToken(opsCtx(), raw)
		if err != nil || user.AuthID() != id || token.UserID() != id {
			t.Errorf("%s: user %v, error %v", name, user, err)
		}
	}
	if _, _, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(map[string]any{"user_id": nil}))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("no user claim: error %v, want ErrTokenNoUser", err)
	}
	if calls := e.spy.take(); len(calls) > 0 {
		t.Errorf("users or store were asked: %v", calls)
	}
}

func TestTokenUserClassMakesTheStatelessUser(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
		s.TokenUserClass = func(claims simplejwt.Claims) simplejwt.User {
			id, _ := claims["user_id"].(string)
			claims["user_id"] = "changed"
			return &memstore.Account{ID: "made of " + id}
		}
	}))
	user, token, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(nil)))
	if err != nil || user.AuthID() != "made of 1" || token.UserID() != "1" {
		t.Errorf("user %v, error %v; the hook gets a copy of the claims", user, err)
	}
}

func TestAContextCarriesUserAndToken(t *testing.T) {
	t.Parallel()
	if user, token, ok := core.FromContext(t.Context()); ok || user != nil || token != nil {
		t.Errorf("an anonymous request: user %v, token %v, %v", user, token, ok)
	}
	e := opsNew(t)
	alice, token := e.user("alice"), e.token(e.login().Access)
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
