package core

import (
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// maxLooks bounds how often a rotation asks again because the rows changed between two statements.
const maxLooks = 3

// rotate asks the store to consume the presented token in favour of next. Where the store declines, the rows say why, and
// whether the client is one that merely asked twice.
func (a *Auth) rotate(ctx context.Context, presented, next *Token, user simplejwt.User) (step, error) {
	for range maxLooks {
		row, rotated, err := a.tryRotate(ctx, presented.JTI(), presented.SessionID(), next, ReasonRotated)
		if err != nil {
			return step{}, err
		}
		if rotated {
			return a.follow(next, row, EventRefresh), nil
		}
		state, err := a.state(ctx, presented.JTI(), presented.SessionID())
		if err != nil {
			return step{}, err
		}
		switch {
		case state.Presented == nil && !a.s.BlacklistAfterRotation:
			return a.succeedUnknown(ctx, presented, next, user, state.Head)
		case state.Presented == nil:
			if err := a.adopt(ctx, presented, user, state.Head); err != nil {
				return step{}, err
			}
		case state.Presented.Blacklisted || a.over(presented.now, state.Presented):
			return a.declined(ctx, presented, next, state)
		}
		// The token is on record by now, through us or another request that presents it.
	}
	return step{}, a.trouble(ctx, "rotate refresh token", errRestless)
}

var errRestless = errors.New("the token's record comes and goes")

// tryRotate is one attempt to put next in the place of the token with this jti.
func (a *Auth) tryRotate(ctx context.Context, jti, sid string, next *Token, reason Reason) (OutstandingToken, bool, error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	row, rotated, err := a.d.Store.Rotate(askCtx, Rotation{
		JTI: jti, SessionID: sid, NewJTI: next.JTI(), ExpiresAt: next.ExpiresAt(),
		Now: next.now, AliveAfter: next.now.Add(-a.s.Leeway),
		SessionLifetime: a.s.SessionLifetime, Consume: reason != ReasonRotated || a.s.BlacklistAfterRotation, Reason: reason, Device: DeviceFrom(ctx),
	})
	return row, rotated, a.trouble(ctx, "rotate refresh token", err)
}

// follow makes t the token of a row, whose id, times and session it takes.
func (a *Auth) follow(t *Token, row OutstandingToken, event EventType) step {
	t.put(a.s.JTIClaim, row.JTI)
	t.put("iat", row.CreatedAt.Unix())
	t.put("exp", row.ExpiresAt.Unix())
	t.put(claimSession, row.Session())
	return step{t, a.sessionEnd(row), event}
}

// declined deals with a token on record that the store did not rotate, as it is consumed or its time is over.
func (a *Auth) declined(ctx context.Context, presented, next *Token, state SessionState) (step, error) {
	switch {
	case !state.Presented.Blacklisted: // the row, or the session, has ended before the token's exp
		return step{}, a.ended(presented.now, state.Presented.OutstandingToken)
	case state.Head == nil, a.over(presented.now, state.Head), state.Presented.Reason != ReasonRotated:
		return step{}, a.consumed(presented.now, state)
	case !a.withinGrace(presented.now, state.Presented):
		return step{}, a.reused(ctx, presented, state)
	}
	return a.follow(next, state.Head.OutstandingToken, EventRetry), nil
}

// foreign is the row of a token that has none: one made elsewhere with our key. SimpleJWT rotates these. head is that of
// the session it names, nil for none: it belongs to it, and ends with it.
func (a *Auth) foreign(presented *Token, user simplejwt.User, head *TokenState) (OutstandingToken, error) {
	row := presented.record(userID(user))
	row.SessionStartedAt = presented.issuedAt()
	if !presented.ExpiresAt().After(presented.now) {
		return row, ErrTokenExpired // only LEEWAY admits it: its row may have been flushed
	}
	if presented.SessionID() == presented.JTI() {
		return row, errSessionEnded // the first token of a session of ours, which had a row before it left: it was flushed
	}
	if head != nil {
		if a.over(presented.now, head) {
			return row, errSessionEnded
		}
		row.SessionExpiresAt = a.sessionEnd(head.OutstandingToken)
		if !head.SessionStartedAt.IsZero() {
			row.SessionStartedAt = head.SessionStartedAt
		}
	}
	return row, nil
}

// adopt records a token that was made elsewhere, so that it can be consumed.
func (a *Auth) adopt(ctx context.Context, presented *Token, user simplejwt.User, head *TokenState) error {
	row, err := a.foreign(presented, user, head)
	if err != nil {
		return err
	}
	if err := a.outstandUnlessGone(ctx, row); err != nil {
		return err
	}
	return a.unlessEnded(ctx, presented, head)
}

// succeedUnknown records the successor of a token that was made elsewhere and, as nothing is consumed, stays so.
func (a *Auth) succeedUnknown(ctx context.Context, presented, next *Token, user simplejwt.User, head *TokenState) (step, error) {
	row, err := a.foreign(presented, user, head)
	if err != nil {
		return step{}, err
	}
	if row = a.successorRow(row, next); !row.ExpiresAt.After(presented.now) {
		return step{}, ErrTokenExpired
	}
	if err := a.outstandUnlessGone(ctx, row); err != nil {
		return step{}, err
	}
	if err := presented.CheckBlacklist(ctx); err != nil { // it was consumed since we looked
		_, _, _ = a.blacklistRow(ctx, next, ReasonLogout) // best effort: nobody gets next
		return step{}, err
	}
	return a.follow(next, row, EventRefresh), a.unlessEnded(ctx, next, head)
}

// unlessEnded takes a token that was just recorded back where the session it joined was ended meanwhile.
func (a *Auth) unlessEnded(ctx context.Context, recorded *Token, head *TokenState) error {
	if head == nil {
		return nil
	}
	state, err := a.state(ctx, head.JTI, "")
	if err != nil {
		return err
	}
	if p := state.Presented; p != nil && (!p.Blacklisted || p.Reason == ReasonRotated) {
		return nil
	}
	if _, _, err := a.blacklistRow(ctx, recorded, ReasonLogout); err != nil {
		return err
	}
	return errSessionEnded
}

// successorRow is the row of a successor whose predecessor has none.
func (a *Auth) successorRow(row OutstandingToken, next *Token) OutstandingToken {
	row.SessionExpiresAt = a.sessionEnd(row)
	row.SessionID = row.Session()
	row.ParentJTI, row.JTI = row.JTI, next.JTI()
	row.CreatedAt, row.ExpiresAt = next.now, next.ExpiresAt()
	if end := row.SessionExpiresAt; !end.IsZero() && end.Before(row.ExpiresAt) {
		row.ExpiresAt = end
	}
	return row
}

// state reads what the store knows of a token and its session.
func (a *Auth) state(ctx context.Context, jti, sid string) (SessionState, error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	state, err := a.d.Store.State(askCtx, jti, sid)
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
	session := t.sessionOf(state.Presented)
	a.event(ctx, Event{Type: EventReuse, UserID: state.Presented.UserID, JTI: t.JTI(), SessionID: session, TokenType: t.class.Type})
	if !a.s.ReuseDetection {
		return errTokenReused
	}
	if _, err := a.revoke(ctx, Scope{SessionID: session}, ReasonReuse); err != nil {
		return err
	}
	return errTokenReused
}

// ended refuses a token whose row, or whose session, is over by time.
func (a *Auth) ended(now time.Time, row OutstandingToken) error {
	if end := a.sessionEnd(row); !end.IsZero() && !end.After(now) {
		return ErrTokenExpired.withReason(reasonSessionEnded)
	}
	return ErrTokenExpired
}

// consumed refuses a token on the blacklist. One that was rotated is told what has become of its session since.
func (a *Auth) consumed(now time.Time, state SessionState) error {
	why, otherwise := state.Presented.Reason, reasonRevoked
	if why == ReasonRotated && state.Head != nil && !a.over(now, state.Head) {
		return errTokenReused
	}
	if why == ReasonRotated {
		otherwise = reasonSessionEnded
		if state.Head != nil && state.Head.Blacklisted {
			why = state.Head.Reason
		}
	}
	switch why {
	case ReasonReuse:
		return errTokenReused
	case ReasonPassword:
		return ErrTokenBlacklisted.withReason(reasonPasswordChanged)
	}
	return ErrTokenBlacklisted.withReason(otherwise)
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
// It is not before 1970: not every database knows the years before Christ.
func (t *Token) issuedAt() time.Time {
	at, ok := t.claims.at("iat").date()
	if !ok || at.After(t.now) {
		return t.now
	}
	return time.Unix(max(at.Unix(), 0), 0).UTC()
}
