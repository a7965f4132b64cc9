package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// RevokePresented ends the sessions that raw tokens of any class name, but for the session keepSession ("" for none): those that a
// client gives up with its tokens. A token counts if its signature is true, also where it has expired or was used before: it says
// which session is meant, and opens nothing. The rest is skipped, as is a session that has ended, that is not on record any more, or
// that is another user's. The reason is as for RevokeSession. It runs to its end even if ctx ends, for at most 10 seconds in all.
// Errors: ErrServiceUnavailable, where a session may not have ended; EventRevokeFailed names it.
func (a *Auth) RevokePresented(ctx context.Context, keepSession string, reason Reason, raws ...string) error {
	reason, err := reasonToRevoke(reason)
	if err != nil || !a.recorded() {
		return err
	}
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	done := []string{keepSession}
	var failed error
	for _, raw := range raws {
		t, err := a.signedToken(ctx, raw)
		if err != nil || slices.Contains(done, t.ownSession()) {
			continue
		}
		done = append(done, t.ownSession())
		if err := a.revokeNamedSession(ctx, t, reason); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// signedToken reads a token whose signature is true and whose claims are good, or were just before it expired. Errors:
// ErrTokenInvalid.
func (a *Auth) signedToken(ctx context.Context, raw string) (*Token, error) {
	t, err := a.verified(ctx, raw)
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
func (a *Auth) revokeNamedSession(ctx context.Context, t *Token, reason Reason) error {
	named := Scope{SessionID: t.ownSession()}
	if !isSessionID(named.SessionID) {
		return nil
	}
	return a.endSessions(ctx, named, reason, func(ctx context.Context) error {
		session, err := a.namedSession(ctx, t)
		if errors.Is(err, ErrTokenInvalid) {
			return nil // another user's
		}
		if err != nil {
			return err
		}
		n, err := a.revokeQuietly(ctx, session, reason)
		if err == nil && n > 0 {
			a.revoked(ctx, session, reason, n)
		}
		return err
	})
}

// namedSession returns the session of a token, less what is another user's in it. Errors: ErrTokenInvalid,
// ErrServiceUnavailable.
func (a *Auth) namedSession(ctx context.Context, t *Token) (Scope, error) {
	owner, err := a.ownerForLogout(ctx, t)
	if owner == nil {
		owner = new("") // of a user who was deleted, what is nobody's
	}
	session := Scope{SessionID: t.ownSession(), Owner: owner}
	if err != nil || t.SessionID() != "" {
		return session, err
	}
	state, err := t.state(ctx, owner) // the record may say to which session a token belongs that names none
	if err == nil && state.Presented != nil {
		session.SessionID = t.sessionOn(state.Presented)
	}
	return session, err
}
