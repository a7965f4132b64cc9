package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestRenewSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection, withCheckRevokeToken)
	pair := e.mustLogin()
	session := e.readSession(pair.Refresh)
	e.changeAlice(func(a *memstore.Account) { a.Password = "another hash" })
	renewed, err := e.RenewSession(background, e.loadUser("alice"), session)
	if err != nil {
		t.Fatal(err)
	}
	old := session
	if session = e.readSession(renewed.Refresh); session == old || e.decodeToken(renewed.Access).SessionID() != session {
		t.Errorf("the new tokens are of the sessions %q and %q, want a new one", session, e.decodeToken(renewed.Access).SessionID())
	}
	e.wantRefreshDenied("the old token", pair.Refresh, core.ErrTokenBlacklisted)
	if _, _, err := e.AuthenticateToken(background, renewed.Access); err != nil {
		t.Errorf("the new access token: %v", err)
	}
	e.mustRefresh(renewed.Refresh)
	if record := e.loadRecord(e.readJTI(pair.Refresh)); record.Reason != core.ReasonRenewed {
		t.Errorf("the old token is %q, want renewed", record.Reason)
	}
	for what, c := range map[string]struct {
		user    simplejwt.User
		session string
		want    error
	}{
		"the session of another user": {&memstore.Account{ID: "9"}, session, core.ErrSessionNotFound},
		"no session":                  {e.loadUser("alice"), "unknown", core.ErrSessionNotFound},
		"an empty id":                 {e.loadUser("alice"), "", core.ErrSessionNotFound},
		"no user":                     {nil, session, core.ErrNoActiveAccount},
		"an inactive user":            {e.loadUser("bob"), session, core.ErrNoActiveAccount},
	} {
		if got, err := e.RenewSession(background, c.user, c.session); !errors.Is(err, c.want) || got != (core.Pair{}) {
			t.Errorf("%s: error %v, want %v", what, err, c.want)
		}
	}
	if err := e.RevokeSession(background, "1", session, core.ReasonLogout); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RenewSession(background, e.loadUser("alice"), session); !errors.Is(err, core.ErrSessionNotFound) {
		t.Errorf("an ended session: %v, want ErrSessionNotFound", err)
	}
}

func TestRenewSession_KeepsStartEndAndDevice(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionLifetime(20*time.Hour))
	pair, err := e.Login(core.WithDevice(background, core.Device{Name: "phone", IP: "192.0.2.1"}), e.loadUser("alice"))
	if err != nil {
		t.Fatal(err)
	}
	list := func() []core.Session {
		all, err := e.Auth.Sessions(background, "1")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := list()[0]
	e.clock.advance(19 * time.Hour)
	renewed, err := e.RenewSession(core.WithDevice(background, core.Device{IP: "192.0.2.2"}), e.loadUser("alice"), e.readSession(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	after := list()
	want := before
	want.ID, want.IP, want.LastRefreshedAt = e.readSession(renewed.Refresh), "192.0.2.2", e.clock.now()
	if diff := cmp.Diff([]core.Session{want}, after); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	for what, raw := range map[string]string{"access": renewed.Access, "refresh": renewed.Refresh} {
		if got := e.decodeToken(raw).ExpiresAt(); got.After(before.ExpiresAt) {
			t.Errorf("the %s token expires at %v, after its session, %v", what, got, before.ExpiresAt)
		}
	}
}

func TestRenewSession_ClockSetBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionLifetime(time.Minute))
	pair := e.mustLogin()
	end := e.loadRecord(e.readJTI(pair.Refresh)).SessionExpiresAt
	e.clock.advance(-5 * time.Second)
	renewed, err := e.RenewSession(background, e.loadUser("alice"), e.readSession(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.decodeToken(renewed.Refresh).ExpiresAt(), end.Truncate(time.Second); !got.Equal(want) {
		t.Errorf("the refresh token expires at %v, want the end of its session, %v", got, want)
	}
}

// The token that a session had before it was renewed is denied at once, without a grace period, and is not reported as reuse.
func TestRenewSession_OldTokenIsNoReuse(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"": withDefaults, "with CHECK_REVOKE_TOKEN": withCheckRevokeToken} {
		e := newEnv(t, withGracePeriod, withReuseDetection, option)
		old := e.mustLogin().Refresh
		renewed, err := e.RenewSession(background, e.loadUser("alice"), e.readSession(old))
		if err != nil {
			t.Fatal(err)
		}
		e.wantRefreshDenied("the token before the renewal "+name, old, core.ErrTokenBlacklisted)
		e.clock.advance(time.Minute)
		e.wantRefreshDenied("the same, later "+name, old, core.ErrTokenBlacklisted)
		e.mustRefresh(renewed.Refresh)
		if events := e.events.ofType(core.EventReuse); len(events) > 0 {
			t.Errorf("%s: it counts as reuse: %v", name, events)
		}
	}
}

func TestRenewSession_NoGrace(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]authOption{"with a grace period": withGracePeriod, "without blacklisting": withRotationOnly} {
		e := newEnv(t, rotation)
		first := e.mustLogin().Refresh
		second := e.mustRefresh(first).Refresh
		renewed, err := e.RenewSession(background, e.loadUser("alice"), e.readSession(first))
		if err != nil {
			t.Fatal(err)
		}
		e.wantRefreshDenied(name+": the latest token", second, core.ErrTokenBlacklisted)
		e.wantRefreshDenied(name+": the one before it, rotated just now", first, core.ErrTokenBlacklisted)
		e.mustRefresh(renewed.Refresh)
	}
}

func TestRenewSession_EndedMeanwhile(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	pair := e.mustLogin()
	e.runBefore("Revoke", func() {
		if _, err := e.mem.Revoke(background, core.Scope{SessionID: e.readSession(pair.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil {
			t.Error(err)
		}
	})
	if got, err := e.RenewSession(background, e.loadUser("alice"), e.readSession(pair.Refresh)); !errors.Is(err, core.ErrSessionNotFound) || got != (core.Pair{}) {
		t.Errorf("error %v, want ErrSessionNotFound", err)
	}
	if left := e.listSessions("1"); len(left) > 0 {
		t.Errorf("sessions are left: %v", left)
	}
}

func TestRenewSession_RotatedMeanwhile(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	pair := e.mustLogin()
	e.runBefore("Revoke", func() { e.rotateInAnotherProcess(pair.Refresh) })
	renewed, err := e.RenewSession(background, e.loadUser("alice"), e.readSession(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	e.mustRefresh(renewed.Refresh)
	if n := len(e.listSessions("1")); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// rotateInAnotherProcess rotates a token in the store, which the spy does not see.
func (e *env) rotateInAnotherProcess(raw string) {
	e.t.Helper()
	_, ok, err := e.mem.Rotate(background, core.Rotation{
		JTI: e.readJTI(raw), NewJTI: "by-another-process", Now: e.clock.now(), ActiveAfter: e.clock.now(), ExpiresAt: e.clock.now().Add(time.Hour), Consume: true,
	})
	if err != nil || !ok {
		e.t.Errorf("the other process: rotated %v, error %v", ok, err)
	}
}

func TestRenewSession_DuringRefresh(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection, withCheckRevokeToken)
	old := e.mustLogin().Refresh
	var renewed core.Pair
	e.runBefore("Rotate", func() { // the refresh has loaded its user by now
		e.spy.mu.Lock()
		e.spy.before = nil
		e.spy.mu.Unlock()
		e.changeAlice(func(a *memstore.Account) { a.Password = "another hash" })
		var err error
		if renewed, err = e.RenewSession(background, e.loadUser("alice"), e.readSession(old)); err != nil {
			t.Error(err)
		}
	})
	e.wantRefreshDenied("a token that is renewed meanwhile", old, core.ErrTokenBlacklisted)
	e.mustRefresh(renewed.Refresh)
	var denial *core.Error
	if _, err := e.refreshToken(old); !errors.As(err, &denial) || denial.Reason != "password_changed" {
		t.Errorf("a second tab gets %v, want the reason password_changed", err)
	}
	if n := len(e.listSessions("1")); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}
