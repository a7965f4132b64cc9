package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// maxReasonBytes is the longest Reason, the width of its column.
const maxReasonBytes = 32

// checkRevokeReason returns the reason to record, ReasonAdmin for "". A caller may give neither ReasonRotated,
// which would start a grace period, nor ReasonRenewed, which means that another session has replaced this one.
func checkRevokeReason(reason Reason) (Reason, error) {
	if len(reason) > maxReasonBytes || reason == ReasonRotated || reason == ReasonRenewed {
		return "", fmt.Errorf("end sessions: invalid reason %q: it must have at most %d bytes, and be neither %q nor %q",
			reason, maxReasonBytes, ReasonRotated, ReasonRenewed)
	}
	return cmp.Or(reason, ReasonAdmin), nil
}

// endSessions runs end, which ends the sessions of a scope, on a context that outlasts ctx, for at most 10 seconds.
// If the Store stays unavailable it emits EventRevokeFailed.
func (a *Auth) endSessions(ctx context.Context, s Scope, reason Reason, end func(context.Context) error) error {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	err := end(ctx)
	if errors.Is(err, ErrServiceUnavailable) {
		a.emit(ctx, Event{Type: EventRevokeFailed, UserID: s.userOrOwner(), SessionID: s.SessionID, Reason: reason, Err: err})
	}
	return err
}

// revokeScope ends a scope, emits EventRevoke, and returns how many tokens it put on the blacklist.
func (a *Auth) revokeScope(ctx context.Context, s Scope, reason Reason) (int, error) {
	n, err := a.revokeQuietly(ctx, s, reason)
	if err == nil && a.keepsRecords() {
		a.emitRevoke(ctx, s, reason, n)
	}
	return n, err
}

// revokeQuietly is like revokeScope, but emits no event.
func (a *Auth) revokeQuietly(ctx context.Context, s Scope, reason Reason) (int, error) {
	if !a.keepsRecords() {
		return 0, nil
	}
	n, err := a.records.revoke(ctx, s, reason, a.now())
	if n > 0 || err != nil || s.SessionID != "" { // n is 0 if the presented token was the session's last one
		a.sessionCache.forget(s.SessionID)
	}
	return n, err
}

// emitRevoke emits EventRevoke for a scope of which n tokens were put on the blacklist.
func (a *Auth) emitRevoke(ctx context.Context, s Scope, reason Reason, n int) {
	a.emit(ctx, Event{Type: EventRevoke, UserID: s.userOrOwner(), SessionID: s.SessionID, Reason: reason, Count: n})
}

// userOrOwner returns the user whose sessions the scope covers, "" if it does not say.
func (s Scope) userOrOwner() string {
	if s.UserID == "" && s.Owner != nil {
		return *s.Owner
	}
	return s.UserID
}

// revokeRemaining is like revokeScope, but emits the event only if there was something to end.
func (a *Auth) revokeRemaining(ctx context.Context, s Scope, reason Reason) (int, error) {
	n, err := a.revokeQuietly(ctx, s, reason)
	if err == nil && n > 0 {
		a.emitRevoke(ctx, s, reason, n)
	}
	return n, err
}

// endRemaining calls revokeRemaining with a context that outlasts ctx.
func (a *Auth) endRemaining(ctx context.Context, s Scope, reason Reason) error {
	return a.endSessions(ctx, s, reason, func(ctx context.Context) error {
		_, err := a.revokeRemaining(ctx, s, reason)
		return err
	})
}

// RevokeSession ends one session of a user: its refresh and sliding tokens are no longer valid. Its access tokens
// stay valid until they expire, unless CHECK_SESSION is set. userID is the primary key (user.AuthID(), not
// token.UserID(), which is USER_ID_FIELD). The reason is recorded: "" for ReasonAdmin, or a custom word of at most
// 32 bytes. It completes even if ctx ends, within 10 seconds. Errors: ErrSessionNotFound if the user has no such
// active session, an invalid reason, ErrServiceUnavailable.
func (a *Auth) RevokeSession(ctx context.Context, userID, sessionID string, reason Reason) error {
	if userID == "" || !isSessionID(sessionID) {
		return ErrSessionNotFound
	}
	reason, err := checkRevokeReason(reason)
	if err != nil {
		return err
	}
	session := Scope{SessionID: sessionID, UserID: userID}
	return a.endSessions(ctx, session, reason, func(ctx context.Context) error {
		n, err := a.revokeRemaining(ctx, session, reason)
		if err == nil && n == 0 {
			err = ErrSessionNotFound
		}
		return err
	})
}

// RevokeUser ends all sessions of a user, by primary key: after a deactivation, a theft, or a change of the user's
// rights. It does nothing for a user who does not exist, and without a Store. It completes even if ctx ends, within
// 10 seconds. Errors: an invalid reason as for RevokeSession, ErrServiceUnavailable.
func (a *Auth) RevokeUser(ctx context.Context, userID string, reason Reason) error {
	return a.RevokeOtherSessions(ctx, userID, "", reason)
}

// RevokeOtherSessions ends all sessions of a user except keepSession ("" for none), as RevokeUser does. Errors: as
// for RevokeUser.
func (a *Auth) RevokeOtherSessions(ctx context.Context, userID, keepSession string, reason Reason) error {
	if userID == "" {
		return nil
	}
	reason, err := checkRevokeReason(reason)
	if err != nil {
		return err
	}
	others := Scope{UserID: userID, ExceptSession: keepSession}
	return a.endSessions(ctx, others, reason, func(ctx context.Context) error {
		_, err := a.revokeScope(ctx, others, reason)
		return err
	})
}

// PasswordChanged ends all sessions of a user whose password was changed. Call it after the new password is stored.
// sessionID is the session from which the user changed it ("" for none). A new session replaces it, because a thief
// may have a copy of its tokens, and PasswordChanged returns the tokens of the new one. The pair is empty if there
// is no such active session, and without a Store. A session of sliding tokens can't be replaced by a pair: pass "".
// It completes even if ctx ends, within 10 seconds. Errors: ErrServiceUnavailable.
func (a *Auth) PasswordChanged(ctx context.Context, user simplejwt.User, sessionID string) (Pair, error) {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	if sessionID == "" || userID(user) == "" {
		return Pair{}, a.RevokeUser(ctx, userID(user), ReasonPassword)
	}
	if err := a.RevokeOtherSessions(ctx, userID(user), sessionID, ReasonPassword); err != nil {
		return Pair{}, err
	}
	pair, err := a.RenewSession(ctx, user, sessionID)
	if err == nil {
		return pair, nil
	}
	if revokeErr := a.endRemaining(ctx, Scope{UserID: userID(user)}, ReasonPassword); revokeErr != nil {
		return Pair{}, revokeErr
	}
	if errors.Is(err, ErrSessionNotFound) || errors.Is(err, ErrNoActiveAccount) {
		err = nil
	}
	return Pair{}, err
}

// RevokePresented ends the sessions that raw tokens of any class name, except keepSession ("" for none). It is for
// tokens that a client gives up. The signature must be valid, but the token may have expired or been used, because
// it only says which session is meant. Other tokens are skipped, as are sessions that have ended, have no record,
// or belong to another user. The reason is as for RevokeSession. It completes even if ctx ends, within 10 seconds
// in all. Errors: an invalid reason, ErrServiceUnavailable if a session may still be active; EventRevokeFailed
// names it.
func (a *Auth) RevokePresented(ctx context.Context, keepSession string, reason Reason, raws ...string) error {
	reason, err := checkRevokeReason(reason)
	if err != nil || !a.keepsRecords() {
		return err
	}
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	done := []string{keepSession}
	var failed error
	for _, raw := range raws {
		t, err := a.parseEvenIfExpired(ctx, raw)
		if err != nil || slices.Contains(done, t.ownSession()) {
			continue
		}
		done = append(done, t.ownSession())
		if err := t.revokeNamedSession(ctx, reason); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// parseEvenIfExpired returns a token whose signature is valid and whose claims are, or were until it expired.
// Errors: ErrTokenInvalid.
func (a *Auth) parseEvenIfExpired(ctx context.Context, raw string) (*Token, error) {
	t, err := a.parseVerified(ctx, raw)
	if !errors.Is(err, ErrTokenExpired) {
		return t, err
	}
	if t, err = a.Decode(raw); err != nil {
		return nil, err
	}
	before := func() time.Time { return t.ExpiresAt().Add(-time.Second) }
	if _, err := a.codec.Verify(ctx, raw, before); err != nil {
		return nil, tokenError(err)
	}
	return t, nil
}

// revokeNamedSession ends the session of a token that may have expired, except for the tokens of other users in it.
// Errors: ErrServiceUnavailable.
func (t *Token) revokeNamedSession(ctx context.Context, reason Reason) error {
	a := t.auth
	named := Scope{SessionID: t.ownSession()}
	if !isSessionID(named.SessionID) {
		return nil
	}
	return a.endSessions(ctx, named, reason, func(ctx context.Context) error {
		session, err := t.scopeOfNamedSession(ctx)
		if errors.Is(err, ErrTokenInvalid) {
			return nil // the session of another user
		}
		if err != nil {
			return err
		}
		_, err = a.revokeRemaining(ctx, session, reason)
		return err
	})
}

// scopeOfNamedSession returns the session of a token without the tokens of other users in it. Errors:
// ErrTokenInvalid, ErrServiceUnavailable.
func (t *Token) scopeOfNamedSession(ctx context.Context) (Scope, error) {
	owner, err := t.ownerForLogout(ctx)
	session := Scope{SessionID: t.ownSession(), Owner: owner}
	if err != nil || t.SessionID() != "" {
		return session, err
	}
	state, err := t.loadState(ctx, owner) // the token has no sid, but its record may have a SessionID
	if err == nil && state.Presented != nil {
		session.SessionID = t.sessionByRecord(state.Presented)
	}
	return session, err
}
