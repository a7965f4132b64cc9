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

// lifetime is longer than any run, so that no good token expires.
const lifetime = 24 * time.Hour

// algorithm is an algorithm with its keys, in the types that all peers accept, and an Auth that uses them.
type algorithm struct {
	name               string // as in ALGORITHM
	method             jwt.SigningMethod
	signing, verifying any // []byte, or the types of package crypto
	settings           simplejwt.Settings
	auth               *core.Auth
}

// algorithmNames are the algorithms that are measured.
var algorithmNames = []string{"HS256", "RS256", "ES256", "EdDSA"}

// newAlgorithm makes keys and an Auth without users and without a store, which only signs and verifies.
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

// randomID returns a token id as SimpleJWT makes it: 128 random bits in hexadecimal digits.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// fiveClaims returns what NewToken does not set of the claims that SimpleJWT writes: token_type, exp, iat, jti, user_id.
func fiveClaims() simplejwt.Claims { return simplejwt.Claims{"user_id": "1"} }

// fifteenClaims returns the claims of an application that stores much in its tokens.
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
	forged  string // with the signature of another token
	expired string // for an hour, with a valid signature
}

// newTokens signs tokens with the key and the settings of auth.
func newTokens(auth *core.Auth, claims simplejwt.Claims) (t tokens, err error) {
	if t.good, err = newToken(auth, claims, lifetime); err != nil {
		return t, err
	}
	if t.expired, err = newToken(auth, claims, -time.Hour); err != nil {
		return t, err
	}
	// A signature of the right length and form costs as much to check as a valid one.
	other, err := newToken(auth, claims, lifetime)
	t.forged = other[:strings.LastIndexByte(other, '.')] + t.good[strings.LastIndexByte(t.good, '.'):]
	return t, err
}

// newToken signs an access token that expires after good, which may be negative.
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

// checkContender fails unless a contender accepts the good token and rejects the others.
func (t tokens) checkContender(contender string, accept func(raw string) error) error {
	if err := accept(t.good); err != nil {
		return fmt.Errorf("%s rejects a good token: %w", contender, err)
	}
	if accept(t.forged) == nil {
		return fmt.Errorf("%s accepts a forged token", contender)
	}
	if accept(t.expired) == nil {
		return fmt.Errorf("%s accepts an expired token", contender)
	}
	return nil
}
