package core

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// Error is an auth error that a client may see. The package views turns it into a response. There is one sentinel
// for each meaning, whatever the wording, the reason and the cause: compare with errors.Is. Sentinels are shared:
// do not change their fields.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is SimpleJWT's code ("token_not_valid"); "" if it has none. The package views leaves it out where
	// SimpleJWT does.
	Code string
	// Detail is SimpleJWT's message.
	Detail string
	// Messages has one entry for each token class that rejected the token; see ErrTokenNotAllowed.
	Messages []Message
	// Reason distinguishes errors with the same response in SimpleJWT: "expired", "reused", "revoked", "password_changed"
	// or "session_ended"; "" for any other. It is for programs, and is not part of the response.
	Reason string

	cause    error
	sentinel *Error // the sentinel that this is a copy of; nil for a sentinel
}

// Message is why one token class rejected a token.
type Message struct {
	TokenClass ClassName `json:"token_class"`
	TokenType  string    `json:"token_type"`
	Message    string    `json:"message"`
}

// Error returns the detail and, if there is one, the cause. With Messages it returns the detail only. It contains
// nothing of a token.
func (e *Error) Error() string {
	if e.cause != nil && len(e.Messages) == 0 {
		return e.Detail + ": " + e.cause.Error()
	}
	return e.Detail
}

// Unwrap returns the cause, nil for none.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target has the same meaning: it comes from the same sentinel, or has the same status, code and
// detail.
func (e *Error) Is(target error) bool {
	var other *Error
	if !errors.As(target, &other) {
		return false
	}
	return e.rootSentinel() == other.rootSentinel() || e.Status == other.Status && e.Code == other.Code && e.Detail == other.Detail
}

// rootSentinel returns the sentinel that the error is a copy of, or the error itself.
func (e *Error) rootSentinel() *Error {
	if e.sentinel != nil {
		return e.sentinel
	}
	return e
}

// clone returns a copy of the error with the same meaning.
func (e *Error) clone() *Error {
	out := *e
	out.sentinel = e.rootSentinel()
	return &out
}

// ValidationError rejects a request with status 400. It maps the names of fields to messages; "non_field_errors" is
// Django's name for messages about no single field.
type ValidationError map[string][]string

// Error lists the fields and their messages.
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

// The errors. Their codes and texts are SimpleJWT's, verbatim.
var (
	// ErrTokenInvalid denies a token that is malformed, has a bad signature or claims, or belongs to another user
	// than its record.
	ErrTokenInvalid = newTokenNotValid("Token is invalid")
	// ErrTokenExpired denies a token whose exp has passed, or whose session has reached its end.
	ErrTokenExpired = newTokenNotValid("Token is expired").withReason(reasonExpired)
	// ErrTokenBlacklisted denies a token that was used, logged out or revoked. Error.Reason says which.
	ErrTokenBlacklisted = newTokenNotValid("Token is blacklisted").withReason(reasonRevoked)
	// ErrTokenNoID denies a token without JTI_CLAIM.
	ErrTokenNoID = newTokenNotValid("Token has no id")
	// ErrTokenNoType denies a token without TOKEN_TYPE_CLAIM.
	ErrTokenNoType = newTokenNotValid("Token has no type")
	// ErrTokenWrongType denies a token of another class than the expected one.
	ErrTokenWrongType = newTokenNotValid("Token has wrong type")
	// ErrTokenNotAllowed denies a request whose token is valid for none of AUTH_TOKEN_CLASSES. Error.Messages has
	// the denial of each class, and errors.Is finds them.
	ErrTokenNotAllowed = newTokenNotValid("Given token not valid for any token type")
	// ErrTokenNoUser denies a request whose token has no USER_ID_CLAIM.
	ErrTokenNoUser = newTokenNotValid("Token contained no recognizable user identification")

	// ErrNoActiveAccount denies a login with wrong credentials, and a user who does not exist any more or may not
	// authenticate. It does not say which, so that nobody can find out which users exist.
	ErrNoActiveAccount = newUnauthorized("no_active_account", "No active account found with the given credentials")

	// ErrNotAuthenticated denies an anonymous request.
	ErrNotAuthenticated = newUnauthorized("", "Authentication credentials were not provided.")
	// ErrBadHeader denies a header that is not a scheme and a token.
	ErrBadHeader = newUnauthorized("bad_authorization_header", "Authorization header must contain two space-delimited values")
	// ErrUnknownUser denies a request whose token names a user who does not exist.
	ErrUnknownUser = newUnauthorized("user_not_found", "User not found")
	// ErrUserInactive denies a request of an inactive user; see CHECK_USER_IS_ACTIVE.
	ErrUserInactive = newUnauthorized("user_inactive", "User is inactive")
	// ErrPasswordChanged denies a token issued for another password than the user's current one; see
	// CHECK_REVOKE_TOKEN.
	ErrPasswordChanged = newUnauthorized("password_changed", "The user's password has been changed.").withReason(reasonPasswordChanged)
	// ErrPermissionDenied denies a request of a user who is authenticated, but not allowed to do this.
	ErrPermissionDenied = &Error{Status: http.StatusForbidden, Detail: "You do not have permission to perform this action."}
	// ErrSessionNotFound means that the user has no such active session.
	ErrSessionNotFound = &Error{Status: http.StatusNotFound, Detail: "Not found."}
	// ErrServiceUnavailable means that the Store, Users or a hook failed, so that nothing was decided about the
	// token or the credentials. errors.Unwrap returns the cause.
	ErrServiceUnavailable = &Error{Status: http.StatusServiceUnavailable, Code: codeUnavailable, Detail: "Service temporarily unavailable, try again later."}
)

// Variants that SimpleJWT distinguishes by their text only, or not at all.
var (
	errNoActiveAccountForToken = ErrNoActiveAccount.withDetail("No active account found for the given token.")

	errTokenReused  = ErrTokenBlacklisted.withReason(reasonReused)
	errSessionEnded = ErrTokenBlacklisted.withReason(reasonSessionEnded)
)

// newTokenNotValid returns a sentinel with SimpleJWT's code for a bad token.
func newTokenNotValid(detail string) *Error { return newUnauthorized(codeTokenNotValid, detail) }

// newUnauthorized returns a sentinel with status 401.
func newUnauthorized(code, detail string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: code, Detail: detail}
}

// missingClaimError denies a token that lacks a claim with a time.
func missingClaimError(claim string) *Error {
	return ErrTokenInvalid.withDetail("Token has no '" + claim + "' claim")
}

// expiredClaimError denies a token whose time in a claim has passed.
func expiredClaimError(claim string) *Error {
	return ErrTokenExpired.withDetail("Token '" + claim + "' claim has expired")
}

// tokenError returns the auth error for an error of the codec: jose.ErrInvalid, jose.ErrExpired, or the cause that
// makes a token invalid.
func tokenError(err error) error {
	switch err {
	case jose.ErrInvalid: //nolint:errorlint // the codec wraps neither, and comparing is all that a forged token should cost
		return ErrTokenInvalid
	case jose.ErrExpired:
		return ErrTokenExpired
	}
	return ErrTokenInvalid.withCause(err)
}

// withCause returns a copy of the error with a cause, which logs and events show.
func (e *Error) withCause(cause error) *Error {
	out := e.clone()
	out.cause = cause
	return out
}

// withReason returns a copy of the error with a reason.
func (e *Error) withReason(reason string) *Error {
	out := e.clone()
	out.Reason = reason
	return out
}

// withDetail returns a copy of the error with another detail.
func (e *Error) withDetail(detail string) *Error {
	out := e.clone()
	out.Detail = detail
	return out
}

// asUnavailable wraps an error of the Store, of Users, of a hook or of a password hash in ErrServiceUnavailable. It
// returns nil for nil, and an *Error as it is.
func asUnavailable(operation string, err error) error {
	var authError *Error
	if err == nil || errors.As(err, &authError) {
		return err
	}
	return ErrServiceUnavailable.withCause(fmt.Errorf("%s: %w", operation, err))
}
