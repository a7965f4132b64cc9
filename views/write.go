package views

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/go-simplejwt/simplejwt/core"
)

// detail is the body of DRF's errors.
type detail struct {
	Detail   string         `json:"detail"`
	Code     string         `json:"code,omitempty"`
	Messages []core.Message `json:"messages,omitempty"`
}

// errServer is DRF's answer to an unexpected error: here one of a hook.
var errServer = detail{Detail: "A server error occurred.", Code: "error"}

// isBlacklisted reports whether a token was refused because it is on the blacklist.
func isBlacklisted(err error) bool { return errors.Is(err, core.ErrTokenBlacklisted) }

// Refusal is the status and the body that DRF answers to an error. An error that is no refusal, or one without a status
// that HTTP has, is a 500 that says nothing.
func Refusal(err error) (status int, body any) {
	var invalid core.ValidationError
	if errors.As(err, &invalid) {
		return http.StatusBadRequest, map[string][]string(invalid) // no error, which Echo would write in its own form
	}
	var refusal *core.Error
	if !errors.As(err, &refusal) || refusal.Status < 200 || refusal.Status > 599 {
		return http.StatusInternalServerError, errServer
	}
	return refusal.Status, detail{Detail: refusal.Detail, Code: refusal.Code, Messages: refusal.Messages}
}

// SetHeaders sets the headers of an answer of this status: WWW-Authenticate on a 401, and that no cache may keep it.
func SetHeaders(h http.Header, a core.Authenticator, status int) {
	secure(h)
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", a.Challenge())
	}
}

// WriteError writes the answer to an error. One that is no refusal is logged, if a has a logger.
func WriteError(w http.ResponseWriter, r *http.Request, a core.Authenticator, err error) {
	status, body := Refusal(err)
	if l, ok := a.(interface{ Logger() *slog.Logger }); ok && status == http.StatusInternalServerError {
		l.Logger().ErrorContext(r.Context(), "a hook failed", "path", r.URL.Path, "error", err)
	}
	SetHeaders(w.Header(), a, status)
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
	secure(h)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// secure keeps answers out of caches (RFC 6750 section 5.3) and from being taken for anything but JSON.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
