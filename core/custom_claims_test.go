package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// A role that was taken from the user must not stay in tokens because a claim is copied from one to the next.
func TestRefresh_CustomClaims(t *testing.T) {
	t.Parallel()
	admin, tenant := true, "acme"
	roles := func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
			if admin {
				token.Set("admin", true)
			}
			if old := token.Get("tenant"); old != nil {
				token.Set("tenant", old) // a hook sets again what it wants to keep
			} else {
				token.Set("tenant", tenant)
			}
			token.Set("user_id", "666")
			return nil
		}
	}
	type custom struct {
		Admin, Tenant, User any
	}
	for name, option := range map[string]authOption{"with blacklisting": withGracePeriod, "with rotation": withRotationOnly, "without rotation": withDefaults} {
		e := newEnv(t, option, roles)
		admin, tenant = true, "acme"
		read := func(raw string) custom {
			token := e.decodeToken(raw)
			return custom{token.Get("admin"), token.Get("tenant"), token.Get("user_id")}
		}
		login, sliding := e.mustLogin(), e.mustLoginSliding()
		for _, raw := range []string{login.Access, login.Refresh, sliding} {
			if diff := cmp.Diff(custom{true, "acme", "1"}, read(raw)); diff != "" {
				t.Errorf("%s, login (-want +got):\n%s", name, diff)
			}
		}
		admin, tenant = false, "other"
		next, nextSliding := e.mustRefresh(login.Refresh), ""
		nextSliding, err := e.refreshSliding(sliding)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{next.Access, next.Refresh, nextSliding} {
			if raw == "" {
				continue // no rotation
			}
			if diff := cmp.Diff(custom{nil, "acme", "1"}, read(raw)); diff != "" {
				t.Errorf("%s, after the role was taken (-want +got):\n%s", name, diff)
			}
		}
		admin = true
		if got := read(e.mustRefresh(login.Refresh).Access); got.Admin != true {
			t.Errorf("%s: after the role was given again, the claim is %v", name, got.Admin)
		}
	}
}

func TestRefresh_RegisteredClaims(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(context.Context, simplejwt.User, *core.Token) error { return nil }
	})
	next := e.decodeToken(e.mustRefresh(e.signExternal(map[string]any{"sub": "s", "iss": "i", "nbf": 5, "tenant": "acme"})).Refresh)
	if next.Get("sub") != "s" || next.Get("iss") != "i" || next.Get("nbf") == nil || next.Has("tenant") {
		t.Errorf("claims %v, want those of RFC 7519 and no other", next.Claims())
	}
}

func TestRefresh_ExternalClaims(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	next := e.mustRefresh(e.signExternal(map[string]any{"tenant": "acme"}))
	if e.decodeToken(next.Refresh).Get("tenant") != "acme" || e.decodeToken(next.Access).Get("tenant") != "acme" {
		t.Error("a claim that no hook sets again is lost")
	}
}

func TestRefresh_FailingCustomClaims(t *testing.T) {
	t.Parallel()
	for _, failing := range []core.ClassName{core.RefreshToken, core.AccessToken} {
		down := false
		e := newEnv(t, withRotation, func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
				if down && token.Class().Name == failing {
					return errors.New("down")
				}
				return nil
			}
		})
		raw := e.mustLogin().Refresh
		down = true
		e.wantRefreshDenied("claims of "+string(failing), raw, core.ErrServiceUnavailable)
		down = false
		e.mustRefresh(raw)
	}
}

func TestLogin_CustomClaimsCannotReplaceOurs(t *testing.T) {
	t.Parallel()
	own := []string{"exp", "iat", "jti", "token_type", "user_id", "hash_password", "refresh_exp", "sid", "aud", "iss"}
	for name, spoil := range map[string]func(*core.Token, string){
		"sets":    func(token *core.Token, claim string) { token.Set(claim, "spoilt") },
		"deletes": func(token *core.Token, claim string) { token.Delete(claim) },
		"moves":   func(token *core.Token, claim string) { token.SetExp(claim, time.Hour) },
	} {
		for _, check := range []bool{true, false} {
			want := issueAllTokens(t, check, func(*core.Token) {})
			got := issueAllTokens(t, check, func(token *core.Token) {
				for _, claim := range own {
					spoil(token, claim)
				}
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("a hook that %s them, CHECK_REVOKE_TOKEN %t (-without +with):\n%s", name, check, diff)
			}
			for which, claims := range want {
				if !strings.Contains(claims, `"name":"alice"`) || strings.Contains(claims, `"hash_password":`) != check {
					t.Errorf("%s: %s", which, claims)
				}
			}
		}
	}
}

// issueAllTokens returns the payloads of all tokens that logins and refreshes issue where the hook changes what it gets by spoil.
func issueAllTokens(t *testing.T, checkRevoke bool, spoil func(*core.Token)) map[string]string {
	t.Helper()
	ids := 0
	auth := newAuth(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.CheckRevokeToken, s.RotateRefreshTokens, s.Issuer, s.Audience = checkRevoke, true, "i", []string{"a"}
		d.NewID = func() string { ids++; return strconv.Itoa(ids) }
		d.Claims = func(_ context.Context, user simplejwt.User, token *core.Token) error {
			spoil(token)
			token.Set("name", user.(*memstore.Account).Username)
			return nil
		}
	})
	pair, err := auth.Login(t.Context(), newAlice())
	next, _, err2 := auth.Refresh(t.Context(), pair.Refresh)
	sliding, err3 := auth.LoginSliding(t.Context(), newAlice())
	again, _, err4 := auth.RefreshSliding(t.Context(), sliding)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"access": pair.Access, "refresh": pair.Refresh, "next access": next.Access, "next refresh": next.Refresh,
		"sliding": sliding, "sliding again": again,
	}
	for which, raw := range all {
		all[which] = sortMembers(t, decodePart(t, raw, 1))
	}
	return all
}

// sortMembers returns a JSON object with its names in order.
func sortMembers(t testing.TB, object string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
