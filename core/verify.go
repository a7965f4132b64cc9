package core

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ParseToken verifies a token as one of a class (AccessToken, ...): signature, times, id, type and, if the class is
// Blacklistable, the blacklist. Errors: a denial such as ErrTokenExpired, an unknown class, ErrServiceUnavailable.
func (a *Auth) ParseToken(ctx context.Context, class ClassName, raw string) (*Token, error) {
	c := a.classes.byName[class]
	if c == nil {
		return nil, fmt.Errorf("parse token: there is no class %q", class)
	}
	t, err := a.parseVerified(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := t.checkAs(ctx, c); err != nil {
		return nil, err
	}
	return t, nil
}

// parseVerified returns a token whose signature and registered claims are valid, and whose class is not decided
// yet. Errors: ErrTokenInvalid, ErrTokenExpired.
func (a *Auth) parseVerified(ctx context.Context, raw string) (*Token, error) {
	var now time.Time
	claims, err := a.codec.Verify(ctx, raw, func() time.Time { now = a.now(); return now })
	if err != nil {
		return nil, tokenError(err)
	}
	return &Token{auth: a, class: a.classes.untyped, claims: claims, now: now}, nil
}

// checkAs checks a verified token as one of a class. The blacklist comes first: a token on it is denied with
// ErrTokenBlacklisted, whatever else is wrong with it.
func (t *Token) checkAs(ctx context.Context, c *TokenClass) error {
	t.class = c
	if c.Blacklistable {
		if err := t.CheckBlacklist(ctx); err != nil {
			return err
		}
	}
	return t.checkClass(c)
}

// parseForRotation is like ParseToken, for a refresh token that the Store will check against the blacklist when it
// consumes it. Here the blacklist is only read to explain a denial.
func (a *Auth) parseForRotation(ctx context.Context, raw string) (*Token, error) {
	t, err := a.parseVerified(ctx, raw)
	if err != nil {
		return nil, err
	}
	t.class = a.classes.refresh
	if err := t.checkClass(a.classes.refresh); err != nil {
		return nil, t.blacklistedOr(ctx, err)
	}
	return t, nil
}

// blacklistedOr returns ErrTokenBlacklisted if the token is on the blacklist, else the denial.
func (t *Token) blacklistedOr(ctx context.Context, denial error) error {
	if err := t.CheckBlacklist(ctx); err != nil {
		return err
	}
	return denial
}

// CheckBlacklist denies a token that is on the blacklist. It also denies a refresh or sliding token without a
// record if the session that it names has no record, has ended, or has a later token: the record was flushed.
// Without a Store, or if the token has no id, it denies nothing. Errors: ErrTokenBlacklisted, ErrTokenInvalid if
// the token's record or session belongs to another user, ErrServiceUnavailable.
func (t *Token) CheckBlacklist(ctx context.Context) error {
	return t.checkBlacklist(ctx, t.claimedOwner())
}

// checkBlacklist is like CheckBlacklist, but the record must belong to the owner.
func (t *Token) checkBlacklist(ctx context.Context, owner *string) error {
	a := t.auth
	if !a.keepsRecords() || !isID(t.JTI()) {
		return nil
	}
	found, blacklisted, err := a.records.isBlacklisted(ctx, t.JTI(), owner)
	switch {
	case err != nil:
		return err
	case blacklisted:
		return ErrTokenBlacklisted
	case found || t.SessionID() == "" || !t.isOfRecordedType():
		return nil
	}
	state, err := t.loadState(ctx, owner)
	switch {
	case err != nil:
		return err
	case a.settings.TokenTypeClaim == "" && !t.class.Blacklistable && state.Latest != nil:
		return nil // it may be an access token, which stays valid after a refresh
	}
	return t.checkNotFlushed(state.Latest)
}

// isOfRecordedType reports whether the token's type is one that is recorded when issued. With TOKEN_TYPE_CLAIM off
// it may be.
func (t *Token) isOfRecordedType() bool {
	if t.auth.settings.TokenTypeClaim == "" {
		return true
	}
	for _, c := range t.auth.classes.byName {
		if c.Blacklistable && t.textClaim(t.auth.settings.TokenTypeClaim) == c.Type {
			return true
		}
	}
	return false
}

// Verify is SimpleJWT's verify view: it verifies a token of any class, including the blacklist. It loads no user.
// With CHECK_SESSION the session that the token names must be active. Errors: as for ParseToken.
func (a *Auth) Verify(ctx context.Context, raw string) (*Token, error) {
	t, err := a.ParseToken(ctx, UntypedToken, raw)
	if err != nil {
		return nil, err
	}
	if err := t.CheckBlacklist(ctx); err != nil {
		return nil, err
	}
	if a.settings.CheckSession && t.SessionID() != "" {
		if err := t.checkSession(ctx, t.claimedOwner(), false); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// maxIDBytes is the longest jti, the width of Django's column.
const maxIDBytes = 255

// checkIssuable denies a valid token that can't be signed again because its iss is not a string (RFC 7519 section
// 4.1.1). Without ISSUER, verification accepts it.
func (t *Token) checkIssuable() error {
	if iss := t.claims.Get("iss"); iss != nil && !iss.IsText() {
		return ErrTokenInvalid
	}
	return nil
}

// isID reports whether a string can be the id of a recorded token.
func isID(id string) bool {
	return id != "" && len(id) <= maxIDBytes && !strings.ContainsRune(id, 0)
}

// checkClass checks what SimpleJWT's Token.verify checks, in its order: exp, id, type.
func (t *Token) checkClass(c *TokenClass) error {
	s := &t.auth.settings
	if !t.Has("exp") {
		return missingClaimError("exp")
	}
	if s.JTIClaim != "" {
		if !t.Has(s.JTIClaim) {
			return ErrTokenNoID
		}
		if !isID(t.JTI()) {
			return ErrTokenInvalid
		}
	}
	if s.TokenTypeClaim == "" || c == t.auth.classes.untyped {
		return nil
	}
	kind := t.claims.Get(s.TokenTypeClaim)
	if kind == nil {
		return ErrTokenNoType
	}
	if !kind.Is(c.Type) {
		return ErrTokenWrongType
	}
	return nil
}
