package jwks_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/jwks"
)

// A service without a signing key verifies the tokens of another service.
func ExampleNew() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	server := newIssuer(key, "2030-05")
	defer server.Close()

	ctx, cancel := context.WithCancel(context.Background()) // ends with the program
	defer cancel()
	settings := simplejwt.Settings{Algorithm: "RS256", JWKURL: server.URL}
	keys, err := jwks.New(ctx, settings)
	if err != nil {
		panic(err)
	}
	auth, err := core.New(settings, core.Deps{Keys: keys})
	if err != nil {
		panic(err)
	}
	user, _, err := auth.Stateless().AuthenticateToken(ctx, signToken(key, jwt.SigningMethodRS256, map[string]any{"kid": "2030-05"}))
	fmt.Println(user.AuthID(), err)
	_, _, err = auth.Stateless().AuthenticateToken(ctx, signToken(key, jwt.SigningMethodRS256, map[string]any{"kid": "2029-11"}))
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// Given token not valid for any token type
}
