package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func stateCases() []testCase {
	return []testCase{{
		name: "State has the presented token and its session's newest row",
		rule: "a retry is answered with the head: the row of the session that was born last, whatever the clocks said",
		run:  stateHead,
	}, {
		name: "State takes the session from the row, else from the sid",
		rule: "the sid counts where the row names no session or is missing, as with a token whose row was flushed or that Django rotated",
		run:  stateSession,
	}, {
		name: "State knows a session whose first row names none",
		rule: "a session is the rows that name it and the row with that jti that names none: Django wrote that one",
		run:  stateOfDjango,
	}, {
		name: "State has nothing where nothing is on record",
		rule: "Presented is nil where the token has no row, Head where the session has none; neither is an error",
		run:  stateOfNothing,
	}, {
		name: "State returns what the caller may keep and change",
		rule: "a store is safe for concurrent use: what it returned does not change afterwards and changes nothing",
		run:  stateIsCopy,
	}}
}

func stateHead(e *env) {
	first := e.login()
	e.same("a session of one row", core.SessionState{Presented: new(live(first)), Latest: new(live(first))}, e.state(first.JTI, first.SessionID))

	second := e.rotate(e.rotation(first.JTI))
	// The clock of the machine that rotates next is behind.
	r := e.rotation(second.JTI)
	r.Now, r.ActiveAfter = loginAt.Add(-time.Hour), loginAt.Add(-time.Hour)
	third := e.rotate(r)
	want := core.SessionState{Presented: new(consumed(first, core.ReasonRotated)), Latest: new(live(third))}
	e.same("the state of an ancestor", want, e.state(first.JTI, first.SessionID))
	e.same("the state of an ancestor, the token without a sid", want, e.state(first.JTI, ""))
	e.wantHead("a session, by its head", third.JTI, first.SessionID, third.JTI)

	e.blacklist(third.JTI, core.ReasonLogout)
	if head := e.state(first.JTI, "").Latest; head == nil || head.JTI != third.JTI || head.Reason != core.ReasonLogout {
		e.Errorf("the head of a session that was ended is %+v, want its newest row, on the blacklist", head)
	}
}

func stateSession(e *env) {
	first, other := e.login(), e.login()
	newest := e.rotate(e.rotation(other.JTI))
	e.wantHead("a row that names a session, with another sid", first.JTI, other.SessionID, first.JTI)
	e.wantHead("a row that names no session, with a sid", e.django().JTI, other.SessionID, newest.JTI)

	unknown := e.state(e.newID(), other.SessionID)
	e.same("the state of a token without a row, with a sid", core.SessionState{Latest: new(live(newest))}, unknown)
}

func stateOfDjango(e *env) {
	first := e.django()
	e.same("a row that names no session", core.SessionState{Presented: new(live(first)), Latest: new(live(first))}, e.state(first.JTI, ""))
	e.wantHead("a token without a row whose sid is the jti of a row that names no session", e.newID(), first.JTI, first.JTI)

	second := e.rotate(e.rotation(first.JTI))
	e.wantHead("the session that a row without one began", first.JTI, "", second.JTI)
	e.wantHead("the session that a row without one began, by its successor", second.JTI, "", second.JTI)
	e.wantHead("the session that a row without one began, by the sid", e.newID(), first.JTI, second.JTI)

	// A row of another session does not belong to the session that its own jti would name.
	moved := e.login(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.wantHead("a session that is named by the jti of a row of another session", e.newID(), moved.JTI, "")
}

func stateOfNothing(e *env) {
	e.same("the state of an unknown token", core.SessionState{}, e.state(e.newID(), ""))
	e.same("the state of an unknown token with an unknown sid", core.SessionState{}, e.state(e.newID(), e.newID()))
	// Empty is no session: rows that name none are not each other's heads.
	e.django()
	e.same("the state of an unknown token without a sid", core.SessionState{}, e.state(e.newID(), ""))
}

func stateIsCopy(e *env) {
	first := e.login()
	kept := e.state(first.JTI, "")
	for _, t := range []*core.TokenState{kept.Presented, kept.Latest} {
		if t == nil {
			e.Fatalf("State has no row for a recorded token")
			return
		}
		t.UserID, t.ExpiresAt, t.Blacklisted = "changed", endsAt, true
	}
	e.same("the row after a caller changed his copy", live(first), e.row(first.JTI))

	kept = e.state(first.JTI, "")
	e.blacklist(first.JTI, core.ReasonLogout)
	e.same("a copy after the row changed", new(live(first)), kept.Presented)
}
