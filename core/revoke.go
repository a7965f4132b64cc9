package core

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt"
)

// Blacklist is SimpleJWT's blacklist view: it consumes a refresh token and ends its session. Without a store, or with
// JTI_CLAIM off, it only verifies the token. Errors: a refusal such as ErrTokenBlacklisted, 503.
func (a *Auth) Blacklist(ctx context.Context, raw string) error {
	t, err := a.parseForRotation(ctx, raw)
	if err != nil || !a.recorded() {
		return err
	}
	if err := t.checkIssuable(); err != nil {
		return err
	}
	return t.Blacklist(ctx)
}

// Blacklist consumes the token, recording it where it is not on record, and ends its session: it is a logout. A second
// logout with a token that was rotated within the grace period is good. Without a store, or without an id, it does
// nothing. Errors: ErrTokenBlacklisted, 503.
func (t *Token) Blacklist(ctx context.Context) error {
	a := t.auth
	if !a.recorded() || !isID(t.JTI()) {
		return nil
	}
	won, err := a.consume(ctx, t, nil, ReasonLogout)
	if err != nil {
		return err
	}
	if !won {
		return a.logoutAgain(ctx, t)
	}
	return a.revoke(ctx, Scope{SessionID: t.session()}, ReasonLogout)
}

// logoutAgain deals with a logout by a token that is consumed already.
func (a *Auth) logoutAgain(ctx context.Context, t *Token) error {
	state, err := a.state(ctx, t.JTI(), t.SessionID())
	if err != nil {
		return err
	}
	p := state.Presented
	switch {
	case p == nil:
		return ErrTokenBlacklisted
	case p.Reason == ReasonLogout: // the first logout may have failed half-way
		if err := a.revoke(ctx, Scope{SessionID: t.sessionOf(p)}, ReasonLogout); err != nil {
			return err
		}
		return ErrTokenBlacklisted
	case a.withinGrace(t.now, p):
		return a.revoke(ctx, Scope{SessionID: t.sessionOf(p)}, ReasonLogout)
	case p.Reason != ReasonRotated, state.Head == nil, a.over(t.now, state.Head):
		return ErrTokenBlacklisted
	}
	return a.reused(ctx, t, state)
}

// consume puts a token on the blacklist and reports whether this call did it. A token that is not on record is recorded
// first, as its user's; user may be nil and is then looked up.
func (a *Auth) consume(ctx context.Context, t *Token, user simplejwt.User, reason Reason) (bool, error) {
	found, won, err := a.blacklistRow(ctx, t, reason)
	if err != nil || found {
		return won, err
	}
	if user == nil {
		if unusableUserID(t.claims[a.s.UserIDClaim]) {
			return false, ErrNoActiveAccountToken
		}
		user, err = a.findUser(ctx, t.UserID())
		if errors.Is(err, ErrUserIDInvalid) {
			return false, ErrNoActiveAccountToken
		}
		if err != nil && !errors.Is(err, ErrUserNotFound) {
			return false, a.trouble(ctx, "look up user", err)
		}
	}
	row := t.record(userID(user))
	row.SessionStartedAt = t.issuedAt()
	if err := a.outstandUnlessGone(ctx, row); err != nil {
		return false, err
	}
	_, won, err = a.blacklistRow(ctx, t, reason)
	return won, err
}

func (a *Auth) blacklistRow(ctx context.Context, t *Token, reason Reason) (found, won bool, err error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	found, won, err = a.d.Store.Blacklist(askCtx, t.JTI(), reason, t.now)
	return found, won, a.trouble(ctx, "blacklist token", err)
}

// revoke consumes all tokens of a scope that are not consumed yet.
func (a *Auth) revoke(ctx context.Context, s Scope, reason Reason) error {
	if !a.recorded() {
		return nil
	}
	askCtx, cancel := ask(ctx)
	defer cancel()
	n, err := a.d.Store.Revoke(askCtx, s, reason, a.now())
	if err != nil {
		return a.trouble(ctx, "revoke tokens", err)
	}
	a.event(ctx, Event{Type: EventRevoke, UserID: s.UserID, SessionID: s.SessionID, Reason: reason, Count: n})
	return nil
}

// RevokeSession ends a session: no refresh or sliding token of it is good any more. Access tokens live on until they
// expire. Without a store it does nothing. Errors: 503.
func (a *Auth) RevokeSession(ctx context.Context, sessionID string) error {
	if sessionID == "" {
		return nil
	}
	return a.revoke(ctx, Scope{SessionID: sessionID}, ReasonAdmin)
}

// RevokeUser ends all sessions of a user, but for the one named keepSession ("" for none). The user is named by primary
// key, which is user.AuthID(), and not by token.UserID(), which is USER_ID_FIELD; for one who is not there it does nothing.
// Errors: 503.
func (a *Auth) RevokeUser(ctx context.Context, userID, keepSession string) error {
	return a.revokeUser(ctx, userID, keepSession, ReasonAdmin)
}

// PasswordChanged ends all sessions of a user whose password was changed, but for the one named keepSession ("" for none):
// call it after the new password is stored. Errors: 503.
//
// With CHECK_REVOKE_TOKEN the tokens of the kept session end too, as they hold the old password's digest: give the client
// a new pair by Login.
func (a *Auth) PasswordChanged(ctx context.Context, user simplejwt.User, keepSession string) error {
	return a.revokeUser(ctx, userID(user), keepSession, ReasonPassword)
}

func (a *Auth) revokeUser(ctx context.Context, id, keep string, reason Reason) error {
	if id == "" {
		return nil
	}
	return a.revoke(ctx, Scope{UserID: id, ExceptSession: keep}, reason)
}

// FlushExpired deletes the records of tokens that have expired, and that neither LEEWAY, ROTATION_GRACE_PERIOD nor a
// sliding token's last refresh admits any more, and returns how many it deleted. Run it daily. Errors: those of the
// store.
func (a *Auth) FlushExpired(ctx context.Context) (int, error) {
	if a.d.Store == nil {
		return 0, nil
	}
	return a.d.Store.FlushExpired(ctx, a.now().Add(-a.s.Leeway-a.s.RotationGracePeriod-a.s.SlidingTokenLifetime))
}
