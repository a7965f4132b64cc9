package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func revokeCases() []testCase {
	return []testCase{{
		name: "Revoke ends a session",
		rule: "all tokens of the session that are not consumed yet are consumed, ended ones too, and counted; others stay, and a second call finds none",
		run:  revokeSession,
	}, {
		name: "Revoke ends a session whose first row names none",
		rule: "a session covers the row whose jti it is and that names no session: Django wrote that one",
		run:  revokeDjango,
	}, {
		name: "Revoke ends all sessions of a user",
		rule: "after a change of password nothing that the user had works, also not what Django recorded; other users go on",
		run:  revokeUser,
	}, {
		name: "Revoke ends all sessions of a user but one",
		rule: "ExceptSession goes on, with its row that names no session; a row of no session is not excepted (NULL is not unequal in SQL)",
		run:  revokeUserExcept,
	}, {
		name: "Revoke of an empty scope ends nothing",
		rule: "a scope that names neither a session nor a user covers no token, not all those without a user or a session",
		run:  revokeNothing,
	}}
}

func revokeSession(e *env) {
	first, other := e.login(), e.login()
	second := e.rotate(e.rotation(first.JTI))
	branch := e.login(func(t *core.OutstandingToken) { t.SessionID = first.SessionID })
	ended := e.login(func(t *core.OutstandingToken) { t.SessionID, t.ExpiresAt = first.SessionID, loginAt })

	e.revoke(core.Scope{SessionID: first.SessionID}, 3)
	for _, t := range []core.OutstandingToken{second, branch, ended} {
		e.same("the row of a revoked token", consumed(t, core.ReasonAdmin), e.row(t.JTI))
	}
	e.same("the row of a token that was rotated before", consumed(first, core.ReasonRotated), e.row(first.JTI))
	e.wantBlacklisted("a token of another session of the user", false, other.JTI)
	e.refuse("a revoked token", e.rotation(second.JTI))

	n, err := e.Store.Revoke(e.ctx, core.Scope{SessionID: first.SessionID}, core.ReasonReuse, now.Add(time.Hour))
	if n != 0 || err != nil {
		e.Errorf("the second Revoke consumed %d tokens, error %v; want 0", n, err)
	}
	e.same("the row after a second Revoke", consumed(second, core.ReasonAdmin), e.row(second.JTI))
	e.revoke(core.Scope{SessionID: e.newID()}, 0)
}

func revokeDjango(e *env) {
	first, other := e.django(), e.django()
	r := e.rotation(first.JTI)
	r.Consume = false
	second := e.rotate(r)
	e.revoke(core.Scope{SessionID: first.JTI}, 2)
	e.wantBlacklisted("a token of the session", true, first.JTI, second.JTI)
	e.wantBlacklisted("a token of no session", false, other.JTI)

	// A row of another session is not covered by its own jti.
	moved := e.login(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.revoke(core.Scope{SessionID: moved.JTI}, 0)
	e.wantBlacklisted("a token of another session", false, moved.JTI)
}

func revokeUser(e *env) {
	first, django := e.login(), e.django()
	second := e.rotate(e.rotation(first.JTI))
	ended := e.login(func(t *core.OutstandingToken) { t.ExpiresAt = loginAt })
	stranger := e.newUser()
	other := e.login(func(t *core.OutstandingToken) { t.UserID = stranger })
	nobody := e.login(func(t *core.OutstandingToken) { t.UserID = "" })

	e.revoke(core.Scope{UserID: e.userID}, 3)
	e.wantBlacklisted("a token of the user", true, first.JTI, second.JTI, django.JTI, ended.JTI)
	e.wantBlacklisted("a token of another user, or of none", false, other.JTI, nobody.JTI)
	e.same("the row of a token that was rotated before", consumed(first, core.ReasonRotated), e.row(first.JTI))
	e.revoke(core.Scope{UserID: e.userID}, 0)
	e.revoke(core.Scope{UserID: e.newUser()}, 0)
}

func revokeUserExcept(e *env) {
	kept, ended, django, begun := e.login(), e.login(), e.django(), e.django()
	head := e.rotate(e.rotation(kept.JTI))
	e.revoke(core.Scope{UserID: e.userID, ExceptSession: kept.SessionID}, 3)
	e.wantBlacklisted("the head of the session that goes on", false, head.JTI)
	e.wantBlacklisted("a token of another session, or of none", true, ended.JTI, django.JTI, begun.JTI)

	e.userID = e.newUser()
	begun, django = e.django(), e.django()
	r := e.rotation(begun.JTI)
	r.Consume = false
	child := e.rotate(r)
	e.revoke(core.Scope{UserID: e.userID, ExceptSession: begun.JTI}, 1)
	e.wantBlacklisted("a token of the session that goes on, whose first row names none", false, begun.JTI, child.JTI)
	e.wantBlacklisted("a token of no session", true, django.JTI)
}

func revokeNothing(e *env) {
	nobody := core.OutstandingToken{JTI: e.newID(), CreatedAt: loginAt, ExpiresAt: tokenTo}
	e.outstand(nobody)
	user := e.login()
	if n, err := e.Store.Revoke(e.ctx, core.Scope{}, core.ReasonAdmin, now); err == nil && n != 0 {
		e.Errorf("Revoke of an empty scope consumed %d tokens, want 0 or an error", n)
	}
	e.wantBlacklisted("a token outside of an empty scope", false, nobody.JTI, user.JTI)
}
