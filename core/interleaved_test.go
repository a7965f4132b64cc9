package core_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// once runs what before the first call of this name reaches the store or the users.
func (e *opsEnv) once(name string, what func()) {
	done := false
	e.spy.before = func(_ context.Context, call string) error {
		if call == name && !done {
			done = true
			what()
		}
		return nil
	}
}

func TestATokenMadeElsewhereIsRefreshedByTwoAtOnce(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	raw := e.forge(nil)
	e.once("State", func() { e.record(nil) }) // as far as another request has come that presents it too
	e.wantSuccessor(raw, e.mustRefresh(raw).Refresh)
}

func TestATokenMadeElsewhereIsLoggedOutWhileItIsRefreshed(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"consuming": opsRotate, "not consuming": opsRotateOnly} {
		e := opsNew(t, option)
		raw := e.forge(nil)
		e.once("Record", func() {
			if err := e.Blacklist(opsCtx(), raw); err != nil {
				t.Error(err)
			}
		})
		pair, err := e.refresh(raw)
		if !errors.Is(err, core.ErrTokenBlacklisted) || pair.Refresh != "" {
			t.Errorf("%s: error %v, want that it is blacklisted", name, err)
		}
		if live, err := e.mem.Revoke(opsCtx(), core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || live != 0 {
			t.Errorf("%s: %d tokens were still live", name, live)
		}
	}
}

func TestASessionIsEndedWhileATokenMadeElsewhereJoinsIt(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"consuming": opsRotate, "not consuming": opsRotateOnly} {
		e := opsNew(t, option)
		first := e.login().Refresh
		raw := e.forge(map[string]any{"sid": e.jti(first)})
		e.once("Record", func() {
			if err := e.RevokeSession(opsCtx(), "1", e.jti(first), core.ReasonAdmin); err != nil {
				t.Error(err)
			}
		})
		if _, err := e.refresh(raw); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: error %v, want that it is blacklisted", name, err)
		}
		if live, err := e.mem.Revoke(opsCtx(), core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || live != 0 {
			t.Errorf("%s: %d tokens were still live", name, live)
		}
	}
}

func TestALogoutThatFailedHalfWayIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotateOnly)
	first := e.login().Refresh
	second := e.mustRefresh(first).Refresh
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Revoke" {
			return errors.New("down")
		}
		return nil
	}
	if err := e.Blacklist(opsCtx(), first); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v", err)
	}
	e.spy.before = nil
	if err := e.Blacklist(opsCtx(), first); !errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("error %v", err)
	}
	e.wantRefused("the other token of the session", second, core.ErrTokenBlacklisted)
}

func TestClaimsAreAskedBeforeATokenIsConsumed(t *testing.T) {
	t.Parallel()
	for _, failing := range []core.ClassName{core.RefreshToken, core.AccessToken} {
		down := false
		e := opsNew(t, opsRotate, func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
				if down && token.Class().Name == failing {
					return errors.New("down")
				}
				return nil
			}
		})
		raw := e.login().Refresh
		down = true
		e.wantRefused("claims of "+string(failing), raw, core.ErrServiceUnavailable)
		down = false
		e.mustRefresh(raw)
	}
}

func TestAUserDeletedDuringALoginIsRefused(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSettings(func(s *simplejwt.Settings) { s.UpdateLastLogin = true }))
	e.once("UpdateLastLogin", func() { e.accounts.Delete("1") })
	if _, err := e.Login(opsCtx(), e.user("alice")); !errors.Is(err, core.ErrNoActiveAccount) {
		t.Errorf("error %v", err)
	}
}

// A login that was under way when the password changed must not outlive PasswordChanged.
func TestAPasswordChangedDuringALoginEndsIt(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"UpdatePassword", "Record"} { // the fixture's hash is upgraded at login
		for name, login := range map[string]func(*opsEnv) error{
			"ObtainPair":    func(e *opsEnv) error { _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); return err },
			"ObtainSliding": func(e *opsEnv) error { _, _, err := e.ObtainSliding(opsCtx(), "alice", opsPassword); return err },
		} {
			e := opsNew(t, opsRotate)
			e.once(moment, func() {
				e.change(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
				if _, err := e.PasswordChanged(opsCtx(), e.user("alice"), ""); err != nil {
					t.Error(err)
				}
			})
			if err := login(e); !errors.Is(err, core.ErrNoActiveAccount) {
				t.Errorf("%s, changed before %s: error %v", name, moment, err)
			}
			if live, err := e.mem.Revoke(opsCtx(), core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || live != 0 {
				t.Errorf("%s, changed before %s: %d tokens were still live", name, moment, live)
			}
		}
	}
}

func TestTwoLoginsUpgradeAHashAtOnce(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate)
	e.once("UpdatePassword", func() {
		if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); err != nil {
			t.Error("the first:", err)
		}
	})
	if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); err != nil {
		t.Error("the second:", err)
	}
}

func TestAHashOfTheSamePasswordDuringALoginIsNoChange(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate)
	e.once("Record", func() {
		h, err := hashers.New(hashers.Options{Preferred: "pbkdf2_sha256"})
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := h.Make(opsCtx(), opsPassword)
		if err != nil {
			t.Fatal(err)
		}
		e.change(func(a *memstore.Account) { a.Password = encoded })
	})
	if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); err != nil {
		t.Error(err)
	}
}
