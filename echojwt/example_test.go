package echojwt_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/views"
)

// newAuthAndToken makes an Auth over memory with alice in it, and her access token.
func newAuthAndToken() (*core.Auth, string, error) {
	users := memstore.NewUsers()
	alice := memstore.Account{ID: "1", Username: "alice"}
	if err := users.Add(alice); err != nil {
		return nil, "", err
	}
	settings := simplejwt.Recommended()
	settings.SigningKey = "an example's key of thirty-two bytes or more"
	auth, err := core.New(settings, core.Deps{Users: users, Store: memstore.New()})
	if err != nil {
		return nil, "", err
	}
	pair, err := auth.Login(context.Background(), &alice)
	return auth, pair.Access, err
}

// printAnswer sends a request, with a token where there is one, and prints the answer.
func printAnswer(app http.Handler, method, path, token string) {
	r := httptest.NewRequest(method, path, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Println(method, path, w.Code, strings.TrimSpace(w.Body.String()))
}

// The four views of SimpleJWT, each with and without the trailing slash.
func ExampleMount() {
	auth, _, err := newAuthAndToken()
	if err != nil {
		fmt.Println(err)
		return
	}

	app := echo.New()
	echojwt.Mount(app.Group("/api/token"), auth)
	printAnswer(app, http.MethodPost, "/api/token/", "")
	printAnswer(app, http.MethodPost, "/api/token/verify", "")
	printAnswer(app, http.MethodGet, "/api/token/refresh/", "")
	// Output:
	// POST /api/token/ 400 {"password":["This field is required."],"username":["This field is required."]}
	// POST /api/token/verify 400 {"token":["This field is required."]}
	// GET /api/token/refresh/ 405 {"detail":"Method \"GET\" not allowed."}
}

// Wrap serves a single view.
func ExampleWrap() {
	app := echo.New()
	app.Any("/static/simplejwt.js", echojwt.Wrap(views.BrowserClient()))
	printAnswer(app, http.MethodPost, "/static/simplejwt.js", "")
	// Output:
	// POST /static/simplejwt.js 405 {"detail":"Method \"POST\" not allowed."}
}

// The sessions of the user who asks: a list, and the ends of one, of all others and of all.
func ExampleMountSessions() {
	auth, token, err := newAuthAndToken()
	if err != nil {
		fmt.Println(err)
		return
	}

	app := echo.New()
	echojwt.MountSessions(app.Group("/api/token"), auth)
	printAnswer(app, http.MethodDelete, "/api/token/sessions/unknown/", token)
	printAnswer(app, http.MethodDelete, "/api/token/sessions/", token)
	// Output:
	// DELETE /api/token/sessions/unknown/ 404 {"detail":"Not found."}
	// DELETE /api/token/sessions/ 204
}

// Required guards a route; User is the account behind the token.
func ExampleRequired() {
	auth, token, err := newAuthAndToken()
	if err != nil {
		fmt.Println(err)
		return
	}

	app := echo.New()
	app.GET("/me", func(c echo.Context) error {
		user, _ := echojwt.User[*memstore.Account](c)
		return c.String(http.StatusOK, "hello, "+user.Username)
	}, echojwt.Required(auth))
	printAnswer(app, http.MethodGet, "/me", "")
	printAnswer(app, http.MethodGet, "/me", token)
	// Output:
	// GET /me 401 {"detail":"Authentication credentials were not provided."}
	// GET /me 200 hello, alice
}

// Require stands behind Required and asks more: here for a name.
func ExampleRequire() {
	auth, token, err := newAuthAndToken()
	if err != nil {
		fmt.Println(err)
		return
	}

	isRoot := func(_ context.Context, user simplejwt.User, _ *core.Token) bool {
		return user.(*memstore.Account).Username == "root"
	}
	app := echo.New()
	admin := app.Group("/admin", echojwt.Required(auth), echojwt.Require(auth, isRoot))
	admin.GET("", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	printAnswer(app, http.MethodGet, "/admin", token)
	// Output:
	// GET /admin 403 {"detail":"You do not have permission to perform this action."}
}

// Optional also lets requests without a token pass, but none with a bad one.
func ExampleOptional() {
	auth, token, err := newAuthAndToken()
	if err != nil {
		fmt.Println(err)
		return
	}

	app := echo.New()
	app.GET("/", func(c echo.Context) error {
		name := "stranger"
		if user, ok := echojwt.User[*memstore.Account](c); ok {
			name = user.Username
		}
		return c.String(http.StatusOK, "hello, "+name)
	}, echojwt.Optional(auth))
	printAnswer(app, http.MethodGet, "/", "")
	printAnswer(app, http.MethodGet, "/", token)
	printAnswer(app, http.MethodGet, "/", "e30.e30.e30")
	// Output:
	// GET / 200 hello, stranger
	// GET / 200 hello, alice
	// GET / 401 {"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is invalid"}]}
}
