package views

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// Another site can make a browser send its user's cookies here. These are the denials of requests that can't be told from
// such: Django's CSRF failure, as DRF answers it.
var (
	errCrossOrigin = csrfError("The request comes from another origin.")
	errCSRFToken   = csrfError("CSRF token missing or incorrect.")
	errNotJSON     = csrfError("A request that does not say where it comes from must have a body of JSON.")
)

var errInsecure = &core.Error{Status: http.StatusForbidden, Code: "insecure_cookie", Detail: "AUTH_COOKIE_INSECURE is for localhost only: unset it and serve over TLS."}

func csrfError(reason string) *core.Error {
	return &core.Error{Status: http.StatusForbidden, Detail: "CSRF Failed: " + reason}
}

// isCSRFError reports whether a request was rejected for where it comes from, and not for who sends it.
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

// namesSource reports whether the browser says where a request comes from.
func namesSource(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
}

// checkOrigin rejects a request that may change something and comes from a page of another origin, if the browser says so.
func checkOrigin(p *cookie.Policy, r *http.Request) error {
	switch {
	case !p.MayServe(r):
		return errInsecure
	case mayChange(r) && !p.IsSameOrigin(r):
		return errCrossOrigin
	}
	return nil
}

// checkCSRFToken rejects a request that may change something, does not say where it comes from, and does not carry the CSRF
// token of the session to which the token in its cookie belongs.
func checkCSRFToken(p *cookie.Policy, r *http.Request, token *core.Token) error {
	if !mayChange(r) || namesSource(r) {
		return nil
	}
	want, got := csrfToken(p, token), r.Header.Values(p.CSRFHeader)
	if want == "" || len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) != 1 {
		return errCSRFToken
	}
	return nil
}

// csrfToken returns the CSRF token of a token's session, or of its user where there are no sessions.
func csrfToken(p *cookie.Policy, t *core.Token) string { return p.CSRFToken(t.SessionID(), t.UserID()) }
