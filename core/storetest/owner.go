package storetest

import "github.com/go-simplejwt/simplejwt/core"

func ownerCases() []testCase {
	return []testCase{{
		name: "Rotate and Blacklist leave another user's token alone",
		rule: "services that share a key can sign a token with the jti of another user's: with an Owner, only a row of that user, or without one, is consumed",
		run:  ownerRestrictsToken,
	}, {
		name: "Rotate does not join another user's session by the sid",
		rule: "where the row names no session, Rotation.SessionID counts only if no record of that session is another user's",
		run:  ownerRestrictsSession,
	}, {
		name: "Revoke of a session spares other users' tokens",
		rule: "a token can claim the session of another user: with an Owner, only that user's rows and those without a user are consumed",
		run:  ownerRestrictsScope,
	}, {
		name: "IsBlacklisted returns the user of the record",
		rule: "a token that is not on the blacklist may be another user's, or have no row: that may have been flushed",
		run:  isBlacklistedReturnsOwner,
	}}
}

func isBlacklistedReturnsOwner(e *env) {
	nobodys := e.recordLogin(func(t *core.OutstandingToken) { t.UserID = "" })
	consumedOne := e.recordLogin()
	e.mustBlacklist(consumedOne.JTI, core.ReasonLogout)
	nobody := ""
	for _, c := range []struct {
		what, jti   string
		want        *string
		blacklisted bool
	}{
		{"a user's token", e.recordLogin().JTI, &e.userID, false}, {"nobody's token", nobodys.JTI, &nobody, false},
		{"a consumed token", consumedOne.JTI, &e.userID, true}, {"a token without a row", e.newID(), nil, false},
	} {
		owner, blacklisted, err := e.Store.IsBlacklisted(e.ctx, c.jti)
		if err != nil || blacklisted != c.blacklisted {
			e.Errorf("IsBlacklisted of %s: blacklisted %v, error %v; want %v", c.what, blacklisted, err, c.blacklisted)
		}
		e.wantEqual("the owner of "+c.what, c.want, owner)
	}
}

func ownerRestrictsToken(e *env) {
	other, nobody := e.newUser(), ""
	withoutUser := func(t *core.OutstandingToken) { t.UserID = "" }
	for _, consume := range []bool{true, false} {
		for what, owner := range map[string]*string{"another user": &other, "nobody": &nobody} {
			t := e.recordLogin()
			r := e.newRotation(t.JTI)
			r.Owner, r.Consume = owner, consume
			e.wantNotRotated("a token that "+what+" presents", r)
			found, won, err := e.Store.Blacklist(e.ctx, t.JTI, owner, core.ReasonLogout, now)
			if found || won || err != nil {
				e.Errorf("Blacklist by %s: found %v, won %v, error %v; want false, false", what, found, won, err)
			}
			e.wantEqual("the token that "+what+" presented", activeState(t), e.loadRow(t.JTI))
		}
		for what, c := range map[string]struct {
			token core.OutstandingToken
			owner *string
		}{
			"its user": {e.recordLogin(), &e.userID}, "a row without a user": {e.recordLogin(withoutUser), &other},
			"a row without a user, by nobody": {e.recordLogin(withoutUser), &nobody}, "no Owner": {e.recordLogin(), nil},
		} {
			r := e.newRotation(c.token.JTI)
			r.Owner, r.Consume = c.owner, consume
			if got := e.mustRotate(r); got.UserID != c.token.UserID {
				e.Errorf("%s: the successor is of the user %q, want %q", what, got.UserID, c.token.UserID)
			}
			found, won, err := e.Store.Blacklist(e.ctx, r.NewJTI, c.owner, core.ReasonLogout, now)
			if !found || !won || err != nil {
				e.Errorf("Blacklist with %s: found %v, won %v, error %v; want true, true", what, found, won, err)
			}
		}
	}
}

func ownerRestrictsScope(e *env) {
	mine := e.recordLogin()
	sid := mine.SessionID
	in := func(userID string) string {
		return e.recordLogin(func(t *core.OutstandingToken) { t.SessionID, t.UserID = sid, userID }).JTI
	}
	other, nobody := e.newUser(), ""
	others, nobodys := in(other), in("")
	e.wantRevoked(core.Scope{SessionID: sid, Owner: &other}, 2)
	e.wantBlacklisted("the token of another user", false, mine.JTI)
	e.wantBlacklisted("the owner's, and nobody's", true, others, nobodys)
	again := in("")
	e.wantRevoked(core.Scope{SessionID: sid, Owner: &nobody}, 1)
	e.wantBlacklisted("the token of a user", false, mine.JTI)
	e.wantBlacklisted("nobody's", true, again)
	e.wantRevoked(core.Scope{SessionID: sid}, 1)
}

func ownerRestrictsSession(e *env) {
	victim := e.recordLogin()
	djangos := e.recordDjangoToken()
	e.userID = e.newUser()
	unnamed := func(t *core.OutstandingToken) { t.SessionID = "" }
	for _, consume := range []bool{true, false} {
		for what, sid := range map[string]string{"a session": victim.SessionID, "a session that Django's row began": djangos.JTI} {
			t := e.recordLogin(unnamed)
			r := e.newRotation(t.JTI)
			r.SessionID, r.Consume = sid, consume
			if got := e.mustRotate(r); got.SessionID != t.JTI || got.UserID != e.userID {
				e.Errorf("with the sid of %s of another user: the successor is of the session %q, want its own, %q", what, got.SessionID, t.JTI)
			}
		}
	}
	e.wantLatest("the other user's session", "", victim.SessionID, victim.JTI)
	own := e.recordLogin()
	r := e.newRotation(e.recordLogin(unnamed).JTI)
	r.SessionID = own.SessionID
	if got := e.mustRotate(r); got.SessionID != own.SessionID {
		e.Errorf("with the sid of a session of its user: the successor is of the session %q, want %q", got.SessionID, own.SessionID)
	}
}
