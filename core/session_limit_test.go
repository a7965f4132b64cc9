package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func withSessionLimit(n int) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.MaxSessionsPerUser = n }
}

func TestLogin_SessionLimit(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionLimit(2))
	first := e.mustLogin().Refresh
	second := e.mustLogin().Refresh
	first = e.mustRefresh(first).Refresh // the login stays the older one
	third := e.mustLoginSliding()
	if diff := cmp.Diff([]string{e.readSession(third), e.readSession(second)}, e.listSessions("1")); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	e.wantRefreshDenied("the oldest session", first, core.ErrTokenBlacklisted)
	if got := e.readReason(first); got != core.ReasonLimit {
		t.Errorf("the reason is %q, want limit", got)
	}
	if err := e.Blacklist(background, second); err != nil {
		t.Fatal(err)
	}
	made, err := e.ForUser(background, core.RefreshToken, e.loadUser("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{made.JTI(), e.readSession(third)}, e.listSessions("1")); diff != "" {
		t.Errorf("a session that was logged out counts (-want +got):\n%s", diff)
	}
	if made, err = e.ForUser(background, core.RefreshToken, e.loadUser("alice")); err != nil || len(e.listSessions("1")) != 2 {
		t.Errorf("ForUser (%v) leaves %d sessions, want 2", err, len(e.listSessions("1")))
	}
	e.spy.takeCalls()
	if _, err = e.ForUser(background, core.AccessToken, e.loadUser("alice")); err != nil || cmp.Diff([]string{"FieldValue"}, e.spy.takeCalls()) != "" {
		t.Errorf("an access token counts as a session, error %v", err)
	}
	if e.loadRecord(made.JTI()).Blacklisted {
		t.Error("the newest session was ended")
	}
}

func TestLogin_SessionLimitLowered(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSessionLimit(3))
	for i := range core.MaxSessions + 50 {
		jti := fmt.Sprint("old-", i)
		if err := e.mem.Record(background, core.OutstandingToken{JTI: jti, UserID: "1", SessionID: jti, ExpiresAt: e.clock.now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	e.mustLogin()
	if got := e.listSessions("1"); len(got) != 3 {
		t.Errorf("%d sessions are left, want 3", len(got))
	}
}

func TestLogin_SessionLimitAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSessionLimit(3))
	for range 20 {
		var group sync.WaitGroup
		for range 32 {
			group.Go(func() { _, _ = e.Login(background, e.loadUser("alice")) })
		}
		group.Wait()
		if got := e.listSessions("1"); len(got) != 3 {
			t.Fatalf("%d sessions after the last answer, want 3", len(got))
		}
	}
}

// A login that is rejected after the password was right must not end other sessions of the user, nor leave one.
func TestLogin_RejectedLoginEndsNoSession(t *testing.T) {
	t.Parallel()
	reject := false
	secondFactor := withSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error {
			if reject {
				return core.ErrPermissionDenied
			}
			return nil
		}
	})
	noClaims := func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
			if reject && token.Class().Name == core.AccessToken {
				return core.ErrPermissionDenied
			}
			return nil
		}
	}
	for name, option := range map[string]authOption{"by the hook": secondFactor, "by the claims": noClaims} {
		e := newEnv(t, withGracePeriod, withSessionLimit(2), option)
		reject = false
		mine := []string{e.readSession(e.mustLogin().Refresh), e.readSession(e.mustLogin().Refresh)}
		reject = true
		for range 3 {
			if _, _, err := e.ObtainPair(background, "alice", rightPassword); !errors.Is(err, core.ErrPermissionDenied) {
				t.Fatalf("%s: error %v, want ErrPermissionDenied", name, err)
			}
			if _, _, err := e.ObtainSliding(background, "alice", rightPassword); name == "by the hook" && !errors.Is(err, core.ErrPermissionDenied) {
				t.Fatalf("%s: sliding: error %v, want ErrPermissionDenied", name, err)
			}
			if name == "by the claims" {
				break // a sliding login has no access token, so this hook does not reject it
			}
		}
		if name == "by the claims" {
			continue
		}
		if diff := cmp.Diff([]string{mine[1], mine[0]}, e.listSessions("1")); diff != "" {
			t.Errorf("%s: sessions (-want +got):\n%s", name, diff)
		}
	}
}

func TestLogin_SessionLimitEndsSessionsOnly(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionLimit(2), withLeeway(time.Minute), func(_ *simplejwt.Settings, d *core.Deps) {
		d.TokenClasses = []core.TokenClass{{Name: "DeviceToken", Type: "device", Lifetime: time.Hour, Blacklistable: true}}
	})
	first := e.mustLogin().Refresh
	for range 3 {
		if _, err := e.ForUser(background, "DeviceToken", e.loadUser("alice")); err != nil {
			t.Fatal(err)
		}
	}
	if got := e.readReason(first); got != "active" || len(e.events.ofType(core.EventRevoke)) > 0 {
		t.Errorf("tokens of another class ended a session (%s), events %v", got, e.events.ofType(core.EventRevoke))
	}
	e = newEnv(t, withGracePeriod, withSessionLimit(2), withLeeway(time.Minute))
	first = e.mustLogin().Refresh
	e.clock.advance(24*time.Hour + 30*time.Second) // only LEEWAY admits it
	e.mustLogin()
	e.mustRefresh(first)
	e = newEnv(t, withGracePeriod, withSessionLimit(1))
	first = e.mustLogin().Refresh
	e.clock.advance(25 * time.Hour)
	e.mustLogin()
	if got := e.readReason(first); got != "active" || len(e.events.ofType(core.EventRevoke)) > 0 {
		t.Errorf("a session that expired long ago was ended (%s), events %v", got, e.events.ofType(core.EventRevoke))
	}
}
