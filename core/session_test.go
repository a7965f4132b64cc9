package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

// listSessions returns the ids of a user's sessions, the newest first.
func (e *env) listSessions(userID string) []string {
	e.t.Helper()
	all, err := e.Sessions(background, userID)
	if err != nil {
		e.t.Fatalf("sessions: %v", err)
	}
	out := []string{}
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

func TestSessions(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionLifetime(48*time.Hour))
	login := func(d core.Device) (string, core.Pair) {
		pair, err := e.Login(core.WithDevice(background, d), e.loadUser("alice"))
		if err != nil {
			t.Fatal(err)
		}
		return e.readSession(pair.Refresh), pair
	}
	phone, phones := login(core.Device{Name: "phone", IP: "192.0.2.1", UserAgent: "app/1"})
	started := e.clock.now()
	e.clock.advance(time.Hour)
	laptop, _ := login(core.Device{IP: "192.0.2.2", UserAgent: "browser/1"})
	e.clock.advance(time.Hour)
	refreshed := e.clock.now()
	if _, _, err := e.Refresh(core.WithDevice(background, core.Device{IP: "192.0.2.3", UserAgent: "app/2"}), phones.Refresh); err != nil {
		t.Fatal(err)
	}
	got, err := e.Sessions(background, "1")
	if err != nil {
		t.Fatal(err)
	}
	later := started.Add(time.Hour)
	second := func(at time.Time) time.Time { return at.Truncate(time.Second) }
	want := []core.Session{
		{ID: laptop, Device: core.Device{IP: "192.0.2.2", UserAgent: "browser/1"}, StartedAt: later, LastRefreshedAt: later, ExpiresAt: second(later.Add(24 * time.Hour))},
		{ID: phone, Device: core.Device{Name: "phone", IP: "192.0.2.3", UserAgent: "app/2"}, StartedAt: started, LastRefreshedAt: refreshed, ExpiresAt: second(refreshed.Add(24 * time.Hour))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	for _, other := range []string{"2", "", "nobody"} {
		if got := e.listSessions(other); len(got) > 0 {
			t.Errorf("the user %q gets the sessions %v of another user", other, got)
		}
	}
	e.clock.advance(24 * time.Hour)
	if diff := cmp.Diff([]string{}, e.listSessions("1")); diff != "" {
		t.Errorf("expired sessions are listed (-want +got):\n%s", diff)
	}
}

func TestSessions_WithoutRecords(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"without a store": withoutStore, "with JTI_CLAIM off": withoutIDs} {
		e := newEnv(t, option)
		e.mustLogin()
		if got := e.listSessions("1"); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		if err := e.RevokeSession(background, "1", "x", core.ReasonAdmin); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("%s: RevokeSession: %v, want ErrSessionNotFound", name, err)
		}
		if _, err := e.RenewSession(background, e.loadUser("alice"), "x"); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("%s: RenewSession: %v, want ErrSessionNotFound", name, err)
		}
	}
}

func TestSessions_SessionLifetimeSetLater(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSessionLifetime(time.Hour))
	start := e.clock.now()
	for jti, at := range map[string]time.Time{"old": start.Add(-2 * time.Hour), "young": start} {
		if err := e.mem.Record(background, core.OutstandingToken{JTI: jti, UserID: "1", CreatedAt: at, ExpiresAt: start.Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.Sessions(background, "1")
	want := []core.Session{{ID: "young", StartedAt: start, LastRefreshedAt: start, ExpiresAt: start.Add(time.Hour)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}
