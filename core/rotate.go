package core

import (
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// maxAttempts is how often a rotation is tried if the records change between two calls of the Store.
const maxAttempts = 3

// errRecordsUnstable means that the records changed at every attempt.
var errRecordsUnstable = errors.New("the token's record changed during every attempt")

// rotateOnRecord has the Store replace the presented token by next. If the Store declines, judge decides by the
// records: the client may only have asked twice.
func (a *Auth) rotateOnRecord(ctx context.Context, presented, next *Token, user simplejwt.User) (refreshResult, error) {
	for range maxAttempts {
		row, rotated, err := a.records.rotate(ctx, presented.newRotation(ctx, next, user))
		if err != nil {
			return refreshResult{}, err
		}
		if rotated {
			return next.applyRecord(row, EventRefresh), nil
		}
		state, err := presented.loadState(ctx, ownerOf(user))
		if err != nil {
			return refreshResult{}, err
		}
		switch a.rules.judge(state, presented.now) {
		case verdictUnknown:
			if !a.settings.BlacklistAfterRotation {
				return a.rotateExternal(ctx, presented, next, user, state.Latest)
			}
			if err := a.recordExternal(ctx, presented, user, state.Latest); err != nil {
				return refreshResult{}, err
			}
		case verdictActive: // recorded in the meantime by another request with the same token: try again
		case verdictRetry:
			return next.applyRecord(state.Latest.OutstandingToken, EventRetry), nil
		case verdictReused:
			session := Scope{SessionID: presented.sessionByRecord(state.Presented), Owner: &state.Presented.UserID}
			return refreshResult{}, a.endSessions(ctx, session, ReasonReuse, func(ctx context.Context) error {
				return a.denyReuse(ctx, presented, state)
			})
		case verdictExpired, verdictRevoked:
			return refreshResult{}, a.rules.denialFor(state, presented.now)
		}
	}
	return refreshResult{}, a.unavailable(ctx, "rotate refresh token", errRecordsUnstable)
}

// newRotation returns the request to replace the token by next, in a refresh of the user.
func (t *Token) newRotation(ctx context.Context, next *Token, user simplejwt.User) Rotation {
	a := t.auth
	return Rotation{
		JTI: t.JTI(), SessionID: t.SessionID(), Owner: ownerOf(user), IssuedAt: t.issuedAt(),
		NewJTI: next.JTI(), ExpiresAt: next.ExpiresAt(),
		Now: next.now, ActiveAfter: next.now.Add(-a.settings.Leeway),
		SessionLifetime: a.settings.SessionLifetime, Consume: a.settings.BlacklistAfterRotation, Reason: ReasonRotated, Device: DeviceFrom(ctx),
	}
}

// applyRecord copies the record's id, times and session into t.
func (t *Token) applyRecord(row OutstandingToken, event EventType) refreshResult {
	t.claims.Set(t.auth.settings.JTIClaim, row.JTI)
	t.claims.Set("iat", row.CreatedAt.Unix())
	t.claims.Set("exp", row.ExpiresAt.Unix())
	t.claims.Set(claimSession, row.Session())
	return refreshResult{t, t.auth.rules.sessionEnd(row), event}
}

// denyReuse denies a token that was rotated longer than ROTATION_GRACE_PERIOD ago. With REUSE_DETECTION it ends the
// session, because one of the two holders of the token is a thief (RFC 9700 section 4.14).
func (a *Auth) denyReuse(ctx context.Context, t *Token, state SessionState) error {
	session := t.sessionByRecord(state.Presented)
	var err error
	if a.settings.ReuseDetection {
		_, err = a.revokeScope(ctx, Scope{SessionID: session, Owner: &state.Presented.UserID}, ReasonReuse)
	}
	a.emit(ctx, Event{Type: EventReuse, UserID: state.Presented.UserID, JTI: t.JTI(), SessionID: session, TokenType: t.class.Type})
	if err != nil {
		return err
	}
	return errTokenReused
}

// externalRecord returns the record for an external token. Errors: ErrTokenExpired, a denial of checkNotFlushed.
func (t *Token) externalRecord(user simplejwt.User, latest *TokenState) (OutstandingToken, error) {
	row := t.newRecord(userID(user))
	row.SessionStartedAt = t.issuedAt()
	if !t.ExpiresAt().After(t.now) {
		return row, ErrTokenExpired // valid only by LEEWAY: its record may have been flushed
	}
	if t.SessionID() == "" {
		return row, nil
	}
	if err := t.checkNotFlushed(latest); err != nil {
		return row, err
	}
	row.SessionExpiresAt = t.auth.rules.sessionEnd(latest.OutstandingToken)
	if !latest.SessionStartedAt.IsZero() {
		row.SessionStartedAt = latest.SessionStartedAt
	}
	return row, nil
}

// checkNotFlushed denies a token without a record if the latest token of the session that it names shows that it
// had one. Every session of ours has a record, which outlasts those of its older tokens.
func (t *Token) checkNotFlushed(latest *TokenState) error {
	switch {
	case latest == nil, t.auth.rules.hasEnded(latest, t.now):
		return errSessionEnded
	case t.issuedAt().Before(latest.CreatedAt.Truncate(time.Second)): // iat is in whole seconds
		return errTokenReused // a later token has replaced it
	}
	return nil
}

// recordExternal records an external token, so that the Store can consume it.
func (a *Auth) recordExternal(ctx context.Context, presented *Token, user simplejwt.User, latest *TokenState) error {
	row, err := presented.externalRecord(user, latest)
	if err != nil {
		return err
	}
	err = a.records.recordOwnerless(ctx, row)
	if ended := a.revokeIfSessionEnded(ctx, presented, latest); ended != nil && err == nil { // also if the outcome is unknown
		err = ended
	}
	return err
}

// rotateExternal records the successor of an external token. The token itself gets no record, because without
// BLACKLIST_AFTER_ROTATION nothing is consumed.
func (a *Auth) rotateExternal(ctx context.Context, presented, next *Token, user simplejwt.User, latest *TokenState) (refreshResult, error) {
	row, err := presented.externalRecord(user, latest)
	if err != nil {
		return refreshResult{}, err
	}
	row, ok := presented.newRotation(ctx, next, user).Successor(row)
	if !ok {
		return refreshResult{}, ErrTokenExpired
	}
	err = a.records.recordOwnerless(ctx, row)
	if err == nil {
		err = presented.CheckBlacklist(ctx)
	}
	if err != nil && !errors.Is(err, ErrServiceUnavailable) { // the presented token was logged out in the meantime
		_, _, _ = a.records.blacklist(ctx, next.JTI(), nil, ReasonLogout, next.now) // best effort: next is never sent
		return refreshResult{}, err
	}
	if ended := a.revokeIfSessionEnded(ctx, next, latest); ended != nil && err == nil { // also if the outcome is unknown
		err = ended
	}
	if err != nil {
		return refreshResult{}, err
	}
	return next.applyRecord(row, EventRefresh), nil
}

// revokeIfSessionEnded revokes a token just recorded if the session it joined was ended concurrently.
func (a *Auth) revokeIfSessionEnded(ctx context.Context, recorded *Token, latest *TokenState) error {
	if latest == nil {
		return nil
	}
	ctx, cancel := detached.Context(ctx)
	defer cancel()
	state, err := a.records.state(ctx, stateQuery{jti: latest.JTI, issuedAt: recorded.now})
	if err != nil {
		return err
	}
	if p := state.Presented; p != nil && (!p.Blacklisted || p.Reason == ReasonRotated) {
		return nil
	}
	if _, _, err := a.records.blacklist(ctx, recorded.JTI(), nil, ReasonLogout, recorded.now); err != nil {
		return err
	}
	return errSessionEnded
}

// issuedAt returns the iat of the token, or the current time if it has none or one in the future. It is not before
// 1970, because not every database has years before Christ.
func (t *Token) issuedAt() time.Time {
	at, ok := t.claims.Get("iat").Time()
	if !ok || at.After(t.now) {
		return t.now
	}
	return time.Unix(max(at.Unix(), 0), 0).UTC()
}
