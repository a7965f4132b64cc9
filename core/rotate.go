package core

import (
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// rotate asks the store to consume the presented token. Where the store declines, the rows say why, and whether the
// client is one that merely asked twice.
func (a *Auth) rotate(ctx context.Context, presented *Token, user simplejwt.User) (*Token, time.Time, EventType, error) {
	next := presented.successor()
	row, rotated, err := a.tryRotate(ctx, presented, next)
	if err == nil && !rotated {
		return a.declined(ctx, presented, next, user)
	}
	if err != nil {
		return nil, time.Time{}, "", err
	}
	return a.follow(ctx, next, row, user, EventRefresh)
}

func (a *Auth) tryRotate(ctx context.Context, presented, next *Token) (OutstandingToken, bool, error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	row, rotated, err := a.d.Store.Rotate(askCtx, Rotation{
		JTI: presented.JTI(), SessionID: presented.SessionID(), NewJTI: next.JTI(), ExpiresAt: next.ExpiresAt(),
		Now: presented.now, AliveAfter: presented.now.Add(-a.s.Leeway),
		SessionLifetime: a.s.SessionLifetime, Consume: a.s.BlacklistAfterRotation,
	})
	return row, rotated, a.trouble(ctx, "rotate refresh token", err)
}

// follow makes the token of a row: its id, times and session are the row's, its claims are made anew.
func (a *Auth) follow(ctx context.Context, t *Token, row OutstandingToken, user simplejwt.User, event EventType) (*Token, time.Time, EventType, error) {
	t.claims[a.s.JTIClaim] = row.JTI
	t.claims["iat"], t.claims["exp"] = row.CreatedAt.Unix(), row.ExpiresAt.Unix()
	t.claims[claimSession] = row.JTI
	if row.SessionID != "" {
		t.claims[claimSession] = row.SessionID
	}
	return t, a.sessionEnd(row), event, a.customClaims(ctx, t, user)
}

// declined deals with a token that the store did not rotate.
func (a *Auth) declined(ctx context.Context, presented, next *Token, user simplejwt.User) (*Token, time.Time, EventType, error) {
	fail := func(err error) (*Token, time.Time, EventType, error) { return nil, time.Time{}, "", err }
	state, err := a.state(ctx, presented)
	if err != nil {
		return fail(err)
	}
	if state.Presented == nil {
		return a.rotateUnknown(ctx, presented, next, user, state)
	}
	if !state.Presented.Blacklisted {
		return fail(ErrTokenExpired) // the row, or the session, has ended before the token's exp
	}
	if state.Head == nil || a.over(presented.now, state.Head) || state.Presented.Reason != ReasonRotated {
		return fail(ErrTokenBlacklisted)
	}
	if !a.withinGrace(presented.now, state.Presented) {
		return fail(a.reused(ctx, presented, state))
	}
	return a.follow(ctx, next, state.Head.OutstandingToken, user, EventRetry)
}

// rotateUnknown deals with a token that has no row: one made elsewhere with our key. SimpleJWT rotates these.
func (a *Auth) rotateUnknown(ctx context.Context, presented, next *Token, user simplejwt.User, state SessionState) (*Token, time.Time, EventType, error) {
	fail := func(err error) (*Token, time.Time, EventType, error) { return nil, time.Time{}, "", err }
	if !presented.ExpiresAt().After(presented.now) {
		return fail(ErrTokenExpired) // only LEEWAY admits it: its row may have been flushed
	}
	if state.Head != nil && a.over(presented.now, state.Head) {
		return fail(ErrTokenBlacklisted) // it names a session that has ended
	}
	row := presented.record(userID(user))
	row.CreatedAt = presented.issuedAt()
	if state.Head != nil { // it names a session under way, and ends with it
		row.SessionStartedAt, row.SessionExpiresAt = state.Head.SessionStartedAt, a.sessionEnd(state.Head.OutstandingToken)
	}
	if !a.s.BlacklistAfterRotation { // nothing is consumed, so only the successor is recorded, as in SimpleJWT
		if row = a.successorRow(row, next); !row.ExpiresAt.After(presented.now) {
			return fail(ErrTokenExpired)
		}
		if err := a.outstandUnlessGone(ctx, row); err != nil {
			return fail(err)
		}
		return a.follow(ctx, next, row, user, EventRefresh)
	}
	if err := a.outstandUnlessGone(ctx, row); err != nil {
		return fail(err)
	}
	recorded, rotated, err := a.tryRotate(ctx, presented, next)
	if err != nil {
		return fail(err)
	}
	if rotated {
		return a.follow(ctx, next, recorded, user, EventRefresh)
	}
	if state, err = a.state(ctx, presented); err != nil {
		return fail(err)
	}
	if state.Presented == nil {
		return fail(ErrTokenBlacklisted) // recorded and flushed between two statements
	}
	return a.declined(ctx, presented, next, user)
}

// successorRow is the row of a successor whose predecessor has none.
func (a *Auth) successorRow(row OutstandingToken, next *Token) OutstandingToken {
	row.SessionExpiresAt = a.sessionEnd(row)
	if row.SessionID == "" {
		row.SessionID = row.JTI
	}
	if row.SessionStartedAt.IsZero() {
		row.SessionStartedAt = row.CreatedAt
	}
	row.ParentJTI, row.JTI = row.JTI, next.JTI()
	row.CreatedAt, row.ExpiresAt = next.now, next.ExpiresAt()
	if end := row.SessionExpiresAt; !end.IsZero() && end.Before(row.ExpiresAt) {
		row.ExpiresAt = end
	}
	return row
}

// state reads what the store knows of a token and its session.
func (a *Auth) state(ctx context.Context, t *Token) (SessionState, error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	state, err := a.d.Store.State(askCtx, t.JTI(), t.SessionID())
	return state, a.trouble(ctx, "look up session", err)
}

// over reports whether a session has ended, seen from its head.
func (a *Auth) over(now time.Time, head *TokenState) bool {
	end := a.sessionEnd(head.OutstandingToken)
	return head.Blacklisted || !head.ExpiresAt.After(now.Add(-a.s.Leeway)) || (!end.IsZero() && !end.After(now))
}

// withinGrace reports whether a token was rotated less than ROTATION_GRACE_PERIOD ago. A time in the future counts as
// now: clocks differ.
func (a *Auth) withinGrace(now time.Time, t *TokenState) bool {
	return t.Reason == ReasonRotated && a.s.RotationGracePeriod > 0 && now.Sub(t.BlacklistedAt) < a.s.RotationGracePeriod
}

// reused answers a rotated token that came back after its grace: with REUSE_DETECTION its session ends (RFC 9700
// section 4.14), as one of its two holders is a thief.
func (a *Auth) reused(ctx context.Context, t *Token, state SessionState) error {
	session := t.session()
	if state.Presented.SessionID != "" {
		session = state.Presented.SessionID
	}
	a.d.Logger.WarnContext(ctx, "a rotated refresh token was used again", "user_id", state.Presented.UserID, "jti", t.JTI(), "session_id", session)
	a.event(ctx, Event{Type: EventReuse, UserID: state.Presented.UserID, JTI: t.JTI(), SessionID: session, TokenType: t.class.Type})
	if !a.s.ReuseDetection {
		return ErrTokenBlacklisted
	}
	if err := a.revoke(ctx, Scope{SessionID: session}, ReasonReuse); err != nil {
		return err
	}
	return ErrTokenBlacklisted
}

// outstandUnlessGone records a token, without a user where he went away meanwhile.
func (a *Auth) outstandUnlessGone(ctx context.Context, row OutstandingToken) error {
	err := a.outstand(ctx, row)
	if errors.Is(err, ErrUserGone) {
		row.UserID = ""
		err = a.outstand(ctx, row)
	}
	return err
}

// issuedAt is the iat of a token made elsewhere, so that its session does not start anew at each door; now without one.
func (t *Token) issuedAt() time.Time {
	if at, ok := numericDate(t.claims["iat"]); ok && at.Before(t.now) {
		return at
	}
	return t.now
}
