package requests

import (
	"context"
	"net/http"
	"strings"

	ginpeer "github.com/appleboy/gin-jwt/v3"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/jwtauth/v5"
	"github.com/golang-jwt/jwt/v5"
	echopeer "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// bare is the name of the application without a middleware. What routing and the handler cost is subtracted from the time
// of the others.
const bare = "bare"

// app is an application with one route, behind a middleware or none.
type app struct {
	name    string // the contender's
	handler http.Handler
}

// ginApps returns the applications on Gin.
func ginApps(auth *core.Auth, secret []byte) ([]app, error) {
	// gin-jwt takes the identity from a claim and calls an authorizer, whose default accepts everybody.
	peer, err := ginpeer.New(&ginpeer.GinJWTMiddleware{Realm: "api", Key: secret, IdentityKey: "user_id"})
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // without the log of routes
	serve := func(middleware ...gin.HandlerFunc) http.Handler {
		engine := gin.New()
		engine.GET(path, append(middleware, func(c *gin.Context) { _, _ = c.Writer.Write(responseBody) })...)
		return engine
	}
	// The order matters: see middlewareTables.
	return []app{{bare, serve()}, {ours, serve(ginjwt.Required(auth.Stateless()))}, {"gin-jwt", serve(peer.MiddlewareFunc())}}, nil
}

// echoApps returns the applications on Echo.
func echoApps(auth *core.Auth, secret []byte) []app {
	serve := func(middleware ...echo.MiddlewareFunc) http.Handler {
		e := echo.New()
		e.GET(path, func(c echo.Context) error {
			_, err := c.Response().Write(responseBody)
			return err
		}, middleware...)
		return e
	}
	// echo-jwt accepts tokens without exp; none is sent here.
	return []app{{bare, serve()}, {ours, serve(echojwt.Required(auth.Stateless()))}, {"echo-jwt", serve(echopeer.JWT(secret))}}
}

// onMux returns an application on the router of net/http.
func onMux(middleware func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+path, middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(responseBody) })))
	return mux
}

// withoutMiddleware is the middleware of the bare application.
func withoutMiddleware(next http.Handler) http.Handler { return next }

// httpApps returns the applications on net/http.
func httpApps(auth *core.Auth, secret []byte) []app {
	// jwtauth works on any router. It has one middleware that verifies and one that rejects, and accepts tokens without exp.
	chi := jwtauth.New("HS256", secret, nil)
	return []app{
		{bare, onMux(withoutMiddleware)},
		{ours, onMux(stdjwt.Required(auth.Stateless()))},
		{"hand-written", onMux(handWritten(secret))},
		{"jwtauth", onMux(func(next http.Handler) http.Handler { return jwtauth.Verifier(chi)(jwtauth.Authenticator(chi)(next)) })},
	}
}

// The claims that auth0's middleware requires.
const (
	issuer   = "https://issuer.example.com/"
	audience = "api"
)

// auth0Apps returns the applications for tokens with iss and aud.
func auth0Apps(auth *core.Auth, secret []byte) ([]app, error) {
	v, err := validator.New(
		validator.WithKeyFunc(func(context.Context) (any, error) { return secret, nil }),
		validator.WithAlgorithm(validator.HS256),
		validator.WithIssuer(issuer),
		validator.WithAudience(audience),
	)
	if err != nil {
		return nil, err
	}
	peer, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}
	return []app{
		{bare, onMux(withoutMiddleware)},
		{ours, onMux(stdjwt.Required(auth.Stateless()))},
		{"auth0", onMux(peer.CheckJWT)}, // it keeps the registered claims only
	}, nil
}

// claimsKey is the key of the claims on the context of a request.
type claimsKey struct{}

// handWritten is the middleware that many programs have, in a good version: the parser is made once, the algorithm is fixed
// and exp is required. It does not check token_type.
func handWritten(secret []byte) func(http.Handler) http.Handler {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	key := func(*jwt.Token) (any, error) { return secret, nil }
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			claims := jwt.MapClaims{}
			token, err := parser.ParseWithClaims(raw, claims, key)
			if err != nil || !token.Valid {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
		})
	}
}
