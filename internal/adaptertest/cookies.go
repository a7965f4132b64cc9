package adaptertest

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func cookieCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "tokens travel in cookies",
		rule: "a script must never see a token, and a cookie must live as long as its token: no longer, and no shorter",
		run:  (*env[H, M]).checkPairCookies,
	}, {
		name: "a refresh without rotation sets the access token's cookie alone",
		rule: "the refresh token stays as it is, and so does the CSRF token of its session",
		run:  (*env[H, M]).checkCookiesWithoutRotation,
	}, {
		name: "sliding tokens travel in cookies",
		rule: "their one cookie is that of access tokens, and the logout ends their session too",
		run:  (*env[H, M]).checkSlidingCookies,
	}, {
		name: "a logout clears the cookies whatever is left of the session",
		rule: "a script can't remove them: a user who logs out must be rid of them, but an unavailable database must not clear them",
		run:  (*env[H, M]).checkLogoutClears,
	}, {
		name: "ending the session of the request clears the cookies",
		rule: "ending another session must not, and a client with the header has no cookies",
		run:  (*env[H, M]).checkSessionsClear,
	}, {
		name: "a lost race changes no cookie",
		rule: "the quicker of two refreshes has set the cookies by then: the other must not take them away",
		run:  (*env[H, M]).checkLostRace,
	}, {
		name: "tokens that are too long for a cookie are an error",
		rule: "browsers drop such a cookie in silence, so the login must fail, and leave no session that nobody has",
		run:  (*env[H, M]).checkLongTokens,
	}, {
		name: "without AUTH_COOKIE, and mounted without cookies, nothing is different",
		rule: "clients with the header work as before: tokens are in bodies, and cookies authenticate nothing",
		run:  (*env[H, M]).checkHeaderMode,
	}}
}

// credentials is the body of a login of alice.
const credentials = `{"username":"alice","password":"` + password + `"}`

// The cookies as they are set and cleared with the default settings.
const (
	setAccess    = "__Host-access=...; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax"
	setRefresh   = "__Host-refresh=...; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax"
	setCSRF      = "__Host-csrftoken=...; Path=/; Max-Age=86400; Secure; SameSite=Lax"
	clearAccess  = "__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	clearRefresh = "__Host-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	clearCSRF    = "__Host-csrftoken=; Path=/; Max-Age=0; Secure; SameSite=Lax"

	blacklisted = `{"detail":"Token is blacklisted","code":"token_not_valid"}`
)

// countSessions returns how many active sessions alice has.
func (e *env[H, M]) countSessions(a *core.Auth) int {
	e.Helper()
	all, err := a.Sessions(e.Context(), e.alice.ID)
	if err != nil {
		e.Fatal(err)
	}
	return len(all)
}

// checkPairCookies follows one browser from login to logout, with the default settings and with others.
func (e *env[H, M]) checkPairCookies() {
	a := e.newAuth(withStoppedClock())
	b := e.newBrowser(a)
	b.wantPage("nobody", b.doRequest("GET", "/", ""), 401, NotProvided)
	b.wantPage("a login", b.doRequest("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	first := b.readJar("/")
	if token, err := a.Decode(first["__Host-refresh"]); err != nil || csrfToken(a, token) != first["__Host-csrftoken"] {
		b.Errorf("the CSRF token %q is not that of the session: %v", first["__Host-csrftoken"], err)
	}
	b.wantPage("a route", b.doRequest("GET", "/", ""), 200, "ok")
	b.wantPage("a route that changes something", b.doRequest("POST", "/", "{}"), 200, "ok")
	b.wantPage("verify", b.doRequest("POST", "/api/token/verify/", ""), 200, "{}")
	b.wantPage("a refresh", b.doRequest("POST", "/api/token/refresh/", `{"refresh":"not this one"}`), 200, "{}", setAccess, setRefresh, setCSRF)
	second := b.readJar("/")
	if second["__Host-refresh"] == first["__Host-refresh"] || second["__Host-access"] == first["__Host-access"] {
		b.Error("the refresh set the same tokens again")
	}
	if second["__Host-csrftoken"] != first["__Host-csrftoken"] {
		b.Error("the CSRF token changed within the session: a page that has read it would be rejected")
	}
	if n := e.countSessions(a); n != 1 {
		b.Errorf("%d sessions, want the one", n)
	}
	b.wantPage("a login with another password", b.doRequest("POST", "/api/token/", `{"username":"alice","password":"x"}`), 401, `{"detail":"No active account found with the given credentials"}`)
	b.wantPage("a logout", b.doRequest("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
	if n := e.countSessions(a); n != 0 || len(b.readJar("/")) != 0 {
		b.Errorf("after the logout there are %d sessions and the cookies %v", n, b.readJar("/"))
	}
	b.wantPage("a refresh after it", b.doRequest("POST", "/api/token/refresh/", ""), 401, NotProvided)
	b.wantPage("a route after it", b.doRequest("POST", "/", "{}"), 401, NotProvided)

	narrow := e.newBrowser(e.newAuth(withStoppedClock(func(s *simplejwt.Settings, _ *core.Deps) {
		s.AuthCookieRefreshPath, s.AuthCookieSameSite, s.AuthCookieAccess = "/api/token/", "Strict", "__Host-a"
	})))
	narrow.wantPage("a login with settings", narrow.doRequest("POST", "/api/token/", credentials), 200, "{}",
		"__Host-a=...; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Strict",
		"__Secure-refresh=...; Path=/api/token/; Max-Age=86400; HttpOnly; Secure; SameSite=Strict",
		"__Host-csrftoken=...; Path=/; Max-Age=86400; Secure; SameSite=Strict")
	if here, there := narrow.readJar("/")["__Secure-refresh"], narrow.readJar("/api/token/refresh/")["__Secure-refresh"]; here != "" || there == "" {
		b.Errorf("the refresh token travels to /: %t, to its view: %t", here != "", there != "")
	}
	narrow.wantPage("a logout with settings", narrow.doRequest("POST", "/api/token/blacklist", ""), 200, "{}",
		"__Host-a=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		"__Secure-refresh=; Path=/api/token/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		"__Host-csrftoken=; Path=/; Max-Age=0; Secure; SameSite=Strict")
}

func (e *env[H, M]) checkCookiesWithoutRotation() {
	a := e.newAuth(withStoppedClock(func(s *simplejwt.Settings, _ *core.Deps) {
		s.RotateRefreshTokens, s.BlacklistAfterRotation = false, false
	}))
	b := e.newBrowser(a)
	b.wantPage("a login", b.doRequest("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	b.wantPage("a refresh", b.doRequest("POST", "/api/token/refresh/", ""), 200, "{}", setAccess)
	b.wantPage("the route", b.doRequest("POST", "/", ""), 200, "ok")
	b.wantPage("a logout", b.doRequest("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
}

func (e *env[H, M]) checkSlidingCookies() {
	a := e.newAuth(withStoppedClock(func(s *simplejwt.Settings, _ *core.Deps) { s.AuthTokenClasses = []core.ClassName{core.SlidingToken} }))
	b := e.newBrowser(a)
	const setShortCSRF = "__Host-csrftoken=...; Path=/; Max-Age=300; Secure; SameSite=Lax"
	b.wantPage("a login", b.doRequest("POST", "/api/token/sliding/", credentials), 200, "{}", setAccess, setShortCSRF)
	csrf := b.readJar("/")["__Host-csrftoken"]
	b.wantPage("the route", b.doRequest("GET", "/", ""), 200, "ok")
	b.wantPage("a refresh", b.doRequest("POST", "/api/token/sliding/refresh/", ""), 200, "{}", setAccess, setShortCSRF)
	if b.readJar("/")["__Host-csrftoken"] != csrf {
		b.Error("the CSRF token changed within the session")
	}
	b.wantPage("verify", b.doRequest("POST", "/api/token/verify/", ""), 200, "{}")
	stolen := b.readJar("/")["__Host-access"]
	b.wantPage("a logout", b.doRequest("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
	if n := e.countSessions(a); n != 0 {
		b.Errorf("%d sessions after the logout", n)
	}
	if _, _, err := a.AuthenticateToken(e.Context(), stolen); err == nil {
		b.Error("the sliding token is good after its logout")
	}
}

// checkLogoutClears logs out with cookies that are valid, ended, expired, doubled or garbage: each time the browser must be rid of them.
func (e *env[H, M]) checkLogoutClears() {
	cleared := []string{clearAccess, clearRefresh, clearCSRF}
	var later time.Duration
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return time.Now().Add(later) } }))
	b := e.newBrowser(a)
	logout := func(header ...string) page { return b.doRequest("POST", "/api/token/blacklist/", "", header...) }

	b.wantPage("nobody's logout", logout(), 401, NotProvided, cleared...)
	pair := e.loginPair(e.alice)
	b.wantPage("a logout without the refresh token", logout("Cookie", "__Host-access="+pair.Access), 200, "{}", cleared...)
	if n := e.countSessions(a); n != 0 {
		b.Errorf("%d sessions after the logout by the access token", n)
	}
	b.wantPage("a second one", logout("Cookie", "__Host-access="+pair.Access), 401,
		`{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is blacklisted"}]}`, cleared...)
	b.wantPage("a second one with the refresh token", logout("Cookie", "__Host-refresh="+pair.Refresh), 401, blacklisted, cleared...)
	b.wantPage("garbage", logout("Cookie", "__Host-refresh=x"), 401, `{"detail":"Token is invalid","code":"token_not_valid"}`, cleared...)
	b.wantPage("two cookies", logout("Cookie", "__Host-refresh=x; __Host-refresh="+pair.Refresh), 401, twoCookies, cleared...)
	pair = e.loginPair(e.alice)
	later = 25 * time.Hour
	b.wantPage("an expired token", logout("Cookie", "__Host-refresh="+pair.Refresh), 401, `{"detail":"Token is expired","code":"token_not_valid"}`, cleared...)

	broken := e.newBrowser(e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Store = failingRefreshStore{e.store} })))
	pair = e.loginPair(e.alice)
	for _, path := range []string{"/api/token/blacklist/", "/api/token/refresh/"} {
		broken.wantPage("an unavailable store at "+path, broken.doRequest("POST", path, "", "Cookie", "__Host-refresh="+pair.Refresh), 503, unavailable)
	}
}

// failingRefreshStore is a store whose refreshes and logouts fail.
type failingRefreshStore struct{ core.Store }

func (failingRefreshStore) Rotate(context.Context, core.Rotation) (core.OutstandingToken, bool, error) {
	return core.OutstandingToken{}, false, io.ErrUnexpectedEOF
}

func (failingRefreshStore) Blacklist(context.Context, string, *string, core.Reason, time.Time) (found, won bool, err error) {
	return false, false, io.ErrUnexpectedEOF
}

func (e *env[H, M]) checkSessionsClear() {
	cleared := []string{clearAccess, clearRefresh, clearCSRF}
	a := e.newAuth(withCookies())
	for _, c := range []struct {
		what string
		path func(mine, other string) string
		set  []string
	}{
		{"another session", func(_, other string) string { return other + "/" }, nil},
		{"the others", func(_, _ string) string { return "others/" }, nil},
		{"this session", func(mine, _ string) string { return mine + "/" }, cleared},
		{"all", func(_, _ string) string { return "" }, cleared},
	} {
		b := e.newBrowser(a)
		mine, other := e.loginPair(e.alice), e.loginPair(e.alice)
		path := "/api/token/sessions/" + c.path(e.readSessionID(mine.Access), e.readSessionID(other.Access))
		b.wantPage(c.what, b.doRequest("DELETE", path, "", "Cookie", "__Host-access="+mine.Access), 204, "", c.set...)
		mine, other = e.loginPair(e.alice), e.loginPair(e.alice)
		path = "/api/token/sessions/" + c.path(e.readSessionID(mine.Access), e.readSessionID(other.Access))
		b.wantPage(c.what+", by the header", b.doRequest("DELETE", path, "", "Authorization", "Bearer "+mine.Access), 204, "")
	}
}

// checkLostRace refreshes twice with one token, as two tabs of a browser do.
func (e *env[H, M]) checkLostRace() {
	b := e.newBrowser(e.newAuth(withStoppedClock()))
	b.wantPage("a login", b.doRequest("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	consumed := "__Host-refresh=" + b.readJar("/")["__Host-refresh"]
	b.wantPage("the quicker refresh", b.doRequest("POST", "/api/token/refresh/", ""), 200, "{}", setAccess, setRefresh, setCSRF)
	before := b.readJar("/")
	b.client.Jar, _ = cookiejar.New(nil) // its cookies would be added to those of the other tab
	b.wantPage("the other", b.doRequest("POST", "/api/token/refresh/", "", "Cookie", consumed), 401, blacklisted)
	b.wantPage("the next refresh of the quicker one", b.doRequest("POST", "/api/token/refresh/", "", "Cookie", "__Host-refresh="+before["__Host-refresh"]), 200, "{}", setAccess, setRefresh, setCSRF)
}

// checkLongTokens makes one class of tokens after the other too long, so that the cookies before it could already be set.
func (e *env[H, M]) checkLongTokens() {
	for _, class := range []core.ClassName{core.AccessToken, core.RefreshToken, core.SlidingToken} {
		a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
				if t.Class().Name == class {
					t.Set("story", strings.Repeat("long ", 700))
				}
				return nil
			}
		}))
		b := e.newBrowser(a)
		path := "/api/token/"
		if class == core.SlidingToken {
			path += "sliding/"
		}
		b.wantPage("a login with a long "+string(class), b.doRequest("POST", path, credentials), 500, serverError)
		if n := e.countSessions(a); n != 0 {
			b.Errorf("%s: %d sessions are left of a login that failed", class, n)
		}
	}
}

// checkHeaderMode sends cookies along with every request: they must change nothing.
func (e *env[H, M]) checkHeaderMode() {
	withAndWithout := e.newAuth(withCookies())
	for what, a := range map[string]*core.Auth{"without AUTH_COOKIE": e.auth, "mounted without cookies": withAndWithout.WithoutCookies()} {
		app := e.newApp(a)
		pair := e.loginPair(e.alice)
		cookies := "access=" + pair.Access + "; __Host-access=" + pair.Access + "; __Host-refresh=" + pair.Refresh
		send := func(method, path, body string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(e.Context(), method, path, strings.NewReader(body))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Cookie", cookies)
			for pair := range slices.Chunk(header, 2) {
				r.Header.Set(pair[0], pair[1])
			}
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			if got := w.Header().Values("Set-Cookie"); len(got) > 0 || w.Header().Get("Vary") != "" {
				e.Errorf("%s: %s %s sets the cookies %q, Vary is %q", what, method, path, got, w.Header().Get("Vary"))
			}
			return w
		}
		e.wantTokens(send("POST", "/api/token/", credentials, "Sec-Fetch-Site", "cross-site"), "access", "refresh")
		e.wantTokens(send("POST", "/api/token/sliding/", credentials), "token")
		e.wantDenial(send("GET", "/", ""), http.StatusUnauthorized, NotProvided)
		e.wantDenial(send("DELETE", "/api/token/sessions/", ""), http.StatusUnauthorized, NotProvided)
		e.wantStatus("refresh by cookie", send("POST", "/api/token/refresh/", ""), http.StatusBadRequest)
		e.wantStatus("verify by cookie", send("POST", "/api/token/verify/", ""), http.StatusBadRequest)
		e.wantStatus("logout by cookie", send("POST", "/api/token/blacklist/", ""), http.StatusBadRequest)
		e.wantOK(send("POST", "/", "", "Authorization", "Bearer "+pair.Access, "Origin", "https://app.example.com"))
		e.wantTokens(send("POST", "/api/token/refresh/", encodeObject("refresh", pair.Refresh)), "access", "refresh")
		e.wantStatus("logout by an access token", send("POST", "/api/token/blacklist/", encodeObject("refresh", pair.Access)), http.StatusUnauthorized)
	}
	// Both are mounted at once: the cookies of one Auth authenticate on the routes of that one only.
	pair := e.loginPair(e.alice)
	for a, status := range map[*core.Auth]int{withAndWithout: 200, withAndWithout.WithoutCookies(): 401} {
		for _, guard := range []core.Authenticator{a, a.Stateless(), a.CheckingSession()} {
			w := e.sendGetWith(e.Serve(e.Handler(func(Seen) {}), e.Required(guard)), "Cookie", "__Host-access="+pair.Access)
			e.wantStatus("a route by cookie", w, status)
		}
	}
}
