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

// rotateTimes logs alice in and refreshes n times, a second apart: the first token is n generations behind the last.
func rotateTimes(n int) func(e *env) (presented, head string) {
	return func(e *env) (presented, head string) {
		presented = e.mustLogin().Refresh
		head = presented
		for range n {
			head = e.mustRefresh(head).Refresh
			e.clock.advance(time.Second)
		}
		return presented, head
	}
}

// prepareThen does something more after a preparation.
func prepareThen(prepare func(e *env) (string, string), more func(e *env, presented, head string)) func(e *env) (string, string) {
	return func(e *env) (string, string) {
		presented, head := prepare(e)
		more(e, presented, head)
		return presented, head
	}
}

func advanceClock(d time.Duration) func(*env, string, string) {
	return func(e *env, _, _ string) { e.clock.advance(d) }
}

func blacklistLatest(reason core.Reason) func(*env, string, string) {
	return func(e *env, _, head string) {
		_, _, _ = e.mem.Blacklist(background, e.readJTI(head), nil, reason, e.clock.now())
	}
}

// consumeFor is a token consumed for another reason than rotation, whose session nevertheless has a live head.
func consumeFor(reason core.Reason) func(e *env) (string, string) {
	return func(e *env) (presented, head string) {
		presented = e.mustLogin().Refresh
		_, _, _ = e.mem.Blacklist(background, e.readJTI(presented), nil, reason, e.clock.now())
		return presented, e.recordExternal(map[string]any{"jti": "head", "sid": e.readJTI(presented)})
	}
}

func presentExternal(claims map[string]any) func(e *env) (string, string) {
	return func(e *env) (string, string) { raw := e.signExternal(claims); return raw, raw }
}

// The table of rotation.md: what a refresh answers where nothing, something else, or only time has happened to the token.
func TestRotate(t *testing.T) {
	t.Parallel()
	all := []authOption{withGracePeriod, withReuseDetection}
	const grace = 10 * time.Second
	back := func(e *env, _, _ string) { e.clock.advance(-time.Second) }
	for _, c := range []struct {
		name    string
		options []authOption
		prepare func(e *env) (presented, head string)
		want    error          // nil with a new token (event refresh) or with the head (event retry)
		event   core.EventType // "" for a plain refusal
		head    core.Reason    // what became of the head
	}{
		{"a live token is rotated", all, rotateTimes(0), nil, core.EventRefresh, core.ReasonRotated},
		{"a rotated token gets the head", all, rotateTimes(1), nil, core.EventRetry, "active"},
		{"a rotated token just within its grace gets the head", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second-time.Microsecond)), nil, core.EventRetry, "active"},
		{"a token rotated in the future gets the head", all, prepareThen(rotateTimes(1), func(e *env, _, _ string) { e.clock.set(startTime()) }), nil, core.EventRetry, "active"},
		{"a token two generations behind gets the head", all, rotateTimes(2), nil, core.EventRetry, "active"},
		{"a token nine generations behind gets the head", all, rotateTimes(9), nil, core.EventRetry, "active"},
		{"an ancestor whose own grace is over is reuse, though its child's is not", all, rotateTimes(10), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"a token rotated as long ago as the grace is reuse", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second)), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"with a period of 0 nothing is within it", []authOption{withRotation, withReuseDetection}, prepareThen(rotateTimes(1), back), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"with a period of 0 and no detection a second refresh is a 401 only", []authOption{withRotation}, prepareThen(rotateTimes(1), back), core.ErrTokenBlacklisted, "", "active"},
		{"without detection a late retry is a 401 only", []authOption{withGracePeriod}, prepareThen(rotateTimes(1), advanceClock(grace)), core.ErrTokenBlacklisted, "", "active"},
		{"a rotated token whose session was logged out", all, prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a late token whose session was logged out is no reuse", all, prepareThen(prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), advanceClock(grace)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a rotated token whose head Django consumed", all, prepareThen(rotateTimes(1), blacklistLatest("")), core.ErrTokenBlacklisted, "", ""},
		{"a rotated token whose head has expired", all, func(e *env) (string, string) {
			presented := e.signExternal(map[string]any{"exp": e.clock.now().Add(99 * time.Hour).Unix()})
			head := e.mustRefresh(presented).Refresh
			e.clock.advance(25 * time.Hour)
			return presented, head
		}, core.ErrTokenBlacklisted, "", "active"},
		{"a rotated token whose session has ended", append(all, withSessionLifetime(time.Hour), withLeeway(time.Hour)), func(e *env) (string, string) {
			presented := e.mustLogin().Refresh
			e.clock.advance(time.Hour - time.Second)
			head := e.mustRefresh(presented).Refresh
			e.clock.advance(time.Second)
			return presented, head
		}, core.ErrTokenBlacklisted, "", "active"},
		{"a token Django consumed is never reuse", all, prepareThen(consumeFor(""), advanceClock(time.Minute)), core.ErrTokenBlacklisted, "", "active"},
		{"a token that was logged out is never reuse", all, consumeFor(core.ReasonLogout), core.ErrTokenBlacklisted, "", "active"},
		{"a token an administrator revoked is never reuse", all, prepareThen(consumeFor(core.ReasonAdmin), advanceClock(time.Minute)), core.ErrTokenBlacklisted, "", "active"},
		{"a token whose row ended before it", all, func(e *env) (string, string) {
			_ = e.mem.Record(background, core.OutstandingToken{JTI: "external", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: e.clock.now()})
			return presentExternal(nil)(e)
		}, core.ErrTokenExpired, "", "active"},
		{"an unknown token is recorded and rotated", all, presentExternal(nil), nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token that only LEEWAY admits", append(all, withLeeway(time.Minute)), func(e *env) (string, string) {
			return presentExternal(map[string]any{"exp": e.clock.now().Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
		{"an unknown token of a session that has ended", all, func(e *env) (string, string) {
			first := e.mustLogin().Refresh
			_ = e.RevokeSession(background, "1", e.readJTI(first), core.ReasonAdmin)
			return presentExternal(map[string]any{"sid": e.readJTI(first)})(e)
		}, core.ErrTokenBlacklisted, "", "unknown"},
		{"an unknown token of a session under way", all, func(e *env) (string, string) {
			return presentExternal(map[string]any{"sid": e.readJTI(e.mustLogin().Refresh)})(e)
		}, nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token older than a session may be", append(all, withSessionLifetime(time.Hour)), func(e *env) (string, string) {
			return presentExternal(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "active"},
		{"without consuming a token is rotated and stays", []authOption{withRotationOnly}, rotateTimes(0), nil, core.EventRefresh, "active"},
		{"without consuming a token is rotated again", []authOption{withRotationOnly}, rotateTimes(1), nil, core.EventRefresh, "active"},
		{"without consuming a blacklisted token stays so", []authOption{withRotationOnly}, prepareThen(rotateTimes(0), blacklistLatest(core.ReasonRotated)), core.ErrTokenBlacklisted, "", core.ReasonRotated},
		{"without consuming an unknown token is not recorded", []authOption{withRotationOnly}, presentExternal(nil), nil, core.EventRefresh, "unknown"},
		{"without consuming an unknown token older than a session may be", []authOption{withRotationOnly, withSessionLifetime(time.Hour)}, func(e *env) (string, string) {
			return presentExternal(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			presented, head := c.prepare(e)
			seen := len(e.events.all())
			pair, err := e.refreshToken(presented)
			if !errors.Is(err, c.want) || (err != nil && pair != core.Pair{}) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if got := e.readReason(head); got != c.head {
				t.Errorf("the head is now %q, want %q", got, c.head)
			}
			switch c.event {
			case core.EventRefresh:
				e.wantSuccessor(presented, pair.Refresh)
			case core.EventRetry:
				e.wantLatest(head, pair)
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

// wantSuccessor sees that a rotation gave a token of its own, on record in the presented one's session.
func (e *env) wantSuccessor(presented, got string) {
	e.t.Helper()
	token, now := e.decodeToken(got), e.clock.now()
	session := e.decodeToken(presented).SessionID()
	if session == "" {
		session = e.readJTI(presented)
	}
	row := e.loadRecord(token.JTI())
	if row == nil || row.Blacklisted || row.SessionID != session || row.ParentJTI != e.readJTI(presented) || row.UserID != "1" {
		e.t.Errorf("the successor's row is %+v, want a live one of session %s", row, session)
	}
	if token.SessionID() != session || !token.ExpiresAt().Equal(now.Add(24*time.Hour).Truncate(time.Second)) || fmt.Sprint(token.Get("iat")) != fmt.Sprint(now.Unix()) {
		e.t.Errorf("the successor's claims are %v", token.Claims())
	}
}

// wantHead sees that a retry gave the head itself, and an access token of its own.
func (e *env) wantLatest(head string, got core.Pair) {
	e.t.Helper()
	if diff := cmp.Diff(e.decodeToken(head).Claims(), e.decodeToken(got.Refresh).Claims()); diff != "" {
		e.t.Errorf("the retry's refresh token is not the head (-want +got):\n%s", diff)
	}
	access := e.decodeToken(got.Access)
	if fmt.Sprint(access.Get("iat")) != fmt.Sprint(e.clock.now().Unix()) || !access.ExpiresAt().Equal(e.clock.now().Add(5*time.Minute).Truncate(time.Second)) {
		e.t.Errorf("the retry's access token is not fresh: %v", access.Claims())
	}
}

func TestRotate_Reuse(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	other := e.mustLogin().Refresh
	stolen, head := prepareThen(rotateTimes(1), advanceClock(time.Minute))(e)
	session := e.readJTI(stolen)
	e.wantRefreshDenied("a stolen token", stolen, core.ErrTokenBlacklisted)
	e.wantRefreshDenied("the head of its session", head, core.ErrTokenBlacklisted)
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
		t.Errorf("an ended session was revoked again: %v", got)
	}
	e.wantNoSecrets(nil, stolen, head)
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
		t.Errorf("the token is %q, want it consumed", got)
	}
	e.clock.advance(time.Second)
	first, second := e.mustRefresh(raw).Refresh, e.mustRefresh(raw).Refresh
	if e.readJTI(first) != e.readJTI(second) || e.loadRecord(e.readJTI(first)).ParentJTI != e.readJTI(raw) {
		t.Error("the two repeated refreshes did not get the one successor")
	}
	if got := len(e.events.ofType(core.EventRetry)); got != 2 || len(e.events.ofType(core.EventRefresh)) > 0 {
		t.Errorf("%d events of a retry, want 2: %v", got, e.events.all())
	}
}
