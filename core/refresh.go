package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// Refresh is SimpleJWT's refresh view: it gives an access token for a refresh token and, with ROTATE_REFRESH_TOKENS, a new
// refresh token. The user is nil for a token without one. Errors: a refusal such as ErrTokenBlacklisted, 503.
func (a *Auth) Refresh(ctx context.Context, raw string) (Pair, simplejwt.User, error) {
	presented, err := a.parseForRotation(ctx, raw)
	if err != nil {
		return Pair{}, nil, err
	}
	if err := presented.checkIssuable(); err != nil {
		return Pair{}, nil, err
	}
	if err := a.mustSign(ctx); err != nil {
		return Pair{}, nil, err
	}
	user, err := a.userForRefresh(ctx, presented)
	if err != nil {
		return Pair{}, nil, err
	}
	next := presented
	if a.s.RotateRefreshTokens {
		next = presented.successor()
		if err := a.customClaims(ctx, next, user); err != nil {
			return Pair{}, nil, err
		}
	}
	access := next.AccessToken()
	if err := a.customClaims(ctx, access, user); err != nil { // the hook is asked before anything is consumed
		return Pair{}, nil, err
	}
	done, err := a.advance(ctx, presented, next, user)
	if err != nil {
		return Pair{}, nil, err
	}
	access.join(done)
	if !a.s.RotateRefreshTokens {
		next = nil
	}
	pair, err := a.hand(ctx, done, next, access, user)
	if err != nil {
		return Pair{}, nil, err
	}
	return pair, user, nil
}

// hand signs what a refresh gives, and tells of it; refresh may be nil.
func (a *Auth) hand(ctx context.Context, done step, refresh, access *Token, user simplejwt.User) (Pair, error) {
	pair, err := a.signPair(ctx, refresh, access)
	if err != nil {
		return Pair{}, err
	}
	a.event(ctx, Event{Type: done.event, UserID: userID(user), JTI: done.token.JTI(), SessionID: done.token.SessionID(), TokenType: a.refresh.Type})
	return pair, nil
}

// step is what becomes of a session at a refresh.
type step struct {
	token *Token    // the token the client is to go on with
	end   time.Time // the end of the session, zero for none
	event EventType
}

// join makes the access token one of the session, with whose end it ends.
func (t *Token) join(s step) {
	if sid := s.token.claims.at(claimSession); sid != nil {
		t.claims.put(*sid)
	}
	t.capExp("exp", s.end)
}

// userForRefresh loads the user of a refresh or sliding token and asks whether he may authenticate. nil for a token
// without a user. A refusal by the rule consumes nothing; one by CHECK_REVOKE_TOKEN ends the session.
func (a *Auth) userForRefresh(ctx context.Context, t *Token) (simplejwt.User, error) {
	id, present := t.userID().userID()
	if !present && t.class == a.refresh && a.s.RotateRefreshTokens && a.recorded() && t.userID().unusableUserID() {
		return nil, ErrNoActiveAccountToken // its record would need a user, and none can have this id
	}
	if !present {
		return nil, nil //nolint:nilnil // a token without a user is good, as in SimpleJWT
	}
	user, err := a.findUser(ctx, id)
	if errors.Is(err, ErrUserNotFound) || (err == nil && !a.mayAuthenticate(ctx, user)) {
		return nil, t.refused(ctx, ErrNoActiveAccountToken)
	}
	if err != nil {
		return nil, a.trouble(ctx, "look up user", err)
	}
	if t.passwordMatches(user) {
		return user, nil
	}
	if !a.recorded() {
		return nil, ErrPasswordChangedToken
	}
	won, err := a.consume(ctx, t, user, ReasonPassword)
	if err != nil {
		return nil, err
	}
	if !won {
		return nil, a.changedAgain(ctx, t)
	}
	if _, err := a.revoke(ctx, Scope{SessionID: t.session()}, ReasonPassword); err != nil {
		return nil, err
	}
	return nil, ErrPasswordChangedToken
}

// changedAgain refuses a token that was made with another password and is consumed already.
func (a *Auth) changedAgain(ctx context.Context, t *Token) error {
	state, err := a.state(ctx, t.JTI(), t.SessionID())
	if err != nil {
		return err
	}
	if p := state.Presented; p != nil && p.Reason == ReasonPassword { // the first refusal may have failed half-way
		if _, err := a.revoke(ctx, Scope{SessionID: t.sessionOf(p)}, ReasonPassword); err != nil {
			return err
		}
	}
	return ErrTokenBlacklisted.withReason(reasonPasswordChanged)
}

// findUser looks up the user by USER_ID_FIELD.
func (a *Auth) findUser(ctx context.Context, id string) (simplejwt.User, error) {
	if id == "" {
		return nil, ErrUserNotFound
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	return a.d.Users.ByField(ctx, a.s.UserIDField, id)
}

// advance moves the session of a refresh token on to next, which without rotation is the presented token itself.
func (a *Auth) advance(ctx context.Context, presented, next *Token, user simplejwt.User) (step, error) {
	if a.s.RotateRefreshTokens && a.recorded() {
		return a.rotate(ctx, presented, next, user)
	}
	end, err := a.stillGood(ctx, presented)
	return step{next, end, EventRefresh}, err
}

// stillGood refuses a token that is blacklisted or whose session is over, and returns the end of the session.
func (a *Auth) stillGood(ctx context.Context, t *Token) (time.Time, error) {
	if a.s.SessionLifetime == 0 || !a.recorded() {
		return time.Time{}, t.CheckBlacklist(ctx)
	}
	state, err := a.state(ctx, t.JTI(), t.SessionID())
	if err != nil {
		return time.Time{}, err
	}
	row := OutstandingToken{CreatedAt: t.issuedAt()} // made elsewhere
	switch {
	case state.Presented != nil && state.Presented.Blacklisted:
		return time.Time{}, a.consumed(t.now, state)
	case state.Presented != nil:
		row = state.Presented.OutstandingToken
	case state.Head != nil && a.over(t.now, state.Head):
		return time.Time{}, errSessionEnded
	case state.Head != nil:
		row = state.Head.OutstandingToken
	}
	end := a.sessionEnd(row)
	if !end.After(t.now) {
		return time.Time{}, ErrTokenExpired.withReason(reasonSessionEnded)
	}
	return end, nil
}

// sessionEnd is when the session of a row ends; zero for never.
func (a *Auth) sessionEnd(row OutstandingToken) time.Time {
	if !row.SessionExpiresAt.IsZero() || a.s.SessionLifetime == 0 {
		return row.SessionExpiresAt
	}
	if row.SessionStartedAt.IsZero() {
		return row.CreatedAt.Add(a.s.SessionLifetime)
	}
	return row.SessionStartedAt.Add(a.s.SessionLifetime)
}

// successor is the next refresh token: the same claims, a new id, a new iat and exp.
func (t *Token) successor() *Token {
	next := &Token{auth: t.auth, class: t.class, claims: slices.Clone(t.claims), now: t.now}
	next.SetJTI()
	next.SetExp("exp", t.auth.refresh.Lifetime)
	next.SetIat()
	return next
}

// session is the session a token belongs to: the one it names, else its own.
func (t *Token) session() string {
	if sid := t.SessionID(); sid != "" {
		return sid
	}
	return t.JTI()
}

// sessionOf is the session of the token's row, if that names one.
func (t *Token) sessionOf(row *TokenState) string {
	if row.SessionID != "" {
		return row.SessionID
	}
	return t.session()
}

func userID(user simplejwt.User) string {
	if user == nil {
		return ""
	}
	return user.AuthID()
}
