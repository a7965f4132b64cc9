package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func rotateCases() []testCase {
	return []testCase{{
		name: "Rotate consumes the token and records its successor",
		rule: "in one step the presented token is consumed with ReasonRotated and the successor recorded; it inherits user and session",
		run:  rotateRecordsSuccessor,
	}, {
		name: "Rotate takes the session from the row, else the sid, else the jti",
		rule: "Rotation.SessionID counts only where the row names no session; without both the presented token is the session's first",
		run:  rotateNamesSession,
	}, {
		name: "Rotate consumes the token for the reason it is told",
		rule: "a renewed session has no grace for the token it had: the reason decides, and without one it is a rotation",
		run: func(e *env) {
			for asked, want := range map[core.Reason]core.Reason{"": core.ReasonRotated, core.ReasonRenewed: core.ReasonRenewed} {
				t := e.login()
				r := e.rotation(t.JTI)
				r.Reason = asked
				e.rotate(r)
				e.same("the presented token's row", consumed(t, want), e.row(t.JTI))
			}
		},
	}, {
		name: "Rotate refuses an unknown token",
		rule: "a token without a row is not rotated and not recorded: its row may have been flushed",
		run: func(e *env) {
			e.refuse("an unknown token", e.rotation(e.newID()))
			r := e.rotation(e.newID())
			r.Consume = false
			e.refuse("an unknown token, without Consume", r)
		},
	}, {
		name: "Rotate refuses a blacklisted token",
		rule: "a consumed token never works again, and its reason and time stay: they decide whether a retry is within its grace",
		run:  rotateRefusesBlacklisted,
	}, {
		name: "Rotate refuses a token that ended at or before AliveAfter",
		rule: "a row that ended at or before AliveAfter is not rotated: a flush may be about to delete it",
		run:  rotateRefusesEnded,
	}, {
		name: "Rotate without Consume leaves the presented token as it is",
		rule: "without Consume the presented token stays good and rotates again, each time, until it is on the blacklist",
		run:  rotateWithoutConsume,
	}, {
		name: "Rotate consumes nothing where the successor cannot be recorded",
		rule: "consuming and recording happen together or not at all: otherwise a failure logs the user out",
		run:  rotateIsAtomic,
	}}
}

func rotateRecordsSuccessor(e *env) {
	first := e.login()
	r := e.rotation(first.JTI)
	want := core.OutstandingToken{
		JTI: r.NewJTI, UserID: first.UserID, CreatedAt: now, ExpiresAt: r.ExpiresAt, SessionID: first.SessionID,
		ParentJTI: first.JTI, SessionStartedAt: first.SessionStartedAt, SessionExpiresAt: first.SessionExpiresAt,
	}
	e.same("the answer of Rotate", want, e.rotate(r))
	e.same("the successor's row", live(want), e.row(r.NewJTI))
	e.same("the presented token's row", consumed(first, core.ReasonRotated), e.row(first.JTI))
	e.wantBlacklisted("the presented token", true, first.JTI)
	e.wantBlacklisted("the successor", false, r.NewJTI)

	third := e.rotate(e.rotation(r.NewJTI))
	if third.ParentJTI != r.NewJTI || third.SessionID != first.SessionID || third.UserID != first.UserID {
		e.Errorf("the third token has parent %q, session %q, user %q; want the second one, the first one, the same",
			third.ParentJTI, third.SessionID, third.UserID)
	}

	bare := e.login(func(t *core.OutstandingToken) { t.UserID, t.SessionExpiresAt = "", time.Time{} })
	got := e.rotate(e.rotation(bare.JTI))
	if got.UserID != "" || !got.SessionExpiresAt.IsZero() {
		e.Errorf("the successor of a token without user and session end has user %q and end %v", got.UserID, got.SessionExpiresAt)
	}
}

func rotateNamesSession(e *env) {
	row, sid := e.login(func(t *core.OutstandingToken) { t.SessionID = e.newID() }), e.newID()
	for _, c := range []struct {
		what      string
		presented core.OutstandingToken
		sid, want string
	}{
		{"a row that names a session, with another sid", row, sid, row.SessionID},
		{"a row that names no session, with a sid", e.django(), sid, sid},
		{"a row that names no session, without a sid", e.django(), "", ""},
	} {
		r := e.rotation(c.presented.JTI)
		r.SessionID = c.sid
		if c.want == "" {
			c.want = c.presented.JTI
		}
		successor := e.rotate(r)
		if successor.SessionID != c.want {
			e.Errorf("the successor of %s has session %q, want %q", c.what, successor.SessionID, c.want)
		}
		e.same("the row of the successor of "+c.what, live(successor), e.row(r.NewJTI))
		e.same("the presented row's record: "+c.what, c.presented, e.row(c.presented.JTI).OutstandingToken)
	}
}

func rotateRefusesBlacklisted(e *env) {
	for _, reason := range []core.Reason{core.ReasonRotated, core.ReasonLogout} {
		t := e.login()
		e.blacklist(t.JTI, reason)
		r := e.rotation(t.JTI)
		r.Now, r.ActiveAfter = now.Add(time.Minute), now.Add(time.Minute)
		e.refuse("a blacklisted token", r)
		r.Consume = false
		e.refuse("a blacklisted token, without Consume", r)
	}
}

func rotateRefusesEnded(e *env) {
	alive := now.Add(-time.Minute)
	for _, consume := range []bool{true, false} {
		for _, end := range []time.Time{alive, alive.Add(-time.Microsecond), alive.Add(-time.Hour)} {
			t := e.login(func(t *core.OutstandingToken) { t.ExpiresAt = end })
			r := e.rotation(t.JTI)
			r.ActiveAfter, r.Consume = alive, consume
			e.refuse("a token that ended "+alive.Sub(end).String()+" before AliveAfter", r)
		}
		// The leeway: it ended before Now, but after AliveAfter.
		t := e.login(func(t *core.OutstandingToken) { t.ExpiresAt = alive.Add(time.Microsecond) })
		r := e.rotation(t.JTI)
		r.ActiveAfter, r.Consume = alive, consume
		e.rotate(r)
	}
}

func rotateWithoutConsume(e *env) {
	first := e.login()
	for range 2 {
		r := e.rotation(first.JTI)
		r.Consume = false
		successor := e.rotate(r)
		want := first
		want.JTI, want.ParentJTI, want.CreatedAt, want.ExpiresAt = r.NewJTI, first.JTI, now, r.ExpiresAt
		e.same("the answer of Rotate", want, successor)
		e.same("the successor's row", live(want), e.row(r.NewJTI))
		e.same("the presented token's row", live(first), e.row(first.JTI))
	}
}

func rotateIsAtomic(e *env) {
	taken, first := e.login(), e.login()
	r := e.rotation(first.JTI)
	r.NewJTI = taken.JTI
	if _, ok, err := e.Store.Rotate(e.ctx, r); ok && err == nil {
		e.Errorf("Rotate to a jti that another token has: got true, want false or an error")
	}
	e.same("the presented token's row", live(first), e.row(first.JTI))
	e.same("the row of the token that has the jti", live(taken), e.row(taken.JTI))
}
