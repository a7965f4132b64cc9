package core

import (
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// Refresh is SimpleJWT's refresh view: it returns an access token for a refresh token and, with
// ROTATE_REFRESH_TOKENS, a new refresh token. The user is nil if the token has none. With REUSE_DETECTION or
// CHECK_REVOKE_TOKEN a refresh may end the session, so it completes even if ctx ends, within 10 seconds. Errors: a
// denial such as ErrTokenBlacklisted, ErrServiceUnavailable.
func (a *Auth) Refresh(ctx context.Context, raw string) (Pair, simplejwt.User, error) {
	ctx, cancel := a.refreshContext(ctx)
	defer cancel()
	presented, err := a.parseForRotation(ctx, raw)
	if err != nil {
		return Pair{}, nil, err
	}
	if err := presented.checkIssuable(); err != nil {
		return Pair{}, nil, err
	}
	if err := a.requireSigningKey(ctx); err != nil {
		return Pair{}, nil, err
	}
	user, err := a.loadUserForRefresh(ctx, presented)
	if err != nil {
		return Pair{}, nil, err
	}
	next := presented
	if a.settings.RotateRefreshTokens {
		next = presented.newSuccessor()
		if err := a.customClaims(ctx, next, user); err != nil {
			return Pair{}, nil, err
		}
	}
	access := next.AccessToken()
	if err := a.customClaims(ctx, access, user); err != nil { // before the store consumes the presented token
		return Pair{}, nil, err
	}
	result, err := a.advanceSession(ctx, presented, next, user)
	if err != nil {
		return Pair{}, nil, err
	}
	access.joinSession(result)
	if !a.settings.RotateRefreshTokens {
		next = nil
	}
	pair, err := a.finishRefresh(ctx, result, next, access, user)
	if err != nil {
		return Pair{}, nil, err
	}
	return pair, user, nil
}

// refreshContext returns a context that outlasts the client if the refresh may end the session. Otherwise a thief
// could keep the session by hanging up.
func (a *Auth) refreshContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.settings.ReuseDetection || a.settings.CheckRevokeToken {
		return detached.Context(ctx)
	}
	return ctx, func() {}
}

// finishRefresh signs the tokens of a refresh and emits the event. refresh is nil for none.
func (a *Auth) finishRefresh(ctx context.Context, result refreshResult, refresh, access *Token, user simplejwt.User) (Pair, error) {
	pair, err := a.signPair(ctx, refresh, access)
	if err != nil {
		return Pair{}, err
	}
	a.emit(ctx, Event{Type: result.event, UserID: userID(user), JTI: result.token.JTI(), SessionID: result.token.SessionID(), TokenType: a.classes.refresh.Type})
	return pair, nil
}

// refreshResult is the effect of a refresh on a session.
type refreshResult struct {
	token      *Token    // the latest token of the session
	sessionEnd time.Time // zero for none
	event      EventType
}

// joinSession makes an access token part of the refreshed session: it copies the sid and caps the expiry at the
// session's end.
func (t *Token) joinSession(r refreshResult) {
	if sid := r.token.claims.Get(claimSession); sid != nil {
		t.claims.Put(*sid)
	}
	t.capExp("exp", r.sessionEnd)
}

// loadUserForRefresh loads the user of a refresh or sliding token and applies the rules of authentication. It
// returns nil for a token without a user. If USER_AUTHENTICATION_RULE rejects the user, the session stays; if the
// password was changed, with CHECK_REVOKE_TOKEN, it ends.
func (a *Auth) loadUserForRefresh(ctx context.Context, t *Token) (simplejwt.User, error) {
	id, present := t.userID().UserID()
	if !present && t.class == a.classes.refresh && a.settings.RotateRefreshTokens && a.keepsRecords() && t.userID().IsUnusableUserID() {
		return nil, errNoActiveAccountForToken // the successor's record needs a user, and no user can have this id
	}
	if !present {
		return nil, nil //nolint:nilnil // a token without a user is valid, as in SimpleJWT
	}
	user, err := a.findUser(ctx, id)
	if errors.Is(err, ErrUserNotFound) || (err == nil && !a.mayAuthenticate(ctx, user)) {
		return nil, t.blacklistedOr(ctx, errNoActiveAccountForToken)
	}
	if err != nil {
		return nil, a.unavailable(ctx, "look up user", err)
	}
	if t.passwordMatches(user) {
		return user, nil
	}
	return nil, a.denyChangedPassword(ctx, t, user)
}

// denyChangedPassword ends the session of a token that was issued for another password, and returns the denial.
func (a *Auth) denyChangedPassword(ctx context.Context, t *Token, user simplejwt.User) error {
	if !a.keepsRecords() {
		return ErrPasswordChanged
	}
	session := Scope{SessionID: t.ownSession(), Owner: ownerOf(user)}
	return a.endSessions(ctx, session, ReasonPassword, func(ctx context.Context) error {
		won, err := t.blacklistOrRecord(ctx, ownerOf(user), ReasonPassword)
		if err != nil {
			return err
		}
		if !won {
			return a.denyChangedPasswordAgain(ctx, t, user)
		}
		if _, err := a.revokeScope(ctx, session, ReasonPassword); err != nil {
			return err
		}
		return ErrPasswordChanged
	})
}

// denyChangedPasswordAgain is like denyChangedPassword, but for a token that is already on the blacklist. It ends the session
// again if the first denial did so, because that one may have failed halfway.
func (a *Auth) denyChangedPasswordAgain(ctx context.Context, t *Token, user simplejwt.User) error {
	state, err := t.loadState(ctx, ownerOf(user))
	if err != nil {
		return err
	}
	if p := state.Presented; p != nil && p.Reason == ReasonPassword {
		if _, err := a.revokeScope(ctx, Scope{SessionID: t.sessionByRecord(p), Owner: ownerOf(user)}, ReasonPassword); err != nil {
			return err
		}
	}
	return ErrTokenBlacklisted.withReason(reasonPasswordChanged)
}

// advanceSession makes next the latest token of the session. Without rotation next is the presented token itself.
func (a *Auth) advanceSession(ctx context.Context, presented, next *Token, user simplejwt.User) (refreshResult, error) {
	if a.settings.RotateRefreshTokens && a.keepsRecords() {
		return a.rotateOnRecord(ctx, presented, next, user)
	}
	end, err := a.checkActive(ctx, presented, user)
	return refreshResult{next, end, EventRefresh}, err
}

// checkActive denies a token that is on the blacklist or whose session has ended, and returns the end of the
// session, zero for none.
func (a *Auth) checkActive(ctx context.Context, t *Token, user simplejwt.User) (sessionEnd time.Time, err error) {
	if a.settings.SessionLifetime == 0 || !a.keepsRecords() {
		return time.Time{}, t.checkBlacklist(ctx, ownerOf(user))
	}
	state, err := t.loadState(ctx, ownerOf(user))
	if err != nil {
		return time.Time{}, err
	}
	row := OutstandingToken{CreatedAt: t.issuedAt()} // issued by another service
	switch {
	case state.Presented != nil && state.Presented.Blacklisted:
		return time.Time{}, a.rules.denialFor(state, t.now)
	case state.Presented != nil:
		row = state.Presented.OutstandingToken
	case t.SessionID() != "" || state.Latest != nil:
		if err := t.checkNotFlushed(state.Latest); err != nil {
			return time.Time{}, err
		}
		row = state.Latest.OutstandingToken
	}
	end := a.rules.sessionEnd(row)
	if !end.After(t.now) {
		return time.Time{}, ErrTokenExpired.withReason(reasonSessionEnded)
	}
	return end, nil
}

// newSuccessor returns the next refresh token: the same claims with a new id, iat and exp.
func (t *Token) newSuccessor() *Token {
	next := &Token{auth: t.auth, class: t.class, claims: t.claims.Clone(), now: t.now}
	next.SetJTI()
	next.SetExp("exp", t.auth.classes.refresh.Lifetime)
	next.SetIat()
	return next
}
