package core

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// Error is an auth error that a client may see: the package views makes bodies of it. Compare by errors.Is with the sentinels
// below. There is one for each meaning, whatever the wording, the reason and the cause.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is SimpleJWT's code ("token_not_valid"); "" where it has none. The package views leaves it out where SimpleJWT does.
	Code string
	// Detail is SimpleJWT's sentence.
	Detail string
	// Messages are what each of several token classes said of a token.
	Messages []Message
	// Reason tells errors apart that SimpleJWT answers alike: "expired", "reused", "revoked", "password_changed" or
	// "session_ended"; "" for any other.
	Reason string

	cause    error
	sentinel *Error // what this is a copy of; nil for itself
}

// Message is what one token class said of a rejected token.
type Message struct {
	TokenClass ClassName `json:"token_class"`
	TokenType  string    `json:"token_type"`
	Message    string    `json:"message"`
}

// Error is the detail and, where there is one, the cause; Messages say more where there are any. It holds nothing of a
// token.
func (e *Error) Error() string {
	if e.cause != nil && len(e.Messages) == 0 {
		return e.Detail + ": " + e.cause.Error()
	}
	return e.Detail
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target has the same meaning: it comes from the same sentinel, or has the same status, code and detail.
func (e *Error) Is(target error) bool {
	var other *Error
	if !errors.As(target, &other) {
		return false
	}
	return e.rootSentinel() == other.rootSentinel() || e.Status == other.Status && e.Code == other.Code && e.Detail == other.Detail
}

func (e *Error) rootSentinel() *Error {
	if e.sentinel != nil {
		return e.sentinel
	}
	return e
}

// clone is a clone of the error with the same meaning.
func (e *Error) clone() *Error {
	out := *e
	out.sentinel = e.rootSentinel()
	return &out
}

// ValidationError rejects a request with 400 and messages by field; "non_field_errors" is Django's name for the rest.
type ValidationError map[string][]string

// Error names the fields.
func (e ValidationError) Error() string {
	return fmt.Sprintf("invalid request: %v", map[string][]string(e))
}

const (
	codeTokenNotValid = "token_not_valid"
	codeUnavailable   = "service_unavailable"
)

// The values of Error.Reason.
const (
	reasonExpired         = "expired"
	reasonReused          = "reused"
	reasonRevoked         = "revoked"
	reasonPasswordChanged = "password_changed"
	reasonSessionEnded    = "session_ended"
)

// The errors, with SimpleJWT's texts, letter for letter.
var (
	ErrTokenInvalid     = newTokenNotValid("Token is invalid")
	ErrTokenExpired     = newTokenNotValid("Token is expired").withReason(reasonExpired)
	ErrTokenBlacklisted = newTokenNotValid("Token is blacklisted").withReason(reasonRevoked)
	ErrTokenNoID        = newTokenNotValid("Token has no id")
	ErrTokenNoType      = newTokenNotValid("Token has no type")
	ErrTokenWrongType   = newTokenNotValid("Token has wrong type")
	ErrTokenNotAllowed  = newTokenNotValid("Given token not valid for any token type")
	ErrTokenNoUser      = newTokenNotValid("Token contained no recognizable user identification")

	ErrNoActiveAccount = newUnauthorized("no_active_account", "No active account found with the given credentials")

	ErrNotAuthenticated   = newUnauthorized("", "Authentication credentials were not provided.")
	ErrBadHeader          = newUnauthorized("bad_authorization_header", "Authorization header must contain two space-delimited values")
	ErrUnknownUser        = newUnauthorized("user_not_found", "User not found")
	ErrUserInactive       = newUnauthorized("user_inactive", "User is inactive")
	ErrPasswordChanged    = newUnauthorized("password_changed", "The user's password has been changed.").withReason(reasonPasswordChanged)
	ErrPermissionDenied   = &Error{Status: http.StatusForbidden, Detail: "You do not have permission to perform this action."}
	ErrSessionNotFound    = &Error{Status: http.StatusNotFound, Detail: "Not found."}
	ErrServiceUnavailable = &Error{Status: http.StatusServiceUnavailable, Code: codeUnavailable, Detail: "Service temporarily unavailable, try again later."}
)

// What SimpleJWT tells apart by its sentence only, or not at all.
var (
	errNoActiveAccountForToken = ErrNoActiveAccount.withDetail("No active account found for the given token.")

	errTokenReused  = ErrTokenBlacklisted.withReason(reasonReused)
	errSessionEnded = ErrTokenBlacklisted.withReason(reasonSessionEnded)
)

func newTokenNotValid(detail string) *Error { return newUnauthorized(codeTokenNotValid, detail) }

func newUnauthorized(code, detail string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: code, Detail: detail}
}

// missingClaimError says that a token lacks a claim that holds a time.
func missingClaimError(claim string) *Error {
	return ErrTokenInvalid.withDetail("Token has no '" + claim + "' claim")
}

// expiredClaimError says that the time in a claim has passed.
func expiredClaimError(claim string) *Error {
	return ErrTokenExpired.withDetail("Token '" + claim + "' claim has expired")
}

// tokenError returns the auth error for an error of the codec: jose.ErrInvalid, jose.ErrExpired, or the cause that makes a
// token invalid.
func tokenError(err error) error {
	switch err {
	case jose.ErrInvalid: //nolint:errorlint // the codec wraps neither, and comparing is all that a forged token should cost
		return ErrTokenInvalid
	case jose.ErrExpired:
		return ErrTokenExpired
	}
	return ErrTokenInvalid.withCause(err)
}

// withCause returns a copy of the error with its cause, for logs and events.
func (e *Error) withCause(cause error) *Error {
	out := e.clone()
	out.cause = cause
	return out
}

// withReason returns a copy of the error with its reason.
func (e *Error) withReason(reason string) *Error {
	out := e.clone()
	out.Reason = reason
	return out
}

// withDetail returns a copy of the error in other words.
func (e *Error) withDetail(detail string) *Error {
	out := e.clone()
	out.Detail = detail
	return out
}

// asUnavailable is ErrServiceUnavailable for an error of the Store, of Users, of a hook or of a password hash; an *Error it returns as it is.
func asUnavailable(operation string, err error) error {
	var denial *Error
	if err == nil || errors.As(err, &denial) {
		return err
	}
	return ErrServiceUnavailable.withCause(fmt.Errorf("%s: %w", operation, err))
}
