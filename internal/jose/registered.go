package jose

import (
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// expectedClaims are what the settings ask of the registered claims of a token.
type expectedClaims struct {
	issuer        string
	audience      []string
	checkIssuer   bool // ISSUER is set, even if to ""
	checkAudience bool // AUDIENCE is set, even if to nobody, which rejects every token
	leeway        time.Duration
}

func newExpectedClaims(s *simplejwt.Settings) expectedClaims {
	return expectedClaims{
		issuer: s.Issuer, checkIssuer: s.Issuer != "" || s.IsSet("ISSUER"),
		audience: s.Audience, checkAudience: len(s.Audience) > 0 || s.IsSet("AUDIENCE"),
		leeway: s.Leeway,
	}
}

// registered are the claims of RFC 7519 section 4.1, nil for those that a token does not have.
type registered struct{ iat, nbf, exp, iss, aud, sub, jti *Claim }

// registered finds them in one pass.
func (c Claims) registered() (r registered) {
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

// check checks iat, nbf, exp, iss, aud, sub and jti in PyJWT's order, each where it is present. Errors: ErrInvalid,
// ErrExpired.
func (e *expectedClaims) check(claims Claims, now time.Time) error {
	r := claims.registered()
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

// matchesAudience reports whether the aud claim, a string or a list of nothing but strings, names one of ours.
func matchesAudience(c *Claim, ours []string) bool {
	var theirs []any
	switch v := c.Value().(type) {
	case string:
		if c.IsText() {
			theirs = []any{v}
		}
	case []any:
		if !c.hasHalfPair() {
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
