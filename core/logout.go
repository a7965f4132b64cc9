package core

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// Blacklist is SimpleJWT's blacklist view: it puts a refresh token on the blacklist and ends its session. Without a
// Store, or with JTI_CLAIM off, it only verifies the token. It completes even if ctx ends, within 10 seconds.
// Errors: a denial such as ErrTokenBlacklisted, ErrServiceUnavailable.
func (a *Auth) Blacklist(ctx context.Context, raw string) error {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	t, err := a.parseForRotation(ctx, raw)
	if err != nil || !a.keepsRecords() {
		return err
	}
	if err := t.checkIssuable(); err != nil {
		return err
	}
	return t.Blacklist(ctx)
}

// Blacklist logs out: it puts the token on the blacklist, recording it first if it has no record, and ends its
// session. It also succeeds with a token that was rotated within the grace period. Without a Store, or if the token
// has no id, it does nothing. It completes even if ctx ends, within 10 seconds. Errors: ErrTokenBlacklisted if the
// token was logged out before or the session has ended, another denial, ErrServiceUnavailable.
func (t *Token) Blacklist(ctx context.Context) error {
	a := t.auth
	if !a.keepsRecords() || !isID(t.JTI()) {
		return nil
	}
	return a.endSessions(ctx, Scope{SessionID: t.ownSession(), UserID: t.UserID()}, ReasonLogout, func(ctx context.Context) error {
		owner, err := t.ownerForLogout(ctx)
		if err != nil {
			return err
		}
		won, err := t.blacklistOrRecord(ctx, owner, ReasonLogout)
		if err != nil {
			return err
		}
		if !won {
			return t.logoutAgain(ctx, owner)
		}
		return t.endOwnSession(ctx, owner)
	})
}

// ownerForLogout returns the user to whom the token's records must belong. It loads the user only if the claim does
// not identify the owner.
func (t *Token) ownerForLogout(ctx context.Context) (*string, error) {
	a := t.auth
	if owner := t.claimedOwner(); owner != nil {
		return owner, nil
	}
	user, err := a.findUser(ctx, t.UserID())
	if errors.Is(err, ErrUserNotFound) {
		return new(""), nil // deleted, so the records are nobody's
	}
	if err != nil {
		return nil, a.unavailable(ctx, "look up user", err)
	}
	return ownerOf(user), nil
}

// endOwnSession ends the session of a token that a logout has put on the blacklist. The session is only claimed, so
// tokens of other users in it stay. If the user was deleted, only records without a user end.
func (t *Token) endOwnSession(ctx context.Context, owner *string) error {
	_, err := t.auth.revokeScope(ctx, Scope{SessionID: t.ownSession(), Owner: owner}, ReasonLogout)
	return err
}

// logoutAgain handles a logout with a token that is on the blacklist already. It ends the session if the token was
// rotated within the grace period, and if an earlier logout used it up, because that one may have failed halfway.
func (t *Token) logoutAgain(ctx context.Context, owner *string) error {
	a := t.auth
	state, err := t.loadState(ctx, owner)
	if err != nil {
		return err
	}
	p := state.Presented
	if p == nil {
		return ErrTokenBlacklisted
	}
	if repeated := p.Reason == ReasonLogout; repeated || a.rules.isWithinGrace(p, t.now) {
		_, err := a.revokeScope(ctx, Scope{SessionID: t.sessionByRecord(p), Owner: &p.UserID}, ReasonLogout)
		if err == nil && repeated {
			err = ErrTokenBlacklisted
		}
		return err
	}
	if a.rules.judge(state, t.now) == verdictReused {
		return a.denyReuse(ctx, t, state)
	}
	if err := a.rules.denialFor(state, t.now); err != nil {
		return err
	}
	return ErrTokenBlacklisted // contradictory records: the Store did not consume a token that it reports as active
}

// blacklistOrRecord puts a token of the owner on the blacklist and reports whether this call did so. A token
// without a record is recorded first, for its user.
func (t *Token) blacklistOrRecord(ctx context.Context, owner *string, reason Reason) (bool, error) {
	a := t.auth
	found, won, err := a.records.blacklist(ctx, t.JTI(), owner, reason, t.now)
	if err != nil || found {
		return won, err
	}
	user, err := t.loadUserForLogout(ctx)
	if err != nil {
		return false, err
	}
	if t.SessionID() != "" { // it must not join the session of another user
		if _, err := t.loadState(ctx, ownerOf(user)); err != nil {
			return false, err
		}
	}
	row := t.newRecord(userID(user))
	row.SessionStartedAt = t.issuedAt()
	if err := a.records.recordOwnerless(ctx, row); err != nil {
		return false, err
	}
	_, won, err = a.records.blacklist(ctx, t.JTI(), owner, reason, t.now)
	return won, err
}

// loadUserForLogout loads the user for the record of a token; nil if that user was deleted. Errors:
// ErrNoActiveAccount if the claim can't be a user id, ErrServiceUnavailable.
func (t *Token) loadUserForLogout(ctx context.Context) (simplejwt.User, error) {
	a := t.auth
	if t.userID().IsUnusableUserID() {
		return nil, errNoActiveAccountForToken
	}
	user, err := a.findUser(ctx, t.UserID())
	switch {
	case errors.Is(err, ErrUserIDInvalid):
		return nil, errNoActiveAccountForToken
	case errors.Is(err, ErrUserNotFound):
		return nil, nil //nolint:nilnil // deleted: the token can be logged out all the same
	}
	return user, a.unavailable(ctx, "look up user", err)
}
