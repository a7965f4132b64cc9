package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// blacklistCases returns the cases of Blacklist and IsBlacklisted.
func blacklistCases() []testCase {
	return []testCase{{
		name: "Blacklist consumes a recorded token once",
		rule: "won is true for exactly one call; the first reason and time stay, because they decide what a retry gets",
		run:  blacklistOnce,
	}, {
		name: "Blacklist keeps every reason",
		rule: "State returns the reason the token was consumed with; an empty one stands for a row that Django wrote",
		run:  blacklistKeepsReasons,
	}, {
		name: "Blacklist changes nothing for a jti without a row",
		rule: "found is false, and nothing changes, if the jti has no row: recording the token is the caller's decision",
		run:  blacklistUnknown,
	}, {
		name: "IsBlacklisted is true for consumed tokens only",
		rule: "a token is on the blacklist if Blacklist, Rotate or Revoke consumed it; a jti without a row is not",
		run:  isBlacklisted,
	}}
}

// blacklistOnce blacklists a consumed, a rotated and an expired token.
func blacklistOnce(e *env) {
	first := e.recordLogin()
	e.mustBlacklist(first.JTI, core.ReasonLogout)
	found, won, err := e.Store.Blacklist(e.ctx, first.JTI, nil, core.ReasonAdmin, now.Add(time.Hour))
	if err != nil || !found || won {
		e.Errorf("the second Blacklist: found %v, won %v, error %v; want true, false", found, won, err)
	}
	e.wantEqual("the row", consumedState(first, core.ReasonLogout), e.loadRow(first.JTI))

	rotated := e.recordLogin()
	e.mustRotate(e.newRotation(rotated.JTI))
	found, won, err = e.Store.Blacklist(e.ctx, rotated.JTI, nil, core.ReasonLogout, now.Add(time.Hour))
	if err != nil || !found || won {
		e.Errorf("Blacklist of a rotated token: found %v, won %v, error %v; want true, false", found, won, err)
	}
	e.wantEqual("the row of a rotated token", consumedState(rotated, core.ReasonRotated), e.loadRow(rotated.JTI))

	ended := e.recordLogin(func(t *core.OutstandingToken) { t.ExpiresAt = loginAt })
	e.mustBlacklist(ended.JTI, core.ReasonLogout)
}

// blacklistKeepsReasons reads back every reason, also a custom one and Django's empty one.
func blacklistKeepsReasons(e *env) {
	for _, reason := range []core.Reason{
		core.ReasonRotated, core.ReasonLogout, core.ReasonReuse, core.ReasonPassword, core.ReasonAdmin, "limit", "",
	} {
		t := e.recordLogin()
		e.mustBlacklist(t.JTI, reason)
		e.wantEqual("the row consumed with reason "+string(reason), consumedState(t, reason), e.loadRow(t.JTI))
	}
}

// blacklistUnknown blacklists a jti before it is recorded, which must have no effect afterwards either.
func blacklistUnknown(e *env) {
	jti := e.newID()
	found, won, err := e.Store.Blacklist(e.ctx, jti, nil, core.ReasonLogout, now)
	if err != nil || found || won {
		e.Errorf("Blacklist of an unknown jti: found %v, won %v, error %v; want false, false", found, won, err)
	}
	e.wantBlacklisted("the unknown jti", false, jti)
	if e.loadState(jti, "").Presented != nil {
		e.Errorf("Blacklist recorded an unknown jti")
	}
	e.recordLogin(func(t *core.OutstandingToken) { t.JTI = jti })
	e.wantBlacklisted("the jti, recorded afterwards", false, jti)
}

// isBlacklisted compares tokens consumed by each of the three methods with others.
func isBlacklisted(e *env) {
	fresh, logout, rotated, revoked := e.recordLogin(), e.recordLogin(), e.recordLogin(), e.recordLogin()
	ended := e.recordLogin(func(t *core.OutstandingToken) { t.ExpiresAt = loginAt })
	e.mustBlacklist(logout.JTI, core.ReasonLogout)
	e.mustBlacklist(ended.JTI, core.ReasonLogout)
	e.mustRotate(e.newRotation(rotated.JTI))
	e.wantRevoked(core.Scope{SessionID: revoked.SessionID}, 1)
	e.wantBlacklisted("an active token", false, fresh.JTI)
	e.wantBlacklisted("a jti without a row", false, e.newID())
	e.wantBlacklisted("a consumed token", true, logout.JTI, rotated.JTI, revoked.JTI, ended.JTI)
}
