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

// probation is for how long a token that replaced a refused one is not replaced in turn: where the API answers 401 to
// whatever it gets, refreshing at each request helps nobody.
const probation = 5 * time.Second

// engine is what a Client works with.
type engine struct {
	base                               string // the origin of BaseURL
	origins                            map[string]bool
	tokenURL, refreshURL, blacklistURL *url.URL
	usernameField, header, scheme      string
	store                              Store
	private                            bool // nobody else has the store
	transport                          http.RoundTripper
	delta, timeout, tryTimeout         time.Duration
	onSessionEnd                       func(error)

	// turn is held, by one value in it, by who changes the session: a refresh, a login, a logout.
	turn chan struct{}

	// These belong to the holder of the turn. seen is what the store held when it was last asked or told, nil before;
	// settled says that the session is what counts, whatever an unseen store holds; offset is the server's clock minus ours;
	// quiet is until when the server asks to be left alone, and quietError how it said so.
	seen       *Tokens
	settled    bool
	offset     time.Duration
	quiet      time.Time
	quietError error

	mu      sync.Mutex // guards what follows, and is never held while anything waits
	session session
	flight  *flight                 // the refresh under way; nil for none
	stop    context.CancelCauseFunc // ends what the holder of the turn does
}

// session is what is known of the tokens.
type session struct {
	tokens Tokens
	// due is when the access token is to be refreshed, and expires when it ends, by our clock; both zero where that is not
	// known.
	due, expires time.Time
	stale        bool      // the API has refused the access token
	probation    time.Time // until when a refusal is not followed by a refresh
	ended        *Error    // how the server ended the session; nil while it goes on
}

// good reports whether the access token can be used without a refresh.
func (s session) good(now time.Time) bool {
	return s.tokens.Access != "" && s.ended == nil && !s.stale && (s.due.IsZero() || now.Before(s.due))
}

// alive reports whether the access token can be used where a refresh is not to be had.
func (s session) alive(now time.Time) bool {
	s.due = s.expires
	return s.good(now)
}

// opened is the session of tokens from the store.
func (e *engine) opened(t Tokens) session {
	s := session{tokens: t}
	if own := timesOf(t.Access); !own.exp.IsZero() {
		s.ends(own.exp.Add(-e.offset), own.life(), e.delta)
	}
	return s
}

// received is the session of an answer. How long the token is good is told by its own iat and by the server's clock, or
// ours where the answer does not say; the shorter one counts, as tokens of SimpleJWT have the iat of their login. Where
// neither makes sense, nothing is known, and the API's 401 tells.
func (e *engine) received(a answer) session {
	s := session{tokens: a.tokens}
	own, date := timesOf(a.tokens.Access), a.date
	if own.exp.IsZero() {
		return s
	}
	if date.IsZero() {
		date = a.sent
	}
	left := own.exp.Sub(date)
	if life := own.life(); life > 0 && (left <= 0 || life < left) {
		left = life
	}
	if left <= 0 {
		return s
	}
	s.ends(a.sent.Add(left), left, e.delta)
	e.offset = own.exp.Sub(s.expires)
	return s
}

// ends says when the access token ends. life is how long it is good in all, 0 where that is not known.
func (s *session) ends(at time.Time, life, delta time.Duration) {
	early := cmp.Or(delta, defaultDelta)
	switch {
	case life <= 0:
	case delta == 0:
		early = min(early, life/10)
	default:
		early = min(early, life/2)
	}
	s.expires, s.due = at, at.Add(-early)
}

// flight is a refresh that any number of requests wait for.
type flight struct {
	done   chan struct{} // closed once the rest is set
	access string
	err    error
}

// token is an access token to use now. It waits for a refresh where one is needed.
func (e *engine) token(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	e.mu.Lock()
	if e.session.good(time.Now()) {
		defer e.mu.Unlock()
		return e.session.tokens.Access, nil
	}
	f := e.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		e.flight = f
		go e.fly(f) //nolint:gosec // it must not end with the request that began it
	}
	e.mu.Unlock()
	select {
	case <-f.done:
		return f.access, f.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a refresh: %w", ctx.Err())
	}
}

// refused notes that the API has refused an access token, and reports whether another one may be had.
func (e *engine) refused(access string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.session.tokens.Access != access {
		return true // it has been replaced since
	}
	if time.Now().Before(e.session.probation) {
		return false
	}
	e.session.stale = true
	return true
}

// current is the session as it is now.
func (e *engine) current() session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.session
}

// install makes a session the one of the requests to come. The caller holds the turn.
func (e *engine) install(s session) {
	e.settled = true
	e.mu.Lock()
	defer e.mu.Unlock()
	e.session = s
}

// take waits for the turn. stop is what ends the work of this holder early.
func (e *engine) take(ctx context.Context, stop context.CancelCauseFunc) error {
	select {
	case e.turn <- struct{}{}:
	default:
		select {
		case e.turn <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("wait for what is under way: %w", ctx.Err())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop = stop
	return nil
}

// give gives the turn back.
func (e *engine) give() {
	e.mu.Lock()
	e.stop = nil
	e.mu.Unlock()
	<-e.turn
}
