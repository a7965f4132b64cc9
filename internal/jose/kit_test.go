package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"hash"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
)

// secret is long enough for every HMAC algorithm.
const secret = "telltale-key-0123456789abcdef0123456789abcdef0123456789abcdef-end"

var p256 = elliptic.P256()

const goodHeader = `{"alg":"HS256","typ":"JWT"}`

// testNow is the time of all tests: half a second past noon, so that fractions that are cut off show.
func testNow() time.Time { return time.Date(2031, 5, 6, 12, 0, 0, 500_000_000, time.UTC) }

// noon is half a second earlier.
func noon() time.Time { return testNow().Truncate(time.Second) }

// unixAt is the time in a claim, so many seconds after noon.
func unixAt(offset int64) string { return strconv.FormatInt(noon().Unix()+offset, 10) }

// tryCodec makes a Codec for HS256 with the secret, changed as told, and returns what is wrong with the settings.
func tryCodec(keys Keys, changes ...func(*simplejwt.Settings)) (*Codec, simplejwt.SettingsError) {
	settings := simplejwt.Settings{Algorithm: "HS256", SigningKey: secret}
	for _, change := range changes {
		change(&settings)
	}
	var faults simplejwt.SettingsError
	c := New(&settings, keys, slog.New(slog.DiscardHandler), &faults)
	return c, faults
}

// newCodec is tryCodec for settings that are right.
func newCodec(t testing.TB, changes ...func(*simplejwt.Settings)) *Codec {
	t.Helper()
	c, faults := tryCodec(nil, changes...)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

// fromJSON lays settings from a file over others.
func fromJSON(t testing.TB, json string) func(*simplejwt.Settings) {
	return func(s *simplejwt.Settings) {
		var err error
		if *s, err = simplejwt.FromJSON(*s, []byte(json)); err != nil {
			t.Fatal(err)
		}
	}
}

// withKeys sets ALGORITHM, SIGNING_KEY and VERIFYING_KEY.
func withKeys(algorithm, signing, verifying string) func(*simplejwt.Settings) {
	return func(s *simplejwt.Settings) {
		s.Algorithm, s.SigningKey, s.VerifyingKey = algorithm, signing, verifying
	}
}

// What is said of a token.
const (
	good    = "good"
	invalid = "invalid"
	expired = "expired"
)

// verdict says how a token was judged.
func verdict(err error) string {
	switch {
	case err == nil:
		return good
	case errors.Is(err, ErrExpired):
		return expired
	}
	return invalid
}

// verify says how a token is judged.
func verify(t testing.TB, c *Codec, raw string) string { return verifyAt(t, c, raw, testNow) }

func verifyAt(t testing.TB, c *Codec, raw string, now func() time.Time) string {
	t.Helper()
	claims, err := c.Verify(t.Context(), raw, now)
	if err != nil && len(claims.list) > 0 {
		t.Errorf("claims beside the error %v", err)
	}
	return verdict(err)
}

// mustVerify returns the claims of a good token.
func mustVerify(t testing.TB, c *Codec, raw string) Claims {
	t.Helper()
	claims, err := c.Verify(t.Context(), raw, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// mustSign signs claims.
func mustSign(t testing.TB, c *Codec, claims Claims) string {
	t.Helper()
	raw, err := c.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// goodClaims are those of goodPayload.
func goodClaims(t testing.TB, changes ...string) Claims {
	t.Helper()
	claims, err := parseClaims(goodPayload(changes...))
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge makes a compact JWS by hand.
func forge(header, payload string, sign func(text string) []byte) string {
	return signText(b64(header)+"."+b64(payload), sign)
}

// signText adds the signature to a text as it is, even if it is not base64url.
func signText(text string, sign func(text string) []byte) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// unsigned makes an empty signature.
func unsigned(string) []byte { return nil }

// hs256 signs with HS256.
func hs256(key string) func(string) []byte { return hmacSigner(sha256.New, key) }

func hmacSigner(newHash func() hash.Hash, key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(newHash, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// hmacHashes are the hashes of the HMAC algorithms.
func hmacHashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
}

// rs256 signs with RS256.
func rs256(t testing.TB, key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// sign puts a payload under the right header and signature.
func sign(payload string) string { return forge(goodHeader, payload, hs256(secret)) }

// goodPayload is the payload of a good token. Each change is a claim and its value in JSON; a claim without value is left
// out.
func goodPayload(changes ...string) string {
	claims := map[string]string{"token_type": `"access"`, "exp": unixAt(300), "iat": unixAt(0), "jti": `"one"`, "user_id": `"1"`}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		claims[name] = value
	}
	var members []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if claims[name] != "" {
			members = append(members, `"`+name+`":`+claims[name])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// addMembers adds members to a JSON object.
func addMembers(object, members string) string {
	return strings.TrimSuffix(object, "}") + "," + members + "}"
}

// decodePart decodes a part of a token.
func decodePart(t testing.TB, raw string, part int) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// withLooseBits sets the last of the bits that the last letter of a part leaves unused.
func withLooseBits(t testing.TB, part string) string {
	t.Helper()
	i := strings.IndexByte(base64Letters, part[len(part)-1])
	if len(part)%4 == 0 || i%4 != 0 {
		t.Fatalf("the last letter of %q has no unused bits", part)
	}
	return part[:len(part)-1] + base64Letters[i+1:i+2]
}

// rsaKey makes an RSA key of 2048 bits once for all tests: it takes time.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// newSigner makes a private key for an algorithm; a new one but for RSA.
func newSigner(t testing.TB, algorithm string) crypto.Signer {
	t.Helper()
	curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
	if algorithm == "EdDSA" {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	if curve := curves[algorithm]; curve != nil {
		return newECKey(t, curve)
	}
	return rsaKey()
}

func newECKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// privatePEM is a private key in PKCS #8.
func privatePEM(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PRIVATE KEY", der)
}

// publicPEM is a public key in SPKI.
func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PUBLIC KEY", der)
}

// keyRing is a Keys whose keys a test changes.
type keyRing map[string]crypto.PublicKey

func (r keyRing) VerifyingKey(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if key, ok := r[kid]; ok {
		return key, nil
	}
	return nil, errors.New("no such key")
}

// newRingCodec makes a Codec that signs with a key of P-256, verifies with those of a ring, and caches tokens.
func newRingCodec(t testing.TB, cacheSize int, key *ecdsa.PrivateKey, keys keyRing) *Codec {
	t.Helper()
	c, faults := tryCodec(keys, withKeys("ES256", privatePEM(t, key), ""), func(s *simplejwt.Settings) {
		s.JWKURL, s.VerifiedTokenCacheSize = "https://keys.example", cacheSize
	})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

// signWithKID signs a good payload with a key of P-256, under a header with this kid.
func signWithKID(t testing.TB, key *ecdsa.PrivateKey, kid string) string {
	t.Helper()
	return forge(`{"alg":"ES256","kid":"`+kid+`"}`, goodPayload(), func(text string) []byte {
		signature, err := jwt.SigningMethodES256.Sign(text, key)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	})
}
