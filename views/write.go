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

// detail is the body of DRF's errors. With OAUTH_ERRORS it has the last three fields too.
type detail struct {
	Detail   string         `json:"detail"`
	Code     string         `json:"code,omitempty"`
	Messages []core.Message `json:"messages,omitempty"`

	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// isBlacklisted reports whether a token was refused because it is on the blacklist.
func isBlacklisted(err error) bool { return errors.Is(err, core.ErrTokenBlacklisted) }

// Reject is the status and the body that DRF answers to an error of a protected route. It sets the headers of the answer:
// WWW-Authenticate on a 401, and that no cache may keep it. An error that is no refusal, or one without a status that HTTP
// has, is a 500 that says nothing.
func Reject(h http.Header, a core.Authenticator, err error) (status int, body any) {
	t := a.Transport()
	return buildDenial(h, &t, err, invalidToken)
}

func buildDenial(h http.Header, t *core.Transport, err error, unauthorized string) (status int, body any) {
	var invalid core.ValidationError
	var refusal *core.Error
	var oauth oauthError
	known, on := errors.As(err, &refusal), t.OAuthErrors
	switch {
	case errors.As(err, &invalid):
		status, oauth = http.StatusBadRequest, newFieldsOAuthError(invalid, refusal, unauthorized)
		body = fieldErrorBody(invalid, oauth, on)
	case !known || refusal.Status < 200 || refusal.Status > 599:
		status, oauth = http.StatusInternalServerError, oauthError{name: serverError}
		body = oauth.addTo(detail{Detail: "A server error occurred.", Code: "error"}, on) // DRF's
	default:
		status, oauth = refusal.Status, newOAuthError(refusal, unauthorized)
		body = oauth.addTo(detail{Detail: refusal.Detail, Code: refusal.Code, Messages: refusal.Messages}, on)
	}
	setSecurityHeaders(h)
	if challenge := t.Challenge(); status == http.StatusUnauthorized && challenge != "" {
		h.Set("WWW-Authenticate", challenge+oauth.challengeParams(on))
	}
	return status, body
}

// WriteError writes the answer to an error of a protected route. One that is no refusal is logged, if the transport of a has a
// logger.
func WriteError(w http.ResponseWriter, r *http.Request, a core.Authenticator, err error) {
	writeError(w, r, a, err, invalidToken)
}

func writeError(w http.ResponseWriter, r *http.Request, a core.Authenticator, err error, unauthorized string) {
	t := a.Transport()
	status, body := buildDenial(w.Header(), &t, err, unauthorized)
	if t.Logger != nil && status == http.StatusInternalServerError {
		t.Logger.ErrorContext(r.Context(), "a view failed, or its hook", "path", r.URL.Path, "error", err)
	}
	_ = writeJSON(w, status, body) // a refusal can always be encoded
}

// writeJSON writes an answer with the headers that every answer about tokens has. What can't be encoded, because a hook
// put it there, is not written but returned as an error.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
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

// setSecurityHeaders keeps answers out of caches (RFC 6750 section 5.3) and from being taken for anything but JSON.
func setSecurityHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
