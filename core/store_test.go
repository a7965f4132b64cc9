package core_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

func TestRotation_Successor(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 12, 0, 0, 250_000, time.UTC)
	presented := core.OutstandingToken{
		JTI: "first", UserID: "1", SessionID: "session", ParentJTI: "zeroth",
		CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour),
		SessionStartedAt: now.Add(-2 * time.Hour), SessionExpiresAt: now.Add(30 * time.Hour),
		Device: core.Device{Name: "phone", IP: "192.0.2.1", UserAgent: "old"},
	}
	rotation := core.Rotation{
		JTI: "first", SessionID: "claimed", NewJTI: "second", ExpiresAt: now.Add(24 * time.Hour), Now: now, ActiveAfter: now.Add(-time.Minute),
		SessionLifetime: 3 * time.Hour, IssuedAt: now.Add(-time.Hour), Device: core.Device{IP: "192.0.2.2", UserAgent: "new"},
	}
	want := core.OutstandingToken{
		JTI: "second", UserID: "1", SessionID: "session", ParentJTI: "first", CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour),
		SessionStartedAt: presented.SessionStartedAt, SessionExpiresAt: presented.SessionExpiresAt,
		Device: core.Device{Name: "phone", IP: "192.0.2.2", UserAgent: "new"},
	}
	type change func(*core.OutstandingToken, *core.Rotation, *core.OutstandingToken)
	undated := func(p *core.OutstandingToken) {
		p.CreatedAt, p.SessionStartedAt, p.SessionExpiresAt = time.Time{}, time.Time{}, time.Time{}
	}
	for name, c := range map[string]struct {
		change change
		ended  bool
	}{
		"a successor inherits user, session, device and the session's end": {change: func(_ *core.OutstandingToken, _ *core.Rotation, _ *core.OutstandingToken) {}},
		"a successor expires with its session": {change: func(p *core.OutstandingToken, _ *core.Rotation, want *core.OutstandingToken) {
			p.SessionExpiresAt = now.Add(time.Microsecond)
			want.SessionExpiresAt, want.ExpiresAt = p.SessionExpiresAt, p.SessionExpiresAt
		}},
		"a session that ends now has no successor": {change: func(p *core.OutstandingToken, _ *core.Rotation, _ *core.OutstandingToken) {
			p.SessionExpiresAt = now
		}, ended: true},
		"a token that expired at ActiveAfter has no successor": {change: func(p *core.OutstandingToken, r *core.Rotation, _ *core.OutstandingToken) {
			p.ExpiresAt = r.ActiveAfter
		}, ended: true},
		"a token that LEEWAY admits has a successor": {change: func(p *core.OutstandingToken, r *core.Rotation, _ *core.OutstandingToken) {
			p.ExpiresAt = r.ActiveAfter.Add(time.Microsecond)
		}},
		"without an end, SESSION_LIFETIME counts from the session's start": {change: func(p *core.OutstandingToken, _ *core.Rotation, want *core.OutstandingToken) {
			p.SessionExpiresAt = time.Time{}
			want.SessionExpiresAt, want.ExpiresAt = now.Add(time.Hour), now.Add(time.Hour)
		}},
		"without a start, SESSION_LIFETIME counts from when the record was created": {change: func(p *core.OutstandingToken, _ *core.Rotation, want *core.OutstandingToken) {
			p.SessionExpiresAt, p.SessionStartedAt, want.SessionStartedAt = time.Time{}, time.Time{}, time.Time{}
			want.SessionExpiresAt, want.ExpiresAt = now.Add(2*time.Hour), now.Add(2*time.Hour)
		}},
		"without both, SESSION_LIFETIME counts from the token's iat": {change: func(p *core.OutstandingToken, r *core.Rotation, want *core.OutstandingToken) {
			undated(p)
			r.IssuedAt = now.Add(time.Minute - 3*time.Hour)
			want.SessionStartedAt, want.SessionExpiresAt, want.ExpiresAt = time.Time{}, now.Add(time.Minute), now.Add(time.Minute)
		}},
		"a session that is over by the token's iat has no successor": {change: func(p *core.OutstandingToken, r *core.Rotation, _ *core.OutstandingToken) {
			undated(p)
			r.IssuedAt = now.Add(-3 * time.Hour)
		}, ended: true},
		"without all three, SESSION_LIFETIME counts from now": {change: func(p *core.OutstandingToken, r *core.Rotation, want *core.OutstandingToken) {
			undated(p)
			r.IssuedAt = time.Time{}
			want.SessionStartedAt, want.SessionExpiresAt, want.ExpiresAt = time.Time{}, now.Add(3*time.Hour), now.Add(3*time.Hour)
		}},
		"without SESSION_LIFETIME a session without an end stays without one": {change: func(p *core.OutstandingToken, r *core.Rotation, want *core.OutstandingToken) {
			p.SessionExpiresAt, r.SessionLifetime, want.SessionExpiresAt = time.Time{}, 0, time.Time{}
		}},
		"a record without a session takes the one that the token claims": {change: func(p *core.OutstandingToken, _ *core.Rotation, want *core.OutstandingToken) {
			p.SessionID, want.SessionID = "", "claimed"
		}},
		"without a claimed session the token started one": {change: func(p *core.OutstandingToken, r *core.Rotation, want *core.OutstandingToken) {
			p.SessionID, r.SessionID, want.SessionID = "", "", "first"
		}},
		"a device that names itself is renamed": {change: func(_ *core.OutstandingToken, r *core.Rotation, want *core.OutstandingToken) {
			r.Device.Name, want.Device.Name = "tablet", "tablet"
		}},
		"times are truncated to microseconds": {change: func(_ *core.OutstandingToken, r *core.Rotation, _ *core.OutstandingToken) {
			r.Now, r.ExpiresAt = r.Now.Add(999), r.ExpiresAt.Add(999).In(time.FixedZone("east", 3600))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, r, w := presented, rotation, want
			c.change(&p, &r, &w)
			got, ok := r.Successor(p)
			if c.ended {
				w = core.OutstandingToken{}
			}
			if diff := cmp.Diff(w, got); ok == c.ended || diff != "" {
				t.Errorf("ok %t, successor (-want +got):\n%s", ok, diff)
			}
		})
	}
}
