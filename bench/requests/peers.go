package requests

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	cristalhq "github.com/cristalhq/jwt/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"
)

// errPeer is the error of what a peer does not check by itself.
var errPeer = errors.New("token has no exp or has expired")

// golangJWT is golang-jwt as most programs use it: claims are decoded into a map, the algorithm is fixed and exp is
// required. It does not check token_type, and accepts base64 that is not strict and repeated names.
type golangJWT struct {
	parser *jwt.Parser
	key    jwt.Keyfunc
	a      *algorithm
}

// newGolangJWT returns golang-jwt for an algorithm.
func newGolangJWT(a *algorithm) *golangJWT {
	return &golangJWT{
		parser: jwt.NewParser(jwt.WithValidMethods([]string{a.name}), jwt.WithExpirationRequired()),
		key:    func(*jwt.Token) (any, error) { return a.verifying, nil },
		a:      a,
	}
}

// verifyToken verifies an access token with its parser, which checks exp, iat and nbf.
func (g *golangJWT) verifyToken(raw string) error {
	_, err := g.parser.ParseWithClaims(raw, jwt.MapClaims{}, g.key)
	return err
}

// signPair signs a refresh token and an access token as its README shows, with a map of claims.
func (g *golangJWT) signPair() (refresh, access string, err error) {
	now := time.Now()
	sign := func(kind string) (string, error) {
		return jwt.NewWithClaims(g.a.method, jwt.MapClaims{
			"token_type": kind, "exp": now.Add(lifetime).Unix(), "iat": now.Unix(), "jti": randomID(), "user_id": "1",
		}).SignedString(g.a.signing)
	}
	if refresh, err = sign("refresh"); err != nil {
		return "", "", err
	}
	access, err = sign("access")
	return refresh, access, err
}

// lestrrat is jwx: it verifies, decodes into its own type of token and checks the times, exp if it is present. It does not
// check token_type. The options are made once.
type lestrrat struct{ verifying, signing jwx.SignParseOption }

// newLestrrat returns jwx for an algorithm.
func newLestrrat(a *algorithm) (*lestrrat, error) {
	alg, ok := jwa.LookupSignatureAlgorithm(a.name)
	if !ok {
		return nil, fmt.Errorf("jwx does not support %s", a.name)
	}
	return &lestrrat{verifying: jwx.WithKey(alg, a.verifying), signing: jwx.WithKey(alg, a.signing)}, nil
}

// verifyToken verifies an access token and drops the token that it has decoded.
func (l *lestrrat) verifyToken(raw string) error {
	_, err := jwx.ParseString(raw, l.verifying)
	return err
}

// signPair signs a refresh token and an access token with its builder.
func (l *lestrrat) signPair() (refresh, access string, err error) {
	now := time.Now()
	sign := func(kind string) (string, error) {
		token, err := jwx.NewBuilder().Expiration(now.Add(lifetime)).IssuedAt(now).JwtID(randomID()).
			Claim("token_type", kind).Claim("user_id", "1").Build()
		if err != nil {
			return "", err
		}
		text, err := jwx.Sign(token, l.signing)
		return string(text), err
	}
	if refresh, err = sign("refresh"); err != nil {
		return "", "", err
	}
	access, err = sign("access")
	return refresh, access, err
}

// cristal is cristalhq/jwt with a struct for claims, as it recommends: claims that are not in the struct are dropped, while
// the others keep them. It checks only the signature, so the times are checked here. Base64 is not strict.
type cristal struct {
	verifier cristalhq.Verifier
	builder  *cristalhq.Builder
}

// cristalClaims are the five claims of SimpleJWT.
type cristalClaims struct {
	cristalhq.RegisteredClaims
	TokenType string `json:"token_type"`
	UserID    string `json:"user_id"`
}

// newCristal returns cristalhq/jwt for an algorithm.
func newCristal(a *algorithm) (*cristal, error) {
	var signer cristalhq.Signer
	var verifier cristalhq.Verifier
	var err, failed error
	switch key := a.signing.(type) {
	case []byte:
		signer, err = cristalhq.NewSignerHS(cristalhq.HS256, key)
		verifier, failed = cristalhq.NewVerifierHS(cristalhq.HS256, key)
	case *rsa.PrivateKey:
		signer, err = cristalhq.NewSignerRS(cristalhq.RS256, key)
		verifier, failed = cristalhq.NewVerifierRS(cristalhq.RS256, &key.PublicKey)
	case *ecdsa.PrivateKey:
		signer, err = cristalhq.NewSignerES(cristalhq.ES256, key)
		verifier, failed = cristalhq.NewVerifierES(cristalhq.ES256, &key.PublicKey)
	case ed25519.PrivateKey:
		signer, err = cristalhq.NewSignerEdDSA(key)
		verifier, failed = cristalhq.NewVerifierEdDSA(key.Public().(ed25519.PublicKey))
	default:
		err = fmt.Errorf("cristalhq does not support %s", a.name)
	}
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	return &cristal{verifier: verifier, builder: cristalhq.NewBuilder(signer)}, nil
}

// verifyToken verifies an access token by its signature, and its times with IsValidAt.
func (c *cristal) verifyToken(raw string) error {
	var claims cristalClaims
	if err := cristalhq.ParseClaims([]byte(raw), c.verifier, &claims); err != nil {
		return err
	}
	if claims.ExpiresAt == nil || !claims.IsValidAt(time.Now()) {
		return errPeer
	}
	return nil
}

// signPair signs a refresh token and an access token with its builder and a struct of claims.
func (c *cristal) signPair() (refresh, access string, err error) {
	now := time.Now()
	sign := func(kind string) (string, error) {
		token, err := c.builder.Build(&cristalClaims{RegisteredClaims: cristalhq.RegisteredClaims{
			ID: randomID(), ExpiresAt: cristalhq.NewNumericDate(now.Add(lifetime)), IssuedAt: cristalhq.NewNumericDate(now),
		}, TokenType: kind, UserID: "1"})
		if err != nil {
			return "", err
		}
		return token.String(), nil
	}
	if refresh, err = sign("refresh"); err != nil {
		return "", "", err
	}
	access, err = sign("access")
	return refresh, access, err
}
