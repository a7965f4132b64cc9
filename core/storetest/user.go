package storetest

import (
	"errors"

	"github.com/go-simplejwt/simplejwt/core"
)

// userCases returns the cases about deleted users.
func userCases() []testCase {
	canDelete := func(h Harness) string {
		if h.DeleteUser == nil {
			return "the harness has no DeleteUser"
		}
		return ""
	}
	return []testCase{{
		name:    "the records of a deleted user stay, without a user",
		rule:    "a deleted user's rows stay with UserID \"\" and stay on the blacklist: a consumed token is never active again",
		missing: canDelete,
		run:     deletedUserKeepsRecords,
	}, {
		name: "Record returns ErrUserGone for a user without a row",
		rule: "the token of a user who was deleted concurrently is not recorded; any error but ErrUserGone would become a 503",
		missing: func(h Harness) string {
			if !h.EnforcesUsers {
				return "the harness does not set EnforcesUsers"
			}
			return canDelete(h)
		},
		run: recordReturnsUserGone,
	}}
}

// deletedUserKeepsRecords deletes a user who has an active and a consumed token.
func deletedUserKeepsRecords(e *env) {
	fresh, spent := e.recordLogin(), e.recordLogin()
	e.mustBlacklist(spent.JTI, core.ReasonLogout)
	other := e.newUser()
	bystander := e.recordLogin(func(t *core.OutstandingToken) { t.UserID = other })
	e.deleteUser(e.userID)

	fresh.UserID, spent.UserID = "", ""
	e.wantEqual("the active row of a deleted user", activeState(fresh), e.loadRow(fresh.JTI))
	e.wantEqual("the consumed row of a deleted user", consumedState(spent, core.ReasonLogout), e.loadRow(spent.JTI))
	e.wantEqual("the row of another user", activeState(bystander), e.loadRow(bystander.JTI))
	e.wantBlacklisted("the consumed token of a deleted user", true, spent.JTI)
	if got := e.mustRotate(e.newRotation(fresh.JTI)).UserID; got != "" {
		e.Errorf("the successor of a deleted user's token has user %q, want none", got)
	}
	e.wantRevoked(core.Scope{SessionID: fresh.SessionID}, 1)
}

// recordReturnsUserGone records a token of a deleted user, and one without a user.
func recordReturnsUserGone(e *env) {
	e.deleteUser(e.userID)
	t := core.OutstandingToken{JTI: e.newID(), UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	if err := e.Store.Record(e.ctx, t); !errors.Is(err, core.ErrUserGone) {
		e.Errorf("Record of a deleted user's token: error %v, want core.ErrUserGone", err)
	}
	if e.loadState(t.JTI, "").Presented != nil {
		e.Errorf("Record returned ErrUserGone, but recorded the token")
	}
	t.UserID = ""
	e.recordToken(t)
	e.wantEqual("a token without a user", activeState(t), e.loadRow(t.JTI))
}
