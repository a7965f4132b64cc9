package core_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// An administrator lists the sessions of a user and ends one of them.
func ExampleAuth_Sessions() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Recommended(), core.Deps{})
	for _, name := range []string{"laptop", "phone"} {
		if _, err := auth.Login(core.WithDevice(ctx, core.Device{Name: name}), alice); err != nil {
			fmt.Println(err)
			return
		}
	}

	sessions, err := auth.Sessions(ctx, alice.AuthID())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range sessions {
		fmt.Println(s.Name)
	}
	fmt.Println(auth.RevokeSession(ctx, alice.AuthID(), sessions[0].ID, core.ReasonAdmin))
	// It has ended, so a second call finds nothing.
	fmt.Println(auth.RevokeSession(ctx, alice.AuthID(), sessions[0].ID, core.ReasonAdmin))
	// Output:
	// phone
	// laptop
	// <nil>
	// Not found.
}

// With CHECK_SESSION an access token is denied as soon as its session has ended.
func ExampleAuth_AuthenticateToken_checkSession() {
	ctx := context.Background()
	settings := simplejwt.Recommended()
	settings.CheckSession = true
	auth, alice := exampleAuth(settings, core.Deps{})
	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, _, err = auth.AuthenticateToken(ctx, pair.Access)
	fmt.Println(err)
	if err := auth.Blacklist(ctx, pair.Refresh); err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = auth.AuthenticateToken(ctx, pair.Access)
	var denial *core.Error
	fmt.Println(errors.As(err, &denial), denial.Reason)
	// Output:
	// <nil>
	// true session_ended
}

// RenewSession replaces a session: it returns new tokens and revokes the old ones.
func ExampleAuth_RenewSession() {
	ctx := context.Background()
	auth, alice := exampleAuth(simplejwt.Recommended(), core.Deps{})
	pair, err := auth.Login(ctx, alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, token, err := auth.AuthenticateToken(ctx, pair.Access) // the request that renews the session
	if err != nil {
		fmt.Println(err)
		return
	}

	renewed, err := auth.RenewSession(ctx, alice, token.Session())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, next, err := auth.AuthenticateToken(ctx, renewed.Access)
	fmt.Println(err, next.Session() == token.Session())
	_, _, err = auth.Refresh(ctx, pair.Refresh)
	fmt.Println(err)
	// Output:
	// <nil> false
	// Token is blacklisted
}
