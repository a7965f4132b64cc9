package storetest

import (
	"errors"

	"github.com/go-simplejwt/simplejwt/core"
)

func userCases() []testCase {
	canDelete := func(h Harness) string {
		if h.DeleteUser == nil {
			return "the harness has no DeleteUser"
		}
		return ""
	}
	return []testCase{{
		name:    "the records of a deleted user stay, without a user",
		rule:    "a deleted user's rows stay with UserID \"\" and stay on the blacklist: a consumed token never works again",
		missing: canDelete,
		run:     userDeleted,
	}, {
		name: "Outstand answers ErrUserGone for a user without a row",
		rule: "a token of a user who was deleted meanwhile is refused with ErrUserGone and not recorded: any other error would be a 503",
		missing: func(h Harness) string {
			if !h.EnforcesUsers {
				return "the harness does not say EnforcesUsers"
			}
			return canDelete(h)
		},
		run: userGone,
	}}
}

func userDeleted(e *env) {
	fresh, spent := e.login(), e.login()
	e.blacklist(spent.JTI, core.ReasonLogout)
	other := e.newUser()
	bystander := e.login(func(t *core.OutstandingToken) { t.UserID = other })
	e.deleteUser(e.userID)

	fresh.UserID, spent.UserID = "", ""
	e.same("the live row of a deleted user", live(fresh), e.row(fresh.JTI))
	e.same("the consumed row of a deleted user", consumed(spent, core.ReasonLogout), e.row(spent.JTI))
	e.same("the row of another user", live(bystander), e.row(bystander.JTI))
	e.wantBlacklisted("the consumed token of a deleted user", true, spent.JTI)
	if got := e.rotate(e.rotation(fresh.JTI)).UserID; got != "" {
		e.Errorf("the successor of a deleted user's token has user %q, want none", got)
	}
	e.revoke(core.Scope{SessionID: fresh.SessionID}, 1)
}

func userGone(e *env) {
	e.deleteUser(e.userID)
	t := core.OutstandingToken{JTI: e.newID(), UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenTo}
	if err := e.Store.Record(e.ctx, t); !errors.Is(err, core.ErrUserGone) {
		e.Errorf("Outstand of a deleted user's token: error %v, want core.ErrUserGone", err)
	}
	if e.state(t.JTI, "").Presented != nil {
		e.Errorf("Outstand answered ErrUserGone, but recorded the token")
	}
	t.UserID = ""
	e.outstand(t)
	e.same("a token without a user", live(t), e.row(t.JTI))
}
