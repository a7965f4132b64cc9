package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxRounds is how many refresh tokens are tried if the server rejects each and the store then holds another one.
	maxRounds = 3
	// maxRetryWait is how long no refresh is sent at most, for any Retry-After.
	maxRetryWait = time.Minute
)

// runRefresh does one refresh for all requests that wait for p. It has a context of its own, so no request can cancel it.
func (e *engine) runRefresh(p *pendingRefresh) {
	bounded, cancel := context.WithTimeout(context.Background(), e.timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(bounded)
	defer stop(nil)

	var end *Error
	err := e.acquireSession(ctx, stop)
	if err == nil {
		p.access, end, err = e.ensureAccess(ctx)
		e.releaseSession()
	}
	if errors.Is(context.Cause(ctx), ErrNotLoggedIn) { // a logout seized the session
		p.access, err = "", ErrNotLoggedIn
	}
	p.err = err
	e.mu.Lock()
	e.pending = nil
	e.mu.Unlock()
	if end != nil && e.onSessionEnd != nil {
		e.onSessionEnd(end) // it may log in or send requests, so it is called after the release
	}
	close(p.done)
}

// ensureAccess returns a usable access token: that of the session, one that another process has saved, or one that the server
// issues. end is set if the server has just ended the session. Only the holder calls it.
func (e *engine) ensureAccess(ctx context.Context) (access string, end *Error, err error) {
	unlock, err := e.lockStore(ctx)
	if err != nil {
		return e.fallBack(err)
	}
	defer unlock()
	if err := e.reloadTokens(ctx); err != nil {
		return e.fallBack(err)
	}
	var denial *Error
	for range maxRounds {
		s := e.currentSession()
		switch {
		case s.isFresh(time.Now()):
			return s.tokens.Access, nil, nil
		case s.ended != nil:
			return "", nil, s.ended
		case s.tokens.Refresh == "":
			return "", nil, ErrNotLoggedIn
		}
		if time.Now().Before(e.retryAt) {
			return e.fallBack(e.retryError)
		}
		access, err := e.refreshTokens(ctx, s)
		if !errors.Is(err, ErrSessionEnded) {
			return access, nil, err
		}
		errors.As(err, &denial)
		found, err := e.awaitOtherTokens(ctx, s.tokens)
		if err != nil {
			return "", nil, fmt.Errorf("%w, after %v", err, denial) //nolint:errorlint // whether the session has ended is not known
		}
		if !found {
			s.ended = denial
			e.installSession(s)
			return "", denial, denial
		}
	}
	undecided := *denial
	undecided.ended = false
	return "", nil, &undecided
}

// refreshTokens asks the server for new tokens, saves them, and only then installs them. If they cannot be saved it installs them
// all the same, in memory only, and returns the error of Store.Save.
func (e *engine) refreshTokens(ctx context.Context, old session) (access string, err error) {
	fields := map[string]any{"refresh": old.tokens.Refresh}
	a, err := e.postWithRetry(ctx, call{op: opRefresh, url: e.refreshURL, fields: fields, secret: old.tokens.Refresh, tries: maxTries})
	if err != nil {
		return e.handleRefreshError(err)
	}
	a.tokens.Refresh = cmp.Or(a.tokens.Refresh, old.tokens.Refresh) // a server without rotation returns no refresh token
	err = e.saveTokens(ctx, a.tokens)
	next := e.sessionFromAnswer(a)
	if old = e.currentSession(); old.rejected {
		next.cooldownUntil = time.Now().Add(rejectionCooldown)
	}
	e.installSession(next)
	if err != nil {
		return "", fmt.Errorf("refresh: %w", err)
	}
	return next.tokens.Access, nil
}

// handleRefreshError returns the end of a session as it is. For any other failed refresh it notes a Retry-After and falls back.
func (e *engine) handleRefreshError(err error) (string, error) {
	var authErr *Error
	if errors.Is(err, ErrSessionEnded) || !errors.As(err, &authErr) {
		return "", err
	}
	if authErr.RetryAfter > 0 {
		e.retryAt, e.retryError = time.Now().Add(min(authErr.RetryAfter, maxRetryWait)), err
	}
	access, _, err := e.fallBack(err)
	return access, err
}

// fallBack returns the access token of the session if it has not expired, and err if it has.
func (e *engine) fallBack(err error) (access string, end *Error, _ error) {
	if s := e.currentSession(); s.isUnexpired(time.Now()) {
		return s.tokens.Access, nil, nil
	}
	return "", nil, err
}
