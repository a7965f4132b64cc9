package core

import (
	"context"
	"errors"
	"fmt"
)

// ParseToken verifies a token as one of a class (by name: AccessToken ...): signature, times, id, type, and for a class
// that is Blacklistable the blacklist. Errors: a refusal such as ErrTokenExpired, 503, or an unknown class.
func (a *Auth) ParseToken(ctx context.Context, class, raw string) (*Token, error) {
	c := a.classes[class]
	if c == nil {
		return nil, fmt.Errorf("parse token: there is no class %q", class)
	}
	t, err := a.verified(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := t.as(ctx, c); err != nil {
		return nil, err
	}
	return t, nil
}

// as checks a verified token as one of a class. A blacklisted one is called so whatever else is wrong with it.
func (t *Token) as(ctx context.Context, c *TokenClass) error {
	t.class = c
	if c.Blacklistable {
		if err := t.CheckBlacklist(ctx); err != nil {
			return err
		}
	}
	return t.checkClass(c)
}

// parseForRotation is ParseToken for a refresh token that the store is about to arbitrate: the blacklist is looked up
// only to explain a refusal.
func (a *Auth) parseForRotation(ctx context.Context, raw string) (*Token, error) {
	t, err := a.verified(ctx, raw)
	if err != nil {
		return nil, err
	}
	t.class = a.refresh
	if err := t.checkClass(a.refresh); err != nil {
		return nil, t.refused(ctx, err)
	}
	return t, nil
}

// refused says that a true token is blacklisted, where it is, instead of the refusal it would get.
func (t *Token) refused(ctx context.Context, refusal error) error {
	if err := t.CheckBlacklist(ctx); err != nil {
		return err
	}
	return refusal
}

// CheckBlacklist refuses where the token is on the blacklist. Without a store, or without an id, it never is.
// Errors: ErrTokenBlacklisted, 503.
func (t *Token) CheckBlacklist(ctx context.Context) error {
	a := t.auth
	if !a.recorded() || !isID(t.JTI()) {
		return nil
	}
	ctx, cancel := ask(ctx)
	defer cancel()
	blacklisted, err := a.d.Store.IsBlacklisted(ctx, t.JTI())
	if err != nil {
		return a.trouble(ctx, "look up blacklist", err)
	}
	if blacklisted {
		return ErrTokenBlacklisted
	}
	return nil
}

// Verify is SimpleJWT's verify view: whether a token of any class is good and not on the blacklist. No user is looked up.
// With CHECK_SESSION the session that it names must go on.
// Errors: as for ParseToken.
func (a *Auth) Verify(ctx context.Context, raw string) (*Token, error) {
	t, err := a.ParseToken(ctx, UntypedToken, raw)
	if err != nil {
		return nil, err
	}
	if err := t.CheckBlacklist(ctx); err != nil {
		return nil, err
	}
	if a.s.CheckSession && t.SessionID() != "" {
		if err := a.checkSession(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// outstand records a token. It answers ErrUserGone where its user went away meanwhile.
func (a *Auth) outstand(ctx context.Context, row OutstandingToken) error {
	ctx, cancel := ask(ctx)
	defer cancel()
	err := a.d.Store.Outstand(ctx, row)
	if errors.Is(err, ErrUserGone) {
		return err
	}
	return a.trouble(ctx, "record token", err)
}
