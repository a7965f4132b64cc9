package core_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// deniedRefreshes are the denials of a refresh token that is verified and not blacklisted.
func deniedRefreshes() map[string]struct {
	arrange func(e *env) string
	want    error
} {
	type denial = struct {
		arrange func(e *env) string
		want    error
	}
	after := func(change func(e *env)) func(e *env) string {
		return func(e *env) string { raw := e.mustLogin().Refresh; change(e); return raw }
	}
	return map[string]denial{
		"a token of a deleted user":             {after(func(e *env) { e.accounts.Delete("1") }), core.ErrNoActiveAccount},
		"a token of an inactive user":           {after(func(e *env) { e.changeAlice(func(a *memstore.Account) { a.Inactive = true }) }), core.ErrNoActiveAccount},
		"a sliding token":                       {func(e *env) string { return e.mustLoginSliding() }, core.ErrTokenWrongType},
		"a token without a type":                {func(e *env) string { return e.recordExternal(map[string]any{"token_type": nil}) }, core.ErrTokenNoType},
		"a token with its type in another case": {func(e *env) string { return e.recordExternal(map[string]any{"token_type": "Refresh"}) }, core.ErrTokenWrongType},
	}
}

func TestRefresh_DeniedTokenIsNotConsumed(t *testing.T) {
	t.Parallel()
	for name, c := range deniedRefreshes() {
		t.Run(name+" is denied and not blacklisted", func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, withGracePeriod, withReuseDetection)
			raw := c.arrange(e)
			e.spy.takeCalls()
			for call, do := range map[string]func() error{
				"refresh": func() error { _, err := e.refreshToken(raw); return err },
				"logout":  func() error { return e.Blacklist(background, raw) },
			} {
				if call == "logout" && errors.Is(c.want, core.ErrNoActiveAccount) {
					continue // a logout does not load the user
				}
				if err := do(); !errors.Is(err, c.want) {
					t.Errorf("%s: error %v, want %v", call, err, c.want)
				}
				lookups := 0
				for _, call := range e.spy.takeCalls() {
					if call == "IsBlacklisted" {
						lookups++
					} else if call != "ByField" {
						t.Errorf("it called %s", call)
					}
				}
				if lookups != 1 {
					t.Errorf("%s: %d look-ups of the blacklist, want 1", call, lookups)
				}
			}
			if got := e.readReason(raw); got != "active" {
				t.Errorf("the denied token is now %s", got)
			}
			if _, _, err := e.mem.Blacklist(background, e.readJTI(raw), nil, core.ReasonAdmin, e.clock.now()); err != nil {
				t.Fatal(err)
			}
			e.wantRefreshDenied("the same, blacklisted", raw, core.ErrTokenBlacklisted)
		})
	}
}

func TestRefresh_VerifiesBeforeAnyCall(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	pair := e.mustLogin()
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"an expired token":                              {e.signExternal(map[string]any{"exp": e.clock.now().Unix()}), core.ErrTokenExpired},
		"a token from the future":                       {e.signExternal(map[string]any{"iat": e.clock.now().Unix() + 1}), core.ErrTokenInvalid},
		"a token with another signature":                {pair.Refresh[:len(pair.Refresh)-4] + "AAAA", core.ErrTokenInvalid},
		"an empty text":                                 {"", core.ErrTokenInvalid},
		"a token with another signature and an old exp": {e.signExternal(map[string]any{"exp": 0})[3:], core.ErrTokenInvalid},
	} {
		e.spy.takeCalls()
		_, err := e.refreshToken(c.raw)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if calls := e.spy.takeCalls(); len(calls) > 0 {
			t.Errorf("%s: called %v", name, calls)
		}
	}
}

func TestRefresh_UserIDSpelling(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		`"1"`: true, "1": true, "1.0": false, `"01"`: false, `" 1"`: false, "true": false, "1e0": false, "[1]": false, `{"id":1}`: false,
	} {
		e := newEnv(t, withRotation)
		raw := e.signExternal(map[string]any{"user_id": json.RawMessage(id)})
		pair, err := e.refreshToken(raw)
		if !good {
			if !errors.Is(err, core.ErrNoActiveAccount) || e.loadRecord("external") != nil {
				t.Errorf("user_id %s: error %v, want ErrNoActiveAccount and no record", id, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("user_id %s: %v", id, err)
			continue
		}
		if diff := cmp.Diff(e.decodeToken(raw).Get("user_id"), e.decodeToken(pair.Refresh).Get("user_id")); diff != "" {
			t.Errorf("user_id %s is not copied with its type (-want +got):\n%s", id, diff)
		}
	}
}

func TestRefresh_BlacklistedTokenWithoutExp(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation)
	e.recordExternal(nil)
	if _, _, err := e.mem.Blacklist(background, "external", nil, core.ReasonLogout, e.clock.now()); err != nil {
		t.Fatal(err)
	}
	e.wantRefreshDenied("without exp", e.signExternal(map[string]any{"exp": nil}), core.ErrTokenBlacklisted)
}

func TestRefresh_IssuerThatIsNotText(t *testing.T) {
	t.Parallel()
	for _, iss := range []string{"1", "null", "[]"} {
		e := newEnv(t, withRotation)
		claims := map[string]any{"iss": json.RawMessage(iss)}
		e.wantRefreshDenied("iss "+iss, e.signExternal(claims), core.ErrTokenInvalid)
		if err := e.Blacklist(background, e.signExternal(claims)); !errors.Is(err, core.ErrTokenInvalid) {
			t.Errorf("logout, iss %s: error %v", iss, err)
		}
		e.wantSlidingDenied("iss "+iss, e.signExternal(e.slidingClaims(claims)), core.ErrTokenInvalid)
		if _, err := e.Verify(background, e.signExternal(claims)); err != nil {
			t.Errorf("verify, iss %s: error %v", iss, err)
		}
	}
}

func TestRefresh_ChangedPassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotationOnly, withCheckRevokeToken)
	first := e.mustLogin().Refresh
	second := e.mustRefresh(first).Refresh // without blacklisting, so that the session has two active tokens
	other := e.mustLogin().Refresh
	unknown := e.signExternal(nil)
	e.changeAlice(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })

	e.wantRefreshDenied("the old password", first, core.ErrPasswordChanged)
	e.wantRefreshDenied("the old password again", first, core.ErrTokenBlacklisted)
	e.wantRefreshDenied("a token of the same session", second, core.ErrTokenBlacklisted)
	e.wantRefreshDenied("an unknown token", unknown, core.ErrPasswordChanged)
	e.wantRefreshDenied("an unknown token again", unknown, core.ErrTokenBlacklisted)
	got := []core.Reason{e.readReason(first), e.readReason(second), e.readReason(other), e.readReason(unknown)}
	if diff := cmp.Diff([]core.Reason{core.ReasonPassword, core.ReasonPassword, "active", core.ReasonPassword}, got); diff != "" {
		t.Errorf("reasons of first, second, another session's, an unknown token (-want +got):\n%s", diff)
	}
	if record := e.loadRecord("external"); record.UserID != "1" {
		t.Errorf("the unknown token was recorded for user %q, want 1", record.UserID)
	}
	revoked := e.events.ofType(core.EventRevoke)
	if len(revoked) == 0 || revoked[0].Reason != core.ReasonPassword || revoked[0].SessionID != e.readJTI(first) || revoked[0].Count != 1 {
		t.Errorf("the revocation emitted %+v", revoked)
	}
}

func TestRefresh_ChangedPasswordWithoutStore(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withoutStore, withCheckRevokeToken)
	pair := e.mustLogin()
	e.changeAlice(func(a *memstore.Account) { a.Password = "" })
	for range 2 {
		e.wantRefreshDenied("the old password", pair.Refresh, core.ErrPasswordChanged)
	}
}
