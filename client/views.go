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
	// maxResponseBytes limits the length of a response body.
	maxResponseBytes = 1 << 20
	// maxTries limits how often a refresh or a logout is sent, within a few seconds because a grace period is short.
	maxTries        = 4
	firstRetryDelay = 200 * time.Millisecond
	// maxRetryAfter is the longest Retry-After to wait for before the next try.
	maxRetryAfter = 10 * time.Second
)

var (
	errTooLong  = fmt.Errorf("the response is longer than %d bytes", maxResponseBytes)
	errNoTokens = errors.New("the response holds no tokens")
	errRedirect = errors.New("a redirect is not followed: check the URL and its slash at the end")
)

// call is a request to one of the views.
type call struct {
	op     string
	url    *url.URL
	fields map[string]any
	secret string // the token in fields, which no error may hold
	tries  int    // how often it may be sent
}

// tokenResponse is the response to a login or a refresh; for a logout only sent is set.
type tokenResponse struct {
	tokens Tokens
	sent   time.Time // when the request was sent, by our clock
	date   time.Time // the Date of the response, by the server's clock; zero if there is none
}

// postWithRetry sends a call, and sends it again with the same token after an error that may be temporary. The server may have
// handled the first one already: within a grace period a refresh that is sent again gets the same successor.
func (e *engine) postWithRetry(ctx context.Context, c call) (tokenResponse, error) {
	body, err := json.Marshal(c.fields)
	if err != nil {
		return tokenResponse{}, fmt.Errorf("%s: encode the fields: %w", c.op, err)
	}
	for try := 1; ; try++ {
		a, err := e.postOnce(ctx, c, body)
		if err == nil {
			return a, nil
		}
		pause := err.RetryAfter + retryDelay(try)
		if !err.retryable || try == c.tries || err.RetryAfter > maxRetryAfter || !sleepContext(ctx, pause) {
			return tokenResponse{}, err
		}
	}
}

// postOnce sends a call once. TryTimeout limits a call that may be sent again; a login may not, so only its context limits it.
func (e *engine) postOnce(ctx context.Context, c call, body []byte) (tokenResponse, *Error) {
	if c.tries > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.tryTimeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), bytes.NewReader(body))
	if err != nil {
		return tokenResponse{}, &Error{Op: c.op, cause: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	a := tokenResponse{sent: time.Now()}
	resp, err := e.transport.RoundTrip(req) // unlike an http.Client it follows no redirect, so the token goes nowhere else
	if err != nil {
		return tokenResponse{}, &Error{Op: c.op, retryable: true, cause: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	switch {
	case len(data) > maxResponseBytes:
		return tokenResponse{}, &Error{Op: c.op, Status: resp.StatusCode, cause: errTooLong}
	case err != nil && resp.StatusCode < 500:
		return tokenResponse{}, &Error{Op: c.op, retryable: true, cause: err}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return tokenResponse{}, newResponseError(c.op, resp, data, c.secret, time.Now())
	case c.op == opLogout:
		return a, nil
	}
	var given struct{ Access, Refresh string }
	err = json.Unmarshal(data, &given)
	a.tokens = Tokens(given)
	if err != nil || !isHeaderWord(given.Access) || (given.Refresh == "" && c.op == opLogin) {
		return tokenResponse{}, &Error{Op: c.op, Status: resp.StatusCode, cause: errNoTokens}
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = date
	}
	return a, nil
}

// isHeaderWord reports whether a text can be one word in a header.
func isHeaderWord(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}

// retryDelay returns how long to wait after the first, second, ... try: about 0.2, 0.4, 0.8 seconds, varied by half.
func retryDelay(try int) time.Duration {
	pause := firstRetryDelay << (try - 1)
	return pause/2 + rand.N(pause) //nolint:gosec // not a secret: it spreads the retries of many clients
}

// sleepContext waits for d. It reports false, at once, if the context ends before that.
func sleepContext(ctx context.Context, d time.Duration) bool {
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
