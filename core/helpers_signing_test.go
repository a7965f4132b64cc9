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

// newDeps returns a store and users in memory, with alice (1) among them, and a clock that stands still at startTime.
func newDeps(t testing.TB) core.Deps {
	t.Helper()
	users := memstore.NewUsers()
	if err := users.Add(*newAlice()); err != nil {
		t.Fatal(err)
	}
	return core.Deps{Users: users, Store: memstore.New(), Now: startTime}
}

// newAuth returns an Auth for HS256 with signingKey and random ids, without the recorders of an env.
func newAuth(t testing.TB, options ...authOption) *core.Auth {
	t.Helper()
	settings, deps := simplejwt.Settings{SigningKey: signingKey}, newDeps(t)
	for _, o := range options {
		o(&settings, &deps)
	}
	auth, err := core.New(settings, deps)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// newAlice returns the one user of newDeps.
func newAlice() *memstore.Account {
	return &memstore.Account{ID: "1", Username: "alice", Password: "hash"}
}

// withJSON reads settings as from a file, over those of an Auth.
func withJSON(t testing.TB, json string) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		var err error
		if *s, err = simplejwt.FromJSON(*s, []byte(json)); err != nil {
			t.Fatal(err)
		}
	}
}

const hs256Header = `{"alg":"HS256","typ":"JWT"}`

// maxTokenBytes is the length of the longest token that is read.
const maxTokenBytes = 16 << 10

// What ParseToken says of a token; detailNone if it accepts it.
const (
	detailNone    = ""
	detailInvalid = "Token is invalid"
	detailExpired = "Token is expired"
)

// unixClaim returns a time as claims have it, offset seconds after noon.
func unixClaim(offset int64) string { return strconv.FormatInt(startTime().Unix()+offset, 10) }

// makePayload returns the payload of a good access token of alice, with changes: each is claim=value with the value in JSON,
// and a claim without a value is left out.
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

// signPayload returns a JWS of a payload with the right header and the right signature.
func signPayload(payload string) string { return makeJWS(hs256Header, payload, signHS256(signingKey)) }

// makeJWS returns a compact JWS of any text (RFC 7515, section 3.1).
func makeJWS(header, payload string, sign func(text string) []byte) string {
	text := encodeBase64(header) + "." + encodeBase64(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// signHS256 returns a function that signs with HS256.
func signHS256(key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func encodeBase64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// signExternal returns a token as another service with the same key issues it: the claims replace those of a good refresh
// token of alice, and a nil value removes a claim.
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
		e.t.Fatalf("sign: %v", err)
	}
	return raw
}

// recordExternal returns a token of signExternal that is on record for alice.
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

// accessClaims returns claims for signExternal: those of an access token, with changes.
func accessClaims(changes map[string]any) map[string]any {
	claims := map[string]any{"token_type": "access"}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

// slidingClaims returns claims for signExternal: those of a good sliding token of alice, with changes.
func (e *env) slidingClaims(changes map[string]any) map[string]any {
	now := e.clock.now()
	claims := map[string]any{"token_type": "sliding", "refresh_exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

// decodeToken reads a token without verifying it.
func (e *env) decodeToken(raw string) *core.Token {
	e.t.Helper()
	t, err := e.Decode(raw)
	if err != nil {
		e.t.Fatalf("decode: %v", err)
	}
	return t
}

func (e *env) readJTI(raw string) string { e.t.Helper(); return e.decodeToken(raw).JTI() }

// readSession returns the session of a token: the one that it names, else the one that it started.
func (e *env) readSession(raw string) string {
	e.t.Helper()
	if sid := e.decodeToken(raw).SessionID(); sid != "" {
		return sid
	}
	return e.readJTI(raw)
}

// decodePart returns a part of a token, decoded: 0 is the header, 1 the payload.
func decodePart(t testing.TB, raw string, part int) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func makeToken(t testing.TB, auth *core.Auth, class core.ClassName) *core.Token {
	t.Helper()
	token, err := auth.NewToken(class)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func signToken(t testing.TB, token *core.Token) string {
	t.Helper()
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// accessTokenDetail returns the detail that ParseToken reports for an access token; detailNone if it accepts the token.
func accessTokenDetail(t testing.TB, auth *core.Auth, raw string) string {
	t.Helper()
	_, err := auth.ParseToken(t.Context(), core.AccessToken, raw)
	return readDetail(err)
}

// readDetail returns the sentence of a denied token; "" without an error. Any other error is returned with a prefix that no test wants.
func readDetail(err error) string {
	var denial *core.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &denial):
		return "not an auth error: " + err.Error()
	case denial.Status != 401 || denial.Code != "token_not_valid":
		return "another auth error: " + err.Error()
	}
	return denial.Detail
}

// wantNoDenial checks that err is the programmer's mistake: an error that is not a *core.Error.
func wantNoDenial(t *testing.T, what string, token *core.Token, err error) {
	t.Helper()
	var denial *core.Error
	if token != nil || err == nil || errors.As(err, &denial) {
		t.Errorf("%s: token %v, error %v", what, token, err)
	}
}

// newECKey returns a private key for ES256.
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

// encodePrivateKey returns a private key in PKCS #8.
func encodePrivateKey(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PRIVATE KEY", der)
}

// encodePublicKey returns a public key as SubjectPublicKeyInfo.
func encodePublicKey(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("PUBLIC KEY", der)
}

// keyRing is a core.Keys with one key, whose kid is "a". For any other kid it returns err.
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

// newES256Auth returns an Auth that verifies with Deps.Keys, and a function that signs an access token under a kid.
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
