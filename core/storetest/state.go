package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func stateCases() []testCase {
	return []testCase{{
		name: "State returns the presented token and the latest one of its session",
		rule: "a retry is answered with the head: the row of the session that was born last, whatever the clocks said",
		run:  stateReturnsLatest,
	}, {
		name: "State takes the session from the row, else from the sid",
		rule: "the sid counts where the row names no session or is missing, as with a token whose row was flushed or that Django rotated",
		run:  stateFindsSession,
	}, {
		name: "State finds a session whose first row names none",
		rule: "a session is the rows that name it and the row with that jti that names none: Django wrote that one",
		run:  stateOfDjangoRow,
	}, {
		name: "State returns nothing if nothing is recorded",
		rule: "Presented is nil where the token has no row, Head where the session has none; neither is an error",
		run:  stateWithoutRecord,
	}, {
		name: "State returns what the caller may keep and change",
		rule: "a store is safe for concurrent use: what it returned does not change afterwards and changes nothing",
		run:  stateReturnsCopy,
	}}
}

func stateReturnsLatest(e *env) {
	first := e.recordLogin()
	e.wantEqual("a session of one row", core.SessionState{Presented: new(activeState(first)), Latest: new(activeState(first))}, e.loadState(first.JTI, first.SessionID))

	second := e.mustRotate(e.newRotation(first.JTI))
	// The clock of the machine that rotates next is behind.
	r := e.newRotation(second.JTI)
	r.Now, r.ActiveAfter = loginAt.Add(-time.Hour), loginAt.Add(-time.Hour)
	third := e.mustRotate(r)
	want := core.SessionState{Presented: new(consumedState(first, core.ReasonRotated)), Latest: new(activeState(third))}
	e.wantEqual("the state of an ancestor", want, e.loadState(first.JTI, first.SessionID))
	e.wantEqual("the state of an ancestor, the token without a sid", want, e.loadState(first.JTI, ""))
	e.wantLatest("a session, by its head", third.JTI, first.SessionID, third.JTI)

	e.mustBlacklist(third.JTI, core.ReasonLogout)
	if head := e.loadState(first.JTI, "").Latest; head == nil || head.JTI != third.JTI || head.Reason != core.ReasonLogout {
		e.Errorf("the head of a session that was ended is %+v, want its newest row, on the blacklist", head)
	}
}

func stateFindsSession(e *env) {
	first, other := e.recordLogin(), e.recordLogin()
	newest := e.mustRotate(e.newRotation(other.JTI))
	e.wantLatest("a row that names a session, with another sid", first.JTI, other.SessionID, first.JTI)
	e.wantLatest("a row that names no session, with a sid", e.recordDjangoToken().JTI, other.SessionID, newest.JTI)

	unknown := e.loadState(e.newID(), other.SessionID)
	e.wantEqual("the state of a token without a row, with a sid", core.SessionState{Latest: new(activeState(newest))}, unknown)
}

func stateOfDjangoRow(e *env) {
	first := e.recordDjangoToken()
	e.wantEqual("a row that names no session", core.SessionState{Presented: new(activeState(first)), Latest: new(activeState(first))}, e.loadState(first.JTI, ""))
	e.wantLatest("a token without a row whose sid is the jti of a row that names no session", e.newID(), first.JTI, first.JTI)

	second := e.mustRotate(e.newRotation(first.JTI))
	e.wantLatest("the session that a row without one began", first.JTI, "", second.JTI)
	e.wantLatest("the session that a row without one began, by its successor", second.JTI, "", second.JTI)
	e.wantLatest("the session that a row without one began, by the sid", e.newID(), first.JTI, second.JTI)

	// A row of another session does not belong to the session that its own jti would name.
	moved := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.wantLatest("a session that is named by the jti of a row of another session", e.newID(), moved.JTI, "")
}

func stateWithoutRecord(e *env) {
	e.wantEqual("the state of an unknown token", core.SessionState{}, e.loadState(e.newID(), ""))
	e.wantEqual("the state of an unknown token with an unknown sid", core.SessionState{}, e.loadState(e.newID(), e.newID()))
	// Empty is no session: rows that name none are not each other's heads.
	e.recordDjangoToken()
	e.wantEqual("the state of an unknown token without a sid", core.SessionState{}, e.loadState(e.newID(), ""))
}

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
	e.wantEqual("the row after a caller changed his copy", activeState(first), e.loadRow(first.JTI))

	kept = e.loadState(first.JTI, "")
	e.mustBlacklist(first.JTI, core.ReasonLogout)
	e.wantEqual("a copy after the row changed", new(activeState(first)), kept.Presented)
}
