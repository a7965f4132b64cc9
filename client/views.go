package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// The values of Error.Op.
const (
	opLogin   = "login"
	opRefresh = "refresh"
	opLogout  = "logout"
)

const (
	passwordField = "password"
	// maxAnswer is the longest answer that is read.
	maxAnswer = 1 << 20
	// maxTries is how often a refresh or a logout is sent, all within a few seconds, as a grace period is short.
	maxTries   = 4
	firstPause = 200 * time.Millisecond
	// maxPause is the longest Retry-After that is waited for.
	maxPause = 10 * time.Second
)

var (
	errTooLong  = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	errNoTokens = errors.New("the answer holds no tokens")
	errRedirect = errors.New("a redirect is not followed: check the URL and its slash at the end")
)

// call is what one of the views is asked.
type call struct {
	op     string
	url    *url.URL
	fields map[string]any
	secret string // the token in it
	tries  int
}

// answer is what a login or a refresh gives.
type answer struct {
	tokens Tokens
	sent   time.Time // when it was asked for, by our clock
	date   time.Time // when it was given, by the server's; zero where it does not say
}

// ask sends a call, and once more with the same token as long as that may help: the server may have done what it was
// asked, and its answer been lost.
func (e *engine) ask(ctx context.Context, c call) (answer, error) {
	body, err := json.Marshal(c.fields)
	if err != nil {
		return answer{}, fmt.Errorf("%s: encode the fields: %w", c.op, err)
	}
	for try := 1; ; try++ {
		a, err := e.try(ctx, c, body)
		if err == nil {
			return a, nil
		}
		pause := err.RetryAfter + pauseAfter(try)
		if !err.again || try == c.tries || err.RetryAfter > maxPause || !sleep(ctx, pause) {
			return answer{}, err
		}
	}
}

func (e *engine) try(ctx context.Context, c call, body []byte) (answer, *Error) {
	if c.tries > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.tryTimeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, &Error{Op: c.op, cause: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	a := answer{sent: time.Now()}
	resp, err := e.transport.RoundTrip(req) // and so no redirect is followed, to which the token would go
	if err != nil {
		return answer{}, &Error{Op: c.op, again: true, cause: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case len(data) > maxAnswer:
		return answer{}, &Error{Op: c.op, Status: resp.StatusCode, cause: errTooLong}
	case err != nil && resp.StatusCode < 500:
		return answer{}, &Error{Op: c.op, again: true, cause: err}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return answer{}, refusalOf(c.op, resp, data, c.secret, time.Now())
	case c.op == opLogout:
		return a, nil
	}
	var given struct{ Access, Refresh string }
	err = json.Unmarshal(data, &given)
	a.tokens = Tokens(given)
	if err != nil || !isToken(given.Access) || (given.Refresh == "" && c.op == opLogin) {
		return answer{}, &Error{Op: c.op, Status: resp.StatusCode, cause: errNoTokens}
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = date
	}
	return a, nil
}

// isToken reports whether a text can stand in a header as one word.
func isToken(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// pauseAfter is how long to wait after the first, second, ... try: about 0.2, 0.4, 0.8 seconds.
func pauseAfter(try int) time.Duration {
	pause := firstPause << (try - 1)
	return pause/2 + rand.N(pause) //nolint:gosec // no secret: it keeps clients apart
}

// sleep waits; false where the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
