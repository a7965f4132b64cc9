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

// What cookies do on every framework is tested by internal/adaptertest. Here are the hooks, the rare settings, and the
// functions for programs that log users in themselves.

// TestHooksAndCookies: whatever a hook makes of the answer, no token is left in a field of its body.
func TestHooksAndCookies(t *testing.T) {
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
	other := newFixture(t, withCookies).login(t)
	for _, c := range []struct {
		name    string
		hook    func(out simplejwt.Attrs)
		status  int
		body    string
		cookies []string
	}{
		{"adds a field", func(out simplejwt.Attrs) { out["name"] = "alice" }, 200, `{"name":"alice"}`, []string{access, refresh, csrf}},
		{"takes the refresh token away", func(out simplejwt.Attrs) { delete(out, "refresh") }, 200, `{}`, []string{access, csrf}},
		{"takes both away", func(out simplejwt.Attrs) { delete(out, "refresh"); delete(out, "access") }, 200, `{}`, nil},
		{"makes them null", func(out simplejwt.Attrs) { out["refresh"], out["access"] = nil, "" }, 200, `{}`, nil},
		{"replaces one", func(out simplejwt.Attrs) { out["access"] = other.Access }, 200, `{}`, []string{access, refresh, csrf}},
		{"makes one that is none", func(out simplejwt.Attrs) { out["access"] = "x" }, 500, serverError, nil},
		{"makes a list of one", func(out simplejwt.Attrs) { out["access"] = []string{other.Access} }, 500, serverError, nil},
		{"adds one to one cookie", func(out simplejwt.Attrs) { out["token"] = other.Access }, 500, serverError, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, withCookies, withHook(replacing(c.hook)))
			w := byCookie(views.ObtainPair(f.Auth), "POST", object("username", "alice", "password", password))
			wantAnswer(t, w, c.status, c.body)
			wantCookies(t, w, c.cookies...)
			all, err := f.Sessions(t.Context(), "1")
			if err != nil || len(all) != 1 && c.status == 200 || len(all) != 0 && c.status == 500 {
				t.Errorf("%d sessions, %v", len(all), err)
			}
			if c.status == 500 && !strings.Contains(f.log.String(), "is no token") || strings.Contains(f.log.String(), "eyJ") {
				t.Errorf("the log is %q", f.log)
			}
		})
	}
	f := newFixture(t, withCookies, withHook(mirror))
	pair := f.login(t)
	cookies := []string{access + "=" + pair.Access, refresh + "=" + pair.Refresh}
	w := byCookie(views.Verify(f.Auth), "POST", "", cookies...)
	wantAnswer(t, w, 200, "{}")
	wantCookies(t, w)
	w = byCookie(views.Blacklist(f.Auth), "POST", "", cookies...)
	wantAnswer(t, w, 200, "{}")
	if got := cookiesSet(t, w); len(got) != 3 || got[refresh] != "" {
		t.Errorf("cookies %v, want them cleared", got)
	}
}

// TestRefusalsClearNothingButAtALogout: and there a 401 alone.
func TestRefusalsClearNothingButAtALogout(t *testing.T) {
	t.Parallel()
	for status, clears := range map[int]bool{400: false, 401: true, 403: false, 404: false, 429: false, 500: false, 503: false} {
		f := newFixture(t, withCookies, withHook(func(context.Context, *simplejwt.SerializerInput, super) (simplejwt.Attrs, error) {
			return nil, &core.Error{Status: status, Detail: "No."}
		}))
		pair := f.login(t)
		for _, e := range endpoints() {
			w := byCookie(e.view(f.Auth), "POST", object("username", "alice", "password", password), access+"="+pair.Access, refresh+"="+pair.Refresh)
			if got := len(cookiesSet(t, w)) == 3; w.Code != status || got != (clears && e.name == "blacklist") {
				t.Errorf("%s refuses with %d: %d, cleared %t", e.name, status, w.Code, got)
			}
		}
	}
}

// TestLongTokensEndTheirSession: by the user and not by what tokens call him.
func TestLongTokensEndTheirSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, d *core.Deps) {
		s.UserIDField = "username"
		d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
			t.Set("story", strings.Repeat("long ", 700))
			return nil
		}
	})
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		w := byCookie(view, "POST", object("username", "alice", "password", password))
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

// TestALongRefreshEndsNoSession: it is the user's, and goes on where the next refresh is shorter.
func TestALongRefreshEndsNoSession(t *testing.T) {
	t.Parallel()
	story := ""
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, d *core.Deps) {
		s.RotationGracePeriod = 10e9
		d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
			t.Set("story", story)
			return nil
		}
	})
	presented := refresh + "=" + f.login(t).Refresh
	story = strings.Repeat("long ", 700)
	w := byCookie(views.Refresh(f.Auth), "POST", "", presented)
	wantAnswer(t, w, 500, serverError)
	wantCookies(t, w)
	story = ""
	w = byCookie(views.Refresh(f.Auth), "POST", "", presented)
	wantAnswer(t, w, 200, "{}")
	wantCookies(t, w, access, refresh, csrf)
}

func TestTheTokenOfTheBodyDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	mine, other := f.login(t), f.login(t)
	for _, e := range endpoints() {
		if strings.HasPrefix(e.name, "obtain") {
			continue
		}
		wantAnswer(t, byCookie(e.view(f.Auth), "POST", object("refresh", other.Refresh, "token", other.Access)), 401, notProvided)
	}
	wantAnswer(t, byCookie(views.Blacklist(f.Auth), "POST", object("refresh", other.Refresh), refresh+"="+mine.Refresh), 200, "{}")
	if _, _, err := f.Refresh(t.Context(), other.Refresh); err != nil {
		t.Errorf("the token of the body was consumed: %v", err)
	}
	for _, body := range []string{"", "{}", `{"refresh":null}`, `{"refresh":["x"]}`} {
		pair := f.login(t)
		wantAnswer(t, byCookie(views.Refresh(f.Auth), "POST", body, refresh+"="+pair.Refresh), 200, "{}")
	}
}

// TestALogoutByAnAccessTokenNeedsATrueOne: and the user that it names, who may have gone.
func TestALogoutByAnAccessTokenNeedsATrueOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	forged := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.SigningKey = strings.Repeat("x", 32) })
	mine := f.login(t)
	for _, raw := range []string{forged.login(t).Access, mine.Access + "x", mine.Access[:len(mine.Access)-2]} {
		w := byCookie(views.Blacklist(f.Auth), "POST", "", access+"="+raw)
		if w.Code != 401 {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
		wantCookies(t, w, access, refresh, csrf)
	}
	if all, err := f.Sessions(t.Context(), "1"); err != nil || len(all) != 1 {
		t.Errorf("%d sessions, %v; want the one", len(all), err)
	}
	// A refresh never takes the other cookie.
	wantAnswer(t, byCookie(views.Refresh(f.Auth), "POST", "", access+"="+mine.Access), 401, notProvided)
	// With a cookie for refresh tokens the answer is to that one. The session of the other is over all the same.
	wantAnswer(t, byCookie(views.Blacklist(f.Auth), "POST", "", access+"="+mine.Access, refresh+"=x"), 401, `{"detail":"Token is invalid","code":"token_not_valid"}`)
	if all, _ := f.Sessions(t.Context(), "1"); len(all) != 0 {
		t.Errorf("%d sessions are left of cookies that were cleared", len(all))
	}
}

// TestProgramsThatLogUsersIn use SetCookies and ClearCookies.
func TestProgramsThatLogUsersIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	r := httptest.NewRequest("GET", "/callback", nil)
	pair := f.login(t)
	w := httptest.NewRecorder()
	if err := views.SetCookies(w, r, f.Auth, pair); err != nil {
		t.Fatal(err)
	}
	token, _ := f.Decode(pair.Access)
	want := map[string]string{access: pair.Access, refresh: pair.Refresh, csrf: csrfToken(f.Auth, token)}
	if diff := cmp.Diff(want, cookiesSet(t, w)); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
	w = httptest.NewRecorder()
	if err := views.SetCookies(w, r, f.Auth, core.Pair{Access: f.slidingToken(t)}); err != nil {
		t.Fatal(err)
	}
	wantCookies(t, w, access, csrf)
	views.ClearCookies(w, f.Auth)
	wantCookies(t, w, access, csrf, access, refresh, csrf)

	for what, bad := range map[string]core.Pair{"no token": {Access: pair.Access, Refresh: "x"}, "too long": {Access: strings.Repeat("x", 5000)}, "a long one": {Access: pair.Access, Refresh: long(t, f)}} {
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

// long is a refresh token that no cookie can hold.
func long(t *testing.T, f *fixture) string {
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

// TestOtherMethodsWithCookies: they set and clear nothing, and ask nobody.
func TestOtherMethodsWithCookies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	pair := f.login(t)
	for _, e := range endpoints() {
		for method, status := range map[string]int{"GET": 405, "HEAD": 405, "DELETE": 405, "OPTIONS": 204} {
			w := byCookie(e.view(f.Auth), method, "", access+"="+pair.Access, refresh+"="+pair.Refresh)
			if w.Code != status || len(cookiesSet(t, w)) > 0 {
				t.Errorf("%s %s: %d, cookies %v", method, e.name, w.Code, cookiesSet(t, w))
			}
		}
	}
}

// TestGraceHandsOutTheSameCookies: two tabs that refresh at once go on with one session.
func TestGraceHandsOutTheSameCookies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) { s.RotationGracePeriod = 10e9 })
	presented := refresh + "=" + f.login(t).Refresh
	first, second := byCookie(views.Refresh(f.Auth), "POST", "", presented), byCookie(views.Refresh(f.Auth), "POST", "", presented)
	if a, b := cookiesSet(t, first), cookiesSet(t, second); a[refresh] == "" || a[refresh] != b[refresh] || a[csrf] != b[csrf] {
		t.Errorf("the tabs go apart: %v", slices.Equal(first.Header()["Set-Cookie"], second.Header()["Set-Cookie"]))
	}
}
