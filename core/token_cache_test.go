package core

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

// oneKey is a Keys that returns the same key for every kid.
type oneKey struct{ crypto.PublicKey }

func (k oneKey) VerifyingKey(context.Context, string, string) (crypto.PublicKey, error) {
	return k.PublicKey, nil
}

// newCachingAuth returns an Auth that caches verified tokens, and an access token of user 1.
func newCachingAuth(t testing.TB) (a *Auth, raw string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err = New(simplejwt.Settings{
		Algorithm: "ES256", SigningKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		JWKURL: "https://keys.example", VerifiedTokenCacheSize: 10,
	}, Deps{Users: noUsers{}, Keys: oneKey{key.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.NewToken(AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	token.Set("user_id", "1")
	raw, err = token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	// The same claims under a header with a kid, as the key comes from Keys.
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"one"}`)) + "." + strings.Split(raw, ".")[1]
	signature, err := jwt.SigningMethodES256.Sign(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return a, signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestToken_ChangesLeaveTheCacheAsItIs(t *testing.T) {
	t.Parallel()
	a, raw := newCachingAuth(t)
	a.deps.Claims = func(_ context.Context, _ simplejwt.User, t *Token) error { t.Set("user_id", "3"); return nil }
	parse := func(t *testing.T) *Token {
		t.Helper()
		token, err := a.ParseToken(t.Context(), AccessToken, raw)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	want := parse(t).Claims()
	for name, change := range map[string]func(*Token){
		"Set":           func(t *Token) { t.Set("user_id", "2"); t.Set("role", "root") },
		"Delete":        func(t *Token) { t.Delete("token_type"); t.Delete("exp") },
		"SetExp":        func(t *Token) { t.SetExp("exp", time.Hour) },
		"SetJTI":        func(t *Token) { t.SetJTI(); t.SetIat() },
		"joinSession":   func(token *Token) { token.joinSession(refreshResult{token: token, sessionEnd: token.now}) },
		"applyRecord":   func(t *Token) { t.applyRecord(OutstandingToken{JTI: "x"}, EventRefresh) },
		"custom claims": func(token *Token) { _ = a.customClaims(t.Context(), token, &TokenUser{}) },
	} {
		t.Run(name+" changes one token only", func(t *testing.T) {
			change(parse(t))
			if diff := cmp.Diff(want, parse(t).Claims()); diff != "" {
				t.Errorf("the next token (-want +got):\n%s", diff)
			}
		})
	}
}
