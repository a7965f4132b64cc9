package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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
	_, err = a.revoke(ctx, Scope{SessionID: t.session()}, ReasonLogout)
	return err
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
		if _, err := a.revoke(ctx, Scope{SessionID: t.sessionOf(p)}, ReasonLogout); err != nil {
			return err
		}
		return ErrTokenBlacklisted
	case a.withinGrace(t.now, p):
		_, err := a.revoke(ctx, Scope{SessionID: t.sessionOf(p)}, ReasonLogout)
		return err
	case p.Reason != ReasonRotated, state.Head == nil, a.over(t.now, state.Head):
		return a.consumed(t.now, state)
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
		if t.userID().unusableUserID() {
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

// maxReason is the width of the column.
const maxReason = 32

// reasonToRevoke checks the reason of a call from outside. One that means that a session goes on would open a grace period.
func reasonToRevoke(reason Reason) (Reason, error) {
	if len(reason) > maxReason || reason == ReasonRotated || reason == ReasonRenewed {
		return "", fmt.Errorf("end sessions: %q is no reason: it must have at most %d bytes, and be neither %q nor %q", reason, maxReason, ReasonRotated, ReasonRenewed)
	}
	return cmp.Or(reason, ReasonAdmin), nil
}

// revoke consumes all tokens of a scope that are not consumed yet, tells of it, and returns how many.
func (a *Auth) revoke(ctx context.Context, s Scope, reason Reason) (int, error) {
	n, err := a.sweep(ctx, s, reason)
	if err == nil && a.recorded() && (n > 0 || s.UserID == "" || s.SessionID == "") { // not where a user's session is not there
		a.revoked(ctx, s, reason, n)
	}
	return n, err
}

// sweep is revoke without telling.
func (a *Auth) sweep(ctx context.Context, s Scope, reason Reason) (int, error) {
	if !a.recorded() {
		return 0, nil
	}
	askCtx, cancel := ask(ctx)
	defer cancel()
	n, err := a.d.Store.Revoke(askCtx, s, reason, a.now())
	if n > 0 || err != nil || s.SessionID != "" { // a session's last token may be what was consumed before
		a.seen.forget(s.SessionID)
	}
	return n, a.trouble(ctx, "revoke tokens", err)
}

func (a *Auth) revoked(ctx context.Context, s Scope, reason Reason, n int) {
	a.event(ctx, Event{Type: EventRevoke, UserID: s.UserID, SessionID: s.SessionID, Reason: reason, Count: n})
}

// RevokeSession ends one session of a user, who is named by primary key (user.AuthID(), not token.UserID(), which is
// USER_ID_FIELD): no refresh or sliding token of it is good any more. Access tokens live on until they expire, unless
// CHECK_SESSION is set. The reason is for the record: "" for ReasonAdmin, or a word of one's own of at most 32 bytes.
// Errors: ErrSessionNotFound where the user has no such session that was not ended yet, 503.
func (a *Auth) RevokeSession(ctx context.Context, userID, sessionID string, reason Reason) error {
	if userID == "" || !isSessionID(sessionID) {
		return ErrSessionNotFound
	}
	reason, err := reasonToRevoke(reason)
	if err != nil {
		return err
	}
	n, err := a.revoke(ctx, Scope{SessionID: sessionID, UserID: userID}, reason)
	if err == nil && n == 0 {
		err = ErrSessionNotFound
	}
	return err
}

// RevokeUser ends all sessions of a user, who is named by primary key: after a deactivation, a theft, a change of his
// rights. For one who is not there, and without a store, it does nothing. Errors: 503.
func (a *Auth) RevokeUser(ctx context.Context, userID string, reason Reason) error {
	return a.RevokeOtherSessions(ctx, userID, "", reason)
}

// RevokeOtherSessions ends all sessions of a user but the one named keepSession ("" for none). Errors: 503.
func (a *Auth) RevokeOtherSessions(ctx context.Context, userID, keepSession string, reason Reason) error {
	if userID == "" {
		return nil
	}
	reason, err := reasonToRevoke(reason)
	if err != nil {
		return err
	}
	_, err = a.revoke(ctx, Scope{UserID: userID, ExceptSession: keepSession}, reason)
	return err
}

// PasswordChanged ends all sessions of a user whose password was changed, but for the one named keepSession ("" for none):
// call it after the new password is stored. Errors: 503.
//
// With CHECK_REVOKE_TOKEN the tokens of the kept session are refused too, as they hold the old password's digest: give its
// client a new pair by RenewSession.
func (a *Auth) PasswordChanged(ctx context.Context, user simplejwt.User, keepSession string) error {
	return a.RevokeOtherSessions(ctx, userID(user), keepSession, ReasonPassword)
}
