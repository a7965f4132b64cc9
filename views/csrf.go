package views

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// Another site can make a browser send its user's cookies here. These errors reject requests that can't be distinguished from such a
// request: they are Django's CSRF failure, as DRF answers it.
var (
	errCrossOrigin = csrfError("The request comes from another origin.")
	errCSRFToken   = csrfError("CSRF token missing or incorrect.")
	errNotJSON     = csrfError("A request that does not say where it comes from must have a body of JSON.")
)

// errAnotherSession rejects a request that was made in another session than that of its cookies.
var errAnotherSession = &core.Error{Status: http.StatusPreconditionFailed, Code: "another_session", Detail: "The request was made in another session."}

// sessionHeader is a precondition, as those of RFC 9110 section 13: it holds the CSRF token of the session that a request is meant for.
const sessionHeader = "If-Session"

// errInsecure rejects a host that AUTH_COOKIE_INSECURE does not serve: cookies without Secure are for development on this machine.
var errInsecure = &core.Error{Status: http.StatusForbidden, Code: "insecure_cookie", Detail: "AUTH_COOKIE_INSECURE is for localhost only: unset it and serve over TLS."}

// csrfError returns the 403 that DRF answers to a request that fails Django's CSRF check.
func csrfError(reason string) *core.Error {
	return &core.Error{Status: http.StatusForbidden, Detail: "CSRF Failed: " + reason}
}

// isCSRFError reports whether a request was rejected for where it comes from, and not for who sends it. OAUTH_ERRORS calls that
// access_denied, as no scope would change it.
func isCSRFError(err error) bool {
	return errors.Is(err, errCrossOrigin) || errors.Is(err, errCSRFToken) || errors.Is(err, errNotJSON) || errors.Is(err, errInsecure)
}

// mayChange reports whether a request may change something: by its method (RFC 9110 section 9.2.1), or because it opens a
// websocket, which any page may ask for with a GET and no preflight.
func mayChange(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return true
	}
	for _, upgrade := range r.Header.Values("Upgrade") {
		if strings.Contains(strings.ToLower(upgrade), "websocket") {
			return true
		}
	}
	return false
}

// checkOrigin returns errCrossOrigin for a request that may change something and comes from a page of another origin, if the browser
// says so, and errInsecure for a host that cookies are not for. Where the browser says nothing, checkCSRFToken decides.
func checkOrigin(p *cookie.Policy, r *http.Request) error {
	switch {
	case !p.MayServe(r):
		return errInsecure
	case mayChange(r) && !p.IsSameOrigin(r):
		return errCrossOrigin
	}
	return nil
}

// checkCSRFToken returns errCSRFToken for a request that may change something, does not say where it comes from, and does not carry the
// CSRF token of the session to which the token in its cookie belongs. Several CSRF headers are rejected, as several cookies are. It
// returns errAnotherSession for any request that names another session: the user may have logged in as somebody else, in another tab,
// since the page made the request.
func checkCSRFToken(p *cookie.Policy, r *http.Request, token *core.Token) error {
	for _, meant := range r.Header.Values(sessionHeader) {
		if !p.IsCSRFToken(meant, token.SessionID(), token.UserID()) {
			return errAnotherSession
		}
	}
	if !mayChange(r) || cookie.NamesSource(r) {
		return nil
	}
	if got := r.Header.Values(p.CSRFHeader); len(got) != 1 || !p.IsCSRFToken(got[0], token.SessionID(), token.UserID()) {
		return errCSRFToken
	}
	return nil
}

// checkCSRFCookie returns errCSRFToken for a request of any method whose token another host of the domain may have put into the cookie
// from: such a host could log its own user in where the visitor expects to be alone.
func checkCSRFCookie(p *cookie.Policy, r *http.Request, from *http.Cookie, token *core.Token) error {
	if !p.FitsCSRFCookie(r, from, token.SessionID(), token.UserID()) {
		return errCSRFToken
	}
	return nil
}

// csrfToken returns the CSRF token of a token's session, or of its user where there are no sessions.
func csrfToken(p *cookie.Policy, t *core.Token) string { return p.CSRFToken(t.SessionID(), t.UserID()) }
