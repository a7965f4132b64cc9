package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// newExampleAPI starts an API with the user alice, the views below /api/token/, and a page at /me that greets the user. later sets its
// clock forward.
func newExampleAPI() (server *httptest.Server, auth *core.Auth, later *atomic.Int64) {
	alice := &memstore.Account{ID: "1", Username: "alice"}
	users := memstore.NewUsers()
	if err := users.Add(*alice); err != nil {
		panic(err)
	}
	later = new(atomic.Int64)
	settings := simplejwt.Recommended()
	settings.SigningKey = "an example's key of thirty-two bytes or more"
	auth, err := core.New(settings, core.Deps{
		Users: users, Store: memstore.New(),
		Authenticate: func(_ context.Context, name, password string) (simplejwt.User, error) {
			if name != "alice" || password != "correct horse" {
				return nil, nil // no such user, or a wrong password
			}
			return alice, nil
		},
		Now:    func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	stdjwt.Mount(mux, "/api/token/", auth)
	mux.Handle("GET /me", stdjwt.Required(auth)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := stdjwt.User[*memstore.Account](r)
		fmt.Fprint(w, "hello, ", user.Username)
	})))
	return httptest.NewServer(mux), auth, later
}

// printPage requests a page and prints the response.
func printPage(api *client.Client, url string) {
	resp, err := api.Client().Get(url)
	if err != nil {
		fmt.Println(errors.Is(err, client.ErrNotLoggedIn), errors.Is(err, client.ErrSessionEnded))
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body), err)
}

// A program logs in, sends a request, sends another one an hour later, when its access token has expired, and logs out.
func Example() {
	server, _, later := newExampleAPI()
	defer server.Close()
	ctx := context.Background()

	api, err := client.New(client.Config{BaseURL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	printPage(api, server.URL+"/me")
	fmt.Println(api.Login(ctx, "alice", "wrong", nil))
	fmt.Println(api.Login(ctx, "alice", "correct horse", map[string]any{"device_name": "laptop"}))
	printPage(api, server.URL+"/me")
	later.Store(int64(time.Hour))
	printPage(api, server.URL+"/me")
	fmt.Println(api.Logout(ctx))
	printPage(api, server.URL+"/me")
	// Output:
	// true false
	// login: 401: No active account found with the given credentials
	// <nil>
	// 200 hello, alice <nil>
	// 200 hello, alice <nil>
	// <nil>
	// true false
}

// The server ends the session. OnSessionEnd is called once, and later requests fail without asking the server.
func ExampleError() {
	server, auth, later := newExampleAPI()
	defer server.Close()
	ctx := context.Background()

	api, err := client.New(client.Config{BaseURL: server.URL, OnSessionEnd: func(err error) {
		var authErr *client.Error
		fmt.Println(errors.As(err, &authErr), authErr.Status, authErr.Code)
		fmt.Println(err)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := api.Login(ctx, "alice", "correct horse", nil); err != nil {
		fmt.Println(err)
		return
	}
	if err := auth.RevokeUser(ctx, "1", core.ReasonAdmin); err != nil {
		fmt.Println(err)
		return
	}
	printPage(api, server.URL+"/me") // the access token is valid until it expires
	later.Store(int64(time.Hour))
	printPage(api, server.URL+"/me")
	printPage(api, server.URL+"/me")
	// Output:
	// 200 hello, alice <nil>
	// true 401 token_not_valid
	// refresh: the session has ended: 401: Token is blacklisted (token_not_valid)
	// false true
	// false true
}
