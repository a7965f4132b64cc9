package core

import (
	"log/slog"

	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// Transport is how tokens travel over HTTP: what the package views needs to read requests and to write responses.
// With its zero value every request is anonymous.
type Transport struct {
	// Header is the canonical name (http.CanonicalHeaderKey) of the header that carries tokens. If it is "", no
	// header is read.
	Header string
	// Schemes are the accepted schemes of the header, such as Bearer, case-sensitive. If there is none, no header
	// is read.
	Schemes []string
	// OAuthErrors adds the error codes of RFC 6749 and RFC 6750 to responses.
	OAuthErrors bool
	// Cookies is how browsers carry tokens; nil without AUTH_COOKIE. Only New creates one. A custom Authenticator
	// that returns the Cookies of Auth.Transport reads the same cookies.
	Cookies *cookie.Policy
	// Logger gets errors that are not shown to the client. If it is nil, nothing is logged.
	Logger *slog.Logger
}

// Challenge returns the header WWW-Authenticate of a response with status 401, "" without Schemes.
func (t Transport) Challenge() string {
	if len(t.Schemes) == 0 {
		return ""
	}
	return t.Schemes[0] + ` realm="api"`
}

// Transport returns how tokens travel, by AUTH_HEADER_NAME, AUTH_HEADER_TYPES, OAUTH_ERRORS and AUTH_COOKIE, with
// the Logger of Deps.
func (a *Auth) Transport() Transport { return a.transport }

// WithoutCookies returns the same Auth without AUTH_COOKIE. Mount the views with it at another path for clients
// that are not browsers: they get tokens in the body, and no cookie is read.
func (a *Auth) WithoutCookies() *Auth {
	out := *a
	out.settings.AuthCookie, out.transport.Cookies = false, nil
	return &out
}
