package core

import (
	"context"
	"errors"
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
	if err := a.mustSign(ctx); err != nil {
		return Pair{}, nil, err
	}
	user, err := a.userForRefresh(ctx, presented)
	if err != nil {
		return Pair{}, nil, err
	}
	head, end, event, err := a.advance(ctx, presented, user)
	if err != nil {
		return Pair{}, nil, err
	}
	access, err := a.accessFor(ctx, head, user)
	if err != nil {
		return Pair{}, nil, err
	}
	access.capExp("exp", end)
	answered := head
	if !a.s.RotateRefreshTokens {
		answered = nil
	}
	pair, err := a.signPair(ctx, answered, access)
	if err != nil {
		return Pair{}, nil, err
	}
	a.event(ctx, Event{Type: event, UserID: userID(user), JTI: head.JTI(), SessionID: head.SessionID(), TokenType: a.refresh.Type})
	return pair, user, nil
}

// userForRefresh loads the user of a refresh or sliding token and asks whether he may authenticate. nil for a token
// without a user. A refusal by the rule consumes nothing; one by CHECK_REVOKE_TOKEN ends the session.
func (a *Auth) userForRefresh(ctx context.Context, t *Token) (simplejwt.User, error) {
	id, present := userIDText(t.claims[a.s.UserIDClaim])
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
		return nil, ErrTokenBlacklisted
	}
	if err := a.revoke(ctx, Scope{SessionID: t.session()}, ReasonPassword); err != nil {
		return nil, err
	}
	return nil, ErrPasswordChangedToken
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

// advance moves the session of a refresh token on and returns the token the client is to go on with, and the end of the
// session (zero: none). Without rotation that is the presented token.
func (a *Auth) advance(ctx context.Context, presented *Token, user simplejwt.User) (*Token, time.Time, EventType, error) {
	if a.s.RotateRefreshTokens && a.recorded() {
		return a.rotate(ctx, presented, user)
	}
	end, err := a.stillGood(ctx, presented)
	if err != nil || !a.s.RotateRefreshTokens {
		return presented, end, EventRefresh, err
	}
	next := presented.successor()
	return next, time.Time{}, EventRefresh, a.customClaims(ctx, next, user)
}

// stillGood refuses a token that is blacklisted or whose session is over, and returns the end of the session.
func (a *Auth) stillGood(ctx context.Context, t *Token) (time.Time, error) {
	if a.s.SessionLifetime == 0 {
		return time.Time{}, t.CheckBlacklist(ctx)
	}
	state, err := a.state(ctx, t)
	if err != nil || state.Presented == nil {
		return time.Time{}, err
	}
	if state.Presented.Blacklisted {
		return time.Time{}, ErrTokenBlacklisted
	}
	end := a.sessionEnd(state.Presented.OutstandingToken)
	if !end.After(t.now) {
		return time.Time{}, ErrTokenExpired
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
	next := &Token{auth: t.auth, class: t.class, claims: t.Claims(), now: t.now}
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

func userID(user simplejwt.User) string {
	if user == nil {
		return ""
	}
	return user.AuthID()
}
