package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsSliding sets the two lifetimes of sliding tokens.
func opsSliding(lifetime, refresh time.Duration) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		s.SlidingTokenLifetime, s.SlidingTokenRefreshLifetime = lifetime, refresh
	}
}

// slide refreshes a sliding token.
func (e *opsEnv) slide(raw string) (string, error) {
	token, _, err := e.RefreshSliding(opsCtx(), raw)
	return token, err
}

// wantNoSlide sees that a sliding refresh is refused with want and gives nothing.
func (e *opsEnv) wantNoSlide(what, raw string, want error) {
	e.t.Helper()
	token, user, err := e.RefreshSliding(opsCtx(), raw)
	if !errors.Is(err, want) || token != "" || user != nil {
		e.t.Errorf("sliding refresh with %s: error %v, user %v, token given: %v, want %v", what, err, user, token != "", want)
	}
}

// sliding are the claims of a good sliding token of alice, for forge.
func (e *opsEnv) sliding(changes map[string]any) map[string]any {
	now := e.clock.now()
	claims := map[string]any{"token_type": "sliding", "refresh_exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

// times are the time claims of a sliding token, relative to the start.
func (e *opsEnv) times(raw string) string {
	e.t.Helper()
	token := e.token(raw)
	at := func(claim string) time.Duration {
		n, _ := token.Get(claim).(json.Number)
		unix, _ := n.Int64()
		return time.Unix(unix, 0).Sub(opsStart().Truncate(time.Second))
	}
	return fmt.Sprintf("iat %v exp %v refresh_exp %v", at("iat"), at("exp"), at("refresh_exp"))
}

func TestASlidingLoginIsOnRecordUntilItsLaterEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []opsOption
		times   string
		row     time.Duration // when it ends
	}{
		{"the refresh ends later", []opsOption{opsSliding(5*time.Minute, time.Hour)}, "iat 0s exp 5m0s refresh_exp 1h0m0s", time.Hour},
		{"the token ends later", []opsOption{opsSliding(time.Hour, 5*time.Minute)}, "iat 0s exp 1h0m0s refresh_exp 5m0s", time.Hour},
		{"defaults", nil, "iat 0s exp 5m0s refresh_exp 24h0m0s", 24 * time.Hour},
		{"the session ends between", []opsOption{opsSliding(5*time.Minute, time.Hour), opsSessionLifetime(30 * time.Minute)}, "iat 0s exp 5m0s refresh_exp 30m0s", 30 * time.Minute},
		{"the session ends first", []opsOption{opsSliding(time.Hour, 2*time.Hour), opsSessionLifetime(30 * time.Minute)}, "iat 0s exp 30m0s refresh_exp 30m0s", 30 * time.Minute},
		{"the session ends last", []opsOption{opsSliding(5*time.Minute, time.Hour), opsSessionLifetime(2 * time.Hour)}, "iat 0s exp 5m0s refresh_exp 1h0m0s", time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.options...)
			raw, user, err := e.ObtainSliding(opsCtx(), "alice", opsPassword)
			if err != nil || user.AuthID() != "1" {
				t.Fatalf("user %v, error %v", user, err)
			}
			if got := e.times(raw); got != c.times {
				t.Errorf("the token's times are %s, want %s", got, c.times)
			}
			token, now := e.token(raw), e.clock.now()
			if got := [3]any{token.Get("token_type"), token.SessionID(), token.Get("user_id")}; got != [3]any{"sliding", token.JTI(), "1"} {
				t.Errorf("type, session and user are %v", got)
			}
			want := &core.TokenState{OutstandingToken: core.OutstandingToken{
				JTI: token.JTI(), UserID: "1", CreatedAt: now, ExpiresAt: now.Truncate(time.Second).Add(c.row), SessionID: token.JTI(), SessionStartedAt: now,
			}}
			if lifetime := e.Settings().SessionLifetime; lifetime > 0 {
				want.SessionExpiresAt = now.Add(lifetime)
			}
			if diff := cmp.Diff(want, e.row(token.JTI())); diff != "" {
				t.Errorf("the row (-want +got):\n%s", diff)
			}
			event := core.Event{Type: core.EventLogin, UserID: "1", SessionID: token.JTI(), JTI: token.JTI(), TokenType: "sliding"}
			if diff := cmp.Diff([]core.Event{event}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			e.noSecrets(nil, raw)
		})
	}
}

func TestASlidingRefreshMovesExpAndIatOnly(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSliding(5*time.Minute, time.Hour), opsCheckRevoke, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, u simplejwt.User, token *core.Token) error {
			token.Set("name", u.(*memstore.Account).Username)
			for _, claim := range []string{"exp", "iat", "refresh_exp", "jti", "sid", "user_id", "token_type", "hash_password"} {
				token.Set(claim, "theirs")
			}
			return nil
		}
	})
	raw := e.loginSliding()
	first := e.token(raw)
	row := e.row(first.JTI())
	e.change(func(a *memstore.Account) { a.Username = "alice2" })
	for i := range 3 {
		e.clock.advance(4 * time.Minute)
		e.spy.take()
		next, err := e.slide(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"IsBlacklisted", "ByField"}, e.spy.take()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		moved := 4 * time.Minute * time.Duration(i+1)
		if got, want := e.times(next), fmt.Sprintf("iat %v exp %v refresh_exp 1h0m0s", moved, moved+5*time.Minute); got != want {
			t.Errorf("refresh %d: the times are %s, want %s", i, got, want)
		}
		want := first.Claims()
		want["name"], want["iat"], want["exp"] = "alice2", e.token(next).Get("iat"), e.token(next).Get("exp")
		if diff := cmp.Diff(want, e.token(next).Claims()); diff != "" {
			t.Errorf("refresh %d: claims (-want +got):\n%s", i, diff)
		}
		raw = next
	}
	if diff := cmp.Diff(row, e.row(first.JTI())); diff != "" {
		t.Errorf("a refresh changed the row (-before +after):\n%s", diff)
	}
	event := core.Event{Type: core.EventRefresh, UserID: "1", SessionID: first.JTI(), JTI: first.JTI(), TokenType: "sliding"}
	if diff := cmp.Diff([]core.Event{event, event, event}, e.events.of(core.EventRefresh)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.noSecrets(nil, raw)
}

func TestASlidingRefreshIsRefused(t *testing.T) {
	t.Parallel()
	says := func(detail string) error { return &core.Error{Status: 401, Code: "token_not_valid", Detail: detail} }
	for name, c := range map[string]struct {
		claims map[string]any
		want   error
	}{
		"an access token":                 {map[string]any{"token_type": "access"}, core.ErrTokenWrongType},
		"a refresh token":                 {map[string]any{"token_type": "refresh"}, core.ErrTokenWrongType},
		"a token without a type":          {map[string]any{"token_type": nil}, core.ErrTokenNoType},
		"a token without an id":           {map[string]any{"jti": nil}, core.ErrTokenNoID},
		"a token without an end":          {map[string]any{"exp": nil}, says("Token has no 'exp' claim")},
		"a token past its end":            {map[string]any{"exp": opsStart().Unix()}, core.ErrTokenExpired},
		"a token without a refresh_exp":   {map[string]any{"refresh_exp": nil}, says("Token has no 'refresh_exp' claim")},
		"a refresh_exp that is now":       {map[string]any{"refresh_exp": opsStart().Unix()}, says("Token 'refresh_exp' claim has expired")},
		"a refresh_exp of 0":              {map[string]any{"refresh_exp": 0}, says("Token 'refresh_exp' claim has expired")},
		"a refresh_exp that is text":      {map[string]any{"refresh_exp": "4102444800"}, core.ErrTokenInvalid},
		"a refresh_exp out of range":      {map[string]any{"refresh_exp": json.RawMessage("1e300")}, core.ErrTokenInvalid},
		"a refresh_exp of null":           {map[string]any{"refresh_exp": json.RawMessage("null")}, core.ErrTokenInvalid},
		"an unknown user":                 {map[string]any{"user_id": "99"}, core.ErrNoActiveAccount},
		"an inactive user":                {map[string]any{"user_id": "2"}, core.ErrNoActiveAccount},
		"a user before a refresh_exp":     {map[string]any{"user_id": "99", "refresh_exp": nil}, core.ErrNoActiveAccount},
		"a user's id in another spelling": {map[string]any{"user_id": "01"}, core.ErrNoActiveAccount},
	} {
		e := opsNew(t)
		raw := e.forge(e.sliding(c.claims))
		e.wantNoSlide(name, raw, c.want)
		for _, call := range e.spy.take() {
			if call != "IsBlacklisted" && call != "ByField" {
				t.Errorf("%s: a refusal called %s", name, call)
			}
		}
		e.noSecrets(nil, raw)
	}
	e := opsNew(t)
	raw := e.forge(e.sliding(map[string]any{"refresh_exp": nil, "until": e.clock.now().Add(time.Hour).Unix()}))
	e.wantNoSlide("another refresh_exp", raw, says("Token has no 'refresh_exp' claim"))
	renamed := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.SlidingTokenRefreshExpClaim = "until" }))
	if _, err := renamed.slide(raw); err != nil {
		t.Errorf("SLIDING_TOKEN_REFRESH_EXP_CLAIM is until: %v", err)
	}
}

func TestLeewayHoldsForBothEndsOfASlidingToken(t *testing.T) {
	t.Parallel()
	for claim, want := range map[string]error{"exp": core.ErrTokenExpired, "refresh_exp": &core.Error{Status: 401, Code: "token_not_valid", Detail: "Token 'refresh_exp' claim has expired"}} {
		e := opsNew(t, opsLeeway(time.Minute))
		end := e.clock.now().Truncate(time.Second).Add(10 * time.Minute)
		raw := e.forge(e.sliding(map[string]any{claim: end.Unix()}))
		e.clock.set(end.Add(time.Minute - time.Microsecond))
		if _, err := e.slide(raw); err != nil {
			t.Errorf("%s, just within LEEWAY: %v", claim, err)
		}
		e.clock.set(end.Add(time.Minute))
		e.wantNoSlide(claim+", LEEWAY over", raw, want)
	}
}

func TestABlacklistedSlidingTokenIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	for _, ending := range opsEndings()[1:] { // the blacklist view takes refresh tokens only
		for _, first := range []bool{true, false} {
			e := opsNew(t, opsClasses(core.AccessToken, core.SlidingToken), opsCheckRevoke)
			login := e.loginSliding()
			other := e.loginSliding()
			next, err := e.slide(login)
			if err != nil {
				t.Fatal(err)
			}
			ended := login
			if !first {
				ended = next
			}
			if err := ending.end(e, ended); err != nil {
				t.Errorf("%s: %v", ending.name, err)
			}
			if got := e.reason(login); got != ending.reason {
				t.Errorf("%s: the token is %q, want %q", ending.name, got, ending.reason)
			}
			for _, raw := range []string{login, next} { // one id: a refresh does not make a new one
				e.wantNoSlide(ending.name, raw, core.ErrTokenBlacklisted)
				if _, _, err := e.AuthenticateToken(opsCtx(), raw); !errors.Is(err, core.ErrTokenNotAllowed) {
					t.Errorf("%s: a request: %v", ending.name, err)
				}
				if _, err := e.Verify(opsCtx(), raw); !errors.Is(err, core.ErrTokenBlacklisted) {
					t.Errorf("%s: verify: %v", ending.name, err)
				}
			}
			if _, err := e.slide(other); (err != nil) != ending.user {
				t.Errorf("%s: the user's other token: %v", ending.name, err)
			}
			// Blacklisted is said first, whatever else has happened.
			e.accounts.Delete("1")
			e.wantNoSlide("blacklisted, user deleted", login, core.ErrTokenBlacklisted)
		}
	}
}

func TestNothingSurvivesAnEndingWithinASlidingRefresh(t *testing.T) {
	t.Parallel()
	for _, ending := range opsEndings()[1:] {
		for _, point := range []string{"IsBlacklisted", "ByField"} {
			e := opsNew(t)
			raw := e.loginSliding()
			e.spy.after = func(_ context.Context, call string) error {
				if call != point {
					return nil
				}
				e.spy.after = nil
				return ending.end(e, raw)
			}
			next, err := e.slide(raw)
			if err != nil {
				t.Errorf("%s after %s: %v", ending.name, point, err)
			}
			e.wantNoSlide(ending.name+" after "+point, next, core.ErrTokenBlacklisted)
		}
	}
}

func TestAChangedPasswordEndsASlidingToken(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsCheckRevoke)
	raw, other, unknown := e.loginSliding(), e.loginSliding(), e.forge(e.sliding(nil))
	e.change(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	for name, token := range map[string]string{"the old password": raw, "a token on no record": unknown} {
		e.wantNoSlide(name, token, core.ErrPasswordChanged)
		e.wantNoSlide(name+", again", token, core.ErrTokenBlacklisted)
	}
	got := []core.Reason{e.reason(raw), e.reason(other), e.reason(unknown)}
	if diff := cmp.Diff([]core.Reason{core.ReasonPassword, "live", core.ReasonPassword}, got); diff != "" {
		t.Errorf("reasons of the token, another session's, the unknown one (-want +got):\n%s", diff)
	}
	row := e.row("made-elsewhere")
	if want := e.clock.now().Add(time.Hour).Truncate(time.Second); row.UserID != "1" || !row.ExpiresAt.Equal(want) {
		t.Errorf("the unknown token was recorded as %+v", row)
	}
	e.wantNoSlide("its password, refresh_exp over", e.forge(e.sliding(map[string]any{"jti": "over", "refresh_exp": 0})), core.ErrPasswordChanged)
}

func TestASlidingRefreshEndsWithTheSession(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSliding(10*time.Minute, 24*time.Hour), opsSessionLifetime(time.Hour))
	raw := e.loginSliding()
	for range 7 {
		e.clock.advance(8 * time.Minute)
		next, err := e.slide(raw)
		if err != nil {
			t.Fatal(err)
		}
		raw = next
	}
	end := opsStart().Add(time.Hour).Truncate(time.Second)
	if got := e.token(raw).ExpiresAt(); !got.Equal(end) {
		t.Errorf("the last token ends at %v, want the end of the session, %v", got, end)
	}
	e.clock.set(end)
	e.wantNoSlide("its session over", raw, core.ErrTokenExpired)
}

func TestASlidingTokenOfNobodyOrWithoutRecords(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"no store": opsNoStore, "no ids": opsNoIDs} {
		e := opsNew(t, option)
		raw := e.loginSliding()
		if token := e.token(raw); token.Has("sid") {
			t.Errorf("%s: the token names a session: %v", name, token.Claims())
		}
		e.clock.advance(time.Minute)
		next, err := e.slide(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := e.times(next), "iat 1m0s exp 6m0s refresh_exp 24h0m0s"; got != want {
			t.Errorf("%s: the times are %s, want %s", name, got, want)
		}
		for _, call := range e.spy.take() {
			if call != "ByField" && call != "FieldValue" {
				t.Errorf("%s: the store was called: %s", name, call)
			}
		}
	}
	e := opsNew(t, opsCheckRevoke)
	token, user, err := e.RefreshSliding(opsCtx(), e.forge(e.sliding(map[string]any{"user_id": nil})))
	if err != nil || user != nil || token == "" {
		t.Errorf("a token of nobody: user %v, error %v", user, err)
	}
}
