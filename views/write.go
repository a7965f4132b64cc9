package views

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-simplejwt/simplejwt/core"
)

// detail is the body of DRF's errors. With OAUTH_ERRORS it has the last three members too. The order of its members is that of DRF.
type detail struct {
	Detail   string         `json:"detail"`
	Code     string         `json:"code,omitempty"`
	Messages []core.Message `json:"messages,omitempty"`

	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// isBlacklisted reports whether a token was rejected because it is on the blacklist.
func isBlacklisted(err error) bool { return errors.Is(err, core.ErrTokenBlacklisted) }

// Reject returns DRF's status and body for an error of a protected route, for a framework that writes its own JSON. It
// sets the response headers: WWW-Authenticate on a 401, and those that keep it out of caches. An error that is neither a
// *core.Error nor a core.ValidationError, or whose status HTTP does not have, is a 500 whose body says nothing of it. Reject logs
// nothing: see [WriteError].
func Reject(h http.Header, a core.Authenticator, err error) (status int, body any) {
	t := a.Transport()
	return buildDenial(h, &t, err, invalidToken)
}

// buildDenial is like Reject, but takes the OAuth error code of a 401, which differs between views and guarded routes. A ValidationError counts
// before a *core.Error that it wraps, as the body of SimpleJWT has the fields.
func buildDenial(h http.Header, t *core.Transport, err error, unauthorized string) (status int, body any) {
	var invalid core.ValidationError
	var denial *core.Error
	var oauth oauthError
	known, on := errors.As(err, &denial), t.OAuthErrors
	switch {
	case errors.As(err, &invalid):
		status, oauth = http.StatusBadRequest, newFieldsOAuthError(invalid, denial, unauthorized)
		body = fieldErrorBody(invalid, oauth, on)
	case !known || denial.Status < 200 || denial.Status > 599:
		status, oauth = http.StatusInternalServerError, oauthError{name: serverError}
		body = oauth.addTo(detail{Detail: "A server error occurred.", Code: "error"}, on) // DRF's
	default:
		status, oauth = denial.Status, newOAuthError(denial, unauthorized)
		body = oauth.addTo(detail{Detail: denial.Detail, Code: denial.Code, Messages: denial.Messages}, on)
	}
	setSecurityHeaders(h)
	if challenge := t.Challenge(); status == http.StatusUnauthorized && challenge != "" {
		h.Set("WWW-Authenticate", challenge+oauth.challengeParams(on))
	}
	return status, body
}

// WriteError writes the response for an error of a protected route: what [Reject] returns, as JSON. An error that becomes a 500 is
// logged with the path of the request, if the Transport of a has a Logger.
func WriteError(w http.ResponseWriter, r *http.Request, a core.Authenticator, err error) {
	writeError(w, r, a, err, invalidToken)
}

// writeError is like WriteError, but takes the OAuth error code of a 401.
func writeError(w http.ResponseWriter, r *http.Request, a core.Authenticator, err error, unauthorized string) {
	t := a.Transport()
	status, body := buildDenial(w.Header(), &t, err, unauthorized)
	if t.Logger != nil && status == http.StatusInternalServerError {
		t.Logger.ErrorContext(r.Context(), "a view failed, or its hook", "path", r.URL.Path, "error", err)
	}
	_ = writeJSON(w, status, body) // the body of an error can always be encoded
}

// writeJSON writes a response with the headers that every response about tokens has. A body that can't be encoded, because of what a hook
// put into it, is returned as an error before anything is written, so that the caller can still return 500. The body ends without a
// line feed and leaves <, > and & as they are, as DRF's does.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return fmt.Errorf("encode the response: %w", err)
	}
	data := bytes.TrimSpace(b.Bytes())
	h := w.Header()
	setSecurityHeaders(h)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// setSecurityHeaders keeps a response out of caches (RFC 6750 section 5.3) and keeps browsers from taking it for anything but JSON.
func setSecurityHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
