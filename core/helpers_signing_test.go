package core_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// newDeps are a store and users in memory, with alice (1) among them, and a clock that stands still.
func newDeps(t testing.TB) core.Deps {
	t.Helper()
	users := memstore.NewUsers()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice", Password: "hash"}); err != nil {
		t.Fatal(err)
	}
	return core.Deps{Users: users, Store: memstore.New(), Now: startTime}
}

// newAuth makes an Auth for HS256 with signingKey, changed as told.
func newAuth(t testing.TB, changes ...func(*simplejwt.Settings, *core.Deps)) *core.Auth {
	t.Helper()
	settings, deps := simplejwt.Settings{SigningKey: signingKey}, newDeps(t)
	for _, change := range changes {
		change(&settings, &deps)
	}
	auth, err := core.New(settings, deps)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// newAlice is the one user of newDeps.
func newAlice() *memstore.Account {
	return &memstore.Account{ID: "1", Username: "alice", Password: "hash"}
}

// withJSON lays settings from a file over those of an Auth.
func withJSON(t testing.TB, json string) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		var err error
		if *s, err = simplejwt.FromJSON(*s, []byte(json)); err != nil {
			t.Fatal(err)
		}
	}
}

const hs256Header = `{"alg":"HS256","typ":"JWT"}`

// maxTokenBytes is the longest token that is looked at.
const maxTokenBytes = 16 << 10

const (
	detailNone    = ""
	detailInvalid = "Token is invalid"
	detailExpired = "Token is expired"
)

// unixClaim is the time in a claim, so many seconds after noon.
func unixClaim(offset int64) string { return strconv.FormatInt(startTime().Unix()+offset, 10) }

// makePayload is the payload of a good access token of alice. Each change is a claim and its value in JSON; a claim
// without value is left out.
func makePayload(changes ...string) string {
	claims := map[string]string{"token_type": `"access"`, "exp": unixClaim(300), "iat": unixClaim(0), "jti": `"one"`, "user_id": `"1"`}
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

// signPayload is a payload under the header and with the signature that are right.
func signPayload(payload string) string { return makeJWS(hs256Header, payload, signHS256(signingKey)) }

// makeJWS makes a compact JWS by hand.
func makeJWS(header, payload string, sign func(text string) []byte) string {
	text := encodeBase64(header) + "." + encodeBase64(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// signHS256 signs with HS256.
func signHS256(key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func encodeBase64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs claims with the key, as another program that has it would. Those of a good refresh token of alice are
// the start; a nil value removes a claim.
func (e *env) signExternal(claims map[string]any) string {
	e.t.Helper()
	now := e.clock.now()
	all := jwt.MapClaims{
		"token_type": "refresh", "jti": "external", "user_id": "1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range claims {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(signingKey))
	if err != nil {
		e.t.Fatalf("forge: %v", err)
	}
	return raw
}

// record forges a token and puts it on record.
func (e *env) recordExternal(claims map[string]any) string {
	e.t.Helper()
	raw := e.signExternal(claims)
	token := e.decodeToken(raw)
	err := e.mem.Record(background, core.OutstandingToken{
		JTI: token.JTI(), UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: token.ExpiresAt(), SessionID: token.SessionID(),
	})
	if err != nil {
		e.t.Fatalf("record: %v", err)
	}
	return raw
}

// accessClaims are claims for forge: an access token with changes.
func accessClaims(changes map[string]any) map[string]any {
	claims := map[string]any{"token_type": "access"}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

// sliding are the claims of a good sliding token of alice, for forge.
func (e *env) slidingClaims(changes map[string]any) map[string]any {
	now := e.clock.now()
	claims := map[string]any{"token_type": "sliding", "refresh_exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

// token reads a token, unverified.
func (e *env) decodeToken(raw string) *core.Token {
	e.t.Helper()
	t, err := e.Decode(raw)
	if err != nil {
		e.t.Fatalf("decode: %v", err)
	}
	return t
}

func (e *env) readJTI(raw string) string { e.t.Helper(); return e.decodeToken(raw).JTI() }

// session is the session of a token: the one that it names, else its own.
func (e *env) readSession(raw string) string {
	e.t.Helper()
	if sid := e.decodeToken(raw).SessionID(); sid != "" {
		return sid
	}
	return e.readJTI(raw)
}

// decodePart is a part of a token, decoded.
func decodePart(t testing.TB, raw string, part int) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// makeToken makes a token.
func makeToken(t testing.TB, auth *core.Auth, class core.ClassName) *core.Token {
	t.Helper()
	token, err := auth.NewToken(class)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// signToken signs a token.
func signToken(t testing.TB, token *core.Token) string {
	t.Helper()
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// parseAccessToken says what ParseToken says of an access token; "" where it is good.
func parseAccessToken(t testing.TB, auth *core.Auth, raw string) string {
	t.Helper()
	_, err := auth.ParseToken(t.Context(), core.AccessToken, raw)
	return readDetail(err)
}

// readDetail is what a refusal of a token says; "" for none. Any other error shows itself.
func readDetail(err error) string {
	var refusal *core.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &refusal):
		return "no refusal but: " + err.Error()
	case refusal.Status != 401 || refusal.Code != "token_not_valid":
		return "of another kind: " + err.Error()
	}
	return refusal.Detail
}

// wantNoDenial sees that an error is the programmer's, not the client's.
func wantNoDenial(t *testing.T, what string, token *core.Token, err error) {
	t.Helper()
	var refusal *core.Error
	if token != nil || err == nil || errors.As(err, &refusal) {
		t.Errorf("%s: token %v, error %v", what, token, err)
	}
}

// newECKey makes a private key for ES256.
func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// encodePrivateKey is a private key in PKCS #8.
func encodePrivateKey(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PRIVATE KEY", der)
}

// encodePublicKey is a public key in SPKI.
func encodePublicKey(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PUBLIC KEY", der)
}

// keyRing are core.Keys with one key, whose kid is "a". For any other they have an error.
type keyRing struct {
	key crypto.PublicKey
	err error
}

func (r keyRing) VerifyingKey(_ context.Context, kid, _ string) (crypto.PublicKey, error) {
	if kid == "a" {
		return r.key, nil
	}
	return nil, r.err
}

// newES256Auth makes an Auth that signs with a key and verifies with Deps.Keys, and a token under a kid.
func newES256Auth(t testing.TB, cacheSize int, err error) (*core.Auth, func(kid string) string) {
	t.Helper()
	key := newECKey(t)
	auth := newAuth(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.Algorithm, s.SigningKey, s.JWKURL, s.VerifiedTokenCacheSize = "ES256", encodePrivateKey(t, key), "https://keys.example", cacheSize
		d.Keys = keyRing{key.Public(), err}
	})
	return auth, func(kid string) string {
		return makeJWS(`{"alg":"ES256","kid":"`+kid+`"}`, makePayload(), func(text string) []byte {
			signature, err := jwt.SigningMethodES256.Sign(text, key)
			if err != nil {
				t.Fatal(err)
			}
			return signature
		})
	}
}
