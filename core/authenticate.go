package core

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt"
)

// Authenticator decides who sends a request: Auth itself, with the user as he is now, or Auth.Stateless.
type Authenticator interface {
	// AuthenticateToken checks a raw token and returns its user. Errors: a refusal (401), 503.
	AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error)
	// AuthHeader is the name of the header that carries tokens, and the schemes it may have.
	AuthHeader() (name string, types []string)
	// Challenge is the value of WWW-Authenticate in an answer 401.
	Challenge() string
}

// AuthenticateToken is SimpleJWT's JWTAuthentication for a raw token, also outside HTTP (websockets, gRPC): the token
// must be of one of AUTH_TOKEN_CLASSES, and its user is loaded and asked for.
// Errors: ErrTokenNotAllowed with a message for each class (and errors.Is for what each said, such as ErrTokenExpired),
// ErrUnknownUser, ErrUserInactive ..., 503.
func (a *Auth) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	t, err := a.allowedToken(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	id, _ := userIDText(t.claims[a.s.UserIDClaim])
	user, err := a.findUser(ctx, id)
	if errors.Is(err, ErrUserNotFound) {
		return nil, nil, ErrUnknownUser
	}
	if err != nil {
		return nil, nil, a.trouble(ctx, "look up user", err)
	}
	switch {
	case *a.s.CheckUserIsActive && !user.AuthActive():
		return nil, nil, ErrUserInactive
	case !a.mayAuthenticate(ctx, user):
		return nil, nil, ErrRefusedByRule
	case !t.passwordMatches(user):
		return nil, nil, ErrPasswordChanged
	}
	return user, t, nil
}

// allowedToken checks a token as each of AUTH_TOKEN_CLASSES in turn; the first that fits counts.
func (a *Auth) allowedToken(ctx context.Context, raw string) (*Token, error) {
	t, err := a.verified(ctx, raw)
	var messages []Message
	var causes []error
	for _, c := range a.allowed {
		refusal := err
		if err == nil {
			refusal = t.as(ctx, c)
		}
		if refusal == nil {
			if !t.Has(a.s.UserIDClaim) {
				return nil, ErrTokenNoUser
			}
			return t, nil
		}
		var known *Error
		if !errors.As(refusal, &known) || known.Code != codeTokenNotValid {
			return nil, refusal
		}
		causes = append(causes, refusal)
		messages = append(messages, Message{TokenClass: c.Name, TokenType: c.Type, Message: known.Detail})
	}
	out := ErrTokenNotAllowed.because(errors.Join(causes...))
	out.Messages = messages
	return nil, out
}

// Stateless is SimpleJWT's JWTStatelessUserAuthentication: it believes the token and asks no database. The user is what
// TOKEN_USER_CLASS makes, a *TokenUser by default.
func (a *Auth) Stateless() Authenticator { return stateless{a} }

type stateless struct{ *Auth }

// AuthenticateToken checks the token and nothing else.
func (s stateless) AuthenticateToken(ctx context.Context, raw string) (simplejwt.User, *Token, error) {
	t, err := s.allowedToken(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	if s.s.TokenUserClass != nil {
		return s.s.TokenUserClass(t.Claims()), t, nil
	}
	return &TokenUser{claims: t.claims, userIDClaim: s.s.UserIDClaim}, t, nil
}

type contextKey struct{}

type authenticated struct {
	user  simplejwt.User
	token *Token
}

// NewContext returns a context that carries the user and the token of a request.
func NewContext(ctx context.Context, user simplejwt.User, token *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, authenticated{user, token})
}

// FromContext returns the user and the token of a request, or false for an anonymous one.
func FromContext(ctx context.Context) (simplejwt.User, *Token, bool) {
	v, ok := ctx.Value(contextKey{}).(authenticated)
	return v.user, v.token, ok
}
