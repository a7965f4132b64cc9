package core

import "strings"

// maxIDBytes is the longest jti: the width of Django's column.
const maxIDBytes = 255

// checkIssuable refuses a token that was accepted but can't be signed again: without ISSUER nobody asks for iss, but no
// token is made whose iss is no text (RFC 7519 section 4.1.1).
func (t *Token) checkIssuable() error {
	if iss := t.claims.Get("iss"); iss != nil && !iss.IsText() {
		return ErrTokenInvalid
	}
	return nil
}

// isID reports whether a text can be the id of a token on record.
func isID(id string) bool {
	return id != "" && len(id) <= maxIDBytes && !strings.ContainsRune(id, 0)
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
