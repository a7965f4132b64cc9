package core_test

import (
	stdcmp "cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestTokenUser(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for name, c := range map[string]struct {
		claims map[string]any
		id     any
		text   string
		name   string
		flags  [2]bool // staff, superuser
	}{
		"an issued token":      {nil, "1", "1", "", [2]bool{}},
		"a number":             {map[string]any{"user_id": 7}, json.Number("7"), "7", "", [2]bool{}},
		"a big number":         {map[string]any{"user_id": json.RawMessage("9007199254740993")}, json.Number("9007199254740993"), "9007199254740993", "", [2]bool{}},
		"null":                 {map[string]any{"user_id": json.RawMessage("null")}, nil, "", "", [2]bool{}},
		"claims of all fields": {map[string]any{"username": "carol", "is_staff": true, "is_superuser": true}, "1", "1", "carol", [2]bool{true, true}},
		"claims of other types that are true in Python": {map[string]any{"username": 5, "is_staff": 1, "is_superuser": "true"}, "1", "1", "", [2]bool{}},
		"false claims": {map[string]any{"username": "", "is_staff": false, "is_superuser": nil}, "1", "1", "", [2]bool{}},
	} {
		user, _, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(c.claims)))
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
		if u.Claim("jti") != "external" || u.Claim("absent") != nil {
			t.Errorf("%s: claims %v and %v", name, u.Claim("jti"), u.Claim("absent"))
		}
	}
}

func TestTokenUser_UserIDTypes(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Users = plainUsers{} }) // which panic if they are called
	for changes, want := range map[string]struct {
		id    any
		text  string
		name  string
		staff bool
	}{
		`user_id="a"`:  {"a", "a", "", false},
		`user_id=7`:    {json.Number("7"), "7", "", false},
		`user_id=null`: {nil, "", "", false},
		`user_id=9007199254740993,"username":"Ann","is_staff":true,"is_superuser":true`: {json.Number("9007199254740993"), "9007199254740993", "Ann", true},
		`user_id=1.0,"username":1,"is_staff":1,"is_superuser":"true"`:                   {json.Number("1.0"), "1.0", "", false},
		`user_id=["a"],"is_staff":null,"is_superuser":[true]`:                           {[]any{"a"}, "[a]", "", false},
	} {
		user, _, err := auth.Stateless().AuthenticateToken(t.Context(), signPayload(makePayload(changes)))
		if err != nil {
			t.Errorf("%s: %v", changes, err)
			continue
		}
		u := user.(*core.TokenUser)
		if !cmp.Equal(u.ID(), want.id) || u.AuthID() != want.text || u.Username() != want.name || u.IsStaff() != want.staff || u.IsSuperuser() != want.staff {
			t.Errorf("%s: id %#v, text %q, name %q, staff %t, superuser %t", changes, u.ID(), u.AuthID(), u.Username(), u.IsStaff(), u.IsSuperuser())
		}
		if !u.AuthActive() || u.AuthPassword() != "" || u.Claim("jti") != "one" || u.Claim("none") != nil {
			t.Errorf("%s: active %t, password %q, jti %v", changes, u.AuthActive(), u.AuthPassword(), u.Claim("jti"))
		}
	}
	var given simplejwt.Claims
	custom := newAuth(t, func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenUserClass = func(c simplejwt.Claims) simplejwt.User { given = c; c["jti"] = "changed"; return newAlice() }
	})
	user, token, err := custom.Stateless().AuthenticateToken(t.Context(), signPayload(makePayload()))
	if err != nil || user.AuthID() != "1" || given["user_id"] != "1" || token.JTI() != "one" {
		t.Errorf("TOKEN_USER_CLASS got %v and made %v, token %v, error %v", given, user, token, err)
	}
	if _, _, err := auth.Stateless().AuthenticateToken(t.Context(), signPayload(makePayload("user_id="))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("without a user id: %v", err)
	}
}

func TestTokenUser_UserIDClaim(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.UserIDClaim = "sub" }))
	user, _, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(map[string]any{"sub": "carol", "user_id": "1"})))
	if err != nil || user.AuthID() != "carol" {
		t.Errorf("user %v, error %v", user, err)
	}
	if _, _, err := e.Stateless().AuthenticateToken(background, e.signExternal(accessClaims(nil))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("user_id alone: error %v, want ErrTokenNoUser", err)
	}
}

func TestUserIDField(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation, withTokenClasses(core.AccessToken, core.SlidingToken), withSettings(func(s *simplejwt.Settings) { s.UserIDField = "username" }))
	pair, sliding := e.mustLogin(), e.mustLoginSliding()
	for _, raw := range []string{pair.Access, pair.Refresh, sliding} {
		if got := e.decodeToken(raw).UserID(); got != "alice" {
			t.Errorf("a token carries %q, want the username", got)
		}
	}
	for _, raw := range []string{pair.Refresh, sliding} {
		if record := e.loadRecord(e.readJTI(raw)); record.UserID != "1" {
			t.Errorf("the record is of user %q, want the primary key", record.UserID)
		}
	}
	for _, raw := range []string{pair.Access, sliding} {
		if user, _, err := e.AuthenticateToken(background, raw); err != nil || user.AuthID() != "1" {
			t.Errorf("a request: user %v, error %v", user, err)
		}
	}
	if record := e.loadRecord(e.readJTI(e.mustRefresh(pair.Refresh).Refresh)); record.UserID != "1" {
		t.Errorf("the record of the successor is of user %q, want the primary key", record.UserID)
	}
	external := e.signExternal(map[string]any{"user_id": "alice"})
	if err := e.Blacklist(background, external); err != nil || e.loadRecord("external").UserID != "1" {
		t.Errorf("a logout with an external token: error %v, record %+v", err, e.loadRecord("external"))
	}
}

func TestUserAuthenticationRule(t *testing.T) {
	t.Parallel()
	var asked []string
	allow := true
	e := newEnv(t, withRotation, withTokenClasses(core.AccessToken, core.SlidingToken), withSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(_ context.Context, u simplejwt.User) bool {
			name := "nil"
			if u != nil {
				name = u.AuthID()
			}
			asked = append(asked, name)
			return allow
		}
	}))
	pair, sliding := e.mustLogin(), e.mustLoginSliding()
	asked = nil
	for _, c := range []struct {
		name, asked   string
		do            func() error
		whenAllowed   error
		whenForbidden error
	}{
		{"a login without a password", "1", func() error { _, err := e.Login(background, e.loadUser("alice")); return err }, nil, core.ErrNoActiveAccount},
		{"a sliding login without a password", "1", func() error { _, err := e.LoginSliding(background, e.loadUser("alice")); return err }, nil, core.ErrNoActiveAccount},
		{"a login", "1", func() error { _, _, err := e.ObtainPair(background, "alice", rightPassword); return err }, nil, core.ErrNoActiveAccount},
		{"a login of an unknown user", "nil", func() error { _, _, err := e.ObtainPair(background, "nobody", "x"); return err }, core.ErrNoActiveAccount, core.ErrNoActiveAccount},
		{"a request", "1", func() error { _, _, err := e.AuthenticateToken(background, pair.Access); return err }, nil, core.ErrNoActiveAccount},
		{"a sliding refresh", "1", func() error { _, _, err := e.RefreshSliding(background, sliding); return err }, nil, core.ErrNoActiveAccount},
		{"a refresh", "1", func() error {
			next, err := e.refreshToken(pair.Refresh)
			pair.Refresh = stdcmp.Or(next.Refresh, pair.Refresh)
			return err
		}, nil, core.ErrNoActiveAccount},
	} {
		for _, allow = range []bool{true, false} {
			want := c.whenForbidden
			if allow {
				want = c.whenAllowed
			}
			asked = nil
			if err := c.do(); !errors.Is(err, want) {
				t.Errorf("%s, rule says %v: error %v, want %v", c.name, allow, err, want)
			}
			if diff := cmp.Diff([]string{c.asked}, asked); diff != "" {
				t.Errorf("%s: users that the rule was called for (-want +got):\n%s", c.name, diff)
			}
		}
	}
	if got := e.readReason(pair.Refresh); got != "active" {
		t.Errorf("a denial by the rule blacklisted the token: %s", got)
	}
}

func TestUsers_DeactivatedOrDeleted(t *testing.T) {
	t.Parallel()
	operations := []struct {
		name string
		do   func(e *env, tokens [3]string) error
	}{
		{"request", func(e *env, tk [3]string) error { _, _, err := e.AuthenticateToken(background, tk[0]); return err }},
		{"sliding request", func(e *env, tk [3]string) error { _, _, err := e.AuthenticateToken(background, tk[2]); return err }},
		{"stateless", func(e *env, tk [3]string) error {
			_, _, err := e.Stateless().AuthenticateToken(background, tk[0])
			return err
		}},
		{"refresh", func(e *env, tk [3]string) error { _, err := e.refreshToken(tk[1]); return err }},
		{"sliding refresh", func(e *env, tk [3]string) error { _, err := e.refreshSliding(tk[2]); return err }},
		{"verify", func(e *env, tk [3]string) error { _, err := e.Verify(background, tk[1]); return err }},
		{"login", func(e *env, _ [3]string) error {
			_, _, err := e.ObtainPair(background, "alice", rightPassword)
			return err
		}},
		{"sliding login", func(e *env, _ [3]string) error {
			_, _, err := e.ObtainSliding(background, "alice", rightPassword)
			return err
		}},
		{"logout", func(e *env, tk [3]string) error { return e.Blacklist(background, tk[1]) }},
	}
	deactivate := func(e *env) { e.changeAlice(func(a *memstore.Account) { a.Inactive = true }) }
	remove := func(e *env) { e.accounts.Delete("1"); e.mem.ForgetUser("1") }
	noActiveCheck := withSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) })
	allowAll := withSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return true }
	})
	gone, noLogin := core.ErrNoActiveAccount, core.ErrNoActiveAccount
	for _, c := range []struct {
		name   string
		option authOption
		change func(e *env)
		want   [9]error // by operation
	}{
		{"a user who did not change is accepted everywhere", withDefaults, func(*env) {}, [9]error{}},
		{"a deactivated user is denied at once", withDefaults, deactivate, [9]error{core.ErrUserInactive, core.ErrUserInactive, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"a deleted user is denied at once", withDefaults, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"with CHECK_USER_IS_ACTIVE off a deactivated user is denied at login only", noActiveCheck, deactivate, [9]error{6: noLogin, 7: noLogin}},
		{"with CHECK_USER_IS_ACTIVE off a deleted user is denied at once", noActiveCheck, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"with a rule that allows everybody a deactivated user is denied at once", allowAll, deactivate, [9]error{core.ErrUserInactive, core.ErrUserInactive, nil, gone, gone, nil, noLogin, noLogin, nil}},
		{"with a rule that allows everybody a deleted user is denied at once", allowAll, remove, [9]error{core.ErrUnknownUser, core.ErrUnknownUser, nil, gone, gone, nil, noLogin, noLogin, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.option, withRotationOnly, withTokenClasses(core.AccessToken, core.SlidingToken))
			pair := e.mustLogin()
			tokens := [3]string{pair.Access, pair.Refresh, e.mustLoginSliding()}
			c.change(e)
			for i, op := range operations {
				if err := op.do(e, tokens); !errors.Is(err, c.want[i]) {
					t.Errorf("%s: error %v, want %v", op.name, err, c.want[i])
				}
			}
		})
	}
}

// nilUsers are Users that return neither a user nor an error: a mistake that must not cause a panic.
type nilUsers struct {
	*memstore.Users
	user simplejwt.User
}

func (u nilUsers) ByUsername(context.Context, string) (simplejwt.User, error) { return u.user, nil }

func (u nilUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return u.user, nil
}

// nilUserValues returns the two forms of a nil user: nil, and an interface with a nil pointer.
func nilUserValues() map[string]simplejwt.User {
	return map[string]simplejwt.User{"nil": nil, "a nil pointer": (*memstore.Account)(nil)}
}

func TestUsers_NeitherUserNorError(t *testing.T) {
	t.Parallel()
	for name, nilUser := range nilUserValues() {
		e := newEnv(t, withGracePeriod, withTokenClasses(core.AccessToken, core.SlidingToken))
		pair, sliding := e.mustLogin(), e.mustLoginSliding()
		e.mustLogin() // a session that a failed logout must leave active
		broken := newEnv(t, withGracePeriod, withTokenClasses(core.AccessToken, core.SlidingToken), func(_ *simplejwt.Settings, d *core.Deps) {
			d.Users, d.Store = nilUsers{memstore.NewUsers(), nilUser}, &spyStore{e.mem, &callSpy{}}
		})
		for call, c := range map[string]struct {
			method string
			do     func() error
		}{
			"ObtainPair":        {"ByUsername", func() error { _, _, err := broken.ObtainPair(background, "alice", rightPassword); return err }},
			"ObtainSliding":     {"ByUsername", func() error { _, _, err := broken.ObtainSliding(background, "alice", rightPassword); return err }},
			"Refresh":           {"ByField", func() error { _, _, err := broken.Refresh(background, pair.Refresh); return err }},
			"RefreshSliding":    {"ByField", func() error { _, _, err := broken.RefreshSliding(background, sliding); return err }},
			"AuthenticateToken": {"ByField", func() error { _, _, err := broken.AuthenticateToken(background, pair.Access); return err }},
			"Blacklist":         {"ByField", func() error { return broken.Blacklist(background, broken.signExternal(nil)) }},
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

func TestUsers_NilUser(t *testing.T) {
	t.Parallel()
	for name, nilUser := range nilUserValues() {
		t.Run(name+" as user gets no token", func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, withGracePeriod, withSettings(func(s *simplejwt.Settings) {
				s.TokenUserClass = func(simplejwt.Claims) simplejwt.User { return nilUser }
			}))
			pair := e.mustLogin()
			for call, err := range map[string]error{
				"Login":        func() error { _, err := e.Login(background, nilUser); return err }(),
				"LoginSliding": func() error { _, err := e.LoginSliding(background, nilUser); return err }(),
				"ForUser":      func() error { _, err := e.ForUser(background, core.AccessToken, nilUser); return err }(),
				"RenewSession": func() error { _, err := e.RenewSession(background, nilUser, e.readSession(pair.Refresh)); return err }(),
			} {
				if !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("%s: error %v, want ErrNoActiveAccount", call, err)
				}
			}
			if err := callPasswordChanged(background, e, nilUser, e.readSession(pair.Refresh)); err != nil || e.readReason(pair.Refresh) != "active" {
				t.Errorf("PasswordChanged: error %v, alice's token is %s", err, e.readReason(pair.Refresh))
			}
			if user, _, err := e.Stateless().AuthenticateToken(background, pair.Access); !errors.Is(err, core.ErrUnknownUser) {
				t.Errorf("TOKEN_USER_CLASS: user %v, error %v; want ErrUnknownUser", user, err)
			}
		})
	}
}
