package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsMallory adds mallory (3), for whom another service signs what it likes with our key.
func opsMallory(e *opsEnv) {
	e.t.Helper()
	if err := e.accounts.Add(memstore.Account{ID: "3", Username: "mallory", Password: opsCheapHash}); err != nil {
		e.t.Fatalf("%v", err)
	}
}

// opsByName has tokens name users by their names, so that the primary key is known only once a user is loaded.
func opsByName(s *simplejwt.Settings, _ *core.Deps) { s.UserIDField = "username" }

// TestOwner is about tokens with a true signature that a service that shares the key issued to one user, with the jti or
// the sid of another.
func TestOwner(t *testing.T) {
	t.Parallel()
	cached := func(s *simplejwt.Settings, d *core.Deps) {
		opsCheckSession(s, d)
		s.CheckSessionCacheTimeout = time.Minute
	}
	for name, option := range map[string]opsOption{"": opsPlain, "by name": opsByName} {
		for kind, rotation := range map[string]opsOption{"rotation": opsGrace, "no blacklisting": opsRotateOnly, "no rotation": opsPlain, "lifetimes": opsSessionLifetime(24 * time.Hour)} {
			for who, claim := range map[string]any{"mallory": map[string]string{"": "3", "by name": "mallory"}[name], "nobody": nil, "a ghost": "999"} {
				for what, do := range opsOwnerAttacks() {
					t.Run(kind+" "+name+", "+who+" "+what, func(t *testing.T) {
						t.Parallel()
						e := opsNew(t, rotation, option, cached)
						opsMallory(e)
						alice := e.login()
						if _, _, err := e.AuthenticateToken(opsCtx(), alice.Access); err != nil { // into the cache
							t.Fatal(err)
						}
						do(e, alice.Refresh, func(claims map[string]any) string {
							claims["user_id"] = claim
							return e.forge(claims)
						})
						if got := e.reason(alice.Refresh); got != "live" {
							t.Errorf("alice's token is %q", got)
						}
						if _, _, err := e.AuthenticateToken(opsCtx(), alice.Access); err != nil {
							t.Errorf("alice's access token: %v", err)
						}
						next := e.mustRefresh(alice.Refresh)
						if e.Settings().RotateRefreshTokens && e.session(next.Refresh) != e.session(alice.Refresh) {
							t.Errorf("alice's session is %q now", e.session(next.Refresh))
						}
					})
				}
			}
		}
	}
}

// opsOwnerAttacks are what a token of another user may be tried for, against the session of alice's token. sign adds the user.
func opsOwnerAttacks() map[string]func(e *opsEnv, alice string, sign func(map[string]any) string) {
	denied := func(e *opsEnv, what string, err error) {
		e.t.Helper()
		var known *core.Error
		if !errors.As(err, &known) || known.Status != 401 {
			e.t.Errorf("%s: %v, want a denial", what, err)
		}
	}
	record := func(e *opsEnv, raw, userID string) { // as a Django process does, whose rows name no session
		e.t.Helper()
		if err := e.mem.Record(context.Background(), core.OutstandingToken{JTI: e.jti(raw), UserID: userID, CreatedAt: e.clock.now(), ExpiresAt: e.clock.now().Add(time.Hour)}); err != nil {
			e.t.Fatalf("%v", err)
		}
	}
	return map[string]func(e *opsEnv, alice string, sign func(map[string]any) string){
		"refreshes with alice's jti": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			pair, err := e.refresh(sign(map[string]any{"jti": e.jti(alice)}))
			if e.Settings().RotateRefreshTokens {
				denied(e, "refresh", err)
			} else if pair.Access != "" && e.token(pair.Access).UserID() == "1" {
				e.t.Errorf("refresh: it got a token of alice's")
			}
		},
		"refreshes with alice's sid": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			_, err := e.refresh(sign(map[string]any{"jti": "unknown", "sid": e.session(alice)}))
			denied(e, "refresh", err)
		},
		"refreshes with alice's sid and a row of its own": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"jti": "django's", "sid": e.session(alice)})
			owner := "3"
			if e.token(raw).UserID() == "" {
				owner = ""
			}
			record(e, raw, owner)
			pair, err := e.refresh(raw)
			if err == nil && e.Settings().RotateRefreshTokens && e.session(pair.Refresh) == e.session(alice) {
				e.t.Errorf("refresh: it joined alice's session")
			}
			_, _ = e.refresh(raw) // a retry
		},
		"logs out with alice's jti": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			if err := e.Blacklist(opsCtx(), sign(map[string]any{"jti": e.jti(alice)})); err == nil && e.reason(alice) != "live" {
				e.t.Errorf("logout with alice's jti was good")
			}
		},
		"logs out with alice's sid": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			_ = e.Blacklist(opsCtx(), sign(map[string]any{"jti": "unknown", "sid": e.session(alice)}))
		},
		"logs out with alice's sid and a row of its own": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"jti": "django's", "sid": e.session(alice)})
			owner := "3"
			if e.token(raw).UserID() == "" {
				owner = ""
			}
			record(e, raw, owner)
			_ = e.Blacklist(opsCtx(), raw)
			_ = e.Blacklist(opsCtx(), raw)
		},
		"asks with alice's sid": func(e *opsEnv, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"token_type": "access", "jti": "unknown", "sid": e.session(alice)})
			_, _, err := e.AuthenticateToken(opsCtx(), raw)
			denied(e, "request under CHECK_SESSION", err)
			if e.Settings().UserIDField == "id" { // else the claim does not say whose the session must be
				_, err = e.Verify(opsCtx(), raw)
				denied(e, "verify under CHECK_SESSION", err)
			}
		},
	}
}

// A service that shares the key may sign a token for a name that no user has.
func TestOwner_AUserWhoDoesNotExist(t *testing.T) {
	t.Parallel()
	for name, rotated := range map[string]bool{"with the latest jti": false, "with a jti that was rotated within the grace period": true} {
		t.Run("a logout "+name+" ends nothing of another user's", func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, opsGrace, opsByName)
			presented := e.login().Refresh
			latest := presented
			if rotated {
				latest = e.mustRefresh(presented).Refresh
			}
			_ = e.Blacklist(opsCtx(), e.forge(map[string]any{"user_id": "ghost", "jti": e.jti(presented)}))
			if got := e.reason(latest); got != "live" {
				t.Errorf("alice's token is %q, want it live", got)
			}
		})
	}
}

// With a jti of alice's on record nobody looks whose it is, nor whether the session that the token names is on record.
func TestOwner_VerifyAndRefreshWithoutRotation(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	opsMallory(e)
	alice := e.login().Refresh
	for what, sid := range map[string]string{"and sid": e.session(alice), "and a sid that was flushed": "flushed"} {
		raw := e.forge(map[string]any{"user_id": "3", "jti": e.jti(alice), "sid": sid})
		if _, err := e.Verify(opsCtx(), raw); err == nil {
			t.Errorf("verify: mallory's token with alice's jti %s is good", what)
		}
		if _, err := e.refresh(raw); err == nil {
			t.Errorf("refresh: mallory's token with alice's jti %s is good", what)
		}
	}
}
