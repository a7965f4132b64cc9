package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// startSession logs in and installs the new session. The response is installed even if it cannot be saved.
func (e *engine) startSession(ctx context.Context, username, password string, fields map[string]any) error {
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(bounded)
	defer stop(nil)
	if err := e.acquireSession(ctx, stop); err != nil {
		return withOperation(opLogin, err)
	}
	defer e.releaseSession()
	all := map[string]any{}
	maps.Copy(all, fields)
	all[e.usernameField], all[passwordField] = username, password
	a, err := e.postWithRetry(ctx, call{op: opLogin, url: e.tokenURL, fields: all, tries: 1})
	if err != nil {
		return err
	}
	defer e.installSession(e.sessionFromResponse(a))
	unlock, err := e.lockStore(ctx)
	if err != nil {
		return withOperation(opLogin, err)
	}
	defer unlock()
	return withOperation(opLogin, e.saveTokens(ctx, a.tokens))
}

// endSession forgets the session, even if some of its steps fail. It joins the errors of all steps.
func (e *engine) endSession(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	var errs []error
	note := func(err error) { errs = append(errs, withOperation(opLogout, err)) }
	if err := e.acquireSession(ctx, nil); err != nil {
		note(err)
		e.seizeSession()
	}
	defer e.releaseSession()
	unlock, err := e.lockStore(ctx)
	note(err)
	defer unlock()
	note(e.reloadTokens(ctx)) // another process may have refreshed, and the newest token is the one to blacklist
	s := e.currentSession()
	e.installSession(session{})
	if s.tokens.Refresh != "" && s.ended == nil {
		fields := map[string]any{"refresh": s.tokens.Refresh}
		_, err := e.postWithRetry(ctx, call{op: opLogout, url: e.blacklistURL, fields: fields, secret: s.tokens.Refresh, tries: maxTries})
		note(err)
	}
	if e.stored == nil || *e.stored != (Tokens{}) {
		note(e.saveTokens(ctx, Tokens{}))
	}
	return errors.Join(errs...)
}

// withOperation adds the operation to an error. An *Error names it already, and nil stays nil.
func withOperation(op string, err error) error {
	var authErr *Error
	if err == nil || errors.As(err, &authErr) {
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}
