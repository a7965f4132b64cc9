package core

import "strings"

// maxIDBytes is the longest jti: the width of Django's column.
const maxIDBytes = 255

// registered are the claims of RFC 7519 section 4.1 that a token has, nil for those it has not.
type registered struct{ iat, nbf, exp, iss, aud, sub, jti *claim }

// registered finds them in one pass.
func (p payload) registered() (r registered) {
	for i := range p {
		c := &p[i]
		switch c.name {
		case "iat":
			r.iat = c
		case "nbf":
			r.nbf = c
		case "exp":
			r.exp = c
		case "iss":
			r.iss = c
		case "aud":
			r.aud = c
		case "sub":
			r.sub = c
		case "jti":
			r.jti = c
		}
	}
	return r
}

// checkRegistered checks iat, nbf, exp, iss, aud, sub and jti as PyJWT does, each where it is present.
func (t *Token) checkRegistered() error {
	s, r := &t.auth.s, t.claims.registered()
	for _, c := range [...]*claim{r.iat, r.nbf} {
		if c == nil {
			continue
		}
		if at, ok := c.date(); !ok || at.After(t.now.Add(s.Leeway)) {
			return ErrTokenInvalid
		}
	}
	if r.exp != nil {
		at, ok := r.exp.date()
		if !ok {
			return ErrTokenInvalid
		}
		if !at.After(t.now.Add(-s.Leeway)) {
			return ErrTokenExpired
		}
	}
	if t.auth.checksIssuer() && !r.iss.is(s.Issuer) {
		return ErrTokenInvalid
	}
	if t.auth.checksAudience() && !matchesAudience(r.aud, s.Audience) {
		return ErrTokenInvalid
	}
	for _, c := range [...]*claim{r.sub, r.jti} {
		if c != nil && !c.isText() {
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
