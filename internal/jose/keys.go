package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/jwkurl"
)

// Keys finds the public keys of JWK_URL. It has the methods of core.Keys, which package jose can't import. It must be safe
// for concurrent use.
type Keys interface {
	// VerifyingKey returns the public key with the id kid for an algorithm ("RS256"). An error, or a key that does not fit
	// the algorithm, makes the token invalid.
	VerifyingKey(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// algorithms are the values of ALGORITHM. The setting chooses one of them; the header of a token never does.
var algorithms = map[string]jwt.SigningMethod{
	"HS256": jwt.SigningMethodHS256, "HS384": jwt.SigningMethodHS384, "HS512": jwt.SigningMethodHS512,
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": jwt.SigningMethodPS256, "PS384": jwt.SigningMethodPS384, "PS512": jwt.SigningMethodPS512,
	"ES256": jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512,
	"EdDSA": jwt.SigningMethodEdDSA,
}

// minRSABits is the size of the smallest RSA key that RFC 7518 section 3.3 allows.
const minRSABits = 2048

// loadKeys reads SIGNING_KEY, VERIFYING_KEY and JWK_URL for ALGORITHM.
func (c *Codec) loadKeys(s *simplejwt.Settings, log *slog.Logger, invalid *simplejwt.SettingsError) {
	method, ok := algorithms[s.Algorithm]
	if !ok {
		invalid.Add("ALGORITHM", "Unrecognized algorithm type '%s'; use HS, RS, PS or ES with 256, 384 or 512, or EdDSA", s.Algorithm)
		c.checkJWKURL(s, invalid)
		return
	}
	c.method = method
	c.header = encoding.EncodeToString([]byte(`{"alg":"` + s.Algorithm + `","typ":"JWT"}`))
	if hmac, ok := method.(*jwt.SigningMethodHMAC); ok {
		c.loadSecret(s, hmac, log, invalid)
		return
	}
	c.loadKeyPair(s, invalid)
}

// keyCommand returns a shell command that prints a SIGNING_KEY for an algorithm.
func keyCommand(algorithm string) string {
	switch algorithm[:2] {
	case "HS":
		return "openssl rand -base64 48"
	case "RS", "PS":
		return "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"
	case "ES":
		curve := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
		return "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:" + curve
	}
	return "openssl genpkey -algorithm ED25519"
}

// publicKeyCommand is a shell command that prints the VERIFYING_KEY of the private key in private.pem.
const publicKeyCommand = "openssl pkey -in private.pem -pubout"

// loadSecret takes SIGNING_KEY as the secret of an HMAC algorithm. The secret must be as long as the hash
// (RFC 7518 section 3.2). Further public keys are ignored with a warning, as SimpleJWT ignores them.
func (c *Codec) loadSecret(s *simplejwt.Settings, method *jwt.SigningMethodHMAC, log *slog.Logger, invalid *simplejwt.SettingsError) {
	secret := []byte(s.SigningKey)
	command := keyCommand(s.Algorithm)
	switch least := method.Hash.Size(); {
	case len(secret) == 0:
		invalid.Add("SIGNING_KEY", "is missing: %s needs a secret of at least %d bytes; `%s` prints one", s.Algorithm, least, command)
	case strings.Contains(s.SigningKey, "-----BEGIN "):
		invalid.Add("SIGNING_KEY", "is a PEM key, %s needs a secret: did you mean another ALGORITHM? `%s` prints a secret", s.Algorithm, command)
	case len(secret) < least:
		invalid.Add("SIGNING_KEY", "has %d bytes, %s needs at least %d (RFC 7518 section 3.2); `%s` prints enough", len(secret), s.Algorithm, least, command)
	}
	if s.VerifyingKey != "" {
		log.Warn("VERIFYING_KEY is ignored: the algorithm is HMAC", "algorithm", s.Algorithm)
	}
	if s.JWKURL != "" {
		log.Warn("JWK_URL is ignored: the algorithm is HMAC", "algorithm", s.Algorithm)
	}
	s.JWKURL, c.keys = "", nil
	c.signingKey, c.verifyingKey, c.hmacs = secret, secret, newHMACPool(method.Hash, secret)
}

// loadKeyPair reads the PEM keys of an algorithm with key pairs. VERIFYING_KEY defaults to the public half of SIGNING_KEY,
// and must be that half if both are set: else the program would reject the tokens that it signs.
func (c *Codec) loadKeyPair(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
	var derived crypto.PublicKey
	if s.SigningKey != "" {
		private, err := parsePrivateKey(s.SigningKey)
		if err == nil {
			derived = private.Public()
			err = checkKeyFits(s.Algorithm, derived)
		}
		if err != nil {
			invalid.Add("SIGNING_KEY", "%v; `%s` prints a key for %s", err, keyCommand(s.Algorithm), s.Algorithm)
		} else {
			c.signingKey, c.verifyingKey = private, derived
		}
	}
	if s.VerifyingKey != "" {
		public, err := parsePublicKey(s.VerifyingKey)
		if err == nil {
			err = checkKeyFits(s.Algorithm, public)
		}
		if err == nil && c.signingKey != nil && !isSameKey(derived, public) {
			err = errors.New("is not the public half of SIGNING_KEY")
		}
		if err != nil {
			invalid.Add("VERIFYING_KEY", "%v; `%s` prints that of a private key", err, publicKeyCommand)
		}
		c.verifyingKey = public
	}
	c.checkJWKURL(s, invalid)
	if s.SigningKey == "" && s.VerifyingKey == "" && s.JWKURL == "" {
		invalid.Add("SIGNING_KEY", "is missing: %s needs a private key in PEM, or VERIFYING_KEY or JWK_URL to verify only; `%s` prints a private key",
			s.Algorithm, keyCommand(s.Algorithm))
	}
}

// checkJWKURL reports a JWK_URL that is not safe, and one of JWK_URL and Deps.Keys without the other.
func (c *Codec) checkJWKURL(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
	if s.JWKURL == "" {
		if c.keys != nil {
			invalid.Add("Deps.Keys", "is given, but JWK_URL is not set")
		}
		return
	}
	if err := jwkurl.Check(s.JWKURL); err != nil {
		invalid.Add("JWK_URL", "%v", err)
	}
	if c.keys == nil {
		invalid.Add("JWK_URL", "set Deps.Keys to jwks.New(ctx, settings)")
	}
}

// checkKeyFits returns why a public key can't be used with an algorithm, nil if it can. It accepts what Keys may return:
// nil, and keys without their numbers. Its errors contain nothing of the key and complete a sentence that begins with the
// setting's name.
func checkKeyFits(algorithm string, key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k == nil || k.N == nil || !slices.Contains([]string{"RS", "PS"}, algorithm[:2]) {
			break
		}
		if k.N.BitLen() < minRSABits {
			return fmt.Errorf("has %d bits, an RSA key needs at least %d (RFC 7518 section 3.3)", k.N.BitLen(), minRSABits)
		}
		return nil
	case *ecdsa.PublicKey:
		if method, ok := algorithms[algorithm].(*jwt.SigningMethodECDSA); ok && k != nil && k.Curve != nil {
			if bits := k.Curve.Params().BitSize; bits != method.CurveBits {
				return fmt.Errorf("is on a curve of %d bits, %s needs %d", bits, algorithm, method.CurveBits)
			}
			return nil
		}
	case ed25519.PublicKey:
		if algorithm == "EdDSA" {
			return nil
		}
	}
	return fmt.Errorf("is a key of another kind than %s needs", algorithm)
}

// isSameKey reports whether two public keys are equal. A key of a kind without Equal is equal to none.
func isSameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
