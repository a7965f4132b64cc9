package core

import "strings"

// maxIDBytes is the longest jti: the width of Django's column.
const maxIDBytes = 255

// checkRegistered checks iat, nbf, exp, iss, aud, sub and jti as PyJWT does, each where it is present.
func (t *Token) checkRegistered() error {
	s := &t.auth.s
	for _, name := range []string{"iat", "nbf"} {
		if c := t.claims.at(name); c != nil {
			at, ok := c.date()
			if !ok || at.After(t.now.Add(s.Leeway)) {
				return ErrTokenInvalid
			}
		}
	}
	if c := t.claims.at("exp"); c != nil {
		at, ok := c.date()
		if !ok {
			return ErrTokenInvalid
		}
		if !at.After(t.now.Add(-s.Leeway)) {
			return ErrTokenExpired
		}
	}
	if t.auth.checksIssuer() && !t.claims.at("iss").is(s.Issuer) {
		return ErrTokenInvalid
	}
	if t.auth.checksAudience() && !matchesAudience(t.claims.at("aud"), s.Audience) {
		return ErrTokenInvalid
	}
	for _, name := range []string{"sub", "jti"} {
		if c := t.claims.at(name); c != nil && !c.isText() {
			return ErrTokenInvalid
		}
	}
	return nil
}

// checkIssuable refuses a token that was accepted but can't be signed again: without ISSUER nobody asks for iss, but no
// token is made whose iss is no text (RFC 7519 section 4.1.1).
func (t *Token) checkIssuable() error {
	if iss := t.claims.at("iss"); iss != nil && !iss.isText() {
		return ErrTokenInvalid
	}
	return nil
}

// isID reports whether a text can be the id of a token on record.
func isID(id string) bool {
	return id != "" && len(id) <= maxIDBytes && !strings.ContainsRune(id, 0)
}

func (c *claim) isText() bool { _, ok := c.text(); return ok }

// matchesAudience reports whether the aud claim, a string or a list of nothing but strings, names one of ours.
func matchesAudience(c *claim, ours []string) bool {
	var theirs []any
	switch v := c.get().(type) {
	case string:
		if c.isText() {
			theirs = []any{v}
		}
	case []any:
		if !c.hasHalf() {
			theirs = v
		}
	}
	match := false
	for _, one := range theirs {
		s, ok := one.(string)
		if !ok {
			return false
		}
		for _, our := range ours {
			match = match || (s == our && s != "")
		}
	}
	return match
}

// checkClass checks what SimpleJWT's Token.verify does, in its order: exp, id, type.
func (t *Token) checkClass(c *TokenClass) error {
	s := &t.auth.s
	if !t.Has("exp") {
		return noClaim("exp")
	}
	if s.JTIClaim != "" {
		if !t.Has(s.JTIClaim) {
			return ErrTokenNoID
		}
		if !isID(t.JTI()) {
			return ErrTokenInvalid
		}
	}
	if s.TokenTypeClaim == "" || c == t.auth.untyped {
		return nil
	}
	kind := t.claims.at(s.TokenTypeClaim)
	if kind == nil {
		return ErrTokenNoType
	}
	if !kind.is(c.Type) {
		return ErrTokenWrongType
	}
	return nil
}
