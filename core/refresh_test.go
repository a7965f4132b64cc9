package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestARefreshCostsWhatItMust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []opsOption
		want    []string
	}{
		{"without rotation one user and one look-up", []opsOption{opsPlain}, []string{"ByField", "IsBlacklisted"}},
		{"without rotation but with a session's end one user and one look-up", []opsOption{opsSessionLifetime(time.Hour)}, []string{"ByField", "State"}},
		{"with rotation one user and one statement", []opsOption{opsRotate}, []string{"ByField", "Rotate"}},
		{"with everything on still one user and one statement", []opsOption{opsGrace, opsReuse, opsCheckRevoke, opsSessionLifetime(time.Hour)}, []string{"ByField", "Rotate"}},
		{"with rotation but no blacklisting one user and one statement", []opsOption{opsRotateOnly}, []string{"ByField", "Rotate"}},
		{"without a store one user", []opsOption{opsNoStore}, []string{"ByField"}},
		{"without token ids one user", []opsOption{opsNoIDs}, []string{"ByField"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.options...)
			pair := e.login()
			e.spy.take()
			e.mustRefresh(pair.Refresh)
			if diff := cmp.Diff(c.want, e.spy.take()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARefreshWithoutRotationConsumesNothing(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	pair := e.login()
	for range 2 {
		e.clock.advance(time.Minute)
		next := e.mustRefresh(pair.Refresh)
		access := e.token(next.Access)
		if next.Refresh != "" || access.Get("token_type") != "access" || access.SessionID() != e.jti(pair.Refresh) {
			t.Errorf("the answer is a refresh token (%v) and the claims %v", next.Refresh != "", access.Claims())
		}
		if want := e.clock.now().Add(5 * time.Minute).Truncate(time.Second); !access.ExpiresAt().Equal(want) {
			t.Errorf("the access token ends at %v, want %v", access.ExpiresAt(), want)
		}
	}
	if err := e.Blacklist(opsCtx(), pair.Refresh); err != nil {
		t.Fatal(err)
	}
	e.wantRefused("a blacklisted token", pair.Refresh, core.ErrTokenBlacklisted)
}

func TestWithoutRecordsNothingIsConsumedOrNamed(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]opsOption{
		"without a store":                        {opsNoStore},
		"without a store, with rotation":         {opsNoStore, opsRotateOnly},
		"with JTI_CLAIM off":                     {opsNoIDs},
		"with JTI_CLAIM off, with rotation":      {opsNoIDs, opsRotateOnly},
		"with JTI_CLAIM off, CHECK_REVOKE_TOKEN": {opsNoIDs, opsRotateOnly, opsCheckRevoke},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, options...)
			pair := e.login()
			e.mustRefresh(pair.Refresh)
			if err := e.Blacklist(opsCtx(), pair.Refresh); err != nil {
				t.Errorf("blacklisting only verifies: %v", err)
			}
			next := e.mustRefresh(pair.Refresh)
			if rotates := e.Settings().RotateRefreshTokens; (next.Refresh != "") != rotates {
				t.Errorf("a refresh token was given: %v, want %v", next.Refresh != "", rotates)
			}
			for _, raw := range []string{pair.Access, pair.Refresh, next.Access} {
				token := e.token(raw)
				if token.Has("sid") || token.Has("jti") != (e.Settings().JTIClaim != "") {
					t.Errorf("a token has the claims %v", token.Claims())
				}
			}
			for _, err := range []error{e.RevokeUser(opsCtx(), "1", core.ReasonAdmin), opsPasswordChanged(opsCtx(), e, e.user("alice"), "")} {
				if err != nil {
					t.Errorf("revoking does nothing: %v", err)
				}
			}
			for _, call := range e.spy.take() {
				if call != "ByField" && call != "FieldValue" {
					t.Errorf("the store was called: %s", call)
				}
			}
		})
	}
}

func TestATokenWithoutAUserIsRefreshedForNobody(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"absent", "null", `""`, "0", "-0", "0.0", "0e9", "false", "[]", "{}"} {
		for name, option := range map[string]opsOption{"rotating": opsRotate, "not consuming": opsRotateOnly, "not rotating": opsPlain} {
			e := opsNew(t, option, opsCheckRevoke, func(_ *simplejwt.Settings, d *core.Deps) {
				d.Claims = func(context.Context, simplejwt.User, *core.Token) error {
					t.Error("custom claims for nobody")
					return nil
				}
			})
			claims := map[string]any{"user_id": json.RawMessage(id)}
			if id == "absent" {
				claims["user_id"] = nil
			}
			pair, user, err := e.Refresh(opsCtx(), e.forge(claims))
			if name != "not rotating" && slices.Contains([]string{`""`, "[]", "{}"}, id) { // a record could not name him
				if !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("user_id %s, %s: error %v", id, name, err)
				}
				continue
			}
			if err != nil || user != nil {
				t.Errorf("user_id %s, %s: user %v, error %v, want neither", id, name, user, err)
				continue
			}
			if e.token(pair.Access).Has("user_id") != (id != "absent") {
				t.Errorf("user_id %s, %s: the claim was not copied as it is", id, name)
			}
			if name != "not rotating" {
				if row := e.row(e.jti(pair.Refresh)); row == nil || row.UserID != "" {
					t.Errorf("user_id %s, %s: the row is %+v, want one without a user", id, name, row)
				}
			}
		}
	}
}

func TestAUserIDMustBeTheCanonicalOne(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{`"1"`: true, "1": true, "1.0": false, `"01"`: false, `" 1"`: false, "true": false, "1e0": false, "[1]": false, `{"id":1}`: false} {
		e := opsNew(t, opsRotate)
		raw := e.forge(map[string]any{"user_id": json.RawMessage(id)})
		pair, err := e.refresh(raw)
		if !good {
			if !errors.Is(err, core.ErrNoActiveAccount) || e.row("made-elsewhere") != nil {
				t.Errorf("user_id %s: error %v, want ErrNoActiveAccountToken and no record", id, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("user_id %s: %v", id, err)
			continue
		}
		if diff := cmp.Diff(e.token(raw).Get("user_id"), e.token(pair.Refresh).Get("user_id")); diff != "" {
			t.Errorf("user_id %s is not copied with its type (-want +got):\n%s", id, diff)
		}
	}
}

// opsRefusals are what may be wrong with a refresh token that is verified and was not consumed.
func opsRefusals() map[string]struct {
	arrange func(e *opsEnv) string
	want    error
} {
	type refusal = struct {
		arrange func(e *opsEnv) string
		want    error
	}
	after := func(change func(e *opsEnv)) func(e *opsEnv) string {
		return func(e *opsEnv) string { raw := e.login().Refresh; change(e); return raw }
	}
	return map[string]refusal{
		"a user who is deleted":        {after(func(e *opsEnv) { e.accounts.Delete("1") }), core.ErrNoActiveAccount},
		"a user who is inactive":       {after(func(e *opsEnv) { e.change(func(a *memstore.Account) { a.Inactive = true }) }), core.ErrNoActiveAccount},
		"a sliding token":              {func(e *opsEnv) string { return e.loginSliding() }, core.ErrTokenWrongType},
		"a token without a type":       {func(e *opsEnv) string { return e.record(map[string]any{"token_type": nil}) }, core.ErrTokenNoType},
		"a token of another case type": {func(e *opsEnv) string { return e.record(map[string]any{"token_type": "Refresh"}) }, core.ErrTokenWrongType},
	}
}

// record forges a token and puts it on record.
func (e *opsEnv) record(claims map[string]any) string {
	e.t.Helper()
	raw := e.forge(claims)
	token := e.token(raw)
	err := e.mem.Record(opsCtx(), core.OutstandingToken{
		JTI: token.JTI(), UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: token.ExpiresAt(), SessionID: token.SessionID(),
	})
	if err != nil {
		e.t.Fatalf("record: %v", err)
	}
	return raw
}

func TestARefusalConsumesNothingButSaysBlacklistedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range opsRefusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, opsGrace, opsReuse)
			raw := c.arrange(e)
			e.spy.take()
			for call, do := range map[string]func() error{
				"refresh": func() error { _, err := e.refresh(raw); return err },
				"logout":  func() error { return e.Blacklist(opsCtx(), raw) },
			} {
				if call == "logout" && errors.Is(c.want, core.ErrNoActiveAccount) {
					continue // a logout asks for no user
				}
				if err := do(); !errors.Is(err, c.want) {
					t.Errorf("%s: error %v, want %v", call, err, c.want)
				}
				lookups := 0
				for _, call := range e.spy.take() {
					if call == "IsBlacklisted" {
						lookups++
					} else if call != "ByField" {
						t.Errorf("a refusal called %s", call)
					}
				}
				if lookups != 1 {
					t.Errorf("%s: %d look-ups of the blacklist, want 1", call, lookups)
				}
			}
			if got := e.reason(raw); got != "live" {
				t.Errorf("the refused token is now %s", got)
			}
			if _, _, err := e.mem.Blacklist(opsCtx(), e.jti(raw), nil, core.ReasonAdmin, e.clock.now()); err != nil {
				t.Fatal(err)
			}
			e.wantRefused("the same, blacklisted", raw, core.ErrTokenBlacklisted)
		})
	}
}

func TestNothingIsAskedBeforeATokenIsVerified(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse)
	pair := e.login()
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"an expired token":              {e.forge(map[string]any{"exp": e.clock.now().Unix()}), core.ErrTokenExpired},
		"a token from the future":       {e.forge(map[string]any{"iat": e.clock.now().Unix() + 1}), core.ErrTokenInvalid},
		"a forged token":                {pair.Refresh[:len(pair.Refresh)-4] + "AAAA", core.ErrTokenInvalid},
		"no token":                      {"", core.ErrTokenInvalid},
		"a forged token, exp long gone": {e.forge(map[string]any{"exp": 0})[3:], core.ErrTokenInvalid},
	} {
		e.spy.take()
		_, err := e.refresh(c.raw)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if calls := e.spy.take(); len(calls) > 0 {
			t.Errorf("%s: users or store were asked: %v", name, calls)
		}
	}
}

func TestAChangedPasswordEndsTheSession(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotateOnly, opsCheckRevoke)
	first := e.login().Refresh
	second := e.mustRefresh(first).Refresh // not consuming, so that the session has two live tokens
	other := e.login().Refresh
	unknown := e.forge(nil)
	e.change(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })

	e.wantRefused("the old password", first, core.ErrPasswordChanged)
	e.wantRefused("the old password again", first, core.ErrTokenBlacklisted)
	e.wantRefused("a token of the same session", second, core.ErrTokenBlacklisted)
	e.wantRefused("an unknown token", unknown, core.ErrPasswordChanged)
	e.wantRefused("an unknown token again", unknown, core.ErrTokenBlacklisted)
	got := []core.Reason{e.reason(first), e.reason(second), e.reason(other), e.reason(unknown)}
	if diff := cmp.Diff([]core.Reason{core.ReasonPassword, core.ReasonPassword, "live", core.ReasonPassword}, got); diff != "" {
		t.Errorf("reasons of first, second, another session's, an unknown token (-want +got):\n%s", diff)
	}
	if row := e.row("made-elsewhere"); row.UserID != "1" {
		t.Errorf("the unknown token was recorded for user %q, want 1", row.UserID)
	}
	revoked := e.events.of(core.EventRevoke)
	if len(revoked) == 0 || revoked[0].Reason != core.ReasonPassword || revoked[0].SessionID != e.jti(first) || revoked[0].Count != 1 {
		t.Errorf("the revocation raised %+v", revoked)
	}
}

func TestAChangedPasswordWithoutAStoreIsOnlyTold(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsNoStore, opsCheckRevoke)
	pair := e.login()
	e.change(func(a *memstore.Account) { a.Password = "" })
	for range 2 {
		e.wantRefused("the old password", pair.Refresh, core.ErrPasswordChanged)
	}
}

func TestSessionLifetimeCapsEveryToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []opsOption
	}{
		{"rotating", []opsOption{opsGrace, opsReuse}},
		{"not consuming", []opsOption{opsRotateOnly}},
		{"not rotating", []opsOption{opsPlain}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, append(c.options, opsSessionLifetime(time.Hour), opsLeeway(time.Minute), opsSettings(func(s *simplejwt.Settings) { s.AccessTokenLifetime = 2 * time.Hour }))...)
			end := opsStart().Add(time.Hour).Truncate(time.Second)
			pair := e.login()
			presented := pair.Refresh
			for range 3 {
				for _, raw := range []string{pair.Access, pair.Refresh} {
					if raw != "" && !e.token(raw).ExpiresAt().Equal(end) {
						t.Errorf("a %v token ends at %v, want the session's end %v", e.token(raw).Get("token_type"), e.token(raw).ExpiresAt(), end)
					}
				}
				e.clock.advance(19 * time.Minute)
				pair = e.mustRefresh(presented)
				if again := e.mustRefresh(presented); !e.token(again.Access).ExpiresAt().Equal(end) {
					t.Errorf("on a second refresh the access token ends at %v, want %v", e.token(again.Access).ExpiresAt(), end)
				}
				if pair.Refresh != "" {
					presented = pair.Refresh
				}
			}
			e.clock.set(opsStart().Add(time.Hour))
			e.wantRefused("the last token within LEEWAY, its session over", presented, core.ErrTokenExpired)
		})
	}
}

func TestLeewayHoldsForRowsToo(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"rotating": opsRotate, "not consuming": opsRotateOnly, "not rotating": opsPlain} {
		e := opsNew(t, option, opsLeeway(time.Minute))
		first, second := e.login().Refresh, e.login().Refresh
		end := e.token(first).ExpiresAt()
		e.clock.set(end.Add(time.Minute - time.Microsecond))
		if _, err := e.refresh(first); err != nil {
			t.Errorf("%s: just within LEEWAY: %v", name, err)
		}
		e.clock.set(end.Add(time.Minute))
		e.wantRefused(name+", LEEWAY over", second, core.ErrTokenExpired)
	}
}

func TestManyRefreshesAgainstOneEndingLeaveNothing(t *testing.T) {
	t.Parallel()
	const racers = 64
	for mode, options := range map[string][]opsOption{"consuming": {opsGrace, opsReuse}, "not consuming": {opsRotateOnly}} {
		for _, ending := range opsEndings() {
			t.Run(mode+"/"+ending.name, func(t *testing.T) {
				t.Parallel()
				e := opsNew(t, options...)
				first := e.login().Refresh
				begun := make(chan struct{}, racers)
				var wg sync.WaitGroup
				for range racers {
					wg.Go(func() {
						raw := first
						for i := range 50 {
							pair, err := e.refresh(raw)
							if i == 0 {
								begun <- struct{}{}
							}
							if err != nil {
								if !errors.Is(err, core.ErrTokenBlacklisted) {
									t.Errorf("a refresh: %v", err)
								}
								return
							}
							raw = pair.Refresh
						}
					})
				}
				for range racers / 8 {
					<-begun
				}
				if err := ending.end(e, first); err != nil {
					t.Errorf("the ending: %v", err)
				}
				wg.Wait()
				e.wantOver(e.jti(first))
				e.wantRefused("the first token", first, core.ErrTokenBlacklisted)
			})
		}
	}
}

func TestRefresh_RowWithoutCreatedAt(t *testing.T) {
	t.Parallel()
	const lifetime = 24 * time.Hour
	for what, rotation := range map[string]opsOption{"rotation": opsRotate, "rotation without blacklisting": opsRotateOnly, "no rotation": opsPlain} {
		for _, c := range []struct {
			name  string
			iat   any
			until time.Duration // when the access token expires at the latest; 0: denied
		}{
			{"a token issued an hour before SESSION_LIFETIME is over", opsStart().Add(time.Hour - lifetime).Unix(), time.Hour},
			{"a token as old as SESSION_LIFETIME", opsStart().Add(-lifetime).Unix(), 0},
			{"a token without iat", nil, lifetime},
		} {
			t.Run(what+", "+c.name, func(t *testing.T) {
				t.Parallel()
				e := opsNew(t, rotation, opsSessionLifetime(lifetime), func(s *simplejwt.Settings, _ *core.Deps) { s.AccessTokenLifetime = 48 * time.Hour })
				raw := e.forge(map[string]any{"iat": c.iat})
				if err := e.mem.Record(opsCtx(), core.OutstandingToken{JTI: e.jti(raw), UserID: "1", ExpiresAt: opsStart().Add(time.Hour)}); err != nil {
					t.Fatal(err)
				}
				if c.until == 0 {
					e.wantRefused(c.name, raw, core.ErrTokenExpired)
					return
				}
				pair := e.mustRefresh(raw)
				got, want := e.token(pair.Access).ExpiresAt(), opsStart().Add(c.until).Truncate(time.Second)
				if !got.Equal(want) {
					t.Errorf("the access token expires at %v, want the end of the session, %v", got, want)
				}
			})
		}
	}
}
