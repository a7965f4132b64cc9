package client

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// rejectionCooldown is how long a token that replaced a rejected one is not replaced after a 401: if the API returns 401 for every
// token, a refresh for each request would not help.
const rejectionCooldown = 5 * time.Second

// engine is the state and the logic behind a Client. Copies of a Client share it.
type engine struct {
	base                               string // the origin of BaseURL
	origins                            map[string]bool
	tokenURL, refreshURL, blacklistURL *url.URL
	usernameField, header, scheme      string
	store                              Store
	privateStore                       bool // no other process can use the store
	transport                          http.RoundTripper
	delta, timeout, tryTimeout         time.Duration
	onSessionEnd                       func(error)

	// holder contains one value while a refresh, a login or a logout may change the session. Its sender is called the holder.
	holder chan struct{}

	// Only the holder uses the fields below.

	stored     *Tokens       // what the store held when it was last loaded or saved; nil before that
	installed  bool          // a session was installed, so tokens of a store that was not loaded before do not replace it
	offset     time.Duration // the server's clock minus ours
	retryAt    time.Time     // the server asked for no refresh before this time
	retryError error         // the error of the response that asked for it

	mu         sync.Mutex // guards the fields below, and is never held during a wait
	session    session
	pending    *pendingRefresh         // the refresh under way; nil if there is none
	stopHolder context.CancelCauseFunc // cancels what the holder does; nil for a logout
}

// session is what is known about the current tokens. The zero value means that there are none.
type session struct {
	tokens Tokens
	// refreshAt is when the access token should be refreshed, and expiresAt when it expires, by our clock. Both are zero if that
	// is not known.
	refreshAt, expiresAt time.Time
	rejected             bool      // the API returned 401 for the access token
	cooldownUntil        time.Time // before this time, a 401 does not cause a refresh
	ended                *Error    // how the server ended the session; nil while it is active
}

// isFresh reports whether the access token can be used without a refresh.
func (s session) isFresh(now time.Time) bool {
	return s.tokens.Access != "" && s.ended == nil && !s.rejected && (s.refreshAt.IsZero() || now.Before(s.refreshAt))
}

// isUnexpired reports whether the access token can still be used if a refresh is not possible.
func (s session) isUnexpired(now time.Time) bool {
	s.refreshAt = s.expiresAt
	return s.isFresh(now)
}

// sessionFromStore returns the session of loaded tokens. Their exp is by the server's clock, so the last known offset applies.
func (e *engine) sessionFromStore(t Tokens) session {
	s := session{tokens: t}
	if own := parseTokenTimes(t.Access); !own.exp.IsZero() {
		s.setExpiry(own.exp.Add(-e.offset), own.tokenLifetime(), e.delta)
	}
	return s
}

// sessionFromResponse returns the session of tokens just issued. The time left is exp minus iat, or exp minus the Date of the
// response (our clock if it has none). The shorter one counts: SimpleJWT copies the iat of the login into each access token.
// If neither is positive, the expiry is not known, and only a 401 of the API leads to a refresh.
func (e *engine) sessionFromResponse(a tokenResponse) session {
	s := session{tokens: a.tokens}
	own, date := parseTokenTimes(a.tokens.Access), a.date
	if own.exp.IsZero() {
		return s
	}
	if date.IsZero() {
		date = a.sent
	}
	left := own.exp.Sub(date)
	if life := own.tokenLifetime(); life > 0 && (left <= 0 || life < left) {
		left = life
	}
	if left <= 0 {
		return s
	}
	s.setExpiry(a.sent.Add(left), left, e.delta)
	e.offset = own.exp.Sub(s.expiresAt)
	return s
}

// setExpiry sets when the access token expires and when to refresh it. life is its whole lifetime, 0 if that is not known; delta is
// Config.ExpiryDelta.
func (s *session) setExpiry(at time.Time, life, delta time.Duration) {
	early := cmp.Or(delta, defaultDelta)
	switch {
	case life <= 0:
	case delta == 0:
		early = min(early, life/10)
	default:
		early = min(early, life/2)
	}
	s.expiresAt, s.refreshAt = at, at.Add(-early)
}

// pendingRefresh is a refresh that any number of requests wait for.
type pendingRefresh struct {
	done   chan struct{} // closed once the other fields are set
	access string
	err    error
}

// accessToken returns an access token to use now. It waits for a refresh if one is needed, and starts it if none is under way.
func (e *engine) accessToken(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	e.mu.Lock()
	if e.session.isFresh(time.Now()) {
		defer e.mu.Unlock()
		return e.session.tokens.Access, nil
	}
	p := e.pending
	if p == nil {
		p = &pendingRefresh{done: make(chan struct{})}
		e.pending = p
		go e.runRefresh(p) //nolint:gosec // it must not end with the request that started it
	}
	e.mu.Unlock()
	select {
	case <-p.done:
		return p.access, p.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a refresh: %w", ctx.Err())
	}
}

// shouldRetryRejected records that the API rejected an access token with 401, and reports whether to retry with another one: yes
// if the token was replaced meanwhile or a refresh can replace it, no during rejectionCooldown.
func (e *engine) shouldRetryRejected(access string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.session.tokens.Access != access {
		return true // it was replaced in the meantime
	}
	if time.Now().Before(e.session.cooldownUntil) {
		return false
	}
	e.session.rejected = true
	return true
}

// currentSession returns a copy of the session.
func (e *engine) currentSession() session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.session
}

// installSession makes s the session of all later requests. Only the holder calls it.
func (e *engine) installSession(s session) {
	e.installed = true
	e.mu.Lock()
	defer e.mu.Unlock()
	e.session = s
}

// acquireSession waits until the caller is the holder. stop cancels what the caller does, for seizeSession; nil if nothing may.
func (e *engine) acquireSession(ctx context.Context, stop context.CancelCauseFunc) error {
	select {
	case e.holder <- struct{}{}:
	default:
		select {
		case e.holder <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("wait for another refresh, login or logout: %w", ctx.Err())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopHolder = stop
	return nil
}

// releaseSession lets the next caller become the holder.
func (e *engine) releaseSession() {
	e.mu.Lock()
	e.stopHolder = nil
	e.mu.Unlock()
	<-e.holder
}

// seizeSession cancels what the holder does, with ErrNotLoggedIn as the cause, and waits until the caller is the holder.
func (e *engine) seizeSession() {
	e.mu.Lock()
	stop := e.stopHolder
	e.mu.Unlock()
	if stop != nil {
		stop(ErrNotLoggedIn)
	}
	e.holder <- struct{}{}
}
