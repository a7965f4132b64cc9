package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// rotateCases returns the cases of Rotate; session_end.go has those about the end of the session.
func rotateCases() []testCase {
	return []testCase{{
		name: "Rotate consumes the token and records its successor",
		rule: "in one step the presented token is consumed with ReasonRotated and the successor recorded; it inherits user and session",
		run:  rotateRecordsSuccessor,
	}, {
		name: "Rotate takes the session from the row, else the sid, else the jti",
		rule: "Rotation.SessionID counts only if the row has no session_id; without either the presented token is the session's first",
		run:  rotateNamesSession,
	}, {
		name: "Rotate consumes the token for the given reason",
		rule: "only a rotated token has a grace period, a renewed one has none: the reason decides, and the empty one stands for ReasonRotated",
		run: func(e *env) {
			for asked, want := range map[core.Reason]core.Reason{"": core.ReasonRotated, core.ReasonRenewed: core.ReasonRenewed} {
				t := e.recordLogin()
				r := e.newRotation(t.JTI)
				r.Reason = asked
				e.mustRotate(r)
				e.wantEqual("the presented token's row", consumedState(t, want), e.loadRow(t.JTI))
			}
		},
	}, {
		name: "Rotate rejects an unknown token",
		rule: "a token without a row is neither rotated nor recorded: its row may have been flushed",
		run: func(e *env) {
			e.wantNotRotated("an unknown token", e.newRotation(e.newID()))
			r := e.newRotation(e.newID())
			r.Consume = false
			e.wantNotRotated("an unknown token, without Consume", r)
		},
	}, {
		name: "Rotate rejects a blacklisted token",
		rule: "a consumed token is never active again, and its reason and time stay: they decide whether a retry is within the grace period",
		run:  rotateRejectsBlacklisted,
	}, {
		name: "Rotate rejects a token that expired at or before ActiveAfter",
		rule: "a token that expired at or before ActiveAfter is not rotated: a flush may be about to delete it",
		run:  rotateRejectsExpired,
	}, {
		name: "Rotate without Consume leaves the presented token as it is",
		rule: "without Consume the presented token stays active and can be rotated again, until it is on the blacklist",
		run:  rotateWithoutConsume,
	}, {
		name: "Rotate consumes nothing if the successor cannot be recorded",
		rule: "consuming and recording happen together or not at all: otherwise a failure would log the user out",
		run:  rotateIsAtomic,
	}}
}

// rotateRecordsSuccessor checks every field of the successor and of the presented row.
func rotateRecordsSuccessor(e *env) {
	first := e.recordLogin()
	r := e.newRotation(first.JTI)
	want := core.OutstandingToken{
		JTI: r.NewJTI, UserID: first.UserID, CreatedAt: now, ExpiresAt: r.ExpiresAt, SessionID: first.SessionID,
		ParentJTI: first.JTI, SessionStartedAt: first.SessionStartedAt, SessionExpiresAt: first.SessionExpiresAt,
	}
	e.wantEqual("the record that Rotate returned", want, e.mustRotate(r))
	e.wantEqual("the successor's row", activeState(want), e.loadRow(r.NewJTI))
	e.wantEqual("the presented token's row", consumedState(first, core.ReasonRotated), e.loadRow(first.JTI))
	e.wantBlacklisted("the presented token", true, first.JTI)
	e.wantBlacklisted("the successor", false, r.NewJTI)

	third := e.mustRotate(e.newRotation(r.NewJTI))
	if third.ParentJTI != r.NewJTI || third.SessionID != first.SessionID || third.UserID != first.UserID {
		e.Errorf("the third token has parent %q, session %q, user %q; want the second one, the first one, the same",
			third.ParentJTI, third.SessionID, third.UserID)
	}

	bare := e.recordLogin(func(t *core.OutstandingToken) { t.UserID, t.SessionExpiresAt = "", time.Time{} })
	got := e.mustRotate(e.newRotation(bare.JTI))
	if got.UserID != "" || !got.SessionExpiresAt.IsZero() {
		e.Errorf("the successor of a token without user and session end has user %q and end %v", got.UserID, got.SessionExpiresAt)
	}
}

// rotateNamesSession rotates with and without a session in the row and a sid in the token.
func rotateNamesSession(e *env) {
	row, sid := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = e.newID() }), e.newID()
	for _, c := range []struct {
		what      string
		presented core.OutstandingToken
		sid, want string
	}{
		{"a row with a session_id, with another sid", row, sid, row.SessionID},
		{"a row without a session_id, with a sid", e.recordDjangoToken(), sid, sid},
		{"a row without a session_id, without a sid", e.recordDjangoToken(), "", ""},
	} {
		r := e.newRotation(c.presented.JTI)
		r.SessionID = c.sid
		if c.want == "" {
			c.want = c.presented.JTI
		}
		successor := e.mustRotate(r)
		if successor.SessionID != c.want {
			e.Errorf("the successor of %s has session %q, want %q", c.what, successor.SessionID, c.want)
		}
		e.wantEqual("the row of the successor of "+c.what, activeState(successor), e.loadRow(r.NewJTI))
		e.wantEqual("the presented row's record: "+c.what, c.presented, e.loadRow(c.presented.JTI).OutstandingToken)
	}
}

// rotateRejectsBlacklisted rotates consumed tokens, a minute later so that a changed time would show.
func rotateRejectsBlacklisted(e *env) {
	for _, reason := range []core.Reason{core.ReasonRotated, core.ReasonLogout} {
		t := e.recordLogin()
		e.mustBlacklist(t.JTI, reason)
		r := e.newRotation(t.JTI)
		r.Now, r.ActiveAfter = now.Add(time.Minute), now.Add(time.Minute)
		e.wantNotRotated("a blacklisted token", r)
		r.Consume = false
		e.wantNotRotated("a blacklisted token, without Consume", r)
	}
}

// rotateRejectsExpired rotates tokens on both sides of ActiveAfter, which is a minute before Now.
func rotateRejectsExpired(e *env) {
	activeAfter := now.Add(-time.Minute)
	for _, consume := range []bool{true, false} {
		for _, end := range []time.Time{activeAfter, activeAfter.Add(-time.Microsecond), activeAfter.Add(-time.Hour)} {
			t := e.recordLogin(func(t *core.OutstandingToken) { t.ExpiresAt = end })
			r := e.newRotation(t.JTI)
			r.ActiveAfter, r.Consume = activeAfter, consume
			e.wantNotRotated("a token that expired "+activeAfter.Sub(end).String()+" before ActiveAfter", r)
		}
		// Within the leeway: it expired before Now, but after ActiveAfter.
		t := e.recordLogin(func(t *core.OutstandingToken) { t.ExpiresAt = activeAfter.Add(time.Microsecond) })
		r := e.newRotation(t.JTI)
		r.ActiveAfter, r.Consume = activeAfter, consume
		e.mustRotate(r)
	}
}

// rotateWithoutConsume rotates one token twice.
func rotateWithoutConsume(e *env) {
	first := e.recordLogin()
	for range 2 {
		r := e.newRotation(first.JTI)
		r.Consume = false
		successor := e.mustRotate(r)
		want := first
		want.JTI, want.ParentJTI, want.CreatedAt, want.ExpiresAt = r.NewJTI, first.JTI, now, r.ExpiresAt
		e.wantEqual("the record that Rotate returned", want, successor)
		e.wantEqual("the successor's row", activeState(want), e.loadRow(r.NewJTI))
		e.wantEqual("the presented token's row", activeState(first), e.loadRow(first.JTI))
	}
}

// rotateIsAtomic rotates to a jti that another token has.
func rotateIsAtomic(e *env) {
	taken, first := e.recordLogin(), e.recordLogin()
	r := e.newRotation(first.JTI)
	r.NewJTI = taken.JTI
	if _, ok, err := e.Store.Rotate(e.ctx, r); ok && err == nil {
		e.Errorf("Rotate to a jti that another token has: got true, want false or an error")
	}
	e.wantEqual("the presented token's row", activeState(first), e.loadRow(first.JTI))
	e.wantEqual("the row of the token that has the jti", activeState(taken), e.loadRow(taken.JTI))
}
