package core_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// exampleKey is a secret of at least 32 bytes. A program reads its key from its environment or a file.
const exampleKey = "an example's key of thirty-two bytes or more"

// exampleAuth returns an Auth on memstore and its one user.
func exampleAuth(settings simplejwt.Settings, deps core.Deps) (*core.Auth, *memstore.Account) {
	alice := &memstore.Account{ID: "1", Username: "alice"}
	users := memstore.NewUsers()
	if err := users.Add(*alice); err != nil {
		panic(err)
	}
	settings.SigningKey = exampleKey
	deps.Users, deps.Store = users, memstore.New()
	auth, err := core.New(settings, deps)
	if err != nil {
		panic(err)
	}
	return auth, alice
}

// A login with a password, a request, a refresh and a logout.
func Example() {
	ctx := context.Background()
	passwords, err := hashers.New(hashers.Options{Preferred: "argon2"})
	if err != nil {
		fmt.Println(err)
		return
	}
	hash, err := passwords.Make(ctx, "correct horse")
	if err != nil {
		fmt.Println(err)
		return
	}
	users := memstore.NewUsers() // with a database: models.NewUsers and models.NewStore
	if err := users.Add(memstore.Account{ID: "1", Username: "alice", Password: hash}); err != nil {
		fmt.Println(err)
		return
	}

	settings := simplejwt.Recommended()
	settings.SigningKey = exampleKey
	auth, err := core.New(settings, core.Deps{Users: users, Store: memstore.New(), PasswordHashers: passwords})
	if err != nil {
		fmt.Println(err)
		return
	}

	_, _, err = auth.ObtainPair(ctx, "alice", "wrong")
	fmt.Println("login:", err)
	pair, _, err := auth.ObtainPair(ctx, "alice", "correct horse")
	fmt.Println("login:", err)

	user, _, err := auth.AuthenticateToken(ctx, pair.Access)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("request of user", user.AuthID())

	next, _, err := auth.Refresh(ctx, pair.Refresh)
	fmt.Println("refresh:", err)
	fmt.Println("logout:", auth.Blacklist(ctx, next.Refresh))
	_, _, err = auth.Refresh(ctx, next.Refresh)
	fmt.Println("refresh:", err)
	// Output:
	// login: No active account found with the given credentials
	// login: <nil>
	// request of user 1
	// refresh: <nil>
	// logout: <nil>
	// refresh: Token is blacklisted
}

// A user who was authenticated by other means (a social login, a test) is logged in without a password.
func ExampleAuth_Login() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Settings{}, core.Deps{})

	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := auth.ParseToken(ctx, core.RefreshToken, pair.Refresh)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Get("token_type"), token.UserID(), token.SessionID() == token.JTI())
	// Output: refresh 1 true
}

// A websocket, a queue or gRPC has a raw token and no HTTP request.
func ExampleAuth_AuthenticateToken() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Settings{}, core.Deps{})
	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, raw := range []string{pair.Access, pair.Refresh} {
		user, _, err := auth.AuthenticateToken(ctx, raw)
		var denial *core.Error
		switch {
		case err == nil:
			fmt.Println("welcome,", user.(*memstore.Account).Username)
		case errors.As(err, &denial):
			fmt.Println(denial.Status, denial.Detail)
			for _, m := range denial.Messages {
				fmt.Printf("  %s: %s\n", m.TokenClass, m.Message)
			}
		}
	}
	// Output:
	// welcome, alice
	// 401 Given token not valid for any token type
	//   AccessToken: Token has wrong type
}

// A service without the user table takes the user from the token.
func ExampleAuth_Stateless() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Settings{}, core.Deps{
		Claims: func(_ context.Context, user simplejwt.User, token *core.Token) error {
			token.Set("username", user.(*memstore.Account).Username)
			return nil
		},
	})
	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	service, err := core.New(simplejwt.Settings{SigningKey: exampleKey}, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		fmt.Println(err)
		return
	}
	user, _, err := service.Stateless().AuthenticateToken(ctx, pair.Access)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.AuthID(), user.(*core.TokenUser).Username())
	// Output: 1 alice
}

// Custom claims are added at login and again at every refresh, from the user as stored then.
func ExampleDeps_customClaims() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Settings{}, core.Deps{
		Claims: func(_ context.Context, user simplejwt.User, token *core.Token) error {
			token.Set("name", strings.ToUpper(user.(*memstore.Account).Username))
			token.Set("user_id", "2") // has no effect: the hook can't make it the token of another user
			return nil
		},
	})
	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, token, err := auth.AuthenticateToken(ctx, pair.Access)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Get("name"), token.UserID())
	// Output: ALICE 1
}

// A custom token class, like a subclass of SimpleJWT's Token: a link that resets a password and works once.
func ExampleTokenClass() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Settings{}, core.Deps{
		TokenClasses: []core.TokenClass{{Name: "ResetToken", Type: "reset", Lifetime: 15 * time.Minute, Blacklistable: true}},
	})
	token, err := auth.ForUser(ctx, "ResetToken", alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	link, err := token.Sign()
	if err != nil {
		fmt.Println(err)
		return
	}

	_, _, err = auth.AuthenticateToken(ctx, link)
	fmt.Println("as an access token:", err)
	token, err = auth.ParseToken(ctx, "ResetToken", link)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("reset the password of user", token.UserID())
	fmt.Println("use it up:", token.Blacklist(ctx))
	_, err = auth.ParseToken(ctx, "ResetToken", link)
	fmt.Println("once more:", err)
	// Output:
	// as an access token: Given token not valid for any token type
	// reset the password of user 1
	// use it up: <nil>
	// once more: Token is blacklisted
}

// With CHECK_REVOKE_TOKEN even access tokens end when the password changes.
func ExampleAuth_AuthenticateToken_checkRevokeToken() {
	ctx := context.Background()
	users := memstore.NewUsers()
	alice := memstore.Account{ID: "1", Username: "alice", Password: "the old hash"}
	if err := users.Add(alice); err != nil {
		fmt.Println(err)
		return
	}
	auth, err := core.New(simplejwt.Settings{SigningKey: exampleKey, CheckRevokeToken: true}, core.Deps{Users: users})
	if err != nil {
		fmt.Println(err)
		return
	}
	pair, err := auth.Login(ctx, &alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	alice.Password = "the new hash"
	if err := users.Update(alice); err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = auth.AuthenticateToken(ctx, pair.Access)
	fmt.Println(err)
	// Output: The user's password has been changed.
}

// A changed password ends all sessions of the user. The client that changed it gets the tokens of a new one.
func ExampleAuth_PasswordChanged() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Recommended(), core.Deps{})
	var pairs []core.Pair
	for range 2 {
		pair, err := auth.Login(ctx, alice)
		if err != nil {
			fmt.Println(err)
			return
		}
		pairs = append(pairs, pair)
	}

	_, token, err := auth.AuthenticateToken(ctx, pairs[0].Access) // the request that stores the new password
	if err != nil {
		fmt.Println(err)
		return
	}
	renewed, err := auth.PasswordChanged(ctx, alice, token.SessionID()) // for the client that asked
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, pair := range append(pairs, renewed) {
		_, _, err := auth.Refresh(ctx, pair.Refresh)
		fmt.Println(err)
	}
	// Output:
	// Token is blacklisted
	// Token is blacklisted
	// <nil>
}
