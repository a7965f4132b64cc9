package requests

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// ours is the name of this library in every table.
const ours = "simplejwt"

// lifetime is longer than any run, so that good tokens stay good.
const lifetime = 24 * time.Hour

// algorithm is one of the algorithms with a pair of keys, in the types that all peers take.
type algorithm struct {
	name               string
	method             jwt.SigningMethod
	signing, verifying any
	settings           simplejwt.Settings
	auth               *core.Auth
}

// algorithmNames are the algorithms that are measured.
var algorithmNames = []string{"HS256", "RS256", "ES256", "EdDSA"}

// newAlgorithm makes keys, and an Auth that has nobody among its users and no store: one that only signs and verifies.
func newAlgorithm(name string) (*algorithm, error) {
	a := &algorithm{name: name, method: jwt.GetSigningMethod(name)}
	a.settings = simplejwt.Settings{Algorithm: name, AccessTokenLifetime: lifetime, RefreshTokenLifetime: lifetime}
	var err error
	switch name {
	case "HS256":
		secret := []byte(randomID())
		a.signing, a.verifying, a.settings.SigningKey = secret, secret, string(secret)
	case "RS256":
		var key *rsa.PrivateKey
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err == nil {
			a.signing, a.verifying = key, key.Public()
		}
	case "ES256":
		var key *ecdsa.PrivateKey
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
			a.signing, a.verifying = key, key.Public()
		}
	case "EdDSA":
		a.verifying, a.signing, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("unknown algorithm %q", name)
	}
	if err != nil {
		return nil, err
	}
	if a.settings.SigningKey == "" {
		der, err := x509.MarshalPKCS8PrivateKey(a.signing)
		if err != nil {
			return nil, err
		}
		a.settings.SigningKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	a.auth, err = core.New(a.settings, core.Deps{Users: memstore.NewUsers()})
	return a, err
}

// randomID is a token id as SimpleJWT makes it: 128 random bits in hex digits.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// fiveClaims are, with what NewToken sets, those that SimpleJWT writes: token_type, exp, iat, jti and user_id.
func fiveClaims() simplejwt.Claims { return simplejwt.Claims{"user_id": "1"} }

// fifteenClaims are those of an application that keeps much in its tokens.
func fifteenClaims() simplejwt.Claims {
	return simplejwt.Claims{
		"user_id": "1", "sid": randomID(), "username": "zoe.mueller", "email": "zoe.mueller@example.com",
		"name": "Zoë Müller-Łukasiewicz 日本", "roles": []string{"editor", "reviewer", "billing"}, "level": 42, "score": 0.75,
		"is_staff": false, "is_active": true,
		"profile": map[string]any{"team": map[string]any{"id": 7, "name": "Payments"}, "locale": "de-CH", "theme": nil},
	}
}

// tokens are access tokens with the same claims.
type tokens struct {
	good    string
	forged  string // with the true signature of another token
	expired string // since an hour, and truly signed
}

// newTokens makes tokens with an Auth's key and settings.
func newTokens(auth *core.Auth, claims simplejwt.Claims) (t tokens, err error) {
	if t.good, err = newToken(auth, claims, lifetime); err != nil {
		return t, err
	}
	if t.expired, err = newToken(auth, claims, -time.Hour); err != nil {
		return t, err
	}
	other, err := newToken(auth, claims, lifetime)
	t.forged = other[:strings.LastIndexByte(other, '.')] + t.good[strings.LastIndexByte(t.good, '.'):]
	return t, err
}

func newToken(auth *core.Auth, claims simplejwt.Claims, good time.Duration) (string, error) {
	token, err := auth.NewToken(core.AccessToken)
	if err != nil {
		return "", err
	}
	token.SetExp("exp", good)
	for name, value := range claims {
		token.Set(name, value)
	}
	return token.Sign()
}

// checkContender lets a contender decide on a good and on bad tokens.
func (t tokens) checkContender(contender string, accept func(raw string) error) error {
	if err := accept(t.good); err != nil {
		return fmt.Errorf("%s refuses a good token: %w", contender, err)
	}
	if accept(t.forged) == nil {
		return fmt.Errorf("%s accepts a forged token", contender)
	}
	if accept(t.expired) == nil {
		return fmt.Errorf("%s accepts an expired token", contender)
	}
	return nil
}
