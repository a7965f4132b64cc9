package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// revokeCases returns the cases of Revoke; sessions.go, owner.go and race_revoke.go have more.
func revokeCases() []testCase {
	return []testCase{{
		name: "Revoke ends a session",
		rule: "all tokens of the session that are not consumed yet are consumed and counted, expired ones too; others stay, and a second call finds none",
		run:  revokeSession,
	}, {
		name: "Revoke ends a session whose first row has no session_id",
		rule: "a session includes the row whose jti is its id if Django wrote it without a session_id",
		run:  revokeDjangoSession,
	}, {
		name: "Revoke ends all sessions of a user",
		rule: "after a change of the password no token of the user is active, also none that Django recorded; other users keep their sessions",
		run:  revokeUser,
	}, {
		name: "Revoke ends all sessions of a user but one",
		rule: "ExceptSession stays active, including its row without a session_id; such a row of another session does not (in SQL, NULL <> x is not true)",
		run:  revokeAllButOne,
	}, {
		name: "Revoke of an empty scope ends nothing",
		rule: "a scope that names neither a session nor a user covers no token, and not all those without a user or a session",
		run:  revokeEmptyScope,
	}}
}

// revokeSession revokes a session with rotated, active and expired tokens, twice.
func revokeSession(e *env) {
	first, other := e.recordLogin(), e.recordLogin()
	second := e.mustRotate(e.newRotation(first.JTI))
	branch := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = first.SessionID })
	ended := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID, t.ExpiresAt = first.SessionID, loginAt })

	e.wantRevoked(core.Scope{SessionID: first.SessionID}, 3)
	for _, t := range []core.OutstandingToken{second, branch, ended} {
		e.wantEqual("the row of a revoked token", consumedState(t, core.ReasonAdmin), e.loadRow(t.JTI))
	}
	e.wantEqual("the row of a token that was rotated before", consumedState(first, core.ReasonRotated), e.loadRow(first.JTI))
	e.wantBlacklisted("a token of another session of the user", false, other.JTI)
	e.wantNotRotated("a revoked token", e.newRotation(second.JTI))

	n, err := e.Store.Revoke(e.ctx, core.Scope{SessionID: first.SessionID}, core.ReasonReuse, now.Add(time.Hour))
	if n != 0 || err != nil {
		e.Errorf("the second Revoke consumed %d tokens, error %v; want 0", n, err)
	}
	e.wantEqual("the row after a second Revoke", consumedState(second, core.ReasonAdmin), e.loadRow(second.JTI))
	e.wantRevoked(core.Scope{SessionID: e.newID()}, 0)
}

// revokeDjangoSession revokes a session whose first row has no session_id, next to another such row.
func revokeDjangoSession(e *env) {
	first, other := e.recordDjangoToken(), e.recordDjangoToken()
	r := e.newRotation(first.JTI)
	r.Consume = false
	second := e.mustRotate(r)
	e.wantRevoked(core.Scope{SessionID: first.JTI}, 2)
	e.wantBlacklisted("a token of the session", true, first.JTI, second.JTI)
	e.wantBlacklisted("a token of no session", false, other.JTI)

	// A row of another session is not covered by its own jti.
	moved := e.recordLogin(func(t *core.OutstandingToken) { t.SessionID = e.newID() })
	e.wantRevoked(core.Scope{SessionID: moved.JTI}, 0)
	e.wantBlacklisted("a token of another session", false, moved.JTI)
}

// revokeUser revokes all tokens of a user, next to those of another user and of nobody.
func revokeUser(e *env) {
	first, django := e.recordLogin(), e.recordDjangoToken()
	second := e.mustRotate(e.newRotation(first.JTI))
	ended := e.recordLogin(func(t *core.OutstandingToken) { t.ExpiresAt = loginAt })
	stranger := e.newUser()
	other := e.recordLogin(func(t *core.OutstandingToken) { t.UserID = stranger })
	nobody := e.recordLogin(func(t *core.OutstandingToken) { t.UserID = "" })

	e.wantRevoked(core.Scope{UserID: e.userID}, 3)
	e.wantBlacklisted("a token of the user", true, first.JTI, second.JTI, django.JTI, ended.JTI)
	e.wantBlacklisted("a token of another user, or of none", false, other.JTI, nobody.JTI)
	e.wantEqual("the row of a token that was rotated before", consumedState(first, core.ReasonRotated), e.loadRow(first.JTI))
	e.wantRevoked(core.Scope{UserID: e.userID}, 0)
	e.wantRevoked(core.Scope{UserID: e.newUser()}, 0)
}

// revokeAllButOne excepts a session, once by rows with its session_id and once by its first row.
func revokeAllButOne(e *env) {
	kept, ended, django, begun := e.recordLogin(), e.recordLogin(), e.recordDjangoToken(), e.recordDjangoToken()
	latest := e.mustRotate(e.newRotation(kept.JTI))
	e.wantRevoked(core.Scope{UserID: e.userID, ExceptSession: kept.SessionID}, 3)
	e.wantBlacklisted("the latest token of the session that stays active", false, latest.JTI)
	e.wantBlacklisted("a token of another session, or of none", true, ended.JTI, django.JTI, begun.JTI)

	e.userID = e.newUser()
	begun, django = e.recordDjangoToken(), e.recordDjangoToken()
	r := e.newRotation(begun.JTI)
	r.Consume = false
	child := e.mustRotate(r)
	e.wantRevoked(core.Scope{UserID: e.userID, ExceptSession: begun.JTI}, 1)
	e.wantBlacklisted("a token of the session that stays active, whose first row has no session_id", false, begun.JTI, child.JTI)
	e.wantBlacklisted("a token of no session", true, django.JTI)
}

// revokeEmptyScope revokes the zero Scope: an error is fine too.
func revokeEmptyScope(e *env) {
	nobody := core.OutstandingToken{JTI: e.newID(), CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	e.recordToken(nobody)
	user := e.recordLogin()
	if n, err := e.Store.Revoke(e.ctx, core.Scope{}, core.ReasonAdmin, now); err == nil && n != 0 {
		e.Errorf("Revoke of an empty scope consumed %d tokens, want 0 or an error", n)
	}
	e.wantBlacklisted("a token outside of an empty scope", false, nobody.JTI, user.JTI)
}
