package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// stateCases returns the cases of State.
func stateCases() []testCase {
	return []testCase{{
		name: "State returns the presented token and the latest one of its session",
		rule: "a retry gets the latest token: the row of the session that was inserted last, whatever the clocks said",
		run:  stateReturnsLatest,
	}, {
		name: "State takes the session from the row or, if it has none, from the sid",
		rule: "the session is that of the row or, if it has none, from the sid, as for a token whose row was flushed or that Django rotated",
		run:  stateFindsSession,
	}, {
		name: "State finds a session whose first row has no session_id",
		rule: "a session consists of the rows whose session_id is its id, plus the row whose jti is that id if Django wrote it without a session_id",
		run:  stateOfDjangoRow,
	}, {
		name: "State returns nothing if nothing is recorded",
		rule: "Presented is nil if the token has no row, Latest if the session has none; neither is an error",
		run:  stateWithoutRecord,
	}, {
		name: "State returns a copy",
		rule: "a store is safe for concurrent use: the caller may keep and change what State returned, and the store does not change it",
		run:  stateReturnsCopy,
	}}
}

// stateReturnsLatest reads a session after rotations by clocks that disagree, and after its end.
func stateReturnsLatest(e *env) {
	first := e.recordLogin()
	single := core.SessionState{Presented: new(activeState(first)), Latest: new(activeState(first))}
	e.wantEqual("a session of one row", single, e.loadState(first.JTI, first.SessionID))

	second := e.mustRotate(e.newRotation(first.JTI))
	// The clock of the next machine is behind.
	r := e.newRotation(second.JTI)
	r.Now, r.ActiveAfter = loginAt.Add(-time.Hour), loginAt.Add(-time.Hour)
	third := e.mustRotate(r)
	want := core.SessionState{Presented: new(consumedState(first, core.ReasonRotated)), Latest: new(activeState(third))}
	e.wantEqual("the state of an ancestor", want, e.loadState(first.JTI, first.SessionID))
	e.wantEqual("the state of an ancestor, the token without a sid", want, e.loadState(first.JTI, ""))
	e.wantLatest(latestCheck{what: "a session, by its latest token", jti: third.JTI, sid: first.SessionID, want: third.JTI})

	e.mustBlacklist(third.JTI, core.ReasonLogout)
	if latest := e.loadState(first.JTI, "").Latest; latest == nil || latest.JTI != third.JTI || latest.Reason != core.ReasonLogout {
		e.Errorf("the latest token of a session that was ended is %+v, want its last row, on the blacklist", latest)
	}
}

// stateFindsSession reads by the row's session and by the sid.
func stateFindsSession(e *env) {
	first, other := e.recordLogin(), e.recordLogin()
	newest := e.mustRotate(e.newRotation(other.JTI))
	e.wantLatest(latestCheck{what: "a row with a session_id, with another sid", jti: first.JTI, sid: other.SessionID, want: first.JTI})
	e.wantLatest(latestCheck{what: "a row without a session_id, with a sid", jti: e.recordDjangoToken().JTI, sid: other.SessionID, want: newest.JTI})

	unknown := e.loadState(e.newID(), other.SessionID)
	e.wantEqual("the state of a token without a row, with a sid", core.SessionState{Latest: new(activeState(newest))}, unknown)
}

// stateOfDjangoRow reads a session whose first row has no session_id, before and after a rotation.
func stateOfDjangoRow(e *env) {
	first := e.recordDjangoToken()
	e.wantEqual("a row without a session_id", core.SessionState{Presented: new(activeState(first)), Latest: new(activeState(first))}, e.loadState(first.JTI, ""))
	e.wantLatest(latestCheck{what: "a token without a row whose sid is the jti of a row without a session_id", jti: e.newID(), sid: first.JTI, want: first.JTI})

	second := e.mustRotate(e.newRotation(first.JTI))
	e.wantLatest(latestCheck{what: "a session started by a Django row", jti: first.JTI, want: second.JTI})
	e.wantLatest(latestCheck{what: "a session started by a Django row, by its successor", jti: second.JTI, want: second.JTI})
	e.wantLatest(latestCheck{what: "a session started by a Django row, by the sid", jti: e.newID(), sid: first.JTI, want: second.JTI})

	// A row that has a session_id starts no session with its own jti as the id.
	moved := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.wantLatest(latestCheck{what: "a sid equal to the jti of a row that belongs to another session", jti: e.newID(), sid: moved.JTI, want: ""})
}

// stateWithoutRecord reads unknown tokens and sessions.
func stateWithoutRecord(e *env) {
	e.wantEqual("the state of an unknown token", core.SessionState{}, e.loadState(e.newID(), ""))
	e.wantEqual("the state of an unknown token with an unknown sid", core.SessionState{}, e.loadState(e.newID(), e.newID()))
	// Rows without a session id must not be treated as one session.
	e.recordDjangoToken()
	e.wantEqual("the state of an unknown token without a sid", core.SessionState{}, e.loadState(e.newID(), ""))
}

// stateReturnsCopy changes what State returned, and the row behind it.
func stateReturnsCopy(e *env) {
	first := e.recordLogin()
	kept := e.loadState(first.JTI, "")
	for _, t := range []*core.TokenState{kept.Presented, kept.Latest} {
		if t == nil {
			e.Fatalf("State has no row for a recorded token")
			return
		}
		t.UserID, t.ExpiresAt, t.Blacklisted = "changed", sessionEnd, true
	}
	e.wantEqual("the row after a caller changed its copy", activeState(first), e.loadRow(first.JTI))

	kept = e.loadState(first.JTI, "")
	e.mustBlacklist(first.JTI, core.ReasonLogout)
	e.wantEqual("a copy after the row changed", new(activeState(first)), kept.Presented)
}
