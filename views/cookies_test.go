package views_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// internal/adaptertest tests what cookies do on every framework. These are the tests of hooks, rare settings, and the functions for
// programs that log users in by themselves.

// Whatever a hook makes of the answer, no token is left in a field of its body.
func TestCookies_Hook(t *testing.T) {
	t.Parallel()
	replacing := func(change func(out simplejwt.Attrs)) simplejwt.Serializer {
		return func(ctx context.Context, _ *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
			out, err := super(ctx)
			if err == nil {
				change(out)
			}
			return out, err
		}
	}
	other := newFixture(t, withCookies).loginAlice(t)
	for _, c := range []struct {
		name    string
		hook    func(out simplejwt.Attrs)
		status  int
		body    string
		cookies []string
	}{
		{"a field that a hook adds stays", func(out simplejwt.Attrs) { out["name"] = "alice" }, 200, `{"name":"alice"}`, []string{access, refresh, csrf}},
		{"a refresh token that a hook removes sets no cookie", func(out simplejwt.Attrs) { delete(out, "refresh") }, 200, `{}`, []string{access, csrf}},
		{"tokens that a hook removes set no cookies", func(out simplejwt.Attrs) { delete(out, "refresh"); delete(out, "access") }, 200, `{}`, nil},
		{"tokens that a hook makes null or empty set no cookies", func(out simplejwt.Attrs) { out["refresh"], out["access"] = nil, "" }, 200, `{}`, nil},
		{"a token that a hook replaces is set", func(out simplejwt.Attrs) { out["access"] = other.Access }, 200, `{}`, []string{access, refresh, csrf}},
		{"a text that is not a token is an error", func(out simplejwt.Attrs) { out["access"] = "x" }, 500, serverError, nil},
		{"a list of tokens is an error", func(out simplejwt.Attrs) { out["access"] = []string{other.Access} }, 500, serverError, nil},
		{"two tokens for one cookie are an error", func(out simplejwt.Attrs) { out["token"] = other.Access }, 500, serverError, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, withCookies, withHook(replacing(c.hook)))
			w := serveWithCookies(views.ObtainPair(f.Auth), "POST", encodeObject("username", "alice", "password", password))
			wantAnswer(t, w, c.status, c.body)
			wantCookies(t, w, c.cookies...)
			all, err := f.Sessions(t.Context(), "1")
			if err != nil || len(all) != 1 && c.status == 200 || len(all) != 0 && c.status == 500 {
				t.Errorf("%d sessions, %v", len(all), err)
			}
			if c.status == 500 && !strings.Contains(f.log.String(), "is not a token") || strings.Contains(f.log.String(), "eyJ") {
				t.Errorf("the log is %q", f.log)
			}
		})
	}
	f := newFixture(t, withCookies, withHook(answerFields))
	pair := f.loginAlice(t)
	cookies := []string{access + "=" + pair.Access, refresh + "=" + pair.Refresh}
	w := serveWithCookies(views.Verify(f.Auth), "POST", "", cookies...)
	wantAnswer(t, w, 200, "{}")
	wantCookies(t, w)
	w = serveWithCookies(views.Blacklist(f.Auth), "POST", "", cookies...)
	wantAnswer(t, w, 200, "{}")
	if got := readSetCookies(t, w); len(got) != 3 || got[refresh] != "" {
		t.Errorf("cookies %v, want them cleared", got)
	}
}

// Of the denials only a 401 of a logout clears cookies.
func TestCookies_ClearedAtLogoutOnly(t *testing.T) {
	t.Parallel()
	for status, clears := range map[int]bool{400: false, 401: true, 403: false, 404: false, 429: false, 500: false, 503: false} {
		f := newFixture(t, withCookies, withHook(func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, &core.Error{Status: status, Detail: "No."}
		}))
		pair := f.loginAlice(t)
		for _, e := range listEndpoints() {
			w := serveWithCookies(e.view(f.Auth), "POST", encodeObject("username", "alice", "password", password), access+"="+pair.Access, refresh+"="+pair.Refresh)
			if got := len(readSetCookies(t, w)) == 3; w.Code != status || got != (clears && e.name == "blacklist") {
				t.Errorf("%s rejects with %d: %d, cleared %t", e.name, status, w.Code, got)
			}
		}
	}
}

// The session is ended by the id of the user, not by USER_ID_FIELD in the token.
func TestCookies_LongTokenEndsItsSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, d *core.Deps) {
		s.UserIDField = "username"
		d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
			t.Set("story", strings.Repeat("long ", 700))
			return nil
		}
	})
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		w := serveWithCookies(view, "POST", encodeObject("username", "alice", "password", password))
		wantAnswer(t, w, 500, serverError)
		wantCookies(t, w)
	}
	if all, err := f.Sessions(t.Context(), "1"); err != nil || len(all) != 0 {
		t.Errorf("%d sessions are left, %v", len(all), err)
	}
	if log := f.log.String(); !strings.Contains(log, "browsers keep at most 4096") || strings.Contains(log, "not ended") {
		t.Errorf("the log is %q", log)
	}
}

// The session stays active: the next refresh may be shorter.
func TestRefresh_LongCookieEndsNoSession(t *testing.T) {
	t.Parallel()
	story := ""
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, d *core.Deps) {
		s.RotationGracePeriod = 10e9
		d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
			t.Set("story", story)
			return nil
		}
	})
	presented := refresh + "=" + f.loginAlice(t).Refresh
	story = strings.Repeat("long ", 700)
	w := serveWithCookies(views.Refresh(f.Auth), "POST", "", presented)
	wantAnswer(t, w, 500, serverError)
	wantCookies(t, w)
	story = ""
	w = serveWithCookies(views.Refresh(f.Auth), "POST", "", presented)
	wantAnswer(t, w, 200, "{}")
	wantCookies(t, w, access, refresh, csrf)
}

func TestCookies_TokenInBodyIsIgnored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	mine, other := f.loginAlice(t), f.loginAlice(t)
	for _, e := range listEndpoints() {
		if strings.HasPrefix(e.name, "obtain") {
			continue
		}
		wantAnswer(t, serveWithCookies(e.view(f.Auth), "POST", encodeObject("refresh", other.Refresh, "token", other.Access)), 401, notProvided)
	}
	wantAnswer(t, serveWithCookies(views.Blacklist(f.Auth), "POST", encodeObject("refresh", other.Refresh), refresh+"="+mine.Refresh), 200, "{}")
	if _, _, err := f.Refresh(t.Context(), other.Refresh); err != nil {
		t.Errorf("the token of the body was consumed: %v", err)
	}
	for _, body := range []string{"", "{}", `{"refresh":null}`, `{"refresh":["x"]}`} {
		pair := f.loginAlice(t)
		wantAnswer(t, serveWithCookies(views.Refresh(f.Auth), "POST", body, refresh+"="+pair.Refresh), 200, "{}")
	}
}

// A logout by an access token needs a valid signature, and ends nothing otherwise.
func TestBlacklist_CookieOfAccessToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	forged := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.SigningKey = strings.Repeat("x", 32) })
	mine := f.loginAlice(t)
	for _, raw := range []string{forged.loginAlice(t).Access, mine.Access + "x", mine.Access[:len(mine.Access)-2]} {
		w := serveWithCookies(views.Blacklist(f.Auth), "POST", "", access+"="+raw)
		if w.Code != 401 {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
		wantCookies(t, w, access, refresh, csrf)
	}
	if all, err := f.Sessions(t.Context(), "1"); err != nil || len(all) != 1 {
		t.Errorf("%d sessions, %v; want the one", len(all), err)
	}
	// A refresh never takes the other cookie.
	wantAnswer(t, serveWithCookies(views.Refresh(f.Auth), "POST", "", access+"="+mine.Access), 401, notProvided)
	// With a cookie for refresh tokens the answer is to that one. The session of the other has ended all the same.
	wantAnswer(t, serveWithCookies(views.Blacklist(f.Auth), "POST", "", access+"="+mine.Access, refresh+"=x"), 401, `{"detail":"Token is invalid","code":"token_not_valid"}`)
	if all, _ := f.Sessions(t.Context(), "1"); len(all) != 0 {
		t.Errorf("%d sessions are left of cookies that were cleared", len(all))
	}
}

// A program that logs users in by itself uses SetCookies and ClearCookies.
func TestSetCookies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	r := httptest.NewRequest("GET", "/callback", nil)
	pair := f.loginAlice(t)
	w := httptest.NewRecorder()
	if err := views.SetCookies(w, r, f.Auth, pair); err != nil {
		t.Fatal(err)
	}
	token, _ := f.Decode(pair.Access)
	want := map[string]string{access: pair.Access, refresh: pair.Refresh, csrf: csrfToken(f.Auth, token)}
	if diff := cmp.Diff(want, readSetCookies(t, w)); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	w = httptest.NewRecorder()
	if err := views.SetCookies(w, r, f.Auth, core.Pair{Access: f.loginSliding(t)}); err != nil {
		t.Fatal(err)
	}
	wantCookies(t, w, access, csrf)
	views.ClearCookies(w, f.Auth)
	wantCookies(t, w, access, csrf, access, refresh, csrf)

	for what, bad := range map[string]core.Pair{"no token": {Access: pair.Access, Refresh: "x"}, "too long": {Access: strings.Repeat("x", 5000)}, "a long one": {Access: pair.Access, Refresh: newLongToken(t, f)}} {
		w = httptest.NewRecorder()
		if err := views.SetCookies(w, r, f.Auth, bad); err == nil || len(w.Header()) > 0 || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: %v, headers %v", what, err, w.Header())
		}
	}
	insecure := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookieInsecure = true })
	w = httptest.NewRecorder()
	if err := views.SetCookies(w, r, insecure.Auth, pair); err == nil || len(w.Header()) > 0 {
		t.Errorf("insecure cookies went to %s: %v", r.Host, w.Header())
	}
	for _, a := range []*core.Auth{newFixture(t).Auth, f.WithoutCookies()} {
		w = httptest.NewRecorder()
		if err := views.SetCookies(w, r, a, pair); err != nil || len(w.Header()) > 0 {
			t.Errorf("without AUTH_COOKIE: %v, headers %v", err, w.Header())
		}
		if views.ClearCookies(w, a); len(w.Header()) > 0 {
			t.Errorf("without AUTH_COOKIE: headers %v", w.Header())
		}
	}
}

// newLongToken returns a refresh token that is too long for a cookie.
func newLongToken(t *testing.T, f *fixture) string {
	t.Helper()
	token, err := f.NewToken(core.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	token.Set("story", strings.Repeat("long ", 700))
	raw, err := token.Sign()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Other methods than POST set and clear no cookies.
func TestCookies_OtherMethods(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	pair := f.loginAlice(t)
	for _, e := range listEndpoints() {
		for method, status := range map[string]int{"GET": 405, "HEAD": 405, "DELETE": 405, "OPTIONS": 204} {
			w := serveWithCookies(e.view(f.Auth), method, "", access+"="+pair.Access, refresh+"="+pair.Refresh)
			if w.Code != status || len(readSetCookies(t, w)) > 0 {
				t.Errorf("%s %s: %d, cookies %v", method, e.name, w.Code, readSetCookies(t, w))
			}
		}
	}
}

// Two tabs that refresh at once stay in one session.
func TestRefresh_GraceSetsSameCookies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.RotationGracePeriod = 10e9 })
	presented := refresh + "=" + f.loginAlice(t).Refresh
	first, second := serveWithCookies(views.Refresh(f.Auth), "POST", "", presented), serveWithCookies(views.Refresh(f.Auth), "POST", "", presented)
	if a, b := readSetCookies(t, first), readSetCookies(t, second); a[refresh] == "" || a[refresh] != b[refresh] || a[csrf] != b[csrf] {
		t.Errorf("the tabs go apart: %v", slices.Equal(first.Header()["Set-Cookie"], second.Header()["Set-Cookie"]))
	}
}
