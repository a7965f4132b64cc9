package core

import (
	"log/slog"

	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// Transport is how tokens travel over HTTP: what the package views needs to read requests and to write answers. Its zero value
// reads none, so that every request is anonymous.
type Transport struct {
	// Header is the canonical name (http.CanonicalHeaderKey) of the header that carries tokens. Without one no header is read.
	Header string
	// Schemes are the schemes that the header may have, such as Bearer, case-sensitive. Without one no header is read.
	Schemes []string
	// OAuthErrors adds the error codes of RFC 6749 and RFC 6750 to answers.
	OAuthErrors bool
	// Cookies is how browsers carry tokens; nil without AUTH_COOKIE. New alone makes one. An Authenticator that returns it as
	// Auth.Transport has it reads the same cookies.
	Cookies *cookie.Policy
	// Logger gets the errors that a client is told nothing of; nil: nothing is logged.
	Logger *slog.Logger
}

// Challenge returns the value of WWW-Authenticate in an answer 401; "" without Schemes.
func (t Transport) Challenge() string {
	if len(t.Schemes) == 0 {
		return ""
	}
	return t.Schemes[0] + ` realm="api"`
}

// Transport returns how tokens travel, by AUTH_HEADER_NAME, AUTH_HEADER_TYPES, OAUTH_ERRORS and AUTH_COOKIE. Its Logger is that
// of Deps.
func (a *Auth) Transport() Transport { return a.transport }

// WithoutCookies returns the same Auth without AUTH_COOKIE, to mount the views at a path of their own for clients that are not
// browsers: they get tokens in the body. What it guards reads no cookies.
func (a *Auth) WithoutCookies() *Auth {
	out := *a
	out.settings.AuthCookie, out.transport.Cookies = false, nil
	return &out
}
