package core_test

import (
	stdcmp "cmp"
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsLogin is a set of credentials that must be refused. store is what is on record; "" for the cheap hash.
type opsLogin struct {
	name, username, password, stored string
}

func opsWrongLogins() []opsLogin {
	return []opsLogin{
		{"a wrong password", "alice", "wrong", ""},
		{"an empty password", "alice", "", ""},
		{"an unknown user", "nobody", opsPassword, ""},
		{"an unknown user and an over-long password", "nobody", strings.Repeat("x", hashers.MaxPasswordBytes+1), ""},
		{"an over-long password", "alice", strings.Repeat("x", hashers.MaxPasswordBytes+1), ""},
		{"the right password with white space around it", "alice", " " + opsPassword + " ", ""},
		{"a name in another case", "Alice", opsPassword, ""},
		{"an inactive user with his password", "bob", opsPassword, ""},
		{"an inactive user with a wrong password", "bob", "wrong", ""},
		{"an unusable stored password", "alice", opsPassword, "!unusable"},
		{"no stored password", "alice", opsPassword, "none"},
	}
}

func TestLogin_LongNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		bytes int
		calls []string
	}{
		{"the longest name is looked up", 4096, []string{"ByUsername"}},
		{"a longer one reaches no database, and costs a hash all the same", 4097, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t)
			name := strings.Repeat("x", c.bytes)
			_, _, err := e.ObtainPair(opsCtx(), name, opsPassword)
			if err != core.ErrNoActiveAccount {
				t.Errorf("error %v, want ErrNoActiveAccount", err)
			}
			if diff := cmp.Diff(c.calls, e.spy.take()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]core.Event{{Type: core.EventLoginFailed, Username: name}}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			ended, cancel := context.WithCancel(opsCtx())
			cancel()
			if _, _, err := e.ObtainPair(ended, name, opsPassword); !errors.Is(err, core.ErrServiceUnavailable) {
				t.Errorf("error %v of a login that can't hash, want ErrServiceUnavailable", err)
			}
		})
	}
}

func TestWrongCredentialsAreAllRefusedAlike(t *testing.T) {
	t.Parallel()
	for _, c := range opsWrongLogins() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var failed []string
			e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
				s.UpdateLastLogin = true
				s.OnLoginFailed = func(_ context.Context, username string) { failed = append(failed, username) }
				s.OnLoginSuccess = func(context.Context, simplejwt.User) error { t.Error("OnLoginSuccess was called"); return nil }
			}))
			e.store(c.stored)
			pair, user, err := e.ObtainPair(opsCtx(), c.username, c.password)
			if err != core.ErrNoActiveAccount || pair != (core.Pair{}) || user != nil { // the very same error, without a cause that would tell
				t.Errorf("ObtainPair: %+v, user %v, error %v, want nothing but ErrNoActiveAccount", pair, user, err)
			}
			if diff := cmp.Diff([]string{c.username}, failed); diff != "" {
				t.Errorf("OnLoginFailed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]core.Event{{Type: core.EventLoginFailed, Username: c.username}}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"ByUsername"}, e.spy.take()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
			if len(c.password) > 20 {
				e.noSecrets(err, c.password)
			}
			if token, user, err := e.ObtainSliding(opsCtx(), c.username, c.password); !errors.Is(err, core.ErrNoActiveAccount) || token != "" || user != nil {
				t.Errorf("ObtainSliding: user %v, error %v, want ErrNoActiveAccount", user, err)
			}
		})
	}
}

// store sets alice's stored password: "" leaves the cheap hash, "none" is no hash.
func (e *opsEnv) store(encoded string) {
	if encoded == "" {
		return
	}
	e.change(func(a *memstore.Account) { a.Password = strings.TrimPrefix(encoded, "none") })
}

// A login must take as long whether the user exists or not, so it must compute as many hashes, from the first login on.
// Each takes 19 MiB, and memory can be counted where time can't. Not parallel: others would be counted too.
func TestEveryRefusedLoginComputesOneHash(t *testing.T) {
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := h.Make(t.Context(), opsPassword)
	if err != nil {
		t.Fatal(err)
	}
	for view, login := range map[string]func(e *opsEnv, username, password string) error{
		"pair":    func(e *opsEnv, u, p string) error { _, _, err := e.ObtainPair(opsCtx(), u, p); return err },
		"sliding": func(e *opsEnv, u, p string) error { _, _, err := e.ObtainSliding(opsCtx(), u, p); return err },
	} {
		for _, c := range append(opsWrongLogins(), opsLogin{"the right password", "alice", opsPassword, ""}) {
			e := opsNew(t) // with hashers of its own, so that this is their first login
			for _, name := range []string{"alice", "bob"} {
				a := e.user(name)
				a.Password = encoded
				if err := e.accounts.Update(*a); err != nil {
					t.Fatal(err)
				}
			}
			e.store(c.stored)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := login(e, c.username, c.password)
			runtime.ReadMemStats(&after)
			if (err == nil) != (c.name == "the right password") {
				t.Errorf("%s, %s: %v", view, c.name, err)
			}
			if hashes := math.Round(float64(after.TotalAlloc-before.TotalAlloc) / (19456 << 10)); hashes != 1 {
				t.Errorf("%s, %s: %v hashes computed, want 1", view, c.name, hashes)
			}
		}
	}
}

func TestLoginGivesAPairOnRecord(t *testing.T) {
	t.Parallel()
	var succeeded []string
	e := opsNew(t, opsRotate, opsSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(_ context.Context, u simplejwt.User) error { succeeded = append(succeeded, u.AuthID()); return nil }
	}))
	pair := e.login()
	if diff := cmp.Diff([]string{"FieldValue", "Record"}, e.spy.take()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
	refresh, now := e.jti(pair.Refresh), e.clock.now()
	want := &core.TokenState{OutstandingToken: core.OutstandingToken{
		JTI: refresh, UserID: "1", CreatedAt: now, SessionStartedAt: now,
		ExpiresAt: now.Add(24 * time.Hour).Truncate(time.Second), SessionID: refresh,
	}}
	if diff := cmp.Diff(want, e.row(refresh)); diff != "" {
		t.Errorf("the row (-want +got):\n%s", diff)
	}
	for raw, kind := range map[string]string{pair.Access: "access", pair.Refresh: "refresh"} {
		token := e.token(raw)
		if got := [3]any{token.Get("token_type"), token.SessionID(), token.Get("user_id")}; got != [3]any{kind, refresh, "1"} {
			t.Errorf("the %s token has type, session and user %v", kind, got)
		}
	}
	if e.row(e.jti(pair.Access)) != nil || e.jti(pair.Access) == refresh {
		t.Error("the access token is on record, or has the refresh token's id")
	}
	if diff := cmp.Diff([]string{"1"}, succeeded); diff != "" {
		t.Errorf("OnLoginSuccess (-want +got):\n%s", diff)
	}
	event := core.Event{Type: core.EventLogin, UserID: "1", SessionID: refresh, JTI: refresh, TokenType: "refresh"}
	if diff := cmp.Diff([]core.Event{event}, e.events.all()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.noSecrets(nil, pair.Access, pair.Refresh)
}

func TestAPasswordLoginRecordsOnceAndThenLooksAgain(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := h.Make(t.Context(), opsPassword)
	if err != nil {
		t.Fatal(err)
	}
	e := opsNew(t, opsRotate, opsSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = true }))
	e.store(encoded)
	if _, _, err := e.ObtainPair(t.Context(), "alice", opsPassword); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ByUsername", "FieldValue", "Record", "ByField", "UpdateLastLogin"}, e.spy.take()); diff != "" {
		t.Errorf("calls of users and store (-want +got):\n%s", diff)
	}
}

func TestLastLoginIsSetOnlyWhereAsked(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = on }))
		logins := map[string]func(){"pair": func() { e.login() }, "sliding": func() { e.loginSliding() }}
		for kind, login := range logins {
			e.change(func(a *memstore.Account) { a.LastLogin = time.Time{} })
			want := time.Time{}
			if on {
				want = e.clock.now()
			}
			if login(); !e.user("alice").LastLogin.Equal(want) {
				t.Errorf("UPDATE_LAST_LOGIN %v, %s: last_login is %v, want %v", on, kind, e.user("alice").LastLogin, want)
			}
		}
	}
}

func TestOnLoginSuccessMayRefuse(t *testing.T) {
	t.Parallel()
	refusal := &core.Error{Status: 403, Detail: "not today"}
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error { return refusal }
	}))
	for name, login := range map[string]func() (bool, error){
		"ObtainPair": func() (bool, error) {
			pair, user, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
			return pair != core.Pair{} || user != nil, err
		},
		"ObtainSliding": func() (bool, error) {
			token, user, err := e.ObtainSliding(opsCtx(), "alice", opsPassword)
			return token != "" || user != nil, err
		},
		"Login":        func() (bool, error) { pair, err := e.Login(opsCtx(), e.user("alice")); return pair != core.Pair{}, err },
		"LoginSliding": func() (bool, error) { token, err := e.LoginSliding(opsCtx(), e.user("alice")); return token != "", err },
	} {
		gave, err := login()
		if !errors.Is(err, refusal) {
			t.Errorf("%s: error %v, want the hook's", name, err)
		}
		if gave {
			t.Errorf("%s: a refused login gave a token or a user beside its error", name)
		}
	}
	if got := e.events.of(core.EventLogin); len(got) > 0 {
		t.Errorf("refused logins raised %v", got)
	}
}

func TestDepsAuthenticateReplacesThePassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, username string
		err, want      error
	}{
		{"an active user logs in", "alice", nil, nil},
		{"an inactive user is refused by the rule", "bob", nil, core.ErrNoActiveAccount},
		{"nobody is refused", "", nil, core.ErrNoActiveAccount},
		{"an error is 503", "", errors.New("directory is down"), core.ErrServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var e *opsEnv
			e = opsNew(t, func(_ *simplejwt.Settings, d *core.Deps) {
				d.Authenticate = func(_ context.Context, username, password string) (simplejwt.User, error) {
					if username != "name" || password != " secret " {
						t.Errorf("asked for %q with %q, want both as sent", username, password)
					}
					if c.username == "" {
						return nil, c.err
					}
					return e.user(c.username), nil
				}
			})
			_, user, err := e.ObtainPair(opsCtx(), "name", " secret ")
			if !errors.Is(err, c.want) || (user != nil) != (c.want == nil) {
				t.Errorf("user %v, error %v, want %v", user, err, c.want)
			}
			for _, call := range e.spy.take() {
				if call == "ByUsername" {
					t.Error("the stored password was looked up as well")
				}
			}
		})
	}
}

func TestTheRuleIsAskedAtEveryDoor(t *testing.T) {
	t.Parallel()
	var asked []string
	allow := true
	e := opsNew(t, opsRotate, opsClasses(core.AccessToken, core.SlidingToken), opsSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(_ context.Context, u simplejwt.User) bool {
			name := "nil"
			if u != nil {
				name = u.AuthID()
			}
			asked = append(asked, name)
			return allow
		}
	}))
	pair, sliding := e.login(), e.loginSliding()
	asked = nil
	for _, c := range []struct {
		name, asked   string
		do            func() error
		whenAllowed   error
		whenForbidden error
	}{
		{"a login without a password", "1", func() error { _, err := e.Login(opsCtx(), e.user("alice")); return err }, nil, core.ErrNoActiveAccount},
		{"a sliding login without a password", "1", func() error { _, err := e.LoginSliding(opsCtx(), e.user("alice")); return err }, nil, core.ErrNoActiveAccount},
		{"a login", "1", func() error { _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); return err }, nil, core.ErrNoActiveAccount},
		{"a login that fits nobody", "nil", func() error { _, _, err := e.ObtainPair(opsCtx(), "nobody", "x"); return err }, core.ErrNoActiveAccount, core.ErrNoActiveAccount},
		{"a request", "1", func() error { _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); return err }, nil, core.ErrNoActiveAccount},
		{"a sliding refresh", "1", func() error { _, _, err := e.RefreshSliding(opsCtx(), sliding); return err }, nil, core.ErrNoActiveAccount},
		{"a refresh", "1", func() error {
			next, err := e.refresh(pair.Refresh)
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
				t.Errorf("%s: who the rule was asked about (-want +got):\n%s", c.name, diff)
			}
		}
	}
	if got := e.reason(pair.Refresh); got != "live" {
		t.Errorf("a refusal by the rule consumed the token: %s", got)
	}
}

func TestAnInactiveUserNeedsBothARuleAndNoCheckToHoldTokens(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.CheckUserIsActive = new(false) }))
	if _, _, err := e.ObtainPair(opsCtx(), "bob", opsPassword); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("a login by password asks for an active user in any case: %v", err)
	}
	pair := e.login()
	e.change(func(a *memstore.Account) { a.Inactive = true })
	if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
		t.Errorf("CHECK_USER_IS_ACTIVE off: a request of an inactive user: %v", err)
	}
	e.mustRefresh(pair.Refresh)
}

func TestAPasswordLoginUpgradesAnOutdatedHash(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate, opsCheckRevoke)
	pair, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.user("alice").Password; !strings.HasPrefix(got, "argon2$argon2id$") {
		t.Fatalf("the stored hash is %.20q, want argon2", got)
	}
	if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
		t.Errorf("the claim of CHECK_REVOKE_TOKEN is not of the hash that is stored now: %v", err)
	}
	e.mustRefresh(pair.Refresh)
	if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); err != nil {
		t.Errorf("the upgraded hash does not match: %v", err)
	}
}

// The user may be deleted between the check of his password and the record of his token.
func TestALoginOfAUserWhoJustWentIsRefused(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error { t.Error("OnLoginSuccess was called"); return nil }
	}))
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Record" {
			return core.ErrUserGone
		}
		return nil
	}
	if pair, user, err := e.ObtainPair(opsCtx(), "alice", opsPassword); !errors.Is(err, core.ErrNoActiveAccount) || pair != (core.Pair{}) || user != nil {
		t.Errorf("ObtainPair: user %v, error %v, want ErrNoActiveAccount", user, err)
	}
	if token, err := e.LoginSliding(opsCtx(), e.user("alice")); !errors.Is(err, core.ErrNoActiveAccount) || token != "" {
		t.Errorf("LoginSliding: error %v, want ErrNoActiveAccount", err)
	}
	if told := e.events.all(); len(told) > 0 {
		t.Errorf("raised %v", told)
	}
}

// A program asks the rule before it gives a token to whom it names, even to nobody.
func TestNobodyCannotLogIn(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
		s.UserAuthenticationRule = func(context.Context, simplejwt.User) bool { return true }
	}))
	if pair, err := e.Login(opsCtx(), nil); !errors.Is(err, core.ErrNoActiveAccount) || pair != (core.Pair{}) {
		t.Errorf("Login: %v", err)
	}
	if token, err := e.LoginSliding(opsCtx(), nil); !errors.Is(err, core.ErrNoActiveAccount) || token != "" {
		t.Errorf("LoginSliding: %v", err)
	}
	if _, _, err := e.ObtainPair(opsCtx(), "nobody", opsPassword); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("ObtainPair: %v", err)
	}
}

func TestObtainPair_RecheckUnavailable(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	e.spy.before = func(_ context.Context, call string) error {
		if call == "ByField" { // the user is loaded again once the login is on record
			return errOpsDown
		}
		return nil
	}
	if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Fatalf("error %v, want ErrServiceUnavailable", err)
	}
	e.spy.before = nil
	if left := e.sessions("1"); len(left) > 0 {
		t.Errorf("sessions whose tokens nobody has are left: %v", left)
	}
}
