package simplejwt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// exampleKey is a secret of at least 32 bytes. A program reads its key from a file or the environment.
const exampleKey = "an example's key of thirty-two bytes or more"

// Start with the profile of RFC 9700 and change what your program needs.
func ExampleRecommended() {
	settings := simplejwt.Recommended()
	settings.SigningKey = exampleKey
	settings.AccessTokenLifetime = 10 * time.Minute

	_, err := core.New(settings, core.Deps{Users: memstore.NewUsers(), Store: memstore.New()})
	fmt.Println(err)
	fmt.Println(settings) // never shows the key
	// Output:
	// <nil>
	// simplejwt.Settings{ACCESS_TOKEN_LIFETIME=10m0s ROTATE_REFRESH_TOKENS=true BLACKLIST_AFTER_ROTATION=true SIGNING_KEY=[redacted] ROTATION_GRACE_PERIOD=10s REUSE_DETECTION=true SESSION_LIFETIME=720h0m0s}
}

// A settings file holds the names of Django's SIMPLE_JWT dictionary; null is None.
func ExampleFromJSON_file() {
	settings, err := simplejwt.FromJSON(simplejwt.Settings{}, []byte(`{
		"SIGNING_KEY": "an example's key of thirty-two bytes or more",
		"REFRESH_TOKEN_LIFETIME": "168h",
		"ROTATE_REFRESH_TOKENS": true,
		"AUDIENCE": ["web", "app"],
		"JTI_CLAIM": null
	}`))
	fmt.Println(settings.RefreshTokenLifetime, settings.RotateRefreshTokens, settings.Audience, settings.JTIClaim == simplejwt.Off, err)
	// Output: 168h0m0s true [web app] true <nil>
}

// The environment overrides a file, and a file overrides what is written in Go.
func ExampleFromEnv() {
	for name, value := range map[string]string{"SIMPLE_JWT_ACCESS_TOKEN_LIFETIME": "90s", "SIMPLE_JWT_AUTH_HEADER_TYPES": `["Bearer", "JWT"]`} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = os.Unsetenv(name) }()
	}

	settings, err := simplejwt.FromJSON(simplejwt.Recommended(), []byte(`{"ACCESS_TOKEN_LIFETIME": "10m", "LEEWAY": 5}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	settings, err = simplejwt.FromEnv(settings)
	fmt.Println(settings.AccessTokenLifetime, settings.Leeway, settings.AuthHeaderTypes, settings.ReuseDetection, err)
	// Output: 1m30s 5s [Bearer JWT] true <nil>
}

// core.New reports all invalid settings at once, with those of a file.
func ExampleSettingsError() {
	settings, _ := simplejwt.FromJSON(simplejwt.Settings{}, []byte(`{"ACESS_TOKEN_LIFETIME": "5m", "SIGNING_KEY": "secret"}`)) // the Settings remember the error
	settings.ReuseDetection = true
	_, err := core.New(settings, core.Deps{Users: memstore.NewUsers()})

	var invalid simplejwt.SettingsError
	if errors.As(err, &invalid) {
		for _, one := range invalid {
			fmt.Printf("%s %s\n", one.Setting, one.Problem)
		}
	}
	// Output:
	// ACESS_TOKEN_LIFETIME no such setting; did you mean ACCESS_TOKEN_LIFETIME?
	// SIGNING_KEY has 6 bytes, HS256 needs at least 32 (RFC 7518 section 3.2); `openssl rand -base64 48` prints enough
	// REUSE_DETECTION needs ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION
}

// What a Django project does with a subclass of TokenObtainPairSerializer: reject the request before the login, change the
// response after it.
func ExampleSerializer() {
	settings := simplejwt.Settings{SigningKey: exampleKey}
	settings.TokenObtainSerializer = func(ctx context.Context, in *simplejwt.SerializerInput, super func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
		if in.Attrs["terms"] != true {
			return nil, core.ValidationError{"terms": {"Accept the terms first."}}
		}
		out, err := super(ctx)
		if err != nil {
			return nil, err
		}
		return simplejwt.Attrs{"user": in.User.AuthID(), "keys": len(out)}, nil
	}
	auth, err := core.New(settings, core.Deps{
		Users: memstore.NewUsers(),
		Authenticate: func(context.Context, string, string) (simplejwt.User, error) {
			return &memstore.Account{ID: "1", Username: "alice"}, nil // ask LDAP, say
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, body := range []string{`{"username":"alice","password":"x"}`, `{"username":"alice","password":"x","terms":true}`} {
		r := httptest.NewRequest(http.MethodPost, "/api/token/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		views.ObtainPair(auth).ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 400 {"terms":["Accept the terms first."]}
	// 200 {"keys":2,"user":"1"}
}
