package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-simplejwt/simplejwt"
)

// Authenticator decides who sends a request. The implementations are Auth, which loads the user for each request,
// Auth.Stateless and Auth.CheckingSession. A program may write its own.
type Authenticator interface {
	// AuthenticateToken verifies a raw token and returns its user. Errors: an *Error such as ErrTokenNotAllowed or
	// ErrServiceUnavailable; any other error becomes a 500.
	AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error)
	// Transport returns how tokens travel over HTTP. The package views calls it once per request.
	Transport() Transport
}

// AuthenticateToken is SimpleJWT's JWTAuthentication for a raw token. It works outside HTTP too (websockets, gRPC).
// The token must be of one of AUTH_TOKEN_CLASSES, its user is loaded and must be allowed to authenticate. With
// CHECK_SESSION the token's session must be active.
//
// Errors: ErrTokenNotAllowed with a Message for each class (and errors.Is for the denial of each, such as
// ErrTokenExpired), ErrTokenNoUser, ErrUnknownUser, ErrUserInactive, ErrNoActiveAccount, ErrPasswordChanged,
// ErrServiceUnavailable.
func (a *Auth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	return a.authenticateToken(ctx, raw, false)
}

// authenticateToken implements AuthenticateToken. With requireSession, the session of a token with a sid is checked
// whatever CHECK_SESSION says, and without the cache.
func (a *Auth) authenticateToken(ctx context.Context, raw string, requireSession bool) (simplejwt.User, *Token, error) {
	t, err := a.allowedToken(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	checkSession := a.settings.CheckSession || requireSession && a.keepsRecords() && t.Session() != ""
	var owner *string
	if checkSession {
		owner = t.claimedOwner()
	}
	if owner != nil {
		if err := t.checkSessionAsItsClass(ctx, owner, requireSession); err != nil {
			return nil, nil, err
		}
	}
	user, err := a.findUser(ctx, t.UserID())
	if errors.Is(err, ErrUserNotFound) {
		return nil, nil, ErrUnknownUser
	}
	if err != nil {
		return nil, nil, a.unavailable(ctx, "look up user", err)
	}
	switch {
	case a.isRejectedAsInactive(user):
		return nil, nil, ErrUserInactive
	case !a.mayAuthenticate(ctx, user):
		return nil, nil, errNoActiveAccountForToken
	case !t.passwordMatches(user):
		return nil, nil, ErrPasswordChanged
	}
	if checkSession && owner == nil { // the claim does not identify the owner, only the loaded user does
		if err := t.checkSessionAsItsClass(ctx, ownerOf(user), requireSession); err != nil {
			return nil, nil, err
		}
	}
	return user, t, nil
}

// checkSessionAsItsClass is like checkSession, but wraps a denial as allowedToken does.
func (t *Token) checkSessionAsItsClass(ctx context.Context, owner *string, skipCache bool) error {
	err := t.checkSession(ctx, owner, skipCache)
	var denied classDenials
	if denied.addDenial(t.class, err) {
		return denied.asError()
	}
	return err
}

// allowedToken verifies a token as each of AUTH_TOKEN_CLASSES in order and returns it as the first one that fits.
func (a *Auth) allowedToken(ctx context.Context, raw string) (*Token, error) {
	t, err := a.parseVerified(ctx, raw)
	var denied classDenials
	for _, c := range a.classes.allowed {
		denial := err
		if err == nil {
			denial = t.checkAs(ctx, c)
		}
		if denial == nil {
			if !t.Has(a.settings.UserIDClaim) {
				return nil, ErrTokenNoUser
			}
			return t, nil
		}
		if !denied.addDenial(c, denial) {
			return nil, denial
		}
	}
	return nil, denied.asError()
}

// classDenials collects why each token class denied a token.
type classDenials struct {
	causes   []error
	messages []Message
	reason   string
}

// addDenial adds the denial of a class. It returns false for an error that is not about the token, such as
// ErrServiceUnavailable.
func (r *classDenials) addDenial(c *TokenClass, denial error) bool {
	var known *Error
	if !errors.As(denial, &known) || known.Code != codeTokenNotValid {
		return false
	}
	r.causes = append(r.causes, denial)
	r.messages = append(r.messages, Message{TokenClass: c.Name, TokenType: c.Type, Message: known.Detail})
	if r.reason == "" {
		r.reason = known.Reason
	}
	return true
}

// asError returns ErrTokenNotAllowed with the messages of all classes, and the reason of the first denial that has
// one.
func (r *classDenials) asError() error {
	out := ErrTokenNotAllowed.withCause(errors.Join(r.causes...)).withReason(r.reason)
	out.Messages = r.messages
	return out
}

// CheckingSession returns an Authenticator that always checks the session of a token with a sid, whatever
// CHECK_SESSION says, and does not use the cache. It is for routes that an ended session must not reach while its
// access token lasts, such as a change of the password.
func (a *Auth) CheckingSession() Authenticator { return sessionCheckingAuth{a} }

// sessionCheckingAuth is the Authenticator of CheckingSession.
type sessionCheckingAuth struct{ *Auth }

// AuthenticateToken is like Auth.AuthenticateToken, but always checks the session.
func (c sessionCheckingAuth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	return c.authenticateToken(ctx, raw, true)
}

// Stateless returns SimpleJWT's JWTStatelessUserAuthentication: it trusts the token and makes no calls. The user is
// what TOKEN_USER_CLASS returns, a *TokenUser by default, or ErrUnknownUser if it returns nil. CHECK_SESSION does
// not apply; with it, the first call of Stateless logs a warning.
func (a *Auth) Stateless() Authenticator {
	if a.settings.CheckSession {
		a.warnOnce(context.Background(), "Auth.Stateless ignores CHECK_SESSION: on its routes an access token outlives its session", "")
	}
	return statelessAuth{a}
}

// statelessAuth is the Authenticator of Stateless.
type statelessAuth struct{ *Auth }

// AuthenticateToken verifies the token and checks nothing else.
func (s statelessAuth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	t, err := s.allowedToken(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	if s.settings.TokenUserClass != nil {
		user := s.settings.TokenUserClass(t.Claims())
		if isNil(user) {
			return nil, nil, ErrUnknownUser
		}
		return user, t, nil
	}
	return &TokenUser{claims: t.claims, userIDClaim: s.settings.UserIDClaim}, t, nil
}

// contextKey is the key under which an authenticated context returns itself.
type contextKey struct{}

// authenticated is a context that carries a user and a token in one allocation.
type authenticated struct {
	context.Context //nolint:containedctx // this type is a context
	user            simplejwt.User
	token           *Token
}

// Value returns the context itself for contextKey and passes other keys on.
func (c *authenticated) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// String does not name the user: contexts are printed in logs.
func (c *authenticated) String() string { return fmt.Sprint(c.Context, ".authenticated") }

// NewContext returns a context that carries the user and the token of a request.
func NewContext(ctx context.Context, user simplejwt.User, token *Token) context.Context {
	return &authenticated{ctx, user, token}
}

// FromContext returns the user and the token of a request; false if it is anonymous.
func FromContext(ctx context.Context) (simplejwt.User, *Token, bool) {
	v, ok := ctx.Value(contextKey{}).(*authenticated)
	if !ok {
		return nil, nil, false
	}
	return v.user, v.token, true
}
