package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func TestRotate_ExternalToken(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	iat, exp := e.clock.now().Add(-time.Hour).Truncate(time.Second), e.clock.now().Add(time.Hour).Truncate(time.Second)
	e.mustRefresh(e.signExternal(map[string]any{"iat": iat.Unix(), "exp": exp.Unix()}))
	want := core.OutstandingToken{JTI: "external", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: exp, SessionStartedAt: iat}
	if diff := cmp.Diff(want, e.loadRecord("external").OutstandingToken); diff != "" {
		t.Errorf("its record (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ByField", "Rotate", "State", "Record", "Rotate"}, e.spy.takeCalls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// The iat of an external token is the start of its session, unless it has none or one in the future.
func TestRotate_ExternalTokenStartsSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		iat any
		age time.Duration
	}{
		"an hour old":                      {startTime().Unix() - 3600, time.Hour + 500*time.Millisecond},
		"from within LEEWAY of the future": {startTime().Unix() + 30, 0},
		"without an iat":                   {nil, 0},
	} {
		e := newEnv(t, withRotation, withLeeway(time.Minute))
		e.mustRefresh(e.signExternal(map[string]any{"iat": c.iat}))
		if got := e.clock.now().Sub(e.loadRecord("external").SessionStartedAt); got != c.age {
			t.Errorf("%s: its session is %v old, want %v", name, got, c.age)
		}
	}
}

// No database holds all the times that a claim can have.
func TestRotate_ExternalTokenVeryOld(t *testing.T) {
	t.Parallel()
	for _, iat := range []int64{-1, -62135596801, -210866803200, -253402300799} {
		e := newEnv(t, withRotation)
		e.mustRefresh(e.signExternal(map[string]any{"iat": iat}))
		if got := e.loadRecord("external").SessionStartedAt; !got.Equal(time.Unix(0, 0)) {
			t.Errorf("iat %d is on record as %v, want 1970", iat, got)
		}
	}
}

func TestRotate_ExternalTokenSessionLifetime(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with blacklisting": withRotation, "without blacklisting": withRotationOnly} {
		e := newEnv(t, option, withSessionLifetime(time.Hour))
		iat := e.clock.now().Add(-50 * time.Minute).Truncate(time.Second)
		raw := e.mustRefresh(e.signExternal(map[string]any{"iat": iat.Unix()})).Refresh
		if end := e.decodeToken(raw).ExpiresAt(); !end.Equal(iat.Add(time.Hour)) {
			t.Errorf("%s: the successor expires at %v, want an hour after the first token's iat: %v", name, end, iat.Add(time.Hour))
		}
	}
}

func TestRotate_ExternalTokenKeepsSessionEnd(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation, withSessionLifetime(time.Hour))
	first := e.mustLogin().Refresh
	e.clock.advance(50 * time.Minute)
	raw := e.mustRefresh(e.signExternal(map[string]any{"sid": e.readJTI(first)})).Refresh
	if got, want := e.decodeToken(raw).ExpiresAt(), e.decodeToken(first).ExpiresAt(); !got.Equal(want) {
		t.Errorf("the successor expires at %v, want the end of its session %v", got, want)
	}
}

func TestRotate_DjangoRecordJoinsNamedSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	first := e.mustLogin().Refresh
	_, _, _ = e.mem.Blacklist(background, e.readJTI(first), nil, "", e.clock.now())
	_ = e.mem.Record(background, core.OutstandingToken{JTI: "django", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: e.clock.now().Add(time.Hour)})
	raw := e.signExternal(map[string]any{"jti": "django", "sid": e.readJTI(first)})
	next := e.mustRefresh(raw).Refresh
	e.wantSuccessor(raw, next)
	e.wantLatest(next, e.mustRefresh(raw))
	e.wantRefreshDenied("the token that Django blacklisted", first, core.ErrTokenBlacklisted)
	e.mustRefresh(next)
}

func TestRotate_ExternalTokenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	raw := e.signExternal(nil)
	e.runBefore("State", func() { e.recordExternal(nil) }) // by another request that presents it too
	e.wantSuccessor(raw, e.mustRefresh(raw).Refresh)
}

func TestRotate_ExternalTokenLoggedOutMeanwhile(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with blacklisting": withRotation, "without blacklisting": withRotationOnly} {
		e := newEnv(t, option)
		raw := e.signExternal(nil)
		e.runBefore("Record", func() {
			if err := e.Blacklist(background, raw); err != nil {
				t.Error(err)
			}
		})
		pair, err := e.refreshToken(raw)
		if !errors.Is(err, core.ErrTokenBlacklisted) || pair.Refresh != "" {
			t.Errorf("%s: error %v, want ErrTokenBlacklisted", name, err)
		}
		if active, err := e.mem.Revoke(background, core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || active != 0 {
			t.Errorf("%s: %d tokens are still active", name, active)
		}
	}
}

func TestRotate_ExternalTokenSessionEndedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with blacklisting": withRotation, "without blacklisting": withRotationOnly} {
		e := newEnv(t, option)
		first := e.mustLogin().Refresh
		raw := e.signExternal(map[string]any{"sid": e.readJTI(first)})
		e.runBefore("Record", func() {
			if err := e.RevokeSession(background, "1", e.readJTI(first), core.ReasonAdmin); err != nil {
				t.Error(err)
			}
		})
		if _, err := e.refreshToken(raw); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: error %v, want ErrTokenBlacklisted", name, err)
		}
		if active, err := e.mem.Revoke(background, core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || active != 0 {
			t.Errorf("%s: %d tokens are still active", name, active)
		}
	}
}

// hangUpStore records a token but returns context.Canceled, as if the client hung up while the session ended.
type hangUpStore struct {
	core.Store
	meanwhile func()
}

func (s *hangUpStore) Record(ctx context.Context, t core.OutstandingToken) error {
	if s.meanwhile == nil {
		return s.Store.Record(ctx, t)
	}
	s.meanwhile()
	return errors.Join(s.Store.Record(context.WithoutCancel(ctx), t), context.Canceled)
}

// An external token joins a session while that ends, and its client hangs up once the token is on record.
func TestRotate_ExternalTokenClientHangsUp(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with blacklisting": withRotation, "without blacklisting": withRotationOnly} {
		t.Run(name+", the session stays ended", func(t *testing.T) {
			t.Parallel()
			var store *hangUpStore
			e := newEnv(t, option, withCheckSession, func(_ *simplejwt.Settings, d *core.Deps) {
				store = &hangUpStore{Store: d.Store}
				d.Store = store
			})
			alice := e.mustLogin()
			raw := e.signExternal(map[string]any{"sid": e.readSession(alice.Refresh)})
			ctx, hangUp := context.WithCancel(background)
			store.meanwhile = func() {
				if _, err := e.mem.Revoke(background, core.Scope{SessionID: e.readSession(alice.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil {
					t.Error(err)
				}
				hangUp()
			}
			if _, _, err := e.Refresh(ctx, raw); err == nil {
				t.Error("the refresh succeeded")
			}
			if _, _, err := e.AuthenticateToken(background, alice.Access); err == nil {
				t.Error("an access token of the ended session is good again")
			}
		})
	}
}
