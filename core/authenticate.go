package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-simplejwt/simplejwt"
)

// Authenticator decides who sends a request: Auth itself, with the user as stored now, Auth.Stateless, Auth.CheckingSession,
// or a program's own.
type Authenticator interface {
	// AuthenticateToken checks a raw token and returns its user. Errors: an *Error such as ErrTokenNotAllowed,
	// ErrServiceUnavailable; any other is answered as a 500.
	AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error)
	// Transport returns how tokens travel over HTTP. The package views asks for it once a request.
	Transport() Transport
}

// AuthenticateToken is SimpleJWT's JWTAuthentication for a raw token, also outside HTTP (websockets, gRPC): the token
// must be of one of AUTH_TOKEN_CLASSES, and its user is loaded and asked for.
// Errors: ErrTokenNotAllowed with a message for each class (and errors.Is for what each said, such as ErrTokenExpired),
// ErrUnknownUser, ErrUserInactive, ErrNoActiveAccount, ErrPasswordChanged, ErrServiceUnavailable. With CHECK_SESSION the
// token's session must be active.
func (a *Auth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	return a.authenticateToken(ctx, raw, false)
}

// authenticateToken is AuthenticateToken. If requireSession, the session of a token that names one is checked in any case, and not by
// the cache.
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
	if checkSession && owner == nil { // only the user tells whose the session must be
		if err := t.checkSessionAsItsClass(ctx, ownerOf(user), requireSession); err != nil {
			return nil, nil, err
		}
	}
	return user, t, nil
}

// checkSessionAsItsClass is checkSession, whose denial it returns as that of the token's class.
func (t *Token) checkSessionAsItsClass(ctx context.Context, owner *string, skipCache bool) error {
	err := t.checkSession(ctx, owner, skipCache)
	var denied classDenials
	if denied.addDenial(t.class, err) {
		return denied.asError()
	}
	return err
}

// allowedToken checks a token as each of AUTH_TOKEN_CLASSES in turn; the first that fits counts.
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

// classDenials are what token classes said of a token.
type classDenials struct {
	causes   []error
	messages []Message
	reason   string
}

// addDenial notes what a class said. It reports false for what is no denial of a token, such as a 503.
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

func (r *classDenials) asError() error {
	out := ErrTokenNotAllowed.withCause(errors.Join(r.causes...)).withReason(r.reason)
	out.Messages = r.messages
	return out
}

// CheckingSession is Auth with CHECK_SESSION for tokens that belong to a session, whatever the setting says: for routes
// that an ended session must not reach even while its access token lasts, such as a change of the password.
func (a *Auth) CheckingSession() Authenticator { return sessionCheckingAuth{a} }

type sessionCheckingAuth struct{ *Auth }

// AuthenticateToken is that of Auth, and looks after the session.
func (c sessionCheckingAuth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	return c.authenticateToken(ctx, raw, true)
}

// Stateless is SimpleJWT's JWTStatelessUserAuthentication: it believes the token and asks no database. The user is what
// TOKEN_USER_CLASS makes, a *TokenUser by default; ErrUnknownUser where it makes none. CHECK_SESSION is not applied: the first call
// beside it logs a warning.
func (a *Auth) Stateless() Authenticator {
	if a.settings.CheckSession {
		a.warnOnce(context.Background(), "Auth.Stateless ignores CHECK_SESSION: on its routes an access token outlives its session", "")
	}
	return statelessAuth{a}
}

type statelessAuth struct{ *Auth }

// AuthenticateToken checks the token and nothing else.
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

type contextKey struct{}

// authenticated is a context that carries a user and a token.
type authenticated struct {
	context.Context //nolint:containedctx // it is one
	user            simplejwt.User
	token           *Token
}

// Value answers for the user and the token, and passes on what else is asked for.
func (c *authenticated) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// String names no user: contexts are printed.
func (c *authenticated) String() string { return fmt.Sprint(c.Context, ".authenticated") }

// NewContext returns a context that carries the user and the token of a request.
func NewContext(ctx context.Context, user simplejwt.User, token *Token) context.Context {
	return &authenticated{ctx, user, token}
}

// FromContext returns the user and the token of a request, or false for an anonymous one.
func FromContext(ctx context.Context) (simplejwt.User, *Token, bool) {
	v, ok := ctx.Value(contextKey{}).(*authenticated)
	if !ok {
		return nil, nil, false
	}
	return v.user, v.token, true
}
