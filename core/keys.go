package core

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
)

// Keys finds the key that verifies a token by the token's kid, for JWK_URL.
type Keys interface {
	// VerifyingKey returns the public key with this id, for this algorithm. An error, or a key of another kind than the
	// algorithm's, makes the token invalid.
	VerifyingKey(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error)
}

// algorithms are the values of ALGORITHM. Nothing is looked up by a token's header: exactly one is in force.
var algorithms = map[string]jwt.SigningMethod{
	"HS256": jwt.SigningMethodHS256, "HS384": jwt.SigningMethodHS384, "HS512": jwt.SigningMethodHS512,
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": jwt.SigningMethodPS256, "PS384": jwt.SigningMethodPS384, "PS512": jwt.SigningMethodPS512,
	"ES256": jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512,
	"EdDSA": jwt.SigningMethodEdDSA,
}

// keyPair signs and verifies; signing is nil in a program that only verifies, verifying is nil with JWK_URL alone.
type keyPair struct {
	method             jwt.SigningMethod
	macs               *macs  // in place of method, for HMAC
	header             string // of the tokens that are signed, as it is sent
	signing, verifying any
}

// minRSABits is the least RSA key RFC 7518 section 3.3 allows.
const minRSABits = 2048

// loadKeys reads SIGNING_KEY and VERIFYING_KEY for ALGORITHM and adds a fault for all that does not fit.
func (a *Auth) loadKeys(f *simplejwt.Faults) {
	method, ok := algorithms[a.s.Algorithm]
	if !ok {
		f.Add("ALGORITHM", "Unrecognized algorithm type '%s'; use HS, RS, PS or ES with 256, 384 or 512, or EdDSA", a.s.Algorithm)
		a.checkJWKURL(f)
		return
	}
	a.keys.method = method
	a.keys.header = encoding.EncodeToString([]byte(`{"alg":"` + a.s.Algorithm + `","typ":"JWT"}`))
	if hmac, ok := method.(*jwt.SigningMethodHMAC); ok {
		a.loadSecret(f, hmac)
		return
	}
	a.loadKeyPair(f)
}

func (a *Auth) loadSecret(f *simplejwt.Faults, method *jwt.SigningMethodHMAC) {
	secret := []byte(a.s.SigningKey)
	switch least := method.Hash.Size(); {
	case len(secret) == 0:
		f.Add("SIGNING_KEY", "is missing: %s needs a secret of at least %d bytes", a.s.Algorithm, least)
	case strings.Contains(a.s.SigningKey, "-----BEGIN "):
		f.Add("SIGNING_KEY", "is a PEM key, %s needs a secret: did you mean another ALGORITHM?", a.s.Algorithm)
	case len(secret) < least:
		f.Add("SIGNING_KEY", "has %d bytes, %s needs at least %d (RFC 7518 section 3.2)", len(secret), a.s.Algorithm, least)
	}
	if a.s.VerifyingKey != "" {
		a.d.Logger.Warn("VERIFYING_KEY is ignored: the algorithm is HMAC", "algorithm", a.s.Algorithm)
	}
	if a.s.JWKURL != "" {
		a.d.Logger.Warn("JWK_URL is ignored: the algorithm is HMAC", "algorithm", a.s.Algorithm)
	}
	a.s.JWKURL, a.d.Keys = "", nil
	a.keys.signing, a.keys.verifying, a.keys.macs = secret, secret, newMACs(method.Hash, secret)
}

func (a *Auth) loadKeyPair(f *simplejwt.Faults) {
	var derived crypto.PublicKey
	if a.s.SigningKey != "" {
		private, err := parsePrivateKey(a.s.SigningKey)
		if err == nil {
			derived = private.Public()
			err = fits(a.s.Algorithm, derived)
		}
		if err != nil {
			f.Add("SIGNING_KEY", "%v", err)
		} else {
			a.keys.signing, a.keys.verifying = private, derived
		}
	}
	if a.s.VerifyingKey != "" {
		public, err := parsePublicKey(a.s.VerifyingKey)
		if err == nil {
			err = fits(a.s.Algorithm, public)
		}
		if err == nil && a.keys.signing != nil && !sameKey(derived, public) {
			err = errors.New("is not the public half of SIGNING_KEY")
		}
		if err != nil {
			f.Add("VERIFYING_KEY", "%v", err)
		}
		a.keys.verifying = public
	}
	a.checkJWKURL(f)
	if a.s.SigningKey == "" && a.s.VerifyingKey == "" && a.s.JWKURL == "" {
		f.Add("SIGNING_KEY", "is missing: %s needs a private key in PEM, or VERIFYING_KEY or JWK_URL to verify only", a.s.Algorithm)
	}
}

func (a *Auth) checkJWKURL(f *simplejwt.Faults) {
	if a.s.JWKURL == "" {
		if a.d.Keys != nil {
			f.Add("Deps.Keys", "is given, but JWK_URL is not set")
		}
		return
	}
	if u, err := url.Parse(a.s.JWKURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		f.Add("JWK_URL", "must be an http or https URL")
	}
	if a.d.Keys == nil {
		f.Add("JWK_URL", "set Deps.Keys to jwks.New(ctx, settings)")
	}
}

// fits reports why a public key can't be used with an algorithm. Its errors hold nothing of the key.
func fits(algorithm string, key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if !slices.Contains([]string{"RS", "PS"}, algorithm[:2]) {
			break
		}
		if k.N.BitLen() < minRSABits {
			return fmt.Errorf("has %d bits, an RSA key needs at least %d (RFC 7518 section 3.3)", k.N.BitLen(), minRSABits)
		}
		return nil
	case *ecdsa.PublicKey:
		if method, ok := algorithms[algorithm].(*jwt.SigningMethodECDSA); ok {
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

func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

func parsePrivateKey(text string) (crypto.Signer, error) {
	block, rest := pem.Decode([]byte(strings.TrimSpace(text)))
	if block != nil && block.Type == "EC PARAMETERS" { // openssl writes them before the key
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("is not a private key in PEM")
	}
	if strings.HasSuffix(block.Type, "PUBLIC KEY") {
		return nil, errors.New("is a public key, a private one is needed")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		return signer, nil
	}
	return nil, errors.New("is not a private key that can be read (PKCS #8, PKCS #1 or SEC 1, not encrypted)")
}

func parsePublicKey(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("is not a public key in PEM")
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("is a private key, the public one is needed")
	}
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("is not a public key that can be read (SPKI or PKCS #1)")
}
