package stdjwt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// The code up to the next mark is that of README.
// cookies:begin
func newBrowserMux(users core.Users, store core.Store, key string, order http.Handler) (http.Handler, error) {
	settings := simplejwt.Recommended()
	settings.SigningKey = key
	settings.AuthCookie = true
	auth, err := core.New(settings, core.Deps{Users: users, Store: store})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	stdjwt.Mount(mux, "/api/token/", auth)
	stdjwt.Mount(mux, "/api/app/token/", auth.WithoutCookies()) // for apps: tokens in the body, as ever
	mux.Handle("POST /api/orders", stdjwt.Required(auth)(order))
	return mux, nil
}

// cookies:end

// cheap is the hash of the password "secret" with a single iteration.
const cheap = "pbkdf2_sha256$1$salt$ON9CizCTCOSMNofn+QvaDpzyU1aMIex1Sg4HarSrZCM="

// A page logs in, and orders; another site has the browser try the same.
func Example_cookies() {
	users := memstore.NewUsers()
	err := users.Add(memstore.Account{ID: "1", Username: "alice", Password: cheap})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := stdjwt.User[*memstore.Account](r)
		fmt.Fprint(w, "ordered by ", user.Username)
	})
	app, err := newBrowserMux(users, memstore.New(), "an example's key of thirty-two bytes or more", order)
	if err != nil {
		fmt.Println(err)
		return
	}
	var cookies []*http.Cookie
	send := func(path, body, site string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", site)
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(path, site, w.Code, w.Body)
		if set := w.Result().Cookies(); len(set) > 0 { // as a browser keeps them
			cookies = slices.DeleteFunc(set, func(c *http.Cookie) bool { return c.MaxAge < 0 })
		}
	}
	send("/api/token/", `{"username": "alice", "password": "secret"}`, "same-origin")
	for _, cookie := range cookies {
		fmt.Println(cookie.Name, cookie.Path, cookie.HttpOnly)
	}
	send("/api/orders", "{}", "same-origin")
	send("/api/orders", "{}", "cross-site")
	send("/api/token/blacklist/", "", "same-origin")
	send("/api/orders", "{}", "same-origin")
	// Output:
	// /api/token/ same-origin 200 {}
	// __Host-access / true
	// __Host-refresh / true
	// __Host-csrftoken / false
	// /api/orders same-origin 200 ordered by alice
	// /api/orders cross-site 403 {"detail":"CSRF Failed: The request comes from another origin."}
	// /api/token/blacklist/ same-origin 200 {}
	// /api/orders same-origin 401 {"detail":"Authentication credentials were not provided."}
}
