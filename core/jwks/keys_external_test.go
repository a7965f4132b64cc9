package jwks_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/jwks"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

var _ core.Keys = (*jwks.Keys)(nil)

func TestVerifyingKey_InCore(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	server := newIssuer(key, "key 1")
	t.Cleanup(server.Close)
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a token chose a URL")
	}))
	t.Cleanup(trap.Close)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	settings := simplejwt.Settings{
		Algorithm: "RS256", JWKURL: server.URL,
		SigningKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	auth := newAuth(t, settings)
	own, err := auth.Login(t.Context(), &memstore.Account{ID: "1", Username: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token string
		want        error
	}{
		{"the kid's key", signToken(key, jwt.SigningMethodRS256, map[string]any{"kid": "key 1"}), nil},
		{"no kid", signToken(key, jwt.SigningMethodRS256, nil), core.ErrTokenNotAllowed},
		{"a token that the same Auth signed, which has no kid", own.Access, core.ErrTokenNotAllowed},
		{"an unknown kid", signToken(key, jwt.SigningMethodRS256, map[string]any{"kid": "key 2"}), core.ErrTokenNotAllowed},
		{"a kid that is not text", signToken(key, jwt.SigningMethodRS256, map[string]any{"kid": 1}), core.ErrTokenNotAllowed},
		{"another key than the kid's", signToken(other, jwt.SigningMethodRS256, map[string]any{"kid": "key 1"}), core.ErrTokenNotAllowed},
		{"another algorithm", signToken(key, jwt.SigningMethodRS512, map[string]any{"kid": "key 1"}), core.ErrTokenNotAllowed},
		{"an HMAC with the public key", signToken(x509.MarshalPKCS1PublicKey(&key.PublicKey), jwt.SigningMethodHS256,
			map[string]any{"kid": "key 1"}), core.ErrTokenNotAllowed},
		{"a key set that the token names", signToken(other, jwt.SigningMethodRS256,
			map[string]any{"kid": "key 2", "jku": trap.URL, "x5u": trap.URL}), core.ErrTokenNotAllowed},
		{"a URL as the kid", signToken(other, jwt.SigningMethodRS256, map[string]any{"kid": trap.URL}), core.ErrTokenNotAllowed},
	} {
		user, _, err := auth.AuthenticateToken(t.Context(), c.token)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: the error is %v, want %v", c.name, err, c.want)
		}
		if c.want == nil && (user == nil || user.AuthID() != "1") {
			t.Errorf("%s: the user is %v", c.name, user)
		}
	}
}

// newIssuer serves a key set with this key on 127.0.0.1.
func newIssuer(key *rsa.PrivateKey, kid string) *httptest.Server {
	text := base64.RawURLEncoding.EncodeToString
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
			"n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes()),
		}}})
	}))
}

// signToken signs an access token of user 1, with these members of the header.
func signToken(key any, method jwt.SigningMethod, header map[string]any) string {
	token := jwt.NewWithClaims(method, jwt.MapClaims{
		"token_type": "access", "exp": time.Now().Add(time.Hour).Unix(), "jti": "1", "user_id": "1",
	})
	for name, value := range header {
		token.Header[name] = value
	}
	raw, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return raw
}

// newKey generates a key.
func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newAuth returns an Auth with the keys of settings.JWKURL and the user alice, whose id is 1.
func newAuth(t *testing.T, settings simplejwt.Settings) *core.Auth {
	t.Helper()
	keys, err := jwks.New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	users := memstore.NewUsers()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(settings, core.Deps{Users: users, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}
