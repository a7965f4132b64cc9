package core_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	var succeeded []string
	e := newEnv(t, withRotation, withSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(_ context.Context, u simplejwt.User) error { succeeded = append(succeeded, u.AuthID()); return nil }
	}))
	pair := e.mustLogin()
	if diff := cmp.Diff([]string{"FieldValue", "Record"}, e.spy.takeCalls()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
	refresh, now := e.readJTI(pair.Refresh), e.clock.now()
	want := &core.TokenState{OutstandingToken: core.OutstandingToken{
		JTI: refresh, UserID: "1", CreatedAt: now, SessionStartedAt: now,
		ExpiresAt: now.Add(24 * time.Hour).Truncate(time.Second), SessionID: refresh,
	}}
	if diff := cmp.Diff(want, e.loadRecord(refresh)); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	for raw, kind := range map[string]string{pair.Access: "access", pair.Refresh: "refresh"} {
		token := e.decodeToken(raw)
		if got := [3]any{token.Get("token_type"), token.SessionID(), token.Get("user_id")}; got != [3]any{kind, refresh, "1"} {
			t.Errorf("the %s token has type, session and user %v", kind, got)
		}
	}
	if e.loadRecord(e.readJTI(pair.Access)) != nil || e.readJTI(pair.Access) == refresh {
		t.Error("the access token is on record, or has the refresh token's id")
	}
	if diff := cmp.Diff([]string{"1"}, succeeded); diff != "" {
		t.Errorf("OnLoginSuccess (-want +got):\n%s", diff)
	}
	event := core.Event{Type: core.EventLogin, UserID: "1", SessionID: refresh, JTI: refresh, TokenType: "refresh"}
	if diff := cmp.Diff([]core.Event{event}, e.events.all()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.wantNoSecrets(nil, pair.Access, pair.Refresh)
}

func TestLogin_CallsWithPassword(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := h.Make(t.Context(), rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, withRotation, withSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = true }))
	e.setPassword(encoded)
	if _, _, err := e.ObtainPair(t.Context(), "alice", rightPassword); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ByUsername", "FieldValue", "Record", "ByField", "UpdateLastLogin"}, e.spy.takeCalls()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
}

func TestLogin_UpdateLastLogin(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = on }))
		logins := map[string]func(){"pair": func() { e.mustLogin() }, "sliding": func() { e.mustLoginSliding() }}
		for kind, login := range logins {
			e.changeAlice(func(a *memstore.Account) { a.LastLogin = time.Time{} })
			want := time.Time{}
			if on {
				want = e.clock.now()
			}
			if login(); !e.loadUser("alice").LastLogin.Equal(want) {
				t.Errorf("UPDATE_LAST_LOGIN %v, %s: last_login is %v, want %v", on, kind, e.loadUser("alice").LastLogin, want)
			}
		}
	}
}

// wrongLogin has credentials that must be denied. stored is alice's password for setPassword.
type wrongLogin struct {
	name, username, password, stored string
}

func wrongLogins() []wrongLogin {
	return []wrongLogin{
		{"a wrong password", "alice", "wrong", ""},
		{"an empty password", "alice", "", ""},
		{"an unknown user", "nobody", rightPassword, ""},
		{"an unknown user and an over-long password", "nobody", strings.Repeat("x", hashers.MaxPasswordBytes+1), ""},
		{"an over-long password", "alice", strings.Repeat("x", hashers.MaxPasswordBytes+1), ""},
		{"the right password with white space around it", "alice", " " + rightPassword + " ", ""},
		{"a name in another case", "Alice", rightPassword, ""},
		{"an inactive user with the right password", "bob", rightPassword, ""},
		{"an inactive user with a wrong password", "bob", "wrong", ""},
		{"an unusable stored password", "alice", rightPassword, "!unusable"},
		{"no stored password", "alice", rightPassword, "none"},
	}
}

func TestLogin_WrongCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range wrongLogins() {
		t.Run("a login is denied with "+c.name, func(t *testing.T) {
			t.Parallel()
			var failed []string
			e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
				s.UpdateLastLogin = true
				s.OnLoginFailed = func(_ context.Context, username string) { failed = append(failed, username) }
				s.OnLoginSuccess = func(context.Context, simplejwt.User) error { t.Error("OnLoginSuccess was called"); return nil }
			}))
			e.setPassword(c.stored)
			pair, user, err := e.ObtainPair(background, c.username, c.password)
			if err != core.ErrNoActiveAccount || pair != (core.Pair{}) || user != nil { // the same error in all cases, without a cause that shows the difference
				t.Errorf("ObtainPair: %+v, user %v, error %v, want nothing but ErrNoActiveAccount", pair, user, err)
			}
			if diff := cmp.Diff([]string{c.username}, failed); diff != "" {
				t.Errorf("OnLoginFailed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]core.Event{{Type: core.EventLoginFailed, Username: c.username}}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"ByUsername"}, e.spy.takeCalls()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
			if len(c.password) > 20 {
				e.wantNoSecrets(err, c.password)
			}
			if token, user, err := e.ObtainSliding(background, c.username, c.password); !errors.Is(err, core.ErrNoActiveAccount) || token != "" || user != nil {
				t.Errorf("ObtainSliding: user %v, error %v, want ErrNoActiveAccount", user, err)
			}
		})
	}
}

func TestLogin_LongUsername(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		bytes int
		calls []string
	}{
		{"the longest name is looked up", 4096, []string{"ByUsername"}},
		{"a longer name is not looked up, and costs a hash all the same", 4097, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			name := strings.Repeat("x", c.bytes)
			_, _, err := e.ObtainPair(background, name, rightPassword)
			if err != core.ErrNoActiveAccount {
				t.Errorf("error %v, want ErrNoActiveAccount", err)
			}
			if diff := cmp.Diff(c.calls, e.spy.takeCalls()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]core.Event{{Type: core.EventLoginFailed, Username: name}}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			ended, cancel := context.WithCancel(background)
			cancel()
			if _, _, err := e.ObtainPair(ended, name, rightPassword); !errors.Is(err, core.ErrServiceUnavailable) {
				t.Errorf("error %v of a login whose context ended, want ErrServiceUnavailable", err)
			}
		})
	}
}

func TestLogin_OnLoginSuccessRejects(t *testing.T) {
	t.Parallel()
	rejection := &core.Error{Status: 403, Detail: "not today"}
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error { return rejection }
	}))
	for name, login := range map[string]func() (bool, error){
		"ObtainPair": func() (bool, error) {
			pair, user, err := e.ObtainPair(background, "alice", rightPassword)
			return pair != core.Pair{} || user != nil, err
		},
		"ObtainSliding": func() (bool, error) {
			token, user, err := e.ObtainSliding(background, "alice", rightPassword)
			return token != "" || user != nil, err
		},
		"Login": func() (bool, error) {
			pair, err := e.Login(background, e.loadUser("alice"))
			return pair != core.Pair{}, err
		},
		"LoginSliding": func() (bool, error) {
			token, err := e.LoginSliding(background, e.loadUser("alice"))
			return token != "", err
		},
	} {
		returned, err := login()
		if !errors.Is(err, rejection) {
			t.Errorf("%s: error %v, want the hook's", name, err)
		}
		if returned {
			t.Errorf("%s: a rejected login returned a token or a user beside its error", name)
		}
	}
	if got := e.events.ofType(core.EventLogin); len(got) > 0 {
		t.Errorf("rejected logins emitted %v", got)
	}
}

func TestLogin_DepsAuthenticate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, username string
		err, want      error
	}{
		{"an active user logs in", "alice", nil, nil},
		{"the rule denies an inactive user", "bob", nil, core.ErrNoActiveAccount},
		{"a nil user is denied", "", nil, core.ErrNoActiveAccount},
		{"an error becomes ErrServiceUnavailable", "", errors.New("directory is down"), core.ErrServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var e *env
			e = newEnv(t, func(_ *simplejwt.Settings, d *core.Deps) {
				d.Authenticate = func(_ context.Context, username, password string) (simplejwt.User, error) {
					if username != "name" || password != " secret " {
						t.Errorf("it got the name %q and the password %q, want both as sent", username, password)
					}
					if c.username == "" {
						return nil, c.err
					}
					return e.loadUser(c.username), nil
				}
			})
			_, user, err := e.ObtainPair(background, "name", " secret ")
			if !errors.Is(err, c.want) || (user != nil) != (c.want == nil) {
				t.Errorf("user %v, error %v, want %v", user, err, c.want)
			}
			for _, call := range e.spy.takeCalls() {
				if call == "ByUsername" {
					t.Error("the stored password was looked up as well")
				}
			}
		})
	}
}

func TestLogin_DepsAuthenticateReturnsNil(t *testing.T) {
	t.Parallel()
	for name, nilUser := range nilUserValues() {
		t.Run(name+" from Deps.Authenticate is a wrong password", func(t *testing.T) {
			t.Parallel()
			calls := 0
			e := newEnv(t, func(s *simplejwt.Settings, d *core.Deps) {
				d.Authenticate = func(context.Context, string, string) (simplejwt.User, error) { return nilUser, nil }
				s.UserAuthenticationRule = func(_ context.Context, user simplejwt.User) bool {
					if calls++; user != nil {
						t.Errorf("the rule is called for %#v, want nil", user)
					}
					return true
				}
			})
			_, _, err := e.ObtainPair(background, "alice", rightPassword)
			_, _, errSliding := e.ObtainSliding(background, "alice", rightPassword)
			if !errors.Is(err, core.ErrNoActiveAccount) || !errors.Is(errSliding, core.ErrNoActiveAccount) || calls != 2 {
				t.Errorf("errors %v and %v, the rule was called %d times", err, errSliding, calls)
			}
			if failed := e.events.ofType(core.EventLoginFailed); len(failed) != 2 {
				t.Errorf("emitted %v, want two failed logins", e.events.all())
			}
		})
	}
}

func TestLogin_InactiveUser(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) }))
	if _, _, err := e.ObtainPair(background, "bob", rightPassword); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("a login with a password needs an active user in any case: %v", err)
	}
	pair := e.mustLogin()
	e.changeAlice(func(a *memstore.Account) { a.Inactive = true })
	if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
		t.Errorf("CHECK_USER_IS_ACTIVE off: a request of an inactive user: %v", err)
	}
	e.mustRefresh(pair.Refresh)
}

// A nil user is denied even where the rule allows everybody.
func TestLogin_NilUser(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return true }
	}))
	if pair, err := e.Login(background, nil); !errors.Is(err, core.ErrNoActiveAccount) || pair != (core.Pair{}) {
		t.Errorf("Login: %v", err)
	}
	if token, err := e.LoginSliding(background, nil); !errors.Is(err, core.ErrNoActiveAccount) || token != "" {
		t.Errorf("LoginSliding: %v", err)
	}
	if _, _, err := e.ObtainPair(background, "nobody", rightPassword); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("ObtainPair: %v", err)
	}
}

// The user may be deleted between the check of the password and the record of the token.
func TestLogin_UserDeletedBeforeRecord(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error { t.Error("OnLoginSuccess was called"); return nil }
	}))
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Record" {
			return core.ErrUserGone
		}
		return nil
	}
	if pair, user, err := e.ObtainPair(background, "alice", rightPassword); !errors.Is(err, core.ErrNoActiveAccount) || pair != (core.Pair{}) || user != nil {
		t.Errorf("ObtainPair: user %v, error %v, want ErrNoActiveAccount", user, err)
	}
	if token, err := e.LoginSliding(background, e.loadUser("alice")); !errors.Is(err, core.ErrNoActiveAccount) || token != "" {
		t.Errorf("LoginSliding: error %v, want ErrNoActiveAccount", err)
	}
	if emitted := e.events.all(); len(emitted) > 0 {
		t.Errorf("emitted %v", emitted)
	}
}

func TestLogin_UserDeletedBeforeUpdateLastLogin(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = true }))
	e.runBefore("UpdateLastLogin", func() { e.accounts.Delete("1") })
	if _, err := e.Login(background, e.loadUser("alice")); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("error %v", err)
	}
}

func TestLogin_RecheckUnavailable(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.spy.before = func(_ context.Context, call string) error {
		if call == "ByField" { // the user is loaded again once the login is on record
			return errDatabaseDown
		}
		return nil
	}
	if _, _, err := e.ObtainPair(background, "alice", rightPassword); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Fatalf("error %v, want ErrServiceUnavailable", err)
	}
	e.spy.before = nil
	if left := e.listSessions("1"); len(left) > 0 {
		t.Errorf("sessions whose tokens no client has are left: %v", left)
	}
}

func TestPair_IsNotPrinted(t *testing.T) {
	t.Parallel()
	pair := core.Pair{Access: "telltale", Refresh: "telltale"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pair", pair)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pair", pair)
	for _, text := range []string{fmt.Sprint(pair), fmt.Sprintf("%+v %#v %s %q %x", pair, pair, pair, &pair, []core.Pair{pair}), log.String()} {
		if strings.Contains(text, "telltale") || strings.Contains(text, "74656c6c") {
			t.Errorf("a token is printed: %s", text)
		}
	}
}
