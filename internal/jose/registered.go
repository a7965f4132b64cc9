package jose

import (
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// expectedClaims is what the settings require of the registered claims of a token (RFC 7519 section 4.1).
type expectedClaims struct {
	issuer        string
	audience      []string
	checkIssuer   bool // ISSUER is set, also if it is ""
	checkAudience bool // AUDIENCE is set, also if it is empty, which rejects every token as in PyJWT
	leeway        time.Duration
}

// newExpectedClaims reads ISSUER, AUDIENCE and LEEWAY. An empty ISSUER or AUDIENCE of a file is checked; the zero value of
// a Go program is not.
func newExpectedClaims(s *simplejwt.Settings) expectedClaims {
	return expectedClaims{
		issuer: s.Issuer, checkIssuer: s.Issuer != "" || s.IsSet("ISSUER"),
		audience: s.Audience, checkAudience: len(s.Audience) > 0 || s.IsSet("AUDIENCE"),
		leeway: s.Leeway,
	}
}

// registeredClaims are the claims of RFC 7519 section 4.1. Those that a token does not have are nil.
type registeredClaims struct{ iat, nbf, exp, iss, aud, sub, jti *Claim }

// findRegistered returns the registered claims. It passes over the list once: a Get for each would do so seven times.
func (c Claims) findRegistered() (r registeredClaims) {
	for i := range c.list {
		claim := &c.list[i]
		switch claim.name {
		case "iat":
			r.iat = claim
		case "nbf":
			r.nbf = claim
		case "exp":
			r.exp = claim
		case "iss":
			r.iss = claim
		case "aud":
			r.aud = claim
		case "sub":
			r.sub = claim
		case "jti":
			r.jti = claim
		}
	}
	return r
}

// checkClaims checks iat, nbf, exp, iss, aud, sub and jti in PyJWT's order, so that a token with several defects gets the
// error that SimpleJWT returns. A claim that is absent passes, except iss and aud if the settings require them. now has fractions
// of a second, the times of a token have none. Errors: ErrInvalid, ErrExpired.
func (e *expectedClaims) checkClaims(claims Claims, now time.Time) error {
	r := claims.findRegistered()
	for _, c := range [...]*Claim{r.iat, r.nbf} {
		if c == nil {
			continue
		}
		if at, ok := c.Time(); !ok || at.After(now.Add(e.leeway)) {
			return ErrInvalid
		}
	}
	if r.exp != nil {
		at, ok := r.exp.Time()
		if !ok {
			return ErrInvalid
		}
		if !at.After(now.Add(-e.leeway)) {
			return ErrExpired
		}
	}
	if e.checkIssuer && !r.iss.Is(e.issuer) {
		return ErrInvalid
	}
	if e.checkAudience && !matchesAudience(r.aud, e.audience) {
		return ErrInvalid
	}
	for _, c := range [...]*Claim{r.sub, r.jti} {
		if c != nil && !c.IsText() {
			return ErrInvalid
		}
	}
	return nil
}

// matchesAudience reports whether the aud claim names one of ours. It is a string or a list of strings (RFC 7519 section
// 4.1.3); a list with anything else in it matches nothing, and "" is nobody's name.
func matchesAudience(c *Claim, ours []string) bool {
	var theirs []any
	switch v := c.Value().(type) {
	case string:
		if c.IsText() {
			theirs = []any{v}
		}
	case []any:
		if !c.hasLoneSurrogate() {
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
