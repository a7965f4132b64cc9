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
		run:  (*env[H, M]).cookiesOfAPair,
	}, {
		name: "a refresh without rotation sets the access token's cookie alone",
		rule: "the refresh token goes on as it is, and so does what proves its session",
		run:  (*env[H, M]).cookiesWithoutRotation,
	}, {
		name: "sliding tokens travel in cookies",
		rule: "their one cookie is that of access tokens, and the logout ends their session too",
		run:  (*env[H, M]).cookiesOfASlidingToken,
	}, {
		name: "a logout clears the cookies whatever is left of the session",
		rule: "a script can't remove them: whoever logs out must be rid of them, but not by trouble with the database",
		run:  (*env[H, M]).logoutsClear,
	}, {
		name: "the end of one's own session clears the cookies",
		rule: "the end of another's must not, and a client with the header has none",
		run:  (*env[H, M]).sessionsClear,
	}, {
		name: "a lost race changes no cookie",
		rule: "the quicker of two refreshes has set the cookies by then: the other must not take them away",
		run:  (*env[H, M]).lostRace,
	}, {
		name: "tokens that are too long for a cookie are an error",
		rule: "browsers drop such a cookie in silence, so the login must fail, and leave no session that nobody has",
		run:  (*env[H, M]).tooLong,
	}, {
		name: "without AUTH_COOKIE, and mounted without cookies, nothing is different",
		rule: "clients with the header go on as before: tokens are in bodies, and cookies open nothing",
		run:  (*env[H, M]).headerMode,
	}}
}

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

// sessions is how many sessions alice has.
func (e *env[H, M]) sessions(a *core.Auth) int {
	e.Helper()
	all, err := a.Sessions(e.Context(), e.alice.ID)
	if err != nil {
		e.Fatal(err)
	}
	return len(all)
}

func (e *env[H, M]) cookiesOfAPair() {
	a := e.newAuth(stillCookies())
	b := e.browse(a)
	b.want("nobody", b.do("GET", "/", ""), 401, NotProvided)
	b.want("a login", b.do("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	first := b.jar("/")
	if token, err := a.Decode(first["__Host-refresh"]); err != nil || csrfToken(a, token) != first["__Host-csrftoken"] {
		b.Errorf("the CSRF token %q is not that of the session: %v", first["__Host-csrftoken"], err)
	}
	b.want("a route", b.do("GET", "/", ""), 200, "ok")
	b.want("a route that changes something", b.do("POST", "/", "{}"), 200, "ok")
	b.want("verify", b.do("POST", "/api/token/verify/", ""), 200, "{}")
	b.want("a refresh", b.do("POST", "/api/token/refresh/", `{"refresh":"not this one"}`), 200, "{}", setAccess, setRefresh, setCSRF)
	second := b.jar("/")
	if second["__Host-refresh"] == first["__Host-refresh"] || second["__Host-access"] == first["__Host-access"] {
		b.Error("the refresh set the same tokens again")
	}
	if second["__Host-csrftoken"] != first["__Host-csrftoken"] {
		b.Error("the CSRF token changed within the session: a page that has read it would be refused")
	}
	if n := e.sessions(a); n != 1 {
		b.Errorf("%d sessions, want the one", n)
	}
	b.want("a login with another password", b.do("POST", "/api/token/", `{"username":"alice","password":"x"}`), 401, `{"detail":"No active account found with the given credentials"}`)
	b.want("a logout", b.do("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
	if n := e.sessions(a); n != 0 || len(b.jar("/")) != 0 {
		b.Errorf("after the logout there are %d sessions and the cookies %v", n, b.jar("/"))
	}
	b.want("a refresh after it", b.do("POST", "/api/token/refresh/", ""), 401, NotProvided)
	b.want("a route after it", b.do("POST", "/", "{}"), 401, NotProvided)

	narrow := e.browse(e.newAuth(stillCookies(func(s *simplejwt.Settings, _ *core.Deps) {
		s.AuthCookieRefreshPath, s.AuthCookieSameSite, s.AuthCookieAccess = "/api/token/", "Strict", "__Host-a"
	})))
	narrow.want("a login with settings", narrow.do("POST", "/api/token/", credentials), 200, "{}",
		"__Host-a=...; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Strict",
		"__Secure-refresh=...; Path=/api/token/; Max-Age=86400; HttpOnly; Secure; SameSite=Strict",
		"__Host-csrftoken=...; Path=/; Max-Age=86400; Secure; SameSite=Strict")
	if here, there := narrow.jar("/")["__Secure-refresh"], narrow.jar("/api/token/refresh/")["__Secure-refresh"]; here != "" || there == "" {
		b.Errorf("the refresh token travels to /: %t, to its view: %t", here != "", there != "")
	}
	narrow.want("a logout with settings", narrow.do("POST", "/api/token/blacklist", ""), 200, "{}",
		"__Host-a=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		"__Secure-refresh=; Path=/api/token/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		"__Host-csrftoken=; Path=/; Max-Age=0; Secure; SameSite=Strict")
}

func (e *env[H, M]) cookiesWithoutRotation() {
	a := e.newAuth(stillCookies(func(s *simplejwt.Settings, _ *core.Deps) {
		s.RotateRefreshTokens, s.BlacklistAfterRotation = false, false
	}))
	b := e.browse(a)
	b.want("a login", b.do("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	b.want("a refresh", b.do("POST", "/api/token/refresh/", ""), 200, "{}", setAccess)
	b.want("the route", b.do("POST", "/", ""), 200, "ok")
	b.want("a logout", b.do("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
}

func (e *env[H, M]) cookiesOfASlidingToken() {
	a := e.newAuth(stillCookies(func(s *simplejwt.Settings, _ *core.Deps) { s.AuthTokenClasses = []core.ClassName{core.SlidingToken} }))
	b := e.browse(a)
	const setShortCSRF = "__Host-csrftoken=...; Path=/; Max-Age=300; Secure; SameSite=Lax"
	b.want("a login", b.do("POST", "/api/token/sliding/", credentials), 200, "{}", setAccess, setShortCSRF)
	csrf := b.jar("/")["__Host-csrftoken"]
	b.want("the route", b.do("GET", "/", ""), 200, "ok")
	b.want("a refresh", b.do("POST", "/api/token/sliding/refresh/", ""), 200, "{}", setAccess, setShortCSRF)
	if b.jar("/")["__Host-csrftoken"] != csrf {
		b.Error("the CSRF token changed within the session")
	}
	b.want("verify", b.do("POST", "/api/token/verify/", ""), 200, "{}")
	stolen := b.jar("/")["__Host-access"]
	b.want("a logout", b.do("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess, clearRefresh, clearCSRF)
	if n := e.sessions(a); n != 0 {
		b.Errorf("%d sessions after the logout", n)
	}
	if _, _, err := a.AuthenticateToken(e.Context(), stolen); err == nil {
		b.Error("the sliding token is good after its logout")
	}
}

func (e *env[H, M]) logoutsClear() {
	cleared := []string{clearAccess, clearRefresh, clearCSRF}
	var later time.Duration
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return time.Now().Add(later) } }))
	b := e.browse(a)
	logout := func(header ...string) page { return b.do("POST", "/api/token/blacklist/", "", header...) }

	b.want("nobody's logout", logout(), 401, NotProvided, cleared...)
	pair := e.login(e.alice)
	b.want("a logout without the refresh token", logout("Cookie", "__Host-access="+pair.Access), 200, "{}", cleared...)
	if n := e.sessions(a); n != 0 {
		b.Errorf("%d sessions after the logout by the access token", n)
	}
	b.want("a second one", logout("Cookie", "__Host-access="+pair.Access), 401,
		`{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is blacklisted"}]}`, cleared...)
	b.want("a second one with the refresh token", logout("Cookie", "__Host-refresh="+pair.Refresh), 401, blacklisted, cleared...)
	b.want("garbage", logout("Cookie", "__Host-refresh=x"), 401, `{"detail":"Token is invalid","code":"token_not_valid"}`, cleared...)
	b.want("two cookies", logout("Cookie", "__Host-refresh=x; __Host-refresh="+pair.Refresh), 401, twoCookies, cleared...)
	pair = e.login(e.alice)
	later = 25 * time.Hour
	b.want("an expired token", logout("Cookie", "__Host-refresh="+pair.Refresh), 401, `{"detail":"Token is expired","code":"token_not_valid"}`, cleared...)

	broken := e.browse(e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Store = refreshTrouble{e.store} })))
	pair = e.login(e.alice)
	for _, path := range []string{"/api/token/blacklist/", "/api/token/refresh/"} {
		broken.want("trouble at "+path, broken.do("POST", path, "", "Cookie", "__Host-refresh="+pair.Refresh), 503, unavailable)
	}
}

// refreshTrouble is a store whose refreshes and logouts fail.
type refreshTrouble struct{ core.Store }

func (refreshTrouble) Rotate(context.Context, core.Rotation) (core.OutstandingToken, bool, error) {
	return core.OutstandingToken{}, false, io.ErrUnexpectedEOF
}

func (refreshTrouble) Blacklist(context.Context, string, *string, core.Reason, time.Time) (found, won bool, err error) {
	return false, false, io.ErrUnexpectedEOF
}

func (e *env[H, M]) sessionsClear() {
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
		b := e.browse(a)
		mine, other := e.login(e.alice), e.login(e.alice)
		path := "/api/token/sessions/" + c.path(e.session(mine.Access), e.session(other.Access))
		b.want(c.what, b.do("DELETE", path, "", "Cookie", "__Host-access="+mine.Access), 204, "", c.set...)
		mine, other = e.login(e.alice), e.login(e.alice)
		path = "/api/token/sessions/" + c.path(e.session(mine.Access), e.session(other.Access))
		b.want(c.what+", by the header", b.do("DELETE", path, "", "Authorization", "Bearer "+mine.Access), 204, "")
	}
}

func (e *env[H, M]) lostRace() {
	b := e.browse(e.newAuth(stillCookies()))
	b.want("a login", b.do("POST", "/api/token/", credentials), 200, "{}", setAccess, setRefresh, setCSRF)
	consumed := "__Host-refresh=" + b.jar("/")["__Host-refresh"]
	b.want("the quicker refresh", b.do("POST", "/api/token/refresh/", ""), 200, "{}", setAccess, setRefresh, setCSRF)
	before := b.jar("/")
	b.client.Jar, _ = cookiejar.New(nil) // its cookies would be added to those of the other tab
	b.want("the other", b.do("POST", "/api/token/refresh/", "", "Cookie", consumed), 401, blacklisted)
	b.want("the quicker one goes on", b.do("POST", "/api/token/refresh/", "", "Cookie", "__Host-refresh="+before["__Host-refresh"]), 200, "{}", setAccess, setRefresh, setCSRF)
}

func (e *env[H, M]) tooLong() {
	for _, class := range []core.ClassName{core.AccessToken, core.RefreshToken, core.SlidingToken} {
		a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
				if t.Class().Name == class {
					t.Set("story", strings.Repeat("long ", 700))
				}
				return nil
			}
		}))
		b := e.browse(a)
		path := "/api/token/"
		if class == core.SlidingToken {
			path += "sliding/"
		}
		b.want("a login with a long "+string(class), b.do("POST", path, credentials), 500, serverError)
		if n := e.sessions(a); n != 0 {
			b.Errorf("%s: %d sessions are left of a login that failed", class, n)
		}
	}
}

func (e *env[H, M]) headerMode() {
	withAndWithout := e.newAuth(withCookies())
	for what, a := range map[string]*core.Auth{"without AUTH_COOKIE": e.auth, "mounted without cookies": withAndWithout.WithoutCookies()} {
		app := e.app(a)
		pair := e.login(e.alice)
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
		e.values(send("POST", "/api/token/", credentials, "Sec-Fetch-Site", "cross-site"), "access", "refresh")
		e.values(send("POST", "/api/token/sliding/", credentials), "token")
		e.wantRefusal(send("GET", "/", ""), http.StatusUnauthorized, NotProvided)
		e.wantRefusal(send("DELETE", "/api/token/sessions/", ""), http.StatusUnauthorized, NotProvided)
		e.wantStatus("refresh by cookie", send("POST", "/api/token/refresh/", ""), http.StatusBadRequest)
		e.wantStatus("verify by cookie", send("POST", "/api/token/verify/", ""), http.StatusBadRequest)
		e.wantStatus("logout by cookie", send("POST", "/api/token/blacklist/", ""), http.StatusBadRequest)
		e.wantOK(send("POST", "/", "", "Authorization", "Bearer "+pair.Access, "Origin", "https://app.example.com"))
		e.values(send("POST", "/api/token/refresh/", object("refresh", pair.Refresh)), "access", "refresh")
		e.wantStatus("logout by an access token", send("POST", "/api/token/blacklist/", object("refresh", pair.Access)), http.StatusUnauthorized)
	}
	// Both at once: the cookies of the one Auth open the routes of that one only.
	pair := e.login(e.alice)
	for a, status := range map[*core.Auth]int{withAndWithout: 200, withAndWithout.WithoutCookies(): 401} {
		for _, guard := range []core.Authenticator{a, a.Stateless(), a.CheckingSession()} {
			w := e.getWith(e.Serve(e.Handler(func(Seen) {}), e.Required(guard)), "Cookie", "__Host-access="+pair.Access)
			e.wantStatus("a route by cookie", w, status)
		}
	}
}
