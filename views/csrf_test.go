package views_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// internal/adaptertest tests the table of methods, origins and CSRF tokens, on every framework.

// Without records there are no sessions: both tokens of a pair must have the same CSRF token, that of the user.
func TestCSRFToken_WithoutSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, d *core.Deps) { d.Store, s.BlacklistAfterRotation = nil, false })
	set := readSetCookies(t, serveWithCookies(views.ObtainPair(f.Auth), "POST", encodeObject("username", "alice", "password", password)))
	send := func(h http.Handler, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Cookie", access+"="+set[access]+"; "+refresh+"="+set[refresh])
		r.Header.Set("X-CSRFToken", token)
		return serveRequest(h, r)
	}
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := views.Authenticate(f.Auth, r); err != nil {
			views.WriteError(w, r, f.Auth, err)
		}
	})
	for name, h := range map[string]http.Handler{"a route": guarded, "refresh": views.Refresh(f.Auth), "logout": views.Blacklist(f.Auth)} {
		if w := send(h, set[csrf]); w.Code != 200 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w := send(h, set[csrf]+"x"); w.Code != 403 {
			t.Errorf("%s with another CSRF token: %d %s", name, w.Code, w.Body)
		}
	}
	w := serveWithCookies(views.Blacklist(f.Auth), "POST", "", access+"="+set[access])
	wantAnswer(t, w, 200, "{}") // there is nothing to end
	wantCookies(t, w, access, refresh, csrf)
}

func TestCSRFToken_EmptyHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	token, err := f.NewToken(core.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := token.Sign()
	if err != nil || csrfToken(f.Auth, token) != "" {
		t.Fatalf("CSRF token %q, %v", csrfToken(f.Auth, token), err)
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Cookie", access+"="+raw)
	r.Header.Set("X-CSRFToken", "")
	wantAnswer(t, serveRequest(views.Verify(f.Auth), r), 403, `{"detail":"CSRF Failed: CSRF token missing or incorrect."}`)
	wantAnswer(t, serveWithCookies(views.Verify(f.Auth), "POST", "", access+"="+raw), 200, "{}")
}

// The error is access_denied, as no scope would change the answer.
func TestCSRF_OAuthErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.OAuthErrors = true })
	pair := f.loginAlice(t)
	send := func(site string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Cookie", access+"="+pair.Access+"; "+refresh+"="+pair.Refresh)
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		return serveRoute(f.Auth, r)
	}
	w := send("cross-site")
	wantAnswer(t, w, 403, `{"detail":"CSRF Failed: The request comes from another origin.","error":"access_denied","error_description":"CSRF Failed: The request comes from another origin."}`)
	if got := w.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	wantAnswer(t, send(""), 403, `{"detail":"CSRF Failed: CSRF token missing or incorrect.","error":"access_denied","error_description":"CSRF Failed: CSRF token missing or incorrect."}`)
}

// Other sites can make a browser send any other type without a preflight.
func TestCSRF_LoginWithoutSourceNeedsJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	body := encodeObject("username", "alice", "password", password)
	const denied = `{"detail":"CSRF Failed: A request that does not say where it comes from must have a body of JSON."}`
	for _, media := range []string{"", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "text/json", `text/plain; x="application/json"`} {
		for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
			wantAnswer(t, postBody(view, media, body), 403, denied)
		}
	}
	for _, media := range []string{"application/json", "Application/JSON; charset=utf-8", " application/json ;"} {
		if w := postBody(views.ObtainPair(f.Auth), media, body); w.Code != 200 || len(readSetCookies(t, w)) != 3 {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
	}
}
