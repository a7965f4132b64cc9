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

// keyText returns the secret of a name like "hs1", or the PEM text of one like
// "rsa1.private".
func (k keyring) keyText(name string) (string, error) {
	base, part, _ := strings.Cut(name, ".")
	key := k[base]
	out := map[string]string{"": key.Secret, "private": key.Private, "public": key.Public}[part]
	if out == "" {
		return "", fmt.Errorf("no key %q", name)
	}
	return out, nil
}

// coordinateSize is the number of bytes in each half of an ECDSA signature (RFC
// 7518 section 3.4).
var coordinateSize = map[string]int{"ES256": 32, "ES384": 48, "ES512": 66}

// hashOf returns the hash of an algorithm named like HS256, 0 for another name.
func hashOf(alg string) crypto.Hash {
	if len(alg) != 5 {
		return 0
	}
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
}

// hashData returns the hash of an algorithm, and that hash of data.
func hashData(alg string, data []byte) (crypto.Hash, []byte, error) {
	hash := hashOf(alg)
	if hash == 0 {
		return 0, nil, fmt.Errorf("unknown algorithm %q", alg)
	}
	h := hash.New()
	h.Write(data)
	return hash, h.Sum(nil), nil
}

// signHMAC signs data with a secret, which need not be in a keyring.
func signHMAC(alg, secret string, data []byte) ([]byte, error) {
	hash := hashOf(alg)
	if hash == 0 || !strings.HasPrefix(alg, "HS") {
		return nil, fmt.Errorf("not an HMAC algorithm: %q", alg)
	}
	mac := hmac.New(hash.New, []byte(secret))
	mac.Write(data)
	return mac.Sum(nil), nil
}

// signData returns the JWS signature of data (RFC 7518), made with a key of the
// keyring. With the algorithm none it is empty. It is written without our own
// code, so that both can't have the same bug.
func (k keyring) signData(alg, key string, data []byte) ([]byte, error) {
	if alg == "none" {
		return nil, nil
	}
	if strings.HasPrefix(alg, "HS") {
		secret, err := k.keyText(key)
		if err != nil {
			return nil, err
		}
		return signHMAC(alg, secret, data)
	}
	private, err := k.privateKey(key)
	if err != nil {
		return nil, err
	}
	// Ed25519 signs the data itself, all others a hash of it.
	if private, ok := private.(ed25519.PrivateKey); ok && alg == "EdDSA" {
		return ed25519.Sign(private, data), nil
	}
	hash, digest, err := hashData(alg, data)
	if err != nil {
		return nil, err
	}
	switch private := private.(type) {
	case *rsa.PrivateKey:
		switch alg[:2] {
		case "RS":
			return rsa.SignPKCS1v15(nil, private, hash, digest)
		case "PS":
			return rsa.SignPSS(rand.Reader, private, hash, digest, pssOptions)
		}
	case *ecdsa.PrivateKey:
		if size := coordinateSize[alg]; size == (private.Params().BitSize+7)/8 {
			return signECDSA(private, digest, size)
		}
	}
	return nil, fmt.Errorf("key %q does not fit %s", key, alg)
}

// pssOptions are what RFC 7518 section 3.5 says: a salt as long as the hash.
var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

// signECDSA returns the raw form of a signature, r and s of size bytes each.
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

// verifySignature checks a JWS signature strictly: for ECDSA the raw form of
// exactly the right length, for PSS a salt as long as the hash.
func (k keyring) verifySignature(alg, key string, data, sig []byte) error {
	if strings.HasPrefix(alg, "HS") {
		want, err := k.signData(alg, key, data)
		return signatureError(err, hmac.Equal(want, sig))
	}
	public, err := k.publicKey(key)
	if err != nil {
		return err
	}
	if public, ok := public.(ed25519.PublicKey); ok && alg == "EdDSA" {
		return signatureError(nil, ed25519.Verify(public, data, sig))
	}
	hash, digest, err := hashData(alg, data)
	if err != nil {
		return err
	}
	switch public := public.(type) {
	case *rsa.PublicKey:
		switch alg[:2] {
		case "RS":
			return rsa.VerifyPKCS1v15(public, hash, digest, sig)
		case "PS":
			return rsa.VerifyPSS(public, hash, digest, sig, pssOptions)
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

// signatureError returns err, or the error of a signature that is not ok.
func signatureError(err error, ok bool) error {
	if err != nil || ok {
		return err
	}
	return errors.New("wrong signature")
}

// privateKey parses the private key with this name.
func (k keyring) privateKey(name string) (any, error) {
	block, _ := pem.Decode([]byte(k[name].Private))
	if block == nil {
		return nil, fmt.Errorf("no private key %q", name)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// publicKey parses the public key with this name.
func (k keyring) publicKey(name string) (any, error) {
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
		jwk["kid"], jwk["use"] = name, "sig" // tokens name the key by its name here
		list = append(list, jwk)
	}
	doc, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc) // fails only if the client is gone
	})), nil
}
