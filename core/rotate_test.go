package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

// rotateTimes logs alice in and refreshes n times, a second apart. It returns the first and the latest refresh token.
func rotateTimes(n int) func(e *env) (presented, latest string) {
	return func(e *env) (presented, latest string) {
		presented = e.mustLogin().Refresh
		latest = presented
		for range n {
			latest = e.mustRefresh(latest).Refresh
			e.clock.advance(time.Second)
		}
		return presented, latest
	}
}

// prepareThen adds a step to a preparation.
func prepareThen(prepare func(e *env) (string, string), more func(e *env, presented, latest string)) func(e *env) (string, string) {
	return func(e *env) (string, string) {
		presented, latest := prepare(e)
		more(e, presented, latest)
		return presented, latest
	}
}

// advanceClock is a step that lets time pass.
func advanceClock(d time.Duration) func(*env, string, string) {
	return func(e *env, _, _ string) { e.clock.advance(d) }
}

// blacklistLatest is a step that blacklists the latest token of the session.
func blacklistLatest(reason core.Reason) func(*env, string, string) {
	return func(e *env, _, latest string) {
		_, _, _ = e.mem.Blacklist(background, e.readJTI(latest), nil, reason, e.clock.now())
	}
}

// blacklistPresented presents a token that was blacklisted for another reason than rotation, whose session still has an active token.
func blacklistPresented(reason core.Reason) func(e *env) (string, string) {
	return func(e *env) (presented, latest string) {
		presented = e.mustLogin().Refresh
		_, _, _ = e.mem.Blacklist(background, e.readJTI(presented), nil, reason, e.clock.now())
		return presented, e.recordExternal(map[string]any{"jti": "latest", "sid": e.readJTI(presented)})
	}
}

// presentExternal presents a token that another service issued.
func presentExternal(claims map[string]any) func(e *env) (string, string) {
	return func(e *env) (string, string) { raw := e.signExternal(claims); return raw, raw }
}

// TestRotate is the table of docs/sessions.md: what a refresh returns, by what has happened to the token and its session.
func TestRotate(t *testing.T) {
	t.Parallel()
	all := []authOption{withGracePeriod, withReuseDetection}
	const grace = 10 * time.Second
	back := func(e *env, _, _ string) { e.clock.advance(-time.Second) }
	for _, c := range []struct {
		name    string
		options []authOption
		prepare func(e *env) (presented, latest string)
		want    error          // nil with a new token (event refresh) or with the latest one (event retry)
		event   core.EventType // "" if the token is only denied
		latest  core.Reason    // what became of the latest token
	}{
		{"an active token is rotated", all, rotateTimes(0), nil, core.EventRefresh, core.ReasonRotated},
		{"a rotated token gets the latest token", all, rotateTimes(1), nil, core.EventRetry, "active"},
		{"a rotated token just within its grace period gets the latest token", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second-time.Microsecond)), nil, core.EventRetry, "active"},
		{"a token rotated in the future gets the latest token", all, prepareThen(rotateTimes(1), func(e *env, _, _ string) { e.clock.set(startTime()) }), nil, core.EventRetry, "active"},
		{"a token two generations behind gets the latest token", all, rotateTimes(2), nil, core.EventRetry, "active"},
		{"a token nine generations behind gets the latest token", all, rotateTimes(9), nil, core.EventRetry, "active"},
		{"a token whose grace period is over is reuse, though that of its successor is not", all, rotateTimes(10), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"a token whose grace period is just over is reuse", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second)), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"without a grace period a second refresh is reuse, even by a clock set back", []authOption{withRotation, withReuseDetection}, prepareThen(rotateTimes(1), back), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"without a grace period and detection a second refresh is only denied", []authOption{withRotation}, prepareThen(rotateTimes(1), back), core.ErrTokenBlacklisted, "", "active"},
		{"without detection a late retry is only denied", []authOption{withGracePeriod}, prepareThen(rotateTimes(1), advanceClock(grace)), core.ErrTokenBlacklisted, "", "active"},
		{"a rotated token whose session was logged out is denied", all, prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a late token whose session was logged out is not reuse", all, prepareThen(prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), advanceClock(grace)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a rotated token whose latest token Django blacklisted is denied", all, prepareThen(rotateTimes(1), blacklistLatest("")), core.ErrTokenBlacklisted, "", ""},
		{"a rotated token whose latest token has expired is denied", all, func(e *env) (string, string) {
			presented := e.signExternal(map[string]any{"exp": e.clock.now().Add(99 * time.Hour).Unix()})
			latest := e.mustRefresh(presented).Refresh
			e.clock.advance(25 * time.Hour)
			return presented, latest
		}, core.ErrTokenBlacklisted, "", "active"},
		{"a rotated token whose session has ended is denied", append(all, withSessionLifetime(time.Hour), withLeeway(time.Hour)), func(e *env) (string, string) {
			presented := e.mustLogin().Refresh
			e.clock.advance(time.Hour - time.Second)
			latest := e.mustRefresh(presented).Refresh
			e.clock.advance(time.Second)
			return presented, latest
		}, core.ErrTokenBlacklisted, "", "active"},
		{"a token that Django blacklisted is never reuse", all, prepareThen(blacklistPresented(""), advanceClock(time.Minute)), core.ErrTokenBlacklisted, "", "active"},
		{"a token that was logged out is never reuse", all, blacklistPresented(core.ReasonLogout), core.ErrTokenBlacklisted, "", "active"},
		{"a token that an administrator revoked is never reuse", all, prepareThen(blacklistPresented(core.ReasonAdmin), advanceClock(time.Minute)), core.ErrTokenBlacklisted, "", "active"},
		{"a token whose record expires before it is denied", all, func(e *env) (string, string) {
			_ = e.mem.Record(background, core.OutstandingToken{JTI: "external", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: e.clock.now()})
			return presentExternal(nil)(e)
		}, core.ErrTokenExpired, "", "active"},
		{"an unknown token is recorded and rotated", all, presentExternal(nil), nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token that only LEEWAY admits is denied", append(all, withLeeway(time.Minute)), func(e *env) (string, string) {
			return presentExternal(map[string]any{"exp": e.clock.now().Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
		{"an unknown token of a session that has ended is denied", all, func(e *env) (string, string) {
			first := e.mustLogin().Refresh
			_ = e.RevokeSession(background, "1", e.readJTI(first), core.ReasonAdmin)
			return presentExternal(map[string]any{"sid": e.readJTI(first)})(e)
		}, core.ErrTokenBlacklisted, "", "unknown"},
		{"an unknown token of an active session is rotated", all, func(e *env) (string, string) {
			return presentExternal(map[string]any{"sid": e.readJTI(e.mustLogin().Refresh)})(e)
		}, nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token older than SESSION_LIFETIME is denied", append(all, withSessionLifetime(time.Hour)), func(e *env) (string, string) {
			return presentExternal(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "active"},
		{"without blacklisting a token is rotated and stays active", []authOption{withRotationOnly}, rotateTimes(0), nil, core.EventRefresh, "active"},
		{"without blacklisting a token is rotated again", []authOption{withRotationOnly}, rotateTimes(1), nil, core.EventRefresh, "active"},
		{"without blacklisting a blacklisted token is denied", []authOption{withRotationOnly}, prepareThen(rotateTimes(0), blacklistLatest(core.ReasonRotated)), core.ErrTokenBlacklisted, "", core.ReasonRotated},
		{"without blacklisting an unknown token is not recorded", []authOption{withRotationOnly}, presentExternal(nil), nil, core.EventRefresh, "unknown"},
		{"without blacklisting an unknown token older than SESSION_LIFETIME is denied", []authOption{withRotationOnly, withSessionLifetime(time.Hour)}, func(e *env) (string, string) {
			return presentExternal(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			presented, latest := c.prepare(e)
			seen := len(e.events.all())
			pair, err := e.refreshToken(presented)
			if !errors.Is(err, c.want) || (err != nil && pair != core.Pair{}) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if got := e.readReason(latest); got != c.latest {
				t.Errorf("the latest token is now %q, want %q", got, c.latest)
			}
			switch c.event {
			case core.EventRefresh:
				e.wantSuccessor(presented, pair.Refresh)
			case core.EventRetry:
				e.wantLatest(latest, pair)
			}
			got := core.EventType("")
			for _, event := range e.events.all()[seen:] {
				if event.Type == core.EventRefresh || event.Type == core.EventRetry || (event.Type == core.EventReuse && e.Settings().ReuseDetection) {
					got = event.Type
				}
			}
			if got != c.event {
				t.Errorf("event %q, want %q", got, c.event)
			}
		})
	}
}

// wantSuccessor checks that got is a new token, on record in the session of the presented one.
func (e *env) wantSuccessor(presented, got string) {
	e.t.Helper()
	token, now := e.decodeToken(got), e.clock.now()
	session := e.decodeToken(presented).SessionID()
	if session == "" {
		session = e.readJTI(presented)
	}
	record := e.loadRecord(token.JTI())
	if record == nil || record.Blacklisted || record.SessionID != session || record.ParentJTI != e.readJTI(presented) || record.UserID != "1" {
		e.t.Errorf("the record of the successor is %+v, want an active one of session %s", record, session)
	}
	if token.SessionID() != session || !token.ExpiresAt().Equal(now.Add(24*time.Hour).Truncate(time.Second)) || fmt.Sprint(token.Get("iat")) != fmt.Sprint(now.Unix()) {
		e.t.Errorf("the claims of the successor are %v", token.Claims())
	}
}

// wantLatest checks that a retry returned the latest refresh token of the session, and a new access token.
func (e *env) wantLatest(latest string, got core.Pair) {
	e.t.Helper()
	if diff := cmp.Diff(e.decodeToken(latest).Claims(), e.decodeToken(got.Refresh).Claims()); diff != "" {
		e.t.Errorf("the refresh token of the retry is not the latest one (-want +got):\n%s", diff)
	}
	access := e.decodeToken(got.Access)
	if fmt.Sprint(access.Get("iat")) != fmt.Sprint(e.clock.now().Unix()) || !access.ExpiresAt().Equal(e.clock.now().Add(5*time.Minute).Truncate(time.Second)) {
		e.t.Errorf("the access token of the retry is not new: %v", access.Claims())
	}
}

func TestRotate_Reuse(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	other := e.mustLogin().Refresh
	stolen, latest := prepareThen(rotateTimes(1), advanceClock(time.Minute))(e)
	session := e.readJTI(stolen)
	e.wantRefreshDenied("a stolen token", stolen, core.ErrTokenBlacklisted)
	e.wantRefreshDenied("the latest token of its session", latest, core.ErrTokenBlacklisted)
	e.mustRefresh(other)
	want := []core.Event{
		{Type: core.EventReuse, UserID: "1", SessionID: session, JTI: session, TokenType: "refresh"},
		{Type: core.EventRevoke, UserID: "1", SessionID: session, Reason: core.ReasonReuse, Count: 1},
	}
	if diff := cmp.Diff(want, append(e.events.ofType(core.EventReuse), e.events.ofType(core.EventRevoke)...)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.wantRefreshDenied("the stolen token again", stolen, core.ErrTokenBlacklisted)
	if got := e.events.ofType(core.EventReuse); len(got) != 1 {
		t.Errorf("a second reuse of an ended session was reported: %v", got)
	}
	e.wantNoSecrets(nil, stolen, latest)
}

func TestRotate_LostAnswer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	raw := e.mustLogin().Refresh
	e.spy.after = func(_ context.Context, call string) error {
		if call == "Rotate" {
			return errDatabaseDown
		}
		return nil
	}
	e.wantRefreshDenied("an unknown outcome", raw, core.ErrServiceUnavailable)
	e.spy.after = nil
	if got := e.readReason(raw); got != core.ReasonRotated {
		t.Errorf("the token is %q, want it rotated", got)
	}
	e.clock.advance(time.Second)
	first, second := e.mustRefresh(raw).Refresh, e.mustRefresh(raw).Refresh
	if e.readJTI(first) != e.readJTI(second) || e.loadRecord(e.readJTI(first)).ParentJTI != e.readJTI(raw) {
		t.Error("the two repeated refreshes did not get the same successor")
	}
	if got := len(e.events.ofType(core.EventRetry)); got != 2 || len(e.events.ofType(core.EventRefresh)) > 0 {
		t.Errorf("%d events of a retry, want 2: %v", got, e.events.all())
	}
}
