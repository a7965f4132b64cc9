package storetest

import "github.com/go-simplejwt/simplejwt/core"

// ownerCases returns the cases about records of another user than the one who presents the token.
func ownerCases() []testCase {
	return []testCase{{
		name: "Rotate and Blacklist leave another user's token alone",
		rule: "a service that shares the key can sign a token with the jti of another user's token: with an Owner, only a row of that user, or of none, is consumed",
		run:  ownerRestrictsToken,
	}, {
		name: "Rotate does not join another user's session by the sid",
		rule: "if the row has no session_id, Rotation.SessionID counts only if no record of that session belongs to another user",
		run:  ownerRestrictsSession,
	}, {
		name: "Revoke of a session spares other users' tokens",
		rule: "a token can claim the session of another user: with an Owner, only that user's rows and those without a user are consumed",
		run:  ownerRestrictsScope,
	}, {
		name: "IsBlacklisted returns the user of the record",
		rule: "the caller has to know whether a token without a blacklist row belongs to another user, or has no row because it was flushed",
		run:  isBlacklistedReturnsOwner,
	}}
}

// isBlacklistedReturnsOwner compares a user's record, one without a user, and none.
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

// ownerRestrictsToken rotates and blacklists tokens for every kind of owner.
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
				e.Errorf("%s: the successor belongs to user %q, want %q", what, got.UserID, c.token.UserID)
			}
			found, won, err := e.Store.Blacklist(e.ctx, r.NewJTI, c.owner, core.ReasonLogout, now)
			if !found || !won || err != nil {
				e.Errorf("Blacklist with %s: found %v, won %v, error %v; want true, true", what, found, won, err)
			}
		}
	}
}

// ownerRestrictsScope revokes a session that has tokens of two users and of none.
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

// ownerRestrictsSession rotates a token whose row has no session_id with the sid of another user's session, and of its
// own user's.
func ownerRestrictsSession(e *env) {
	victim := e.recordLogin()
	djangos := e.recordDjangoToken()
	e.userID = e.newUser()
	unnamed := func(t *core.OutstandingToken) { t.SessionID = "" }
	for _, consume := range []bool{true, false} {
		for what, sid := range map[string]string{"a session": victim.SessionID, "a session whose first row Django wrote": djangos.JTI} {
			t := e.recordLogin(unnamed)
			r := e.newRotation(t.JTI)
			r.SessionID, r.Consume = sid, consume
			if got := e.mustRotate(r); got.SessionID != t.JTI || got.UserID != e.userID {
				e.Errorf("with the sid of %s of another user: the successor belongs to session %q, want its own, %q", what, got.SessionID, t.JTI)
			}
		}
	}
	e.wantLatest(latestCheck{what: "the other user's session", sid: victim.SessionID, want: victim.JTI})
	own := e.recordLogin()
	r := e.newRotation(e.recordLogin(unnamed).JTI)
	r.SessionID = own.SessionID
	if got := e.mustRotate(r); got.SessionID != own.SessionID {
		e.Errorf("with the sid of a session of its user: the successor belongs to session %q, want %q", got.SessionID, own.SessionID)
	}
}
