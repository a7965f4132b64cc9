package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxRounds bounds how many refresh tokens are tried where each is refused and the store has another one by then.
	maxRounds = 3
	// saveTimeout bounds the saving of tokens, which goes on where all other work has to end: the old ones may be gone.
	saveTimeout = 10 * time.Second
	saveTries   = 3
	// maxQuiet is how long the refresh view is left alone at most, whatever it asks for.
	maxQuiet = time.Minute
)

// glances are the pauses before the looks into a shared store after a refusal: whoever had his refresh granted may be about
// to save it.
var glances = []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 900 * time.Millisecond}

// fly is a refresh from beginning to end, on a context of its own: no request that waits for it can cancel it.
func (e *engine) fly(f *flight) {
	bounded, cancel := context.WithTimeout(context.Background(), e.timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(bounded)
	defer stop(nil)

	var end *Error
	err := e.take(ctx, stop)
	if err == nil {
		f.access, end, err = e.renew(ctx)
		e.give()
	}
	if errors.Is(context.Cause(ctx), ErrNotLoggedIn) { // by a logout
		f.access, err = "", ErrNotLoggedIn
	}
	f.err = err
	e.mu.Lock()
	e.flight = nil
	e.mu.Unlock()
	if end != nil && e.onSessionEnd != nil {
		e.onSessionEnd(end) // it may log in, or send requests: neither turn nor flight is in its way
	}
	close(f.done)
}

// renew makes sure that there is a good access token: the one of the session, one that another process has saved, or one
// that the server gives. end is set where the server ends the session here and now.
func (e *engine) renew(ctx context.Context) (access string, end *Error, err error) {
	unlock, err := e.lock(ctx)
	if err != nil {
		return e.makeDo(err)
	}
	defer unlock()
	if err := e.look(ctx); err != nil {
		return e.makeDo(err)
	}
	var refusal *Error
	for range maxRounds {
		s := e.current()
		switch {
		case s.good(time.Now()):
			return s.tokens.Access, nil, nil
		case s.ended != nil:
			return "", nil, s.ended
		case s.tokens.Refresh == "":
			return "", nil, ErrNotLoggedIn
		}
		if time.Now().Before(e.quiet) {
			return e.makeDo(e.quietError)
		}
		access, err := e.refresh(ctx, s)
		if !errors.Is(err, ErrSessionEnded) {
			return access, nil, err
		}
		errors.As(err, &refusal)
		found, err := e.lookFor(ctx, s.tokens)
		if err != nil {
			return "", nil, fmt.Errorf("%w, after %v", err, refusal) //nolint:errorlint // the session has not ended for this program
		}
		if !found {
			s.ended = refusal
			e.install(s)
			return "", refusal, refusal
		}
	}
	undecided := *refusal
	undecided.ended = false
	return "", nil, &undecided
}

// refresh asks the server once, whatever tries that takes, saves what it gives, and only then makes it the session's. It
// fails with an error of Store.Save where the new tokens are in memory only.
func (e *engine) refresh(ctx context.Context, old session) (access string, err error) {
	a, err := e.ask(ctx, call{op: opRefresh, url: e.refreshURL, fields: map[string]any{"refresh": old.tokens.Refresh}, secret: old.tokens.Refresh, tries: maxTries})
	if err != nil {
		return e.troubled(err)
	}
	a.tokens.Refresh = cmp.Or(a.tokens.Refresh, old.tokens.Refresh) // without rotation it stays
	err = e.save(ctx, a.tokens)
	next := e.received(a)
	if old = e.current(); old.stale {
		next.probation = time.Now().Add(probation)
	}
	e.install(next)
	if err != nil {
		return "", fmt.Errorf("refresh: %w", err)
	}
	return next.tokens.Access, nil
}

// troubled deals with a refresh that the server did not answer, or refused.
func (e *engine) troubled(err error) (string, error) {
	var told *Error
	if errors.Is(err, ErrSessionEnded) || !errors.As(err, &told) {
		return "", err
	}
	if told.RetryAfter > 0 {
		e.quiet, e.quietError = time.Now().Add(min(told.RetryAfter, maxQuiet)), err
	}
	access, _, err := e.makeDo(err)
	return access, err
}

// makeDo answers trouble with the access token that is there, as long as it is good, else with the error.
func (e *engine) makeDo(err error) (access string, end *Error, _ error) {
	if s := e.current(); s.alive(time.Now()) {
		return s.tokens.Access, nil, nil
	}
	return "", nil, err
}

// look takes over what somebody else has saved since the store was last asked or told. Comparing with that, and not with
// the session, keeps tokens that could not be saved from being replaced by older ones. The caller holds the turn.
func (e *engine) look(ctx context.Context) error {
	loaded, err := e.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load tokens: %w", err)
	}
	first := e.seen == nil
	if !first && *e.seen == loaded {
		return nil
	}
	e.seen = &loaded
	if first && e.settled {
		return nil // what was there before a login or a logout that could not be saved
	}
	if loaded != e.current().tokens {
		e.install(e.opened(loaded))
	}
	return nil
}

// lookFor looks for other tokens than those that were refused, for a moment where another process may be about to save
// them.
func (e *engine) lookFor(ctx context.Context, refused Tokens) (found bool, err error) {
	_, locked := e.store.(Locker)
	for _, pause := range glances {
		if pause > 0 && (e.private || locked || !sleep(ctx, pause)) {
			break
		}
		if err := e.look(ctx); err != nil {
			return false, err
		}
		if e.current().tokens.Refresh != refused.Refresh {
			return true, nil
		}
	}
	return false, nil
}

// save saves tokens, in up to three tries, also where ctx has ended.
func (e *engine) save(ctx context.Context, t Tokens) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	for try := 1; ; try++ {
		err := e.store.Save(ctx, t)
		if err == nil {
			e.seen = &t
			return nil
		}
		if try == saveTries || !sleep(ctx, pauseAfter(try)) {
			return fmt.Errorf("save tokens: %w", err)
		}
	}
}

// lock takes the lock of a store that has one.
func (e *engine) lock(ctx context.Context) (unlock func(), err error) {
	locker, ok := e.store.(Locker)
	if !ok {
		return func() {}, nil
	}
	unlock, err = locker.Lock(ctx)
	if err != nil {
		return func() {}, fmt.Errorf("lock tokens: %w", err)
	}
	return unlock, nil
}
