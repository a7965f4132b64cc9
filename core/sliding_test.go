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

// withSlidingLifetimes sets the two lifetimes of sliding tokens.
func withSlidingLifetimes(lifetime, refresh time.Duration) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		s.SlidingTokenLifetime, s.SlidingTokenRefreshLifetime = lifetime, refresh
	}
}

// readTimes returns the time claims of a sliding token, relative to startTime.
func (e *env) readTimes(raw string) string {
	e.t.Helper()
	token := e.decodeToken(raw)
	at := func(claim string) time.Duration {
		n, _ := token.Get(claim).(json.Number)
		unix, _ := n.Int64()
		return time.Unix(unix, 0).Sub(startTime().Truncate(time.Second))
	}
	return fmt.Sprintf("iat %v exp %v refresh_exp %v", at("iat"), at("exp"), at("refresh_exp"))
}

func TestLoginSliding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []authOption
		times   string
		record  time.Duration // after which time the record expires
	}{
		{"refresh_exp is later", []authOption{withSlidingLifetimes(5*time.Minute, time.Hour)}, "iat 0s exp 5m0s refresh_exp 1h0m0s", time.Hour},
		{"exp is later", []authOption{withSlidingLifetimes(time.Hour, 5*time.Minute)}, "iat 0s exp 1h0m0s refresh_exp 5m0s", time.Hour},
		{"nothing is set", nil, "iat 0s exp 5m0s refresh_exp 24h0m0s", 24 * time.Hour},
		{"the session ends between", []authOption{withSlidingLifetimes(5*time.Minute, time.Hour), withSessionLifetime(30 * time.Minute)}, "iat 0s exp 5m0s refresh_exp 30m0s", 30 * time.Minute},
		{"the session ends first", []authOption{withSlidingLifetimes(time.Hour, 2*time.Hour), withSessionLifetime(30 * time.Minute)}, "iat 0s exp 30m0s refresh_exp 30m0s", 30 * time.Minute},
		{"the session ends last", []authOption{withSlidingLifetimes(5*time.Minute, time.Hour), withSessionLifetime(2 * time.Hour)}, "iat 0s exp 5m0s refresh_exp 1h0m0s", time.Hour},
	} {
		t.Run("the record expires with the later claim where "+c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			raw, user, err := e.ObtainSliding(background, "alice", rightPassword)
			if err != nil || user.AuthID() != "1" {
				t.Fatalf("user %v, error %v", user, err)
			}
			if got := e.readTimes(raw); got != c.times {
				t.Errorf("the token's times are %s, want %s", got, c.times)
			}
			token, now := e.decodeToken(raw), e.clock.now()
			if got := [3]any{token.Get("token_type"), token.SessionID(), token.Get("user_id")}; got != [3]any{"sliding", token.JTI(), "1"} {
				t.Errorf("type, session and user are %v", got)
			}
			want := &core.TokenState{OutstandingToken: core.OutstandingToken{
				JTI: token.JTI(), UserID: "1", CreatedAt: now, ExpiresAt: now.Truncate(time.Second).Add(c.record), SessionID: token.JTI(), SessionStartedAt: now,
			}}
			if lifetime := e.Settings().SessionLifetime; lifetime > 0 {
				want.SessionExpiresAt = now.Add(lifetime)
			}
			if diff := cmp.Diff(want, e.loadRecord(token.JTI())); diff != "" {
				t.Errorf("the record (-want +got):\n%s", diff)
			}
			event := core.Event{Type: core.EventLogin, UserID: "1", SessionID: token.JTI(), JTI: token.JTI(), TokenType: "sliding"}
			if diff := cmp.Diff([]core.Event{event}, e.events.all()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			e.wantNoSecrets(nil, raw)
		})
	}
}

func TestSlidingRefresh(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSlidingLifetimes(5*time.Minute, time.Hour), withCheckRevokeToken, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, u simplejwt.User, token *core.Token) error {
			token.Set("name", u.(*memstore.Account).Username)
			for _, claim := range []string{"exp", "iat", "refresh_exp", "jti", "sid", "user_id", "token_type", "hash_password"} {
				token.Set(claim, "theirs")
			}
			return nil
		}
	})
	raw := e.mustLoginSliding()
	first := e.decodeToken(raw)
	record := e.loadRecord(first.JTI())
	e.changeAlice(func(a *memstore.Account) { a.Username = "alice2" })
	for i := range 3 {
		e.clock.advance(4 * time.Minute)
		e.spy.takeCalls()
		next, err := e.refreshSliding(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"IsBlacklisted", "ByField"}, e.spy.takeCalls()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		moved := 4 * time.Minute * time.Duration(i+1)
		if got, want := e.readTimes(next), fmt.Sprintf("iat %v exp %v refresh_exp 1h0m0s", moved, moved+5*time.Minute); got != want {
			t.Errorf("refresh %d: the times are %s, want %s", i, got, want)
		}
		want := first.Claims()
		want["name"], want["iat"], want["exp"] = "alice2", e.decodeToken(next).Get("iat"), e.decodeToken(next).Get("exp")
		if diff := cmp.Diff(want, e.decodeToken(next).Claims()); diff != "" {
			t.Errorf("refresh %d: claims (-want +got):\n%s", i, diff)
		}
		raw = next
	}
	if diff := cmp.Diff(record, e.loadRecord(first.JTI())); diff != "" {
		t.Errorf("a refresh changed the record (-before +after):\n%s", diff)
	}
	event := core.Event{Type: core.EventRefresh, UserID: "1", SessionID: first.JTI(), JTI: first.JTI(), TokenType: "sliding"}
	if diff := cmp.Diff([]core.Event{event, event, event}, e.events.ofType(core.EventRefresh)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.wantNoSecrets(nil, raw)
}

func TestSlidingRefresh_Denied(t *testing.T) {
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
		"a token without exp":             {map[string]any{"exp": nil}, says("Token has no 'exp' claim")},
		"an expired token":                {map[string]any{"exp": startTime().Unix()}, core.ErrTokenExpired},
		"a token without a refresh_exp":   {map[string]any{"refresh_exp": nil}, says("Token has no 'refresh_exp' claim")},
		"a refresh_exp that is now":       {map[string]any{"refresh_exp": startTime().Unix()}, says("Token 'refresh_exp' claim has expired")},
		"a refresh_exp of 0":              {map[string]any{"refresh_exp": 0}, says("Token 'refresh_exp' claim has expired")},
		"a refresh_exp that is text":      {map[string]any{"refresh_exp": "4102444800"}, core.ErrTokenInvalid},
		"a refresh_exp out of range":      {map[string]any{"refresh_exp": json.RawMessage("1e300")}, core.ErrTokenInvalid},
		"a refresh_exp of null":           {map[string]any{"refresh_exp": json.RawMessage("null")}, core.ErrTokenInvalid},
		"an unknown user":                 {map[string]any{"user_id": "99"}, core.ErrNoActiveAccount},
		"an inactive user":                {map[string]any{"user_id": "2"}, core.ErrNoActiveAccount},
		"a user before a refresh_exp":     {map[string]any{"user_id": "99", "refresh_exp": nil}, core.ErrNoActiveAccount},
		"a user's id in another spelling": {map[string]any{"user_id": "01"}, core.ErrNoActiveAccount},
	} {
		e := newEnv(t)
		raw := e.signExternal(e.slidingClaims(c.claims))
		e.wantSlidingDenied(name, raw, c.want)
		for _, call := range e.spy.takeCalls() {
			if call != "IsBlacklisted" && call != "ByField" {
				t.Errorf("%s: a denied refresh called %s", name, call)
			}
		}
		e.wantNoSecrets(nil, raw)
	}
	e := newEnv(t)
	raw := e.signExternal(e.slidingClaims(map[string]any{"refresh_exp": nil, "until": e.clock.now().Add(time.Hour).Unix()}))
	e.wantSlidingDenied("refresh_exp under another name", raw, says("Token has no 'refresh_exp' claim"))
	renamed := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.SlidingTokenRefreshExpClaim = "until" }))
	if _, err := renamed.refreshSliding(raw); err != nil {
		t.Errorf("SLIDING_TOKEN_REFRESH_EXP_CLAIM is until: %v", err)
	}
}

func TestSlidingRefresh_Leeway(t *testing.T) {
	t.Parallel()
	for claim, want := range map[string]error{
		"exp":         core.ErrTokenExpired,
		"refresh_exp": &core.Error{Status: 401, Code: "token_not_valid", Detail: "Token 'refresh_exp' claim has expired"},
	} {
		e := newEnv(t, withLeeway(time.Minute))
		end := e.clock.now().Truncate(time.Second).Add(10 * time.Minute)
		raw := e.signExternal(e.slidingClaims(map[string]any{claim: end.Unix()}))
		e.clock.set(end.Add(time.Minute - time.Microsecond))
		if _, err := e.refreshSliding(raw); err != nil {
			t.Errorf("%s, just within LEEWAY: %v", claim, err)
		}
		e.clock.set(end.Add(time.Minute))
		e.wantSlidingDenied(claim+", after LEEWAY", raw, want)
	}
}

func TestSlidingRefresh_Blacklisted(t *testing.T) {
	t.Parallel()
	for _, ending := range sessionEndings()[1:] { // Auth.Blacklist takes refresh tokens only
		for _, first := range []bool{true, false} {
			e := newEnv(t, withTokenClasses(core.AccessToken, core.SlidingToken), withCheckRevokeToken)
			login := e.mustLoginSliding()
			other := e.mustLoginSliding()
			next, err := e.refreshSliding(login)
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
			if got := e.readReason(login); got != ending.reason {
				t.Errorf("%s: the token is %q, want %q", ending.name, got, ending.reason)
			}
			for _, raw := range []string{login, next} { // a sliding refresh keeps the id
				e.wantSlidingDenied(ending.name, raw, core.ErrTokenBlacklisted)
				if _, _, err := e.AuthenticateToken(background, raw); !errors.Is(err, core.ErrTokenNotAllowed) {
					t.Errorf("%s: a request: %v", ending.name, err)
				}
				if _, err := e.Verify(background, raw); !errors.Is(err, core.ErrTokenBlacklisted) {
					t.Errorf("%s: verify: %v", ending.name, err)
				}
			}
			if _, err := e.refreshSliding(other); (err != nil) != ending.user {
				t.Errorf("%s: the user's other token: %v", ending.name, err)
			}
			// "Token is blacklisted" comes before any other denial.
			e.accounts.Delete("1")
			e.wantSlidingDenied("blacklisted, user deleted", login, core.ErrTokenBlacklisted)
		}
	}
}

func TestSlidingRefresh_SessionEndsMeanwhile(t *testing.T) {
	t.Parallel()
	for _, ending := range sessionEndings()[1:] {
		for _, point := range []string{"IsBlacklisted", "ByField"} {
			e := newEnv(t)
			raw := e.mustLoginSliding()
			e.spy.after = func(_ context.Context, call string) error {
				if call != point {
					return nil
				}
				e.spy.after = nil
				return ending.end(e, raw)
			}
			next, err := e.refreshSliding(raw)
			if err != nil {
				t.Errorf("%s after %s: %v", ending.name, point, err)
			}
			e.wantSlidingDenied(ending.name+" after "+point, next, core.ErrTokenBlacklisted)
		}
	}
}

func TestSlidingRefresh_ChangedPassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withCheckRevokeToken)
	raw, other, unknown := e.mustLoginSliding(), e.mustLoginSliding(), e.signExternal(e.slidingClaims(nil))
	e.changeAlice(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	for name, token := range map[string]string{"the old password": raw, "a token without a record": unknown} {
		e.wantSlidingDenied(name, token, core.ErrPasswordChanged)
		e.wantSlidingDenied(name+", again", token, core.ErrTokenBlacklisted)
	}
	got := []core.Reason{e.readReason(raw), e.readReason(other), e.readReason(unknown)}
	if diff := cmp.Diff([]core.Reason{core.ReasonPassword, "active", core.ReasonPassword}, got); diff != "" {
		t.Errorf("reasons of the token, another session's, the unknown one (-want +got):\n%s", diff)
	}
	record := e.loadRecord("external")
	if want := e.clock.now().Add(time.Hour).Truncate(time.Second); record.UserID != "1" || !record.ExpiresAt.Equal(want) {
		t.Errorf("the unknown token was recorded as %+v", record)
	}
	late := e.signExternal(e.slidingClaims(map[string]any{"jti": "late", "refresh_exp": 0}))
	e.wantSlidingDenied("the old password, after refresh_exp", late, core.ErrPasswordChanged)
}

func TestSlidingRefresh_SessionLifetime(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSlidingLifetimes(10*time.Minute, 24*time.Hour), withSessionLifetime(time.Hour))
	raw := e.mustLoginSliding()
	for range 7 {
		e.clock.advance(8 * time.Minute)
		next, err := e.refreshSliding(raw)
		if err != nil {
			t.Fatal(err)
		}
		raw = next
	}
	end := startTime().Add(time.Hour).Truncate(time.Second)
	if got := e.decodeToken(raw).ExpiresAt(); !got.Equal(end) {
		t.Errorf("the last token expires at %v, want the end of the session, %v", got, end)
	}
	e.clock.set(end)
	e.wantSlidingDenied("after its session", raw, core.ErrTokenExpired)
}

func TestSlidingRefresh_SessionOverWithinLeeway(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSlidingLifetimes(2*time.Hour, 24*time.Hour), withSessionLifetime(time.Hour), withLeeway(time.Minute))
	raw := e.mustLoginSliding()
	e.clock.advance(time.Hour + 30*time.Second)
	e.wantSlidingDenied("within LEEWAY", raw, core.ErrTokenExpired)
}

func TestSlidingRefresh_WithoutRecordsOrUser(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"no store": withoutStore, "no ids": withoutIDs} {
		e := newEnv(t, option)
		raw := e.mustLoginSliding()
		if token := e.decodeToken(raw); token.Has("sid") {
			t.Errorf("%s: the token names a session: %v", name, token.Claims())
		}
		e.clock.advance(time.Minute)
		next, err := e.refreshSliding(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := e.readTimes(next), "iat 1m0s exp 6m0s refresh_exp 24h0m0s"; got != want {
			t.Errorf("%s: the times are %s, want %s", name, got, want)
		}
		for _, call := range e.spy.takeCalls() {
			if call != "ByField" && call != "FieldValue" {
				t.Errorf("%s: the store was called: %s", name, call)
			}
		}
	}
	e := newEnv(t, withCheckRevokeToken)
	token, user, err := e.RefreshSliding(background, e.signExternal(e.slidingClaims(map[string]any{"user_id": nil})))
	if err != nil || user != nil || token == "" {
		t.Errorf("a token without a user: user %v, error %v", user, err)
	}
}
