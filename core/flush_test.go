package core_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// A blacklisted token must stay on record for as long as LEEWAY or ROTATION_GRACE_PERIOD may admit it.
func TestFlushExpired(t *testing.T) {
	t.Parallel()
	const leeway = time.Minute
	e := newEnv(t, withGracePeriod, withReuseDetection, withLeeway(leeway))
	blacklisted := e.mustLogin().Refresh
	if err := e.Blacklist(background, blacklisted); err != nil {
		t.Fatal(err)
	}
	end := e.decodeToken(blacklisted).ExpiresAt().Add(leeway + 10*time.Second + 5*time.Minute + time.Hour) // SLIDING_TOKEN_LIFETIME, and an hour for clocks that differ
	for _, c := range []struct {
		at   time.Time
		want int
	}{{end.Add(-time.Microsecond), 0}, {end, 1}, {end.Add(time.Hour), 0}} {
		e.clock.set(c.at)
		if n, err := e.FlushExpired(background); n != c.want || err != nil {
			t.Errorf("%v after the end: %d records flushed, error %v, want %d", c.at.Sub(end), n, err, c.want)
		}
		if _, err := e.refreshToken(blacklisted); !errors.Is(err, core.ErrTokenBlacklisted) && !errors.Is(err, core.ErrTokenExpired) {
			t.Errorf("%v after the end a blacklisted token was refreshed: %v", c.at.Sub(end), err)
		}
	}
	if e.loadRecord(e.readJTI(blacklisted)) != nil {
		t.Error("the record is still there")
	}
}

func TestFlushExpired_WithoutStoreOrIDs(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withoutStore)
	if n, err := e.FlushExpired(background); n != 0 || err != nil {
		t.Errorf("without a store: %d records, error %v", n, err)
	}
	e = newEnv(t, withoutIDs) // there may be records from before JTI_CLAIM was off
	_ = e.mem.Record(background, core.OutstandingToken{JTI: "old", ExpiresAt: e.clock.now().Add(-2 * time.Hour)})
	if n, err := e.FlushExpired(background); n != 1 || err != nil {
		t.Errorf("with JTI_CLAIM off: %d records, error %v, want 1", n, err)
	}
}

func TestFlushExpired_LifetimesOfACentury(t *testing.T) {
	t.Parallel()
	const century = 100 * 365 * 24 * time.Hour
	e := newEnv(t, withGracePeriod, withLeeway(century), func(s *simplejwt.Settings, _ *core.Deps) {
		s.RotationGracePeriod, s.SlidingTokenLifetime = century, century
	})
	raw := e.mustLogin().Refresh
	if n, err := e.FlushExpired(background); n != 0 || err != nil || e.loadRecord(e.readJTI(raw)) == nil {
		t.Errorf("deleted %d records of active tokens, error %v", n, err)
	}
}

// The record of a sliding token expires at refresh_exp, and its last exp is later: a flush between them must keep the record.
func TestFlushExpired_RevokedSlidingToken(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSlidingLifetimes(10*time.Minute, time.Hour), withTokenClasses(core.SlidingToken))
	raw := e.mustLoginSliding()
	for range 6 {
		e.clock.advance(590 * time.Second)
		var err error
		if raw, err = e.refreshSliding(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.RevokeUser(background, "1", core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(5 * time.Minute) // after refresh_exp, before exp
	if _, err := e.FlushExpired(background); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.AuthenticateToken(background, raw); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("error %v, want ErrTokenNotAllowed", err)
	}
}

func TestFlushExpired_StoreUnavailable(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.spy.before = func(context.Context, string) error { return errDatabaseDown }
	if n, err := e.FlushExpired(background); !errors.Is(err, errDatabaseDown) || n != 0 {
		t.Errorf("%d records, error %v, want that of the store", n, err)
	}
}

func TestFlushEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.FlushEvery(ctx, time.Hour) }()
		count := func() int {
			synctest.Wait()
			return len(e.spy.takeCalls())
		}
		if n := count(); n != 1 {
			t.Errorf("%d flushes at once, want 1", n)
		}
		e.spy.mu.Lock()
		e.spy.after = func(context.Context, string) error { return errDatabaseDown }
		e.spy.mu.Unlock()
		time.Sleep(time.Hour)
		if n := count(); n != 1 || len(e.events.ofType(core.EventStoreError)) != 1 {
			t.Errorf("%d flushes in the first hour and %d events store_error, want 1 and 1", n, len(e.events.ofType(core.EventStoreError)))
		}
		e.spy.mu.Lock()
		e.spy.after = func(context.Context, string) error { return core.ErrFlushRunning }
		e.spy.mu.Unlock()
		time.Sleep(2 * time.Hour)
		if n := count(); n != 2 || len(e.events.ofType(core.EventStoreError)) != 1 {
			t.Errorf("%d flushes in the next two and %d events, want 2 and still 1", n, len(e.events.ofType(core.EventStoreError)))
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it returns %v, want the error of its context", err)
		}
	})
	if err := newEnv(t).FlushEvery(background, 0); err == nil {
		t.Error("an interval of 0 is accepted")
	}
}

// Every token of ours has a record before a client gets it. One without a record was flushed, whatever the clock says now.
func TestRefresh_FlushedToken(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"with blacklisting": withGracePeriod, "without blacklisting": withRotationOnly} {
		e := newEnv(t, option)
		raw := e.mustLogin().Refresh
		if err := e.Blacklist(background, raw); err != nil {
			t.Fatal(err)
		}
		e.clock.advance(100 * time.Hour)
		if n, err := e.FlushExpired(background); n != 1 || err != nil {
			t.Fatalf("%d records flushed, error %v", n, err)
		}
		e.clock.advance(-100 * time.Hour)
		e.wantRefreshDenied(name, raw, core.ErrTokenBlacklisted)
	}
}

func TestRefresh_FlushedByWrongClock(t *testing.T) {
	t.Parallel()
	for what, rotation := range map[string]authOption{"rotation": withGracePeriod, "rotation without blacklisting": withRotationOnly} {
		e := newEnv(t, rotation)
		first := e.mustLogin().Refresh
		second := e.mustRefresh(first).Refresh
		if err := e.Blacklist(background, second); err != nil {
			t.Fatal(err)
		}
		e.clock.advance(48 * time.Hour)
		if n, err := e.FlushExpired(background); n == 0 || err != nil {
			t.Fatalf("flushed %d records, error %v", n, err)
		}
		e.clock.advance(-48 * time.Hour)
		e.wantRefreshDenied(what+", the second token of a session that was logged out and flushed", second, core.ErrTokenBlacklisted)
		e.wantRefreshDenied(what+", the first one", first, core.ErrTokenBlacklisted)
	}
}

func TestRefresh_FlushedWhileSessionIsActive(t *testing.T) {
	t.Parallel()
	untyped := withSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off })
	for what, options := range map[string][]authOption{
		"rotation": {withGracePeriod, withReuseDetection}, "rotation without blacklisting": {withRotationOnly}, "rotation, types off": {withGracePeriod, untyped},
	} {
		e := newEnv(t, options...)
		first := e.mustLogin().Refresh
		e.clock.advance(2 * time.Second)
		second := e.mustRefresh(first).Refresh
		e.clock.set(startTime().Add(25*time.Hour + 5*time.Minute + time.Second + e.Settings().RotationGracePeriod)) // by a clock ahead: it deletes the first record only
		if _, err := e.FlushExpired(background); err != nil || e.loadRecord(e.readJTI(first)) != nil || e.loadRecord(e.readJTI(second)) == nil {
			t.Fatalf("%s: the flush did not delete the first record alone, error %v", what, err)
		}
		e.clock.set(startTime().Add(time.Minute))
		e.wantRefreshDenied(what+": a token that was replaced, and flushed", first, core.ErrTokenBlacklisted)
		if err := e.Blacklist(background, first); err == nil && e.readReason(second) == "active" {
			t.Errorf("%s: a logout with it succeeds, and its session stays active", what)
		}
	}
	for what, option := range map[string]authOption{"types": withDefaults, "no types": untyped} {
		e := newEnv(t, option)
		raw := e.mustLogin().Refresh
		e.clock.advance(48 * time.Hour)
		if n, err := e.FlushExpired(background); n == 0 || err != nil {
			t.Fatalf("flushed %d records, error %v", n, err)
		}
		e.clock.set(startTime().Add(time.Minute))
		e.wantRefreshDenied("without rotation, with "+what+", flushed with its session", raw, core.ErrTokenBlacklisted)
	}
}

func TestCheckBlacklist_FlushedTokenWithoutTypeClaim(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off }))
	raw := e.mustLogin().Refresh
	if _, err := e.mem.FlushExpired(background, e.decodeToken(raw).ExpiresAt()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.refreshToken(raw); err == nil {
		t.Error("refresh: a flushed token was accepted")
	}
	if _, err := e.ParseToken(background, core.RefreshToken, raw); err == nil {
		t.Error("ParseToken: a flushed token was accepted")
	}
}
