package core_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// A role that was taken must not live on because a claim is carried from token to token.
func TestCustomClaimsAreThoseOfTheUserAsHeIsNow(t *testing.T) {
	t.Parallel()
	admin, tenant := true, "acme"
	roles := func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
			if admin {
				token.Set("admin", true)
			}
			if old := token.Get("tenant"); old != nil {
				token.Set("tenant", old) // what a hook wants to keep it sets again
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
	for name, option := range map[string]opsOption{"consuming": opsGrace, "rotating": opsRotateOnly, "not rotating": opsPlain} {
		e := opsNew(t, option, roles)
		admin, tenant = true, "acme"
		read := func(raw string) custom {
			token := e.token(raw)
			return custom{token.Get("admin"), token.Get("tenant"), token.Get("user_id")}
		}
		login, sliding := e.login(), e.loginSliding()
		for _, raw := range []string{login.Access, login.Refresh, sliding} {
			if diff := cmp.Diff(custom{true, "acme", "1"}, read(raw)); diff != "" {
				t.Errorf("%s, login (-want +got):\n%s", name, diff)
			}
		}
		admin, tenant = false, "other"
		next, slid := e.mustRefresh(login.Refresh), ""
		slid, err := e.slide(sliding)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{next.Access, next.Refresh, slid} {
			if raw == "" {
				continue // no rotation
			}
			if diff := cmp.Diff(custom{nil, "acme", "1"}, read(raw)); diff != "" {
				t.Errorf("%s, the role was taken (-want +got):\n%s", name, diff)
			}
		}
		admin = true
		if got := read(e.mustRefresh(login.Refresh).Access); got.Admin != true {
			t.Errorf("%s: the role was given again, the claim is %v", name, got.Admin)
		}
	}
}

func TestRegisteredClaimsAreCarriedOn(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(context.Context, simplejwt.User, *core.Token) error { return nil }
	})
	next := e.token(e.mustRefresh(e.forge(map[string]any{"sub": "s", "iss": "i", "nbf": 5, "tenant": "acme"})).Refresh)
	if next.Get("sub") != "s" || next.Get("iss") != "i" || next.Get("nbf") == nil || next.Has("tenant") {
		t.Errorf("claims %v, want those of RFC 7519 and no other", next.Claims())
	}
}

func TestClaimsOfATokenMadeElsewhereStayWithoutDepsClaims(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	next := e.mustRefresh(e.forge(map[string]any{"tenant": "acme"}))
	if e.token(next.Refresh).Get("tenant") != "acme" || e.token(next.Access).Get("tenant") != "acme" {
		t.Error("a claim that nobody makes anew is lost")
	}
}
