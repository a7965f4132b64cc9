package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrSessionEnded means that the server has rejected the refresh token permanently, with 401 or 400. The *Error around it says
	// why. Every request fails with it, and nothing is sent, until the next login.
	ErrSessionEnded = errors.New("the session has ended")
	// ErrNotLoggedIn means that there are no tokens: there was no login yet, or a logout.
	ErrNotLoggedIn = errors.New("not logged in")
)

// Error means that the login, refresh or blacklist view returned an error, a response that cannot be used, or none at all. It contains
// neither a token nor a password.
type Error struct {
	// Op is "login", "refresh" or "logout".
	Op string
	// Status is the HTTP status; 0 if there was no response.
	Status int
	// Detail is the server's message, or for a 400 its messages by field; at most 500 bytes, and "" if there is none.
	Detail string
	// Code is SimpleJWT's code, such as "token_not_valid"; "" if there is none.
	Code string
	// Reason is why the token was rejected, if the server has OAUTH_ERRORS: "expired", "reused", "revoked", "password_changed" or
	// "session_ended"; otherwise "".
	Reason string
	// RetryAfter is the server's Retry-After, one hour at most; 0 if there is none.
	RetryAfter time.Duration

	ended     bool  // this is ErrSessionEnded
	retryable bool  // another try may succeed
	cause     error // the error of the transport, or what is wrong with the response; may be nil
}

// Error returns the operation, the status and what else is known, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.ended {
		b.WriteString(": " + ErrSessionEnded.Error())
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d", e.Status)
		if e.Detail == "" {
			b.WriteString(" " + http.StatusText(e.Status))
		}
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if words := slices.DeleteFunc([]string{e.Code, e.Reason}, func(s string) bool { return s == "" }); len(words) > 0 {
		b.WriteString(" (" + strings.Join(words, ", ") + ")")
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Is makes errors.Is(err, ErrSessionEnded) true if the server has ended the session.
func (e *Error) Is(target error) bool { return target == ErrSessionEnded && e.ended }

// Unwrap returns the error of the transport, or what is wrong with a response that cannot be used; nil if the status says it all.
func (e *Error) Unwrap() error { return e.cause }

// newResponseError returns the error for a response without a 2xx status. secret is the token that was sent: it is removed from the
// texts, in case the server repeats it.
func newResponseError(op string, resp *http.Response, data []byte, secret string, now time.Time) *Error {
	e := &Error{Op: op, Status: resp.StatusCode, RetryAfter: parseRetryAfter(resp.Header, now)}
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusBadRequest:
		e.ended = op != opLogin
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests, e.Status >= 500:
		e.retryable = true
	case e.Status >= 300 && e.Status < 400:
		e.cause = errRedirect
	}
	var body map[string]any
	if json.Unmarshal(data, &body) != nil {
		return e
	}
	said := func(text string) string {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
		return sanitizeText(text)
	}
	field := func(name string) string {
		text, _ := body[name].(string)
		return said(text)
	}
	e.Detail, e.Code, e.Reason = field("detail"), field("code"), field("reason")
	if e.Detail == "" {
		e.Detail = cmp.Or(field("error_description"), said(joinFieldErrors(body)))
	}
	return e
}

// joinFieldErrors writes the errors by field of Django REST framework in one line, sorted by field.
func joinFieldErrors(body map[string]any) string {
	var out []string
	for name, value := range body {
		texts, _ := value.([]any)
		for _, text := range texts {
			if s, ok := text.(string); ok {
				out = append(out, name+": "+s)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// sanitizeText returns a text of the server that is safe to print: without control characters, and of at most 500 bytes.
func sanitizeText(text string) string {
	const longest = 500 // bytes
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(longest, len(text))], "")
}

// parseRetryAfter reads Retry-After (RFC 9110 section 10.2.3), either seconds or a date. A date is compared with the Date of the
// response, since it is by the server's clock.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	const longest = time.Hour
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longest)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longest)
}
