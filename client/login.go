package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// login asks for a session and makes it the one of the requests to come.
func (e *engine) login(ctx context.Context, username, password string, fields map[string]any) error {
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(bounded)
	defer stop(nil)
	if err := e.take(ctx, stop); err != nil {
		return during(opLogin, err)
	}
	defer e.give()
	all := map[string]any{}
	maps.Copy(all, fields)
	all[e.usernameField], all[passwordField] = username, password
	a, err := e.ask(ctx, call{op: opLogin, url: e.tokenURL, fields: all, tries: 1})
	if err != nil {
		return err
	}
	defer e.install(e.received(a))
	unlock, err := e.lock(ctx)
	if err != nil {
		return during(opLogin, err)
	}
	defer unlock()
	return during(opLogin, e.save(ctx, a.tokens))
}

// logout forgets the session, whatever else fails.
func (e *engine) logout(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	var faults []error
	note := func(err error) { faults = append(faults, during(opLogout, err)) }
	if err := e.take(ctx, nil); err != nil {
		note(err)
		e.interrupt()
	}
	defer e.give()
	unlock, err := e.lock(ctx)
	note(err)
	defer unlock()
	note(e.look(ctx)) // another process may have refreshed: the newest token is the one to log out with
	s := e.current()
	e.install(session{})
	if s.tokens.Refresh != "" && s.ended == nil {
		_, err := e.ask(ctx, call{op: opLogout, url: e.blacklistURL, fields: map[string]any{"refresh": s.tokens.Refresh}, secret: s.tokens.Refresh, tries: maxTries})
		note(err)
	}
	if e.seen == nil || *e.seen != (Tokens{}) {
		note(e.save(ctx, Tokens{}))
	}
	return errors.Join(faults...)
}

// during says of an error in which operation it came up; an *Error says so itself.
func during(op string, err error) error {
	var told *Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}

// interrupt takes the turn from whoever holds it.
func (e *engine) interrupt() {
	e.mu.Lock()
	stop := e.stop
	e.mu.Unlock()
	if stop != nil {
		stop(ErrNotLoggedIn)
	}
	e.turn <- struct{}{}
}
