package core

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// Blacklist is SimpleJWT's blacklist view: it consumes a refresh token and ends its session. Without a Store, or with
// JTI_CLAIM off, it only verifies the token. It runs to its end even if ctx ends, for at most 10 seconds.
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

// Blacklist consumes the token, recording it where it is not on record, and ends its session: it is a logout. A second
// logout with a token that was rotated within the grace period is good. Without a Store, or without an id, it does
// nothing. It runs to its end even if ctx ends, for at most 10 seconds. Errors: ErrTokenBlacklisted, ErrServiceUnavailable.
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

// ownerForLogout returns whose the records of a token must be. A logout asks for the user only if the claim does not say it.
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

// endOwnSession ends the session of a token that a logout has consumed. The session is what the token claims, so only what is the
// owner's in it ends; of a user who was deleted, what is nobody's.
func (t *Token) endOwnSession(ctx context.Context, owner *string) error {
	_, err := t.auth.revokeScope(ctx, Scope{SessionID: t.ownSession(), Owner: owner}, ReasonLogout)
	return err
}

// logoutAgain handles a logout by a token on the blacklist. It ends the session of one that was rotated within the grace
// period, and of one that a logout consumed before, which may have failed half-way.
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
	return ErrTokenBlacklisted // the store contradicts itself: it did not consume a token that it shows as good
}

// blacklistOrRecord puts a token of the owner's on the blacklist and reports whether this call did. A token that is not on record is
// recorded first, as its user's.
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

// loadUserForLogout loads the user of a token whom its record is to name; nil where there is no such user.
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
