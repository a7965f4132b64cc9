package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func TestRefresh_Calls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []authOption
		want    []string
	}{
		{"a refresh without rotation loads one user and looks up one record", []authOption{withDefaults}, []string{"ByField", "IsBlacklisted"}},
		{"a refresh without rotation but with SESSION_LIFETIME loads one user and looks up one record", []authOption{withSessionLifetime(time.Hour)}, []string{"ByField", "State"}},
		{"a refresh with rotation loads one user and rotates once", []authOption{withRotation}, []string{"ByField", "Rotate"}},
		{"a refresh with all settings loads one user and rotates once", []authOption{withGracePeriod, withReuseDetection, withCheckRevokeToken, withSessionLifetime(time.Hour)}, []string{"ByField", "Rotate"}},
		{"a refresh with rotation but no blacklisting loads one user and rotates once", []authOption{withRotationOnly}, []string{"ByField", "Rotate"}},
		{"a refresh without a store loads one user", []authOption{withoutStore}, []string{"ByField"}},
		{"a refresh without token ids loads one user", []authOption{withoutIDs}, []string{"ByField"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			pair := e.mustLogin()
			e.spy.takeCalls()
			e.mustRefresh(pair.Refresh)
			if diff := cmp.Diff(c.want, e.spy.takeCalls()); diff != "" {
				t.Errorf("calls of users and store (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefresh_WithoutRotation(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pair := e.mustLogin()
	for range 2 {
		e.clock.advance(time.Minute)
		next := e.mustRefresh(pair.Refresh)
		access := e.decodeToken(next.Access)
		if next.Refresh != "" || access.Get("token_type") != "access" || access.SessionID() != e.readJTI(pair.Refresh) {
			t.Errorf("returned a refresh token (%v) and an access token with the claims %v", next.Refresh != "", access.Claims())
		}
		if want := e.clock.now().Add(5 * time.Minute).Truncate(time.Second); !access.ExpiresAt().Equal(want) {
			t.Errorf("the access token expires at %v, want %v", access.ExpiresAt(), want)
		}
	}
	if err := e.Blacklist(background, pair.Refresh); err != nil {
		t.Fatal(err)
	}
	e.wantRefreshDenied("a blacklisted token", pair.Refresh, core.ErrTokenBlacklisted)
}

func TestRefresh_WithoutRecords(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]authOption{
		"without a store":                             {withoutStore},
		"without a store, with rotation":              {withoutStore, withRotationOnly},
		"with JTI_CLAIM off":                          {withoutIDs},
		"with JTI_CLAIM off, with rotation":           {withoutIDs, withRotationOnly},
		"with JTI_CLAIM off, with CHECK_REVOKE_TOKEN": {withoutIDs, withRotationOnly, withCheckRevokeToken},
	} {
		t.Run("a refresh "+name+" does not call the store", func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, options...)
			pair := e.mustLogin()
			e.mustRefresh(pair.Refresh)
			if err := e.Blacklist(background, pair.Refresh); err != nil {
				t.Errorf("blacklisting only verifies: %v", err)
			}
			next := e.mustRefresh(pair.Refresh)
			if rotates := e.Settings().RotateRefreshTokens; (next.Refresh != "") != rotates {
				t.Errorf("returned a refresh token: %v, want %v", next.Refresh != "", rotates)
			}
			for _, raw := range []string{pair.Access, pair.Refresh, next.Access} {
				token := e.decodeToken(raw)
				if token.Has("sid") || token.Has("jti") != (e.Settings().JTIClaim != "") {
					t.Errorf("a token has the claims %v", token.Claims())
				}
			}
			for _, err := range []error{e.RevokeUser(background, "1", core.ReasonAdmin), callPasswordChanged(background, e, e.loadUser("alice"), "")} {
				if err != nil {
					t.Errorf("revoking does nothing: %v", err)
				}
			}
			for _, call := range e.spy.takeCalls() {
				if call != "ByField" && call != "FieldValue" {
					t.Errorf("the store was called: %s", call)
				}
			}
		})
	}
}

func TestRefresh_TokenWithoutUser(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"absent", "null", `""`, "0", "-0", "0.0", "0e9", "false", "[]", "{}"} {
		for name, option := range map[string]authOption{"with rotation": withRotation, "without blacklisting": withRotationOnly, "without rotation": withDefaults} {
			e := newEnv(t, option, withCheckRevokeToken, func(_ *simplejwt.Settings, d *core.Deps) {
				d.Claims = func(context.Context, simplejwt.User, *core.Token) error {
					t.Error("Deps.Claims was called without a user")
					return nil
				}
			})
			claims := map[string]any{"user_id": json.RawMessage(id)}
			if id == "absent" {
				claims["user_id"] = nil
			}
			pair, user, err := e.Refresh(background, e.signExternal(claims))
			if name != "without rotation" && slices.Contains([]string{`""`, "[]", "{}"}, id) { // no record could name the user
				if !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("user_id %s, %s: error %v", id, name, err)
				}
				continue
			}
			if err != nil || user != nil {
				t.Errorf("user_id %s, %s: user %v, error %v, want neither", id, name, user, err)
				continue
			}
			if e.decodeToken(pair.Access).Has("user_id") != (id != "absent") {
				t.Errorf("user_id %s, %s: the claim was not copied as it is", id, name)
			}
			if name != "without rotation" {
				if record := e.loadRecord(e.readJTI(pair.Refresh)); record == nil || record.UserID != "" {
					t.Errorf("user_id %s, %s: the record is %+v, want one without a user", id, name, record)
				}
			}
		}
	}
}

func TestRefresh_SessionLifetime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []authOption
	}{
		{"with rotation", []authOption{withGracePeriod, withReuseDetection}},
		{"without blacklisting", []authOption{withRotationOnly}},
		{"without rotation", []authOption{withDefaults}},
	} {
		t.Run(c.name+", no token outlives its session", func(t *testing.T) {
			t.Parallel()
			longAccess := withSettings(func(s *simplejwt.Settings) { s.AccessTokenLifetime = 2 * time.Hour })
			e := newEnv(t, append(c.options, withSessionLifetime(time.Hour), withLeeway(time.Minute), longAccess)...)
			end := startTime().Add(time.Hour).Truncate(time.Second)
			pair := e.mustLogin()
			presented := pair.Refresh
			for range 3 {
				for _, raw := range []string{pair.Access, pair.Refresh} {
					if raw != "" && !e.decodeToken(raw).ExpiresAt().Equal(end) {
						t.Errorf("a %v token expires at %v, want the session's end %v", e.decodeToken(raw).Get("token_type"), e.decodeToken(raw).ExpiresAt(), end)
					}
				}
				e.clock.advance(19 * time.Minute)
				pair = e.mustRefresh(presented)
				if again := e.mustRefresh(presented); !e.decodeToken(again.Access).ExpiresAt().Equal(end) {
					t.Errorf("on a second refresh the access token expires at %v, want %v", e.decodeToken(again.Access).ExpiresAt(), end)
				}
				if pair.Refresh != "" {
					presented = pair.Refresh
				}
			}
			e.clock.set(startTime().Add(time.Hour))
			e.wantRefreshDenied("the last token within LEEWAY, after its session", presented, core.ErrTokenExpired)
		})
	}
}

func TestRefresh_Leeway(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with rotation": withRotation, "without blacklisting": withRotationOnly, "without rotation": withDefaults} {
		e := newEnv(t, option, withLeeway(time.Minute))
		first, second := e.mustLogin().Refresh, e.mustLogin().Refresh
		end := e.decodeToken(first).ExpiresAt()
		e.clock.set(end.Add(time.Minute - time.Microsecond))
		if _, err := e.refreshToken(first); err != nil {
			t.Errorf("%s: just within LEEWAY: %v", name, err)
		}
		e.clock.set(end.Add(time.Minute))
		e.wantRefreshDenied(name+", after LEEWAY", second, core.ErrTokenExpired)
	}
}

func TestRefresh_RecordWithoutCreatedAt(t *testing.T) {
	t.Parallel()
	const lifetime = 24 * time.Hour
	for what, rotation := range map[string]authOption{"rotation": withRotation, "rotation without blacklisting": withRotationOnly, "no rotation": withDefaults} {
		for _, c := range []struct {
			name  string
			iat   any
			until time.Duration // when the access token expires at the latest; 0: denied
		}{
			{"a token issued an hour before SESSION_LIFETIME is over", startTime().Add(time.Hour - lifetime).Unix(), time.Hour},
			{"a token as old as SESSION_LIFETIME", startTime().Add(-lifetime).Unix(), 0},
			{"a token without iat", nil, lifetime},
		} {
			t.Run("with "+what+" SESSION_LIFETIME holds for "+c.name, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, rotation, withSessionLifetime(lifetime), func(s *simplejwt.Settings, _ *core.Deps) { s.AccessTokenLifetime = 48 * time.Hour })
				raw := e.signExternal(map[string]any{"iat": c.iat})
				if err := e.mem.Record(background, core.OutstandingToken{JTI: e.readJTI(raw), UserID: "1", ExpiresAt: startTime().Add(time.Hour)}); err != nil {
					t.Fatal(err)
				}
				if c.until == 0 {
					e.wantRefreshDenied(c.name, raw, core.ErrTokenExpired)
					return
				}
				pair := e.mustRefresh(raw)
				got, want := e.decodeToken(pair.Access).ExpiresAt(), startTime().Add(c.until).Truncate(time.Second)
				if !got.Equal(want) {
					t.Errorf("the access token expires at %v, want the end of the session, %v", got, want)
				}
			})
		}
	}
}

func TestRefresh_ExternalTokenWithoutRotation(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSessionLifetime(time.Hour))
	e.wantRefreshDenied("older than a session", e.signExternal(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()}), core.ErrTokenExpired)
	iat := e.clock.now().Add(-58 * time.Minute).Truncate(time.Second)
	access := e.mustRefresh(e.signExternal(map[string]any{"iat": iat.Unix()})).Access
	if end := e.decodeToken(access).ExpiresAt(); !end.Equal(iat.Add(time.Hour)) {
		t.Errorf("the access token expires at %v, want the end of the session", end)
	}
	first := e.mustLogin().Refresh
	if err := e.RevokeSession(background, "1", e.readJTI(first), core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.wantRefreshDenied("of a session that was ended", e.signExternal(map[string]any{"sid": e.readJTI(first)}), core.ErrTokenBlacklisted)
}
