package views_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// A hook gets a context. Request finds the HTTP request behind it, for its address or its headers.
func ExampleRequest() {
	settings := simplejwt.Settings{SigningKey: "an example's key of thirty-two bytes or more"}
	settings.TokenObtainSerializer = func(ctx context.Context, _ *simplejwt.SerializerInput, super func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
		r := views.Request(ctx)
		if r.Header.Get("X-Device") == "" {
			return nil, &core.Error{Status: http.StatusForbidden, Code: "no_device", Detail: "Say which device this is."}
		}
		out, err := super(ctx)
		if err == nil {
			out["device"] = r.Header.Get("X-Device")
			delete(out, "access") // so that the example prints the same each time
			delete(out, "refresh")
		}
		return out, err
	}
	auth, err := core.New(settings, core.Deps{
		Users: memstore.NewUsers(),
		Authenticate: func(context.Context, string, string) (simplejwt.User, error) {
			return &memstore.Account{ID: "1", Username: "alice"}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, device := range []string{"", "phone"} {
		r := httptest.NewRequest(http.MethodPost, "/api/token/", strings.NewReader(`{"username":"alice","password":"x"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Device", device)
		w := httptest.NewRecorder()
		views.ObtainPair(auth).ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 403 {"detail":"Say which device this is.","code":"no_device"}
	// 200 {"device":"phone"}
}

// apiKeys are an Authenticator of a program: they name services.
type apiKeys map[string]string

func (k apiKeys) AuthenticateToken(_ context.Context, raw string) (simplejwt.User, *core.Token, error) {
	name, ok := k[raw]
	if !ok {
		return nil, nil, &core.Error{Status: http.StatusUnauthorized, Code: "unknown_key", Detail: "The key is unknown."}
	}
	return &memstore.Account{Username: name}, nil, nil
}

func (apiKeys) Transport() core.Transport {
	return core.Transport{Header: "Authorization", Schemes: []string{"Key"}}
}

// A program's own Authenticator works with the middleware of every framework, which is Guard.
func ExampleGuard() {
	keys := apiKeys{"k-123": "billing"}
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := views.Guard(w.Header(), keys, r, false)
		if err != nil {
			views.WriteError(w, r, keys, err)
			return
		}
		service, _ := views.User[*memstore.Account](r.Context())
		fmt.Fprint(w, "hello, ", service.Username)
	})

	for _, authorization := range []string{"", "Key k-123", "Key k-456"} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
	}
	// Output:
	// 401 Key realm="api" {"detail":"Authentication credentials were not provided."}
	// 200  hello, billing
	// 401 Key realm="api" {"detail":"The key is unknown.","code":"unknown_key"}
}
