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

var curveP256 = elliptic.P256()

const goodHeader = `{"alg":"HS256","typ":"JWT"}`

// testNow is the time of all tests: half a second past noon, so that a test fails if fractions are rounded.
func testNow() time.Time { return time.Date(2031, 5, 6, 12, 0, 0, 500_000_000, time.UTC) }

// noon is testNow without its fraction.
func noon() time.Time { return testNow().Truncate(time.Second) }

// unixAt returns the claim of a time so many seconds after noon.
func unixAt(offset int64) string { return strconv.FormatInt(noon().Unix()+offset, 10) }

// tryCodec makes a Codec for HS256 with the secret, after the changes, and returns the invalid settings.
func tryCodec(keys Keys, changes ...func(*simplejwt.Settings)) (*Codec, simplejwt.SettingsError) {
	settings := simplejwt.Settings{Algorithm: "HS256", SigningKey: secret}
	for _, change := range changes {
		change(&settings)
	}
	var problems simplejwt.SettingsError
	c := New(&settings, keys, slog.New(slog.DiscardHandler), &problems)
	return c, problems
}

// newCodec is tryCodec for valid settings.
func newCodec(t testing.TB, changes ...func(*simplejwt.Settings)) *Codec {
	t.Helper()
	c, problems := tryCodec(nil, changes...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

// checkInvalid fails unless the invalid settings are those of want, in order, each as "SETTING: words of the problem".
func checkInvalid(t *testing.T, problems simplejwt.SettingsError, want ...string) {
	t.Helper()
	for i := range max(len(problems), len(want)) {
		switch {
		case i >= len(problems):
			t.Errorf("missing invalid setting: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected invalid setting: %s: %s", problems[i].Setting, problems[i].Problem)
		default:
			setting, words, _ := strings.Cut(want[i], ": ")
			if problems[i].Setting != setting || !strings.Contains(problems[i].Problem, words) {
				t.Errorf("invalid setting %q: %q, want %q with %q", problems[i].Setting, problems[i].Problem, setting, words)
			}
		}
	}
}

// withSettings reads the settings of a JSON text over the others.
func withSettings(t testing.TB, json string) func(*simplejwt.Settings) {
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

// The outcomes of Verify.
const (
	good    = "good"
	invalid = "invalid"
	expired = "expired"
)

// outcomeOf returns the outcome that an error of Verify stands for.
func outcomeOf(err error) string {
	switch {
	case err == nil:
		return good
	case errors.Is(err, ErrExpired):
		return expired
	}
	return invalid
}

// verifyToken returns the outcome of Verify at testNow.
func verifyToken(t testing.TB, c *Codec, raw string) string { return verifyTokenAt(t, c, raw, testNow) }

func verifyTokenAt(t testing.TB, c *Codec, raw string, now func() time.Time) string {
	t.Helper()
	claims, err := c.Verify(t.Context(), raw, now)
	if err != nil && len(claims.list) > 0 {
		t.Errorf("claims beside the error %v", err)
	}
	return outcomeOf(err)
}

// mustVerify returns the claims of a token that must be good.
func mustVerify(t testing.TB, c *Codec, raw string) Claims {
	t.Helper()
	claims, err := c.Verify(t.Context(), raw, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// mustSign signs claims and fails on an error.
func mustSign(t testing.TB, c *Codec, claims Claims) string {
	t.Helper()
	raw, err := c.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// goodClaims returns the claims of goodPayload.
func goodClaims(t testing.TB, changes ...string) Claims {
	t.Helper()
	claims, err := parseClaims(goodPayload(changes...))
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func encodeBase64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forgeToken makes a compact JWS without a Codec, so that any part of it can be wrong.
func forgeToken(header, payload string, sign func(text string) []byte) string {
	return signText(encodeBase64(header)+"."+encodeBase64(payload), sign)
}

// signText appends the signature of text, which need not be base64url.
func signText(text string, sign func(text string) []byte) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// withoutSignature is a signer whose signature is empty.
func withoutSignature(string) []byte { return nil }

// hs256Signer returns a signer for HS256.
func hs256Signer(key string) func(string) []byte { return hmacSigner(sha256.New, key) }

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

// rs256Signer returns a signer for RS256.
func rs256Signer(t testing.TB, key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// signPayload returns the token of a payload, with a valid header and signature.
func signPayload(payload string) string { return forgeToken(goodHeader, payload, hs256Signer(secret)) }

// goodPayload returns the payload of a good token. Each change is "claim=JSON"; "claim=" removes the claim.
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

// addMembers appends members to a JSON object.
func addMembers(object, members string) string {
	return strings.TrimSuffix(object, "}") + "," + members + "}"
}

// decodePart decodes a part of a token: 0 is the header, 1 the payload.
func decodePart(t testing.TB, raw string, part int) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// withLooseBits sets the last of the unused bits in the last letter of a base64url text.
func withLooseBits(t testing.TB, part string) string {
	t.Helper()
	i := strings.IndexByte(base64Letters, part[len(part)-1])
	if len(part)%4 == 0 || i%4 != 0 {
		t.Fatalf("the last letter of %q has no unused bits", part)
	}
	return part[:len(part)-1] + base64Letters[i+1:i+2]
}

// rsaKey returns the RSA key of 2048 bits of all tests: making one is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// newSigner returns a new private key for an algorithm, except for RSA, where it is rsaKey.
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

// privatePEM encodes a private key as PKCS #8.
func privatePEM(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PRIVATE KEY", der)
}

// publicPEM encodes a public key as SPKI.
func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PUBLIC KEY", der)
}

// fakeKeys are Keys that a test changes, by kid.
type fakeKeys map[string]crypto.PublicKey

func (r fakeKeys) VerifyingKey(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if key, ok := r[kid]; ok {
		return key, nil
	}
	return nil, errors.New("no such key")
}

// newCodecWithKeys returns a Codec for ES256 that signs with key, verifies with keys, and caches up to cacheSize tokens.
func newCodecWithKeys(t testing.TB, cacheSize int, key *ecdsa.PrivateKey, keys fakeKeys) *Codec {
	t.Helper()
	c, problems := tryCodec(keys, withKeys("ES256", privatePEM(t, key), ""), func(s *simplejwt.Settings) {
		s.JWKURL, s.VerifiedTokenCacheSize = "https://keys.example", cacheSize
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

// signWithKID signs goodPayload with ES256 and a header that has this kid.
func signWithKID(t testing.TB, key *ecdsa.PrivateKey, kid string) string {
	t.Helper()
	return forgeToken(`{"alg":"ES256","kid":"`+kid+`"}`, goodPayload(), func(text string) []byte {
		signature, err := jwt.SigningMethodES256.Sign(text, key)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	})
}
