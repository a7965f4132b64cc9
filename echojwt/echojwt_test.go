package echojwt_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
)

// answerOK is a handler that answers "ok".
func answerOK(c echo.Context) error { return c.String(http.StatusOK, "ok") }

func TestRequired_ReturnsHTTPError(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	for _, c := range []struct {
		name          string
		guard         echo.MiddlewareFunc
		authorization string
		status        int
		body          string
		cause         error
		challenge     string
	}{
		{"Required rejects a request without credentials", echojwt.Required(auth), "", 401, adaptertest.NotProvided, core.ErrNotAuthenticated, `Bearer realm="api"`},
		{"Optional rejects a bad header", echojwt.Optional(auth), "Bearer", 401, adaptertest.BadHeader, core.ErrBadHeader, `Bearer realm="api"`},
		{"Require rejects a user without permission", chainMiddleware(echojwt.Required(auth), echojwt.Require(auth, adaptertest.Nobody)), alice, 403, adaptertest.Denied, core.ErrPermissionDenied, ""},
		{"Require rejects an anonymous request", echojwt.Require(auth, adaptertest.Nobody), alice, 401, adaptertest.NotProvided, core.ErrNotAuthenticated, `Bearer realm="api"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", c.authorization)
			ctx := echo.New().NewContext(r, w)
			err := c.guard(func(echo.Context) error { t.Error("the handler ran"); return nil })(ctx)
			denial, isHTTPError := err.(*echo.HTTPError)
			if !isHTTPError { // Echo's error handler looks for this very type
				t.Fatalf("the error is %T: %v", err, err)
			}
			body, err := json.Marshal(denial.Message)
			if err != nil {
				t.Fatal(err)
			}
			if denial.Code != c.status || string(body) != c.body {
				t.Errorf("error %d %s, want %d %s", denial.Code, body, c.status, c.body)
			}
			if !errors.Is(denial, c.cause) || !errors.Is(denial.Internal, c.cause) {
				t.Errorf("the cause is %v, want %v", denial.Internal, c.cause)
			}
			want := http.Header{"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}}
			if c.challenge != "" {
				want.Set("WWW-Authenticate", c.challenge)
			}
			if diff := cmp.Diff(want, w.Header()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if ctx.Response().Committed || w.Body.Len() != 0 {
				t.Errorf("written already: %s", w.Body)
			}
		})
	}
}

func chainMiddleware(outer, inner echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return outer(inner(next)) }
}

func TestRequired_CustomErrorHandler(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	e := echo.New()
	calls := 0
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		calls++
		var denial *core.Error
		if !errors.As(err, &denial) {
			t.Errorf("the error is %T: %v", err, err)
			return
		}
		_ = c.String(denial.Status, "house style: "+denial.Detail)
	}
	e.GET("/", answerOK, echojwt.Required(auth))
	w := adaptertest.Request(t, e, http.MethodGet, "/", "")
	if calls != 1 || w.Code != 401 || w.Body.String() != "house style: Authentication credentials were not provided." {
		t.Errorf("%d calls, answer %d %s", calls, w.Code, w.Body)
	}
	if h := w.Header(); h.Get("WWW-Authenticate") != `Bearer realm="api"` || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v, want those of a denial", h)
	}
}

func TestRequired_DenialIsWrittenOnce(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	e := echo.New()
	var status int
	var size int64
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc { // as Echo's own logger does
		return func(c echo.Context) error {
			err := next(c)
			if err != nil {
				c.Error(err)
			}
			status, size = c.Response().Status, c.Response().Size
			return err
		}
	})
	e.GET("/", answerOK, echojwt.Required(auth))
	w := adaptertest.Request(t, e, http.MethodGet, "/", "")
	if w.Code != 401 || w.Body.String() != adaptertest.NotProvided+"\n" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	if status != 401 || size != int64(w.Body.Len()) {
		t.Errorf("the logger saw %d and %d bytes, want 401 and %d", status, size, w.Body.Len())
	}
}

func TestMount_OuterMiddleware(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	e := echo.New()
	var status int
	var size int64
	echojwt.Mount(e.Group("/api/token", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := next(c); err != nil {
				t.Errorf("the view returned %v, though it has answered", err)
			}
			status, size = c.Response().Status, c.Response().Size
			return errors.New("too late: the answer is written")
		}
	}), auth)
	w := adaptertest.Request(t, e, http.MethodPost, "/api/token/verify/", "")
	if w.Code != 400 || w.Body.String() != `{"token":["This field is required."]}` {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if status != 400 || size != int64(w.Body.Len()) {
		t.Errorf("saw %d and %d bytes of %d %s", status, size, w.Code, w.Body)
	}
}

// TestMount_ListedRoutes is about e.Routes, from which applications print what they serve.
func TestMount_ListedRoutes(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	e := echo.New()
	echojwt.Mount(e.Group("/t"), auth)
	echojwt.MountSliding(e.Group("/t"), auth)
	var got []string
	for _, route := range e.Routes() {
		if route.Method == http.MethodPost {
			got = append(got, route.Path)
		}
	}
	slices.Sort(got)
	want := []string{
		"/t", "/t/", "/t/blacklist", "/t/blacklist/", "/t/refresh", "/t/refresh/", "/t/sliding", "/t/sliding/",
		"/t/sliding/refresh", "/t/sliding/refresh/", "/t/verify", "/t/verify/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes for POST (-want +got):\n%s", diff)
	}
}

func TestRequired_Group(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	e := echo.New()
	e.GET("/open", answerOK)
	api := e.Group("/api", echojwt.Required(auth))
	api.GET("/me", answerOK)
	api.GET("/staff", answerOK, echojwt.Require(auth, adaptertest.Nobody))
	for _, c := range []struct {
		path, authorization string
		status              int
	}{
		{"/open", "", 200},
		{"/api/me", "", 401},
		{"/api/me", alice, 200},
		{"/api/staff", "", 401},
		{"/api/staff", alice, 403},
		{"/api/nothing", "", 401},
		{"/api/nothing", alice, 404},
	} {
		if w := adaptertest.Request(t, e, http.MethodGet, c.path, c.authorization); w.Code != c.status {
			t.Errorf("GET %s with %.8q: %d %s, want %d", c.path, c.authorization, w.Code, w.Body, c.status)
		}
	}
	if w := adaptertest.Request(t, e, http.MethodHead, "/api/nothing", ""); w.Code != 401 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %s, want 401 without a body", w.Code, w.Body)
	}
}

func TestRequired_Skipper(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	health := func(c echo.Context) bool { return c.Path() == "/health" }
	debug := func(c echo.Context) bool { return c.QueryParam("debug") == "1" }
	for name, guard := range map[string]echo.MiddlewareFunc{
		"Required": echojwt.Required(auth, health, debug),
		"Optional": echojwt.Optional(auth, health, debug),
	} {
		for _, c := range []struct {
			rule, path, authorization string
			status                    int
			user                      bool
		}{
			{"skips a route with a bad token", "/health", "Bearer x", 200, false},
			{"sets no user on a route that it skips", "/health", alice, 200, false},
			{"skips what the second Skipper skips", "/me?debug=1", "Bearer x", 200, false},
			{"rejects a bad token on another route", "/me", "Bearer x", 401, false},
			{"sets the user on another route", "/me", alice, 200, true},
		} {
			t.Run(name+" "+c.rule, func(t *testing.T) {
				t.Parallel()
				e := echo.New()
				e.Use(guard)
				user := false
				e.GET(strings.TrimSuffix(c.path, "?debug=1"), func(ctx echo.Context) error {
					_, user = echojwt.User[*memstore.Account](ctx)
					return answerOK(ctx)
				})
				if w := adaptertest.Request(t, e, http.MethodGet, c.path, c.authorization); w.Code != c.status || user != c.user {
					t.Errorf("answer %d %s, user %v; want %d, %v", w.Code, w.Body, user, c.status, c.user)
				}
			})
		}
	}
}

// Echo matches what is escaped where a path has an escaped slash, and passes it on like that.
func TestWrap_PathValuesAreUnescaped(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/one/a": "a", "/one/a%20b": "a b", "/one/a%2Fb": "a/b", "/one/a%2Fb%25": "a/b%"} {
		e := echo.New()
		got := ""
		e.GET("/one/:id", echojwt.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.PathValue("id") })))
		if w := adaptertest.Request(t, e, http.MethodGet, path, ""); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d, the path value is %q, want %q", path, w.Code, got, want)
		}
	}
}
