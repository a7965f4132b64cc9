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
	// ErrSessionEnded says that the server has definitely refused the refresh token, with 401 or 400. The *Error around it
	// says why. All requests fail with it, without asking the server, until somebody logs in.
	ErrSessionEnded = errors.New("the session has ended")
	// ErrNotLoggedIn says that there are no tokens: nobody has logged in, or somebody has logged out.
	ErrNotLoggedIn = errors.New("not logged in")
)

// Error says that the login, refresh or blacklist view gave no good answer, or none at all.
type Error struct {
	// Op is "login", "refresh" or "logout".
	Op string
	// Status is the HTTP status; 0 where there was no answer.
	Status int
	// Detail is the server's sentence, for a 400 its sentences by field, 500 bytes at most; "" where it said none.
	Detail string
	// Code is SimpleJWT's code, such as "token_not_valid"; "" where there is none.
	Code string
	// Reason is why the token was refused, as a server with OAUTH_ERRORS tells it: "expired", "reused", "revoked",
	// "password_changed" or "session_ended"; "" where it tells nothing.
	Reason string
	// RetryAfter is how long the server asks to be left alone, one hour at most; 0 where it does not ask.
	RetryAfter time.Duration

	ended bool  // this is ErrSessionEnded
	again bool  // another try may help
	cause error // what is wrong beside the status; nil for nothing
}

// Error is what was done and what came of it. It holds no token and no password.
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

// Is reports whether target is ErrSessionEnded and the server has ended the session.
func (e *Error) Is(target error) bool { return target == ErrSessionEnded && e.ended }

// Unwrap is the error of the transport; nil where the server answered.
func (e *Error) Unwrap() error { return e.cause }

// refusalOf is the error of an answer that is none of success. secret is the token that was sent, lest the server repeats
// it.
func refusalOf(op string, resp *http.Response, data []byte, secret string, now time.Time) *Error {
	e := &Error{Op: op, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, now)}
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusBadRequest:
		e.ended = op != opLogin
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests, e.Status >= 500:
		e.again = true
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
		return printable(text)
	}
	field := func(name string) string {
		text, _ := body[name].(string)
		return said(text)
	}
	e.Detail, e.Code, e.Reason = field("detail"), field("code"), field("reason")
	if e.Detail == "" {
		e.Detail = cmp.Or(field("error_description"), said(sentences(body)))
	}
	return e
}

// sentences writes Django REST framework's errors by field in one line.
func sentences(body map[string]any) string {
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

// printable cuts a text of the server's and takes control characters out of it.
func printable(text string) string {
	const longest = 500 // bytes
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(longest, len(text))], "")
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), seconds or a date, which is by the server's clock.
func retryAfter(h http.Header, now time.Time) time.Duration {
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
