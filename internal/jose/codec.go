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

// Why a token is rejected. Where more is known of an invalid token, the cause is returned in place of ErrInvalid: an error
// of the JSON reader, the signature method or Keys. So every error but ErrExpired means that the token is invalid.
var (
	ErrInvalid = errors.New("token is invalid")
	ErrExpired = errors.New("token is expired")
)

// ErrNoSigningKey is returned by Sign in a program that only verifies.
var ErrNoSigningKey = errors.New("sign token: there is no SIGNING_KEY")

// Codec signs and verifies the tokens of one application. But for its caches it is immutable. It is safe for concurrent use.
type Codec struct {
	algorithm    string
	method       jwt.SigningMethod
	hmacs        *hmacPool // in place of method, for HMAC
	header       string    // of signed tokens, in base64url
	signingKey   any       // nil in a program that only verifies
	verifyingKey any       // unused where keys is set
	keys         Keys      // nil without JWK_URL

	expected   expectedClaims
	stamped    []Claim // AUDIENCE and ISSUER, set on every signed token
	encodeJSON func(simplejwt.Claims) ([]byte, error)

	headers headerCache
	tokens  *tokenCache // nil without VERIFIED_TOKEN_CACHE_SIZE
}

// New makes a Codec. The settings must have their defaults filled in. New adds to invalid what is wrong with ALGORITHM,
// SIGNING_KEY, VERIFYING_KEY, JWK_URL, VERIFIED_TOKEN_CACHE_SIZE and keys, which are Deps.Keys; the Codec can be used if
// that is nothing. An HMAC algorithm ignores public keys: New logs a warning for each, and clears s.JWKURL.
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

// CanSign reports whether there is a SIGNING_KEY.
func (c *Codec) CanSign() bool { return c.signingKey != nil }

// Sign returns the compact JWS of the claims, with AUDIENCE and ISSUER written into it; the claims stay as they are.
// Errors: ErrNoSigningKey, claims that can't be encoded, an error of JSON_ENCODER.
func (c *Codec) Sign(claims Claims) (string, error) {
	if c.signingKey == nil {
		return "", ErrNoSigningKey
	}
	var buf [512]byte
	payload, err := c.encode(buf[:0], claims)
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

// encode appends the payload of a token to b.
func (c *Codec) encode(b []byte, claims Claims) ([]byte, error) {
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
// is invalid, never expired. now is the clock; Verify calls it once, after the signature, which may have waited for a key.
// The claims may be in the token cache too, and can be changed all the same. Errors: ErrExpired, or any other for an
// invalid token, see ErrInvalid.
func (c *Codec) Verify(ctx context.Context, raw string, now func() time.Time) (Claims, error) {
	claims, err := c.verifySignature(ctx, raw)
	if err != nil {
		return Claims{}, err
	}
	if err := c.expected.check(claims, now()); err != nil {
		return Claims{}, err
	}
	return claims, nil
}

// verifySignature returns the claims of a token whose signature is good. It reads nothing of them before it knows that.
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
	kid, known := c.headers.find(p.header)
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
		c.headers.add(p.header, kid)
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

// findKey returns the key that verifies tokens with this kid: the only one there is, or the one of JWK_URL.
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

func (c *Codec) checkSignature(p tokenParts, key crypto.PublicKey) error {
	if c.hmacs != nil {
		if !c.hmacs.verify(p.signed, p.signature) {
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

// Decode reads a token without any check of signature or times. Errors: as those of Verify for an invalid token.
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
