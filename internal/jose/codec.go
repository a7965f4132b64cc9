package jose

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
)

// The reasons why a token is rejected. Test for ErrExpired, and take every other error for an invalid token.
var (
	// ErrInvalid is returned for an invalid token if no cause is known: an error of the JSON reader, the signing method or Keys.
	ErrInvalid = errors.New("token is invalid")
	// ErrExpired is returned for a token whose exp has passed.
	ErrExpired = errors.New("token is expired")
)

// ErrNoSigningKey is returned by Sign in a program that only verifies: it has a VERIFYING_KEY or JWK_URL and no
// SIGNING_KEY.
var ErrNoSigningKey = errors.New("sign token: there is no SIGNING_KEY")

// Codec signs and verifies the tokens of one application. Make one with New. It is safe for concurrent use: apart from
// its caches it never changes.
type Codec struct {
	algorithm    string
	method       jwt.SigningMethod
	hmacs        *hmacPool // used instead of method if the algorithm is HMAC, else nil
	header       string    // of signed tokens, in base64url
	signingKey   any       // nil in a program that only verifies
	verifyingKey any       // unused if keys is set
	keys         Keys      // nil without JWK_URL

	expected   expectedClaims
	stamped    []Claim                                // AUDIENCE and ISSUER, set on every signed token
	encodeJSON func(simplejwt.Claims) ([]byte, error) // JSON_ENCODER, nil for ours

	headers headerCache
	tokens  *tokenCache // nil without VERIFIED_TOKEN_CACHE_SIZE
}

// New returns a Codec for settings whose defaults are filled in. It adds to invalid what is wrong with ALGORITHM,
// SIGNING_KEY, VERIFYING_KEY, JWK_URL, VERIFIED_TOKEN_CACHE_SIZE and keys, which is Deps.Keys and may be nil. The Codec
// must not be used if New added anything. With an HMAC algorithm public keys are ignored: New logs a warning for
// VERIFYING_KEY and JWK_URL, and clears s.JWKURL.
func New(s *simplejwt.Settings, keys Keys, log *slog.Logger, invalid *simplejwt.SettingsError) *Codec {
	c := &Codec{
		algorithm:  s.Algorithm,
		keys:       keys,
		expected:   newExpectedClaims(s),
		encodeJSON: s.JSONEncoder,
		tokens:     newTokenCache(s.VerifiedTokenCacheSize),
	}
	if c.expected.checkAudience {
		aud := Claim{name: "aud", value: s.Audience}
		if len(s.Audience) == 1 && !s.AudienceIsList() {
			aud.value = s.Audience[0]
		}
		c.stamped = append(c.stamped, aud)
	}
	if c.expected.checkIssuer {
		c.stamped = append(c.stamped, Claim{name: "iss", value: s.Issuer})
	}
	c.loadKeys(s, log, invalid)
	c.checkTokenCache(s, invalid)
	return c
}

// CanSign reports whether there is a SIGNING_KEY, without which Sign returns ErrNoSigningKey.
func (c *Codec) CanSign() bool { return c.signingKey != nil }

// Sign returns the claims as a signed token in compact form (RFC 7515 section 3.1), with AUDIENCE and ISSUER written into
// it. The claims themselves do not change. Errors: ErrNoSigningKey, an error of encoding/json or JSON_ENCODER.
func (c *Codec) Sign(claims Claims) (string, error) {
	if c.signingKey == nil {
		return "", ErrNoSigningKey
	}
	var buf [512]byte // on the stack, enough for most payloads
	payload, err := c.encodePayload(buf[:0], claims)
	if err != nil {
		return "", fmt.Errorf("sign token: encode claims: %w", err)
	}
	b := make([]byte, 0, len(c.header)+encoding.EncodedLen(len(payload))+encoding.EncodedLen(maxSignature)+2)
	b = append(append(b, c.header...), '.')
	signed := string(encoding.AppendEncode(b, payload))
	b = append(append(b[:0], signed...), '.')
	if c.hmacs != nil {
		return string(c.hmacs.appendSum(b, signed)), nil
	}
	signature, err := c.method.Sign(signed, c.signingKey)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(encoding.AppendEncode(b, signature)), nil
}

// encodePayload appends the payload of a token to b: the claims with AUDIENCE and ISSUER, through JSON_ENCODER if there is
// one.
func (c *Codec) encodePayload(b []byte, claims Claims) ([]byte, error) {
	if len(c.stamped) > 0 {
		claims = claims.Clone()
		for _, claim := range c.stamped {
			claims.Put(claim)
		}
	}
	if c.encodeJSON != nil {
		return c.encodeJSON(claims.Map())
	}
	return claims.appendJSON(b)
}

// Verify checks the header and the signature of a token and then its registered claims, in PyJWT's order: a forged token
// is invalid, never expired. now is the clock; Verify calls it once, after it has verified the signature, which may have
// waited for a key of JWK_URL. The caller may change the claims. Errors: ErrExpired, or any other error for an invalid
// token, see ErrInvalid.
func (c *Codec) Verify(ctx context.Context, raw string, now func() time.Time) (Claims, error) {
	claims, err := c.verifySignature(ctx, raw)
	if err != nil {
		return Claims{}, err
	}
	if err := c.expected.checkClaims(claims, now()); err != nil {
		return Claims{}, err
	}
	return claims, nil
}

// verifySignature returns the claims of a token whose signature is valid. It does not read them before: a forged token
// costs no JSON.
func (c *Codec) verifySignature(ctx context.Context, raw string) (Claims, error) {
	if c.tokens != nil {
		if claims, ok := c.cachedClaims(ctx, raw); ok {
			return claims, nil
		}
	}
	p, ok := splitToken(raw)
	if !ok {
		return Claims{}, ErrInvalid
	}
	kid, known := c.headers.findKID(p.header)
	if !known {
		var err error
		if kid, err = parseHeader(p.header, c.algorithm); err != nil {
			return Claims{}, err
		}
	}
	key, err := c.findKey(ctx, kid)
	if err != nil {
		return Claims{}, err
	}
	if err := c.checkSignature(p, key); err != nil {
		return Claims{}, err
	}
	if !known {
		c.headers.addHeader(p.header, kid)
	}
	claims, err := decodeClaims(p.payload)
	if err != nil {
		return Claims{}, err
	}
	if c.tokens != nil {
		claims.shared = true
		c.tokens.add(raw, cachedToken{kid, key, claims})
	}
	return claims, nil
}

// findKey returns the key that verifies tokens with this kid: the only key without JWK_URL, else the one that JWK_URL has
// for the kid, if it fits the algorithm. Without a kid JWK_URL has no key: trying all of them would multiply the cost of
// a forged token.
func (c *Codec) findKey(ctx context.Context, kid string) (crypto.PublicKey, error) {
	if c.keys == nil {
		return c.verifyingKey, nil
	}
	if kid == "" {
		return nil, ErrInvalid
	}
	key, err := c.keys.VerifyingKey(ctx, kid, c.algorithm)
	if err == nil {
		err = checkKeyFits(c.algorithm, key)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// checkSignature returns why the signature of a token is not valid for the key, nil if it is. For HMAC the pool has the
// key, and the base64url texts are compared.
func (c *Codec) checkSignature(p tokenParts, key crypto.PublicKey) error {
	if c.hmacs != nil {
		if !c.hmacs.verifySum(p.signed, p.signature) {
			return ErrInvalid
		}
		return nil
	}
	var buf [maxSignature]byte
	signature, err := decodeBase64(buf[:0], p.signature)
	if err != nil {
		return err
	}
	return c.method.Verify(p.signed, signature, key)
}

// Decode reads a token without verifying its signature, algorithm or times, so nothing in the claims can be trusted.
// Errors: those of Verify for an invalid token.
func Decode(raw string) (Claims, error) {
	p, ok := splitToken(raw)
	if !ok {
		return Claims{}, ErrInvalid
	}
	if _, err := decodeClaims(p.header); err != nil {
		return Claims{}, err
	}
	if _, err := decodeBase64(nil, p.signature); err != nil {
		return Claims{}, err
	}
	return decodeClaims(p.payload)
}
