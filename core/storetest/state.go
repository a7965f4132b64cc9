package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// stateCases are the cases of State.
func stateCases() []testCase {
	return []testCase{{
		name: "State returns the presented token and the latest one of its session",
		rule: "a retry gets the latest token: the row of the session that was inserted last, whatever the clocks said",
		run:  stateReturnsLatest,
	}, {
		name: "State takes the session from the row, else from the sid",
		rule: "the sid counts if the row names no session or is missing, as for a token whose row was flushed or that Django rotated",
		run:  stateFindsSession,
	}, {
		name: "State finds a session whose first row names none",
		rule: "a session is the rows that name it and the row with that jti that names none, which Django wrote",
		run:  stateOfDjangoRow,
	}, {
		name: "State returns nothing if nothing is recorded",
		rule: "Presented is nil if the token has no row, Latest if the session has none; neither is an error",
		run:  stateWithoutRecord,
	}, {
		name: "State returns what the caller may keep and change",
		rule: "a store is safe for concurrent use: what it returned neither changes afterwards nor changes the store",
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
	e.wantLatest("a session, by its latest token", third.JTI, first.SessionID, third.JTI)

	e.mustBlacklist(third.JTI, core.ReasonLogout)
	if latest := e.loadState(first.JTI, "").Latest; latest == nil || latest.JTI != third.JTI || latest.Reason != core.ReasonLogout {
		e.Errorf("the latest token of a session that was ended is %+v, want its last row, on the blacklist", latest)
	}
}

// stateFindsSession reads by the row's session and by the sid.
func stateFindsSession(e *env) {
	first, other := e.recordLogin(), e.recordLogin()
	newest := e.mustRotate(e.newRotation(other.JTI))
	e.wantLatest("a row that names a session, with another sid", first.JTI, other.SessionID, first.JTI)
	e.wantLatest("a row that names no session, with a sid", e.recordDjangoToken().JTI, other.SessionID, newest.JTI)

	unknown := e.loadState(e.newID(), other.SessionID)
	e.wantEqual("the state of a token without a row, with a sid", core.SessionState{Latest: new(activeState(newest))}, unknown)
}

// stateOfDjangoRow reads a session whose first row names none, before and after a rotation.
func stateOfDjangoRow(e *env) {
	first := e.recordDjangoToken()
	e.wantEqual("a row that names no session", core.SessionState{Presented: new(activeState(first)), Latest: new(activeState(first))}, e.loadState(first.JTI, ""))
	e.wantLatest("a token without a row whose sid is the jti of a row that names no session", e.newID(), first.JTI, first.JTI)

	second := e.mustRotate(e.newRotation(first.JTI))
	e.wantLatest("the session that a row without one started", first.JTI, "", second.JTI)
	e.wantLatest("the session that a row without one started, by its successor", second.JTI, "", second.JTI)
	e.wantLatest("the session that a row without one started, by the sid", e.newID(), first.JTI, second.JTI)

	// A row of another session does not belong to the session that its own jti would name.
	moved := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.wantLatest("a session that is named by the jti of a row of another session", e.newID(), moved.JTI, "")
}

// stateWithoutRecord reads unknown tokens and sessions.
func stateWithoutRecord(e *env) {
	e.wantEqual("the state of an unknown token", core.SessionState{}, e.loadState(e.newID(), ""))
	e.wantEqual("the state of an unknown token with an unknown sid", core.SessionState{}, e.loadState(e.newID(), e.newID()))
	// Rows that name no session do not share one.
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
