package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // registers what crypto.Hash.New needs
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
)

// keyring holds the test keys by name. They protect nothing.
type keyring map[string]testKey

// testKey is an HMAC secret, or a key pair as PEM text and as a JWK.
type testKey struct {
	Secret  string         `json:"secret"`
	Private string         `json:"private"`
	Public  string         `json:"public"`
	JWK     map[string]any `json:"jwk"`
}

// text is the secret of "hs1", or the PEM text of "rsa1.private".
func (k keyring) text(name string) (string, error) {
	base, part, _ := strings.Cut(name, ".")
	key := k[base]
	out := map[string]string{"": key.Secret, "private": key.Private, "public": key.Public}[part]
	if out == "" {
		return "", fmt.Errorf("no key %q", name)
	}
	return out, nil
}

// coordinateSize is the number of bytes of each half of an ECDSA signature.
var coordinateSize = map[string]int{"ES256": 32, "ES384": 48, "ES512": 66}

// hashOf is the hash of an algorithm named like HS256, or 0.
func hashOf(alg string) crypto.Hash {
	if len(alg) != 5 {
		return 0
	}
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
}

// sum hashes data for an algorithm.
func sum(alg string, data []byte) (crypto.Hash, []byte, error) {
	hash := hashOf(alg)
	if hash == 0 {
		return 0, nil, fmt.Errorf("unknown algorithm %q", alg)
	}
	h := hash.New()
	h.Write(data)
	return hash, h.Sum(nil), nil
}

// signHMAC signs with a secret that need not be in the keyring.
func signHMAC(alg, secret string, data []byte) ([]byte, error) {
	hash := hashOf(alg)
	if hash == 0 || !strings.HasPrefix(alg, "HS") {
		return nil, fmt.Errorf("not an HMAC algorithm: %q", alg)
	}
	mac := hmac.New(hash.New, []byte(secret))
	mac.Write(data)
	return mac.Sum(nil), nil
}

// sign returns the JWS signature of data (RFC 7518). The algorithm none gives
// an empty one.
func (k keyring) sign(alg, key string, data []byte) ([]byte, error) {
	if alg == "none" {
		return nil, nil
	}
	if strings.HasPrefix(alg, "HS") {
		secret, err := k.text(key)
		if err != nil {
			return nil, err
		}
		return signHMAC(alg, secret, data)
	}
	private, err := k.private(key)
	if err != nil {
		return nil, err
	}
	if private, ok := private.(ed25519.PrivateKey); ok && alg == "EdDSA" {
		return ed25519.Sign(private, data), nil
	}
	hash, digest, err := sum(alg, data)
	if err != nil {
		return nil, err
	}
	switch private := private.(type) {
	case *rsa.PrivateKey:
		switch alg[:2] {
		case "RS":
			return rsa.SignPKCS1v15(nil, private, hash, digest)
		case "PS":
			return rsa.SignPSS(rand.Reader, private, hash, digest, pss)
		}
	case *ecdsa.PrivateKey:
		if size := coordinateSize[alg]; size == (private.Params().BitSize+7)/8 {
			return signECDSA(private, digest, size)
		}
	}
	return nil, fmt.Errorf("key %q does not fit %s", key, alg)
}

var pss = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

func signECDSA(private *ecdsa.PrivateKey, digest []byte, size int) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out, nil
}

// verify checks a JWS signature strictly: the raw form of exactly the right
// length for ECDSA, a salt as long as the hash for PSS.
func (k keyring) verify(alg, key string, data, sig []byte) error {
	if strings.HasPrefix(alg, "HS") {
		want, err := k.sign(alg, key, data)
		return signatureError(err, hmac.Equal(want, sig))
	}
	public, err := k.public(key)
	if err != nil {
		return err
	}
	if public, ok := public.(ed25519.PublicKey); ok && alg == "EdDSA" {
		return signatureError(nil, ed25519.Verify(public, data, sig))
	}
	hash, digest, err := sum(alg, data)
	if err != nil {
		return err
	}
	switch public := public.(type) {
	case *rsa.PublicKey:
		switch alg[:2] {
		case "RS":
			return rsa.VerifyPKCS1v15(public, hash, digest, sig)
		case "PS":
			return rsa.VerifyPSS(public, hash, digest, sig, pss)
		}
	case *ecdsa.PublicKey:
		size := coordinateSize[alg]
		if size == 0 || len(sig) != 2*size {
			return fmt.Errorf("a signature of %d bytes", len(sig))
		}
		r, s := new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
		return signatureError(nil, ecdsa.Verify(public, digest, r, s))
	}
	return fmt.Errorf("key %q does not fit %s", key, alg)
}

func signatureError(err error, ok bool) error {
	if err != nil || ok {
		return err
	}
	return errors.New("wrong signature")
}

func (k keyring) private(name string) (any, error) {
	block, _ := pem.Decode([]byte(k[name].Private))
	if block == nil {
		return nil, fmt.Errorf("no private key %q", name)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

func (k keyring) public(name string) (any, error) {
	block, _ := pem.Decode([]byte(k[name].Public))
	if block == nil {
		return nil, fmt.Errorf("no public key %q", name)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// serveKeySet serves a JWK set (RFC 7517) of the named keys at every path.
func serveKeySet(k keyring, names []string) (*httptest.Server, error) {
	list := make([]any, 0, len(names))
	for _, name := range names {
		jwk := maps.Clone(k[name].JWK)
		if jwk == nil {
			return nil, fmt.Errorf("no JWK of key %q", name)
		}
		jwk["kid"], jwk["use"] = name, "sig"
		list = append(list, jwk)
	}
	doc, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc) // a client that left is no fault
	})), nil
}
