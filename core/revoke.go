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

// maxReasonBytes is the width of the column.
const maxReasonBytes = 32

// checkRevokeReason checks the reason that a caller gives. ReasonRotated would open a grace period, and ReasonRenewed says that
// another session has taken the place of this one.
func checkRevokeReason(reason Reason) (Reason, error) {
	if len(reason) > maxReasonBytes || reason == ReasonRotated || reason == ReasonRenewed {
		return "", fmt.Errorf("end sessions: %q is not a reason: it must have at most %d bytes, and be neither %q nor %q", reason, maxReasonBytes, ReasonRotated, ReasonRenewed)
	}
	return cmp.Or(reason, ReasonAdmin), nil
}

// endSessions lets end, which ends the sessions of a scope, run to its end even if ctx ends, for at most 10 seconds. If the
// Store is unavailable for that long it emits EventRevokeFailed.
func (a *Auth) endSessions(ctx context.Context, s Scope, reason Reason, end func(context.Context) error) error {
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	err := end(ctx)
	if errors.Is(err, ErrServiceUnavailable) {
		a.emit(ctx, Event{Type: EventRevokeFailed, UserID: s.userOrOwner(), SessionID: s.SessionID, Reason: reason, Err: err})
	}
	return err
}

// revokeScope ends a scope, emits the event, and returns how many tokens it put on the blacklist.
func (a *Auth) revokeScope(ctx context.Context, s Scope, reason Reason) (int, error) {
	n, err := a.revokeQuietly(ctx, s, reason)
	if err == nil && a.keepsRecords() {
		a.emitRevoke(ctx, s, reason, n)
	}
	return n, err
}

// revokeQuietly is revoke without the event.
func (a *Auth) revokeQuietly(ctx context.Context, s Scope, reason Reason) (int, error) {
	if !a.keepsRecords() {
		return 0, nil
	}
	n, err := a.records.revoke(ctx, s, reason, a.now())
	if n > 0 || err != nil || s.SessionID != "" { // the last token of a session may have been consumed before
		a.sessionCache.forget(s.SessionID)
	}
	return n, err
}

func (a *Auth) emitRevoke(ctx context.Context, s Scope, reason Reason, n int) {
	a.emit(ctx, Event{Type: EventRevoke, UserID: s.userOrOwner(), SessionID: s.SessionID, Reason: reason, Count: n})
}

// userOrOwner is whose the sessions of a scope are, "" where it does not say.
func (s Scope) userOrOwner() string {
	if s.UserID == "" && s.Owner != nil {
		return *s.Owner
	}
	return s.UserID
}

// revokeRemaining is revoke with the event only if there was anything to end.
func (a *Auth) revokeRemaining(ctx context.Context, s Scope, reason Reason) (int, error) {
	n, err := a.revokeQuietly(ctx, s, reason)
	if err == nil && n > 0 {
		a.emitRevoke(ctx, s, reason, n)
	}
	return n, err
}

// endRemaining is revokeWhatIsLeft, run to its end.
func (a *Auth) endRemaining(ctx context.Context, s Scope, reason Reason) error {
	return a.endSessions(ctx, s, reason, func(ctx context.Context) error {
		_, err := a.revokeRemaining(ctx, s, reason)
		return err
	})
}

// RevokeSession ends one session of a user, who is named by primary key (user.AuthID(), not token.UserID(), which is
// USER_ID_FIELD): no refresh or sliding token of it is good any more. Access tokens live on until they expire, unless
// CHECK_SESSION is set. The reason is for the record: "" for ReasonAdmin, or a word of one's own of at most 32 bytes.
// It runs to its end even if ctx ends, for at most 10 seconds.
// Errors: ErrSessionNotFound where the user has no such session that was not ended yet, ErrServiceUnavailable.
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

// RevokeUser ends all sessions of a user, who is named by primary key: after a deactivation, a theft, a change of the user's
// rights. For one who does not exist, and without a Store, it does nothing. It runs to its end even if ctx ends, for at most
// 10 seconds. Errors: ErrServiceUnavailable.
func (a *Auth) RevokeUser(ctx context.Context, userID string, reason Reason) error {
	return a.RevokeOtherSessions(ctx, userID, "", reason)
}

// RevokeOtherSessions ends all sessions of a user but the one named keepSession ("" for none), as RevokeUser does.
// Errors: ErrServiceUnavailable.
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

// PasswordChanged ends all sessions of a user whose password was changed: call it after the new password is stored. The session
// named sessionID ("" for none), from which it was changed, is replaced by a new one, whose tokens are returned: whoever holds
// a copy of the old ones, made for the old password, is out. The pair is empty where there is no such active session, as for ""
// and without a Store. A session of sliding tokens can't be replaced by a pair: pass "". It runs to its end even if ctx ends, for
// at most 10 seconds. Errors: ErrServiceUnavailable.
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

// RevokePresented ends the sessions that raw tokens of any class name, but for the session keepSession ("" for none): those that a
// client gives up with its tokens. A token counts if its signature is true, also where it has expired or was used before: it says
// which session is meant, and opens nothing. The rest is skipped, as is a session that has ended, that is not on record any more, or
// that is another user's. The reason is as for RevokeSession. It runs to its end even if ctx ends, for at most 10 seconds in all.
// Errors: ErrServiceUnavailable, where a session may not have ended; EventRevokeFailed names it.
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

// parseEvenIfExpired reads a token whose signature is true and whose claims are good, or were just before it expired. Errors:
// ErrTokenInvalid.
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

// revokeNamedSession ends the session of a token that may have expired, as far as it is its user's. Errors:
// ErrServiceUnavailable.
func (t *Token) revokeNamedSession(ctx context.Context, reason Reason) error {
	a := t.auth
	named := Scope{SessionID: t.ownSession()}
	if !isSessionID(named.SessionID) {
		return nil
	}
	return a.endSessions(ctx, named, reason, func(ctx context.Context) error {
		session, err := t.scopeOfNamedSession(ctx)
		if errors.Is(err, ErrTokenInvalid) {
			return nil // another user's
		}
		if err != nil {
			return err
		}
		_, err = a.revokeRemaining(ctx, session, reason)
		return err
	})
}

// scopeOfNamedSession returns the session of a token, less what is another user's in it. Errors: ErrTokenInvalid,
// ErrServiceUnavailable.
func (t *Token) scopeOfNamedSession(ctx context.Context) (Scope, error) {
	owner, err := t.ownerForLogout(ctx)
	session := Scope{SessionID: t.ownSession(), Owner: owner}
	if err != nil || t.SessionID() != "" {
		return session, err
	}
	state, err := t.loadState(ctx, owner) // the record may say to which session a token belongs that names none
	if err == nil && state.Presented != nil {
		session.SessionID = t.sessionByRecord(state.Presented)
	}
	return session, err
}
