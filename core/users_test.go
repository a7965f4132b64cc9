package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestTokenUserIsWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	for name, c := range map[string]struct {
		claims map[string]any
		id     any
		text   string
		name   string
		flags  [2]bool // staff, superuser
	}{
		"an issued token": {nil, "1", "1", "", [2]bool{}},
		"a number":        {map[string]any{"user_id": 7}, json.Number("7"), "7", "", [2]bool{}},
		"a big number":    {map[string]any{"user_id": json.RawMessage("9007199254740993")}, json.Number("9007199254740993"), "9007199254740993", "", [2]bool{}},
		"null":            {map[string]any{"user_id": json.RawMessage("null")}, nil, "", "", [2]bool{}},
		"all claims":      {map[string]any{"username": "carol", "is_staff": true, "is_superuser": true}, "1", "1", "carol", [2]bool{true, true}},
		"claims of a kind that Python would take": {map[string]any{"username": 5, "is_staff": 1, "is_superuser": "true"}, "1", "1", "", [2]bool{}},
		"claims that deny":                        {map[string]any{"username": "", "is_staff": false, "is_superuser": nil}, "1", "1", "", [2]bool{}},
	} {
		user, _, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(c.claims)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		u, ok := user.(*core.TokenUser)
		if !ok {
			t.Fatalf("%s: the user is a %T", name, user)
		}
		if diff := cmp.Diff([]any{c.id, c.text, c.name, c.flags}, []any{u.ID(), u.AuthID(), u.Username(), [2]bool{u.IsStaff(), u.IsSuperuser()}}); diff != "" {
			t.Errorf("%s: id, text, name, flags (-want +got):\n%s", name, diff)
		}
		if !u.AuthActive() || u.AuthPassword() != "" {
			t.Errorf("%s: active %v, password %q", name, u.AuthActive(), u.AuthPassword())
		}
		if u.Claim("jti") != "made-elsewhere" || u.Claim("absent") != nil {
			t.Errorf("%s: claims %v and %v", name, u.Claim("jti"), u.Claim("absent"))
		}
	}
}

// nilUsers are Users that return neither a user nor an error: a mistake that must not end in a panic.
type nilUsers struct {
	*memstore.Users
	user simplejwt.User
}

func (u nilUsers) ByUsername(context.Context, string) (simplejwt.User, error) { return u.user, nil }
func (u nilUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return u.user, nil
}

// nobodies are a nil user and what looks like one that is not.
func nobodies() map[string]simplejwt.User {
	return map[string]simplejwt.User{"nil": nil, "a nil pointer": (*memstore.Account)(nil)}
}

func TestUsers_NeitherAUserNorAnError(t *testing.T) {
	t.Parallel()
	for name, nobody := range nobodies() {
		e := opsNew(t, opsGrace, opsClasses(core.AccessToken, core.SlidingToken))
		pair, sliding := e.login(), e.loginSliding()
		e.login() // a session that a logout with this user's token must not lose
		broken := opsNew(t, opsGrace, opsClasses(core.AccessToken, core.SlidingToken), func(_ *simplejwt.Settings, d *core.Deps) {
			d.Users, d.Store = nilUsers{memstore.NewUsers(), nobody}, &opsStore{e.mem, &opsSpy{}}
		})
		for call, c := range map[string]struct {
			method string
			do     func() error
		}{
			"ObtainPair":        {"ByUsername", func() error { _, _, err := broken.ObtainPair(opsCtx(), "alice", opsPassword); return err }},
			"ObtainSliding":     {"ByUsername", func() error { _, _, err := broken.ObtainSliding(opsCtx(), "alice", opsPassword); return err }},
			"Refresh":           {"ByField", func() error { _, _, err := broken.Refresh(opsCtx(), pair.Refresh); return err }},
			"RefreshSliding":    {"ByField", func() error { _, _, err := broken.RefreshSliding(opsCtx(), sliding); return err }},
			"AuthenticateToken": {"ByField", func() error { _, _, err := broken.AuthenticateToken(opsCtx(), pair.Access); return err }},
			"Blacklist":         {"ByField", func() error { return broken.Blacklist(opsCtx(), broken.forge(nil)) }},
		} {
			t.Run(name+" from Users is an error of "+c.method+" in "+call, func(t *testing.T) {
				before := len(broken.log.String())
				if err := c.do(); !errors.Is(err, core.ErrServiceUnavailable) {
					t.Errorf("error %v, want ErrServiceUnavailable", err)
				}
				if log := broken.log.String()[before:]; !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "the method "+c.method+" of Users") {
					t.Errorf("the log does not name the method:\n%s", log)
				}
			})
		}
	}
}

func TestAuthenticate_NeitherAUserNorAnError(t *testing.T) {
	t.Parallel()
	for name, nobody := range nobodies() {
		t.Run(name+" from Deps.Authenticate is a wrong password", func(t *testing.T) {
			t.Parallel()
			asked := 0
			e := opsNew(t, func(s *simplejwt.Settings, d *core.Deps) {
				d.Authenticate = func(context.Context, string, string) (simplejwt.User, error) { return nobody, nil }
				s.UserAuthenticationRule = func(_ context.Context, user simplejwt.User) bool {
					if asked++; user != nil {
						t.Errorf("the rule is asked about %#v, want nil", user)
					}
					return true
				}
			})
			_, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
			_, _, errSliding := e.ObtainSliding(opsCtx(), "alice", opsPassword)
			if !errors.Is(err, core.ErrNoActiveAccount) || !errors.Is(errSliding, core.ErrNoActiveAccount) || asked != 2 {
				t.Errorf("errors %v and %v, the rule was asked %d times", err, errSliding, asked)
			}
			if failed := e.events.of(core.EventLoginFailed); len(failed) != 2 {
				t.Errorf("emitted %v, want two failed logins", e.events.all())
			}
		})
	}
}

func TestNobodyIsGivenAsUser(t *testing.T) {
	t.Parallel()
	for name, nobody := range nobodies() {
		t.Run(name+" as user gets no token", func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, opsGrace, opsSettings(func(s *simplejwt.Settings) {
				s.TokenUserClass = func(simplejwt.Claims) simplejwt.User { return nobody }
			}))
			pair := e.login()
			for call, err := range map[string]error{
				"Login":        func() error { _, err := e.Login(opsCtx(), nobody); return err }(),
				"LoginSliding": func() error { _, err := e.LoginSliding(opsCtx(), nobody); return err }(),
				"ForUser":      func() error { _, err := e.ForUser(opsCtx(), core.AccessToken, nobody); return err }(),
				"RenewSession": func() error { _, err := e.RenewSession(opsCtx(), nobody, e.session(pair.Refresh)); return err }(),
			} {
				if !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("%s: error %v, want ErrNoActiveAccount", call, err)
				}
			}
			if err := opsPasswordChanged(opsCtx(), e, nobody, e.session(pair.Refresh)); err != nil || e.reason(pair.Refresh) != "live" {
				t.Errorf("PasswordChanged: error %v, alice's token is %s", err, e.reason(pair.Refresh))
			}
			if user, _, err := e.Stateless().AuthenticateToken(opsCtx(), pair.Access); !errors.Is(err, core.ErrUnknownUser) {
				t.Errorf("TOKEN_USER_CLASS: user %v, error %v; want ErrUnknownUser", user, err)
			}
		})
	}
}

func TestTokenUserFollowsUserIDClaim(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.UserIDClaim = "sub" }))
	user, _, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(map[string]any{"sub": "carol", "user_id": "1"})))
	if err != nil || user.AuthID() != "carol" {
		t.Errorf("user %v, error %v", user, err)
	}
	if _, _, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(nil))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("user_id alone: error %v, want ErrTokenNoUser", err)
	}
}

func TestUserIDFieldNamesWhatTokensCarry(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate, opsClasses(core.AccessToken, core.SlidingToken), opsSettings(func(s *simplejwt.Settings) { s.UserIDField = "username" }))
	pair, sliding := e.login(), e.loginSliding()
	for _, raw := range []string{pair.Access, pair.Refresh, sliding} {
		if got := e.token(raw).UserID(); got != "alice" {
			t.Errorf("a token carries %q, want the username", got)
		}
	}
	for _, raw := range []string{pair.Refresh, sliding} {
		if row := e.row(e.jti(raw)); row.UserID != "1" {
			t.Errorf("the row is of %q, want the primary key", row.UserID)
		}
	}
	for _, raw := range []string{pair.Access, sliding} {
		if user, _, err := e.AuthenticateToken(opsCtx(), raw); err != nil || user.AuthID() != "1" {
			t.Errorf("a request: user %v, error %v", user, err)
		}
	}
	if row := e.row(e.jti(e.mustRefresh(pair.Refresh).Refresh)); row.UserID != "1" {
		t.Errorf("the successor's row is of %q, want the primary key", row.UserID)
	}
	foreign := e.forge(map[string]any{"user_id": "alice"})
	if err := e.Blacklist(opsCtx(), foreign); err != nil || e.row("made-elsewhere").UserID != "1" {
		t.Errorf("a logout with a token made elsewhere: error %v, row %+v", err, e.row("made-elsewhere"))
	}
}

// A program that only verifies has neither key nor users.
func TestAProgramThatOnlyVerifies(t *testing.T) {
	t.Parallel()
	key := tokSigner(t)
	signer := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.Algorithm, s.SigningKey = "ES256", tokPrivate(t, key) }))
	e := opsNew(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.VerifyingKey = "ES256", "", tokPublic(t, key.Public())
		d.Users, d.Store = nil, nil
	})
	pair, sliding := signer.login(), signer.loginSliding()

	user, token, err := e.Stateless().AuthenticateToken(opsCtx(), pair.Access)
	if err != nil || user.AuthID() != "1" || token.JTI() != signer.jti(pair.Access) {
		t.Errorf("stateless: user %v, error %v", user, err)
	}
	for name, raw := range map[string]string{"access": pair.Access, "refresh": pair.Refresh, "sliding": sliding} {
		if _, err := e.Verify(opsCtx(), raw); err != nil {
			t.Errorf("verify, %s token: %v", name, err)
		}
	}
	if err := e.Blacklist(opsCtx(), pair.Refresh); err != nil {
		t.Errorf("a logout only verifies: %v", err)
	}
	if got := e.UsernameField(); got != "username" {
		t.Errorf("the field of a login is %q", got)
	}
	if told := e.events.all(); len(told) > 0 {
		t.Errorf("raised %v", told)
	}
	for name, do := range map[string]func() (bool, error){
		"a request": func() (bool, error) {
			user, token, err := e.AuthenticateToken(opsCtx(), pair.Access)
			return user != nil || token != nil, err
		},
		"a refresh": func() (bool, error) {
			pair, user, err := e.Refresh(opsCtx(), pair.Refresh)
			return pair != core.Pair{} || user != nil, err
		},
		"a sliding refresh": func() (bool, error) {
			token, user, err := e.RefreshSliding(opsCtx(), sliding)
			return token != "" || user != nil, err
		},
		"a login": func() (bool, error) {
			pair, user, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
			return pair != core.Pair{} || user != nil, err
		},
		"a sliding login": func() (bool, error) {
			token, user, err := e.ObtainSliding(opsCtx(), "alice", opsPassword)
			return token != "" || user != nil, err
		},
		"a login without a password": func() (bool, error) {
			pair, err := e.Login(opsCtx(), e.user("alice"))
			return pair != core.Pair{}, err
		},
	} {
		seen := len(e.events.all())
		gave, err := do()
		if !errors.Is(err, core.ErrServiceUnavailable) || gave {
			t.Errorf("%s: error %v, gave something: %v, want a 503", name, err, gave)
		}
		if told := e.events.all()[seen:]; len(told) != 1 || told[0].Type != core.EventStoreError {
			t.Errorf("%s: raised %v, want one store_error", name, told)
		}
		e.noSecrets(err, pair.Access, pair.Refresh, sliding)
	}
}

// It may share the store of the one that signs. What it can't answer, it must not consume.
func TestAProgramThatOnlyVerifiesLeavesTokensLive(t *testing.T) {
	t.Parallel()
	key := tokSigner(t)
	signer := opsNew(t, opsRotate, opsSettings(func(s *simplejwt.Settings) { s.Algorithm, s.SigningKey = "ES256", tokPrivate(t, key) }))
	e := opsNew(t, opsRotate, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.VerifyingKey = "ES256", "", tokPublic(t, key.Public())
		d.Users, d.Store = signer.accounts, signer.mem
		d.NewID = func() string { return "the verifier's" }
	})
	raw := signer.login().Refresh
	for range 2 {
		e.wantRefused("a program that can't sign", raw, core.ErrServiceUnavailable)
	}
	if _, err := e.Login(opsCtx(), signer.user("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("a login: %v", err)
	}
	if _, err := e.LoginSliding(opsCtx(), signer.user("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("a sliding login: %v", err)
	}
	if got := signer.reason(raw); got != "live" || signer.row("the verifier's") != nil {
		t.Errorf("the token is %q, and the verifier recorded %+v", got, signer.row("the verifier's"))
	}
	if got := len(e.events.of(core.EventStoreError)); got != 4 {
		t.Errorf("%d events for 4 requests: %v", got, e.events.all())
	}
}

func TestAContextPrintsNothingOfItsUser(t *testing.T) {
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
