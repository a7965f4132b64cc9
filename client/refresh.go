package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxRounds limits how many refresh tokens are tried when each is rejected and the store then has a newer one.
	maxRounds = 3
	// maxRetryWait caps how long a Retry-After delays the next refresh.
	maxRetryWait = time.Minute
)

// runRefresh obtains an access token for all requests waiting on p. It uses its own context, so that no request can cancel it.
// Waiters resume after onSessionEnd returns.
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
	if errors.Is(context.Cause(ctx), ErrNotLoggedIn) { // a logout cancelled this refresh
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
// issues. If the store or the server fails it falls back to the current token while that is unexpired. If maxRounds tokens are
// rejected one after the other, it returns a temporary error, not ErrSessionEnded. end is set if the server has just ended the
// session. The caller must hold the session (acquireSession).
func (e *engine) ensureAccess(ctx context.Context) (access string, end *Error, err error) {
	unlock, err := e.lockStore(ctx)
	if err != nil {
		access, err = e.unexpiredAccessOr(err)
		return access, nil, err
	}
	defer unlock()
	if err := e.reloadTokens(ctx); err != nil {
		access, err = e.unexpiredAccessOr(err)
		return access, nil, err
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
			access, err = e.unexpiredAccessOr(e.retryError)
			return access, nil, err
		}
		access, err := e.refreshTokens(ctx, s)
		if !errors.Is(err, ErrSessionEnded) {
			return access, nil, err
		}
		errors.As(err, &denial)
		found, err := e.awaitOtherTokens(ctx, s.tokens)
		if err != nil {
			//nolint:errorlint // don't wrap denial: the session may not have ended
			return "", nil, fmt.Errorf("%w (after the server rejected the refresh token: %v)", err, denial)
		}
		if !found {
			s.ended = denial
			e.installSession(s)
			return "", denial, denial
		}
	}
	temporary := *denial // the store may have a newer token still: the next request tries again
	temporary.ended = false
	return "", nil, &temporary
}

// refreshTokens asks the server for new tokens, saves them, and only then installs them. If they cannot be saved it installs them
// all the same, in memory only, and returns the error of Store.Save.
func (e *engine) refreshTokens(ctx context.Context, old session) (access string, err error) {
	fields := map[string]any{"refresh": old.tokens.Refresh}
	a, err := e.postWithRetry(ctx, call{op: opRefresh, url: e.refreshURL, fields: fields, secret: old.tokens.Refresh, tries: maxTries})
	if err != nil {
		return e.tokenAfterFailedRefresh(err)
	}
	a.tokens.Refresh = cmp.Or(a.tokens.Refresh, old.tokens.Refresh) // a server without rotation returns no refresh token
	err = e.saveTokens(ctx, a.tokens)
	next := e.sessionFromResponse(a)
	if old = e.currentSession(); old.rejected {
		next.cooldownUntil = time.Now().Add(rejectionCooldown)
	}
	e.installSession(next)
	if err != nil {
		return "", fmt.Errorf("refresh: %w", err)
	}
	return next.tokens.Access, nil
}

// tokenAfterFailedRefresh returns err unchanged if the session has ended or err is not an *Error; otherwise it remembers
// Retry-After and returns the current token if it is unexpired.
func (e *engine) tokenAfterFailedRefresh(err error) (string, error) {
	var authErr *Error
	if errors.Is(err, ErrSessionEnded) || !errors.As(err, &authErr) {
		return "", err
	}
	if authErr.RetryAfter > 0 {
		e.retryAt, e.retryError = time.Now().Add(min(authErr.RetryAfter, maxRetryWait)), err
	}
	return e.unexpiredAccessOr(err)
}

// unexpiredAccessOr returns the current access token if it is unexpired, and err otherwise.
func (e *engine) unexpiredAccessOr(err error) (string, error) {
	if s := e.currentSession(); s.isUnexpired(time.Now()) {
		return s.tokens.Access, nil
	}
	return "", err
}
