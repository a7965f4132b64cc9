package adaptertest

import (
	"net/http"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func plantedCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "a cookie that another host can set counts only beside the CSRF cookie of its session",
		rule: "otherwise a host of the same domain could log its own user in, and the visitor would work in that account",
		run:  (*env[H, M]).checkPlantedCookies,
	}, {
		name: "a logout with a planted cookie ends the user's session all the same",
		rule: "a host that can set a cookie must not be able to keep a user from logging out",
		run:  (*env[H, M]).checkPlantedLogout,
	}, {
		name: "a session with a narrow path lasts from login through refreshes",
		rule: "the CSRF cookie must be there as long as the refresh cookie is",
		run:  (*env[H, M]).checkNarrowSession,
	}}
}

// narrowPath sets AUTH_COOKIE_REFRESH_PATH.
func narrowPath(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookieRefreshPath = "/api/token/" }

// checkPlantedCookies sends a session's cookies with each CSRF cookie that another host could set beside them. The CSRF header is right
// each time, and the browser says that the request is of this origin: neither may help.
func (e *env[H, M]) checkPlantedCookies() {
	type route struct{ method, path string }
	for what, c := range map[string]struct {
		settings        func(*simplejwt.Settings, *core.Deps)
		access, refresh string // the names of the cookies
		csrf            string
		routes          []route
	}{
		"with a path of the refresh token's": {narrowPath, "", "__Secure-refresh", "__Host-csrftoken", []route{{"POST", "/api/token/refresh/"}, {"POST", "/api/token/blacklist/"}}},
		"with a path of both": {func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookiePath = "/api/" }, "__Secure-access", "__Secure-refresh", "__Host-csrftoken", []route{
			{"POST", "/api/token/refresh/"}, {"POST", "/api/token/blacklist/"}, {"POST", "/api/token/verify/"}, {"GET", "/api/token/sessions/"},
			{"DELETE", "/api/token/sessions/"}, {"GET", "/"}, {"POST", "/"},
		}},
		"with a domain": {func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookieDomain = "example.com" }, "__Secure-access", "__Secure-refresh", "__Secure-csrftoken", []route{
			{"POST", "/api/token/refresh/"}, {"POST", "/api/token/blacklist/"}, {"GET", "/"}, {"POST", "/"},
		}},
		"sliding": {func(s *simplejwt.Settings, _ *core.Deps) {
			s.AuthCookiePath, s.AuthTokenClasses = "/api/", []simplejwt.ClassName{core.SlidingToken}
		}, "__Secure-access", "", "__Host-csrftoken", []route{{"POST", "/api/token/sliding/refresh/"}, {"POST", "/api/token/blacklist/"}, {"GET", "/"}}},
	} {
		a := e.newAuth(withCookies(c.settings))
		app := e.newApp(a)
		for _, rt := range c.routes {
			for _, from := range []source{{site: "same-origin"}, {site: "none"}, {origin: "https://example.com"}, {}} {
				cookies, csrf := e.plantCookies(a, c.access, c.refresh)
				_, other := e.plantCookies(a, c.access, c.refresh)
				for _, try := range []struct {
					what, cookies string
					fits          bool
				}{
					{"no CSRF cookie", "", false}, {"that of another session", c.csrf + "=" + other, false}, {"an empty one", c.csrf + "=", false},
					{"two", c.csrf + "=" + csrf + "; " + c.csrf + "=" + other, false}, {"one of another name", "csrftoken=" + csrf, false},
					{"that of the session", c.csrf + "=" + csrf, true},
				} {
					before := e.countSessions(a)
					w := e.sendAttempt(app, attempt{method: rt.method, path: rt.path, contentType: jsonType, from: from, csrf: []string{csrf}, cookies: cookies + "; " + try.cookies})
					if try.fits && w.Code >= 300 || !try.fits && w.Code != 403 {
						e.Errorf("%s, %s %s, %+v, %s: %d %s", what, rt.method, rt.path, from, try.what, w.Code, w.Body)
					}
					if try.fits {
						continue
					}
					if e.wantDenial(w, 403, badCSRFToken); len(w.Header().Values("Set-Cookie")) > 0 || e.countSessions(a) != before {
						e.Errorf("%s: the rejected request set %q, and left %d sessions of %d", what, w.Header().Values("Set-Cookie"), e.countSessions(a), before)
					}
				}
			}
		}
	}
}

// plantCookies returns the cookies of a new session of alice under these names ("" for none), and its CSRF token. Without a name for the
// refresh token's it is a session of a sliding token.
func (e *env[H, M]) plantCookies(a *core.Auth, access, refresh string) (cookies, csrf string) {
	e.Helper()
	var pair core.Pair
	if refresh == "" {
		pair.Access = e.loginSliding()
	} else {
		pair = e.loginPair(e.alice)
		cookies = refresh + "=" + pair.Refresh
	}
	if access != "" {
		cookies += "; " + access + "=" + pair.Access
	}
	token, err := a.Decode(pair.Access)
	if err != nil {
		e.Fatal(err)
	}
	return cookies, csrfToken(a, token)
}

// checkPlantedLogout logs alice out beside a refresh token of bob, as another host could have planted it.
func (e *env[H, M]) checkPlantedLogout() {
	a := e.newAuth(withCookies(narrowPath))
	app := e.newApp(a)
	mine, bobs := e.loginPair(e.alice), e.loginPair(e.bob)
	token, _ := a.Decode(mine.Access)
	w := e.sendFromPage(app, "POST", "/api/token/blacklist/", "", "__Host-access="+mine.Access+"; __Secure-refresh="+bobs.Refresh+"; __Host-csrftoken="+csrfToken(a, token))
	if e.wantStatus("a logout", w, 200); len(w.Header().Values("Set-Cookie")) != 3 {
		e.Errorf("the logout cleared %q", w.Header().Values("Set-Cookie"))
	}
	e.wantActive("a logout", map[string]bool{mine.Access: false, bobs.Access: false})
}

// checkNarrowSession refreshes over the whole life of a session.
func (e *env[H, M]) checkNarrowSession() {
	for what, rotate := range map[string]bool{"with rotation": true, "without": false} {
		var later time.Duration
		now := time.Now().Truncate(time.Second)
		a := e.newAuth(withCookies(narrowPath, func(s *simplejwt.Settings, d *core.Deps) {
			s.RotateRefreshTokens, s.BlacklistAfterRotation = rotate, rotate
			d.Now = func() time.Time { return now.Add(later) }
		}))
		b := e.newBrowser(a)
		login := b.doRequest("POST", "/api/token/", credentials)
		e.wantLastingCSRF(what+", login", login)
		for _, later = range []time.Duration{time.Minute, time.Hour, 12 * time.Hour, 23*time.Hour + 59*time.Minute} {
			refreshed, got := b.doRequest("POST", "/api/token/refresh/", "{}"), b.doRequest("GET", "/", "")
			if refreshed.Status != 200 || got.Status != 200 {
				b.Errorf("%s, after %v: refresh %+v, route %+v", what, later, refreshed, got)
			}
			e.wantLastingCSRF(what+", refresh", refreshed)
		}
		b.wantPage("a logout", b.doRequest("POST", "/api/token/blacklist/", ""), 200, "{}", clearAccess,
			"__Secure-refresh=; Path=/api/token/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", clearCSRF)
		if n := e.countSessions(a); n != 0 {
			b.Errorf("%s: %d sessions after the logout", what, n)
		}
	}
}

// wantLastingCSRF checks that an answer sets the CSRF cookie for as long as the refresh cookie, or neither.
func (e *env[H, M]) wantLastingCSRF(what string, p page) {
	e.Helper()
	ages := map[string]int{}
	for _, line := range p.Set {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			e.Fatal(err)
		}
		ages[cookie.Name] = cookie.MaxAge
	}
	if ages["__Secure-refresh"] != ages["__Host-csrftoken"] {
		e.Errorf("%s: the cookies live for %v", what, ages)
	}
}
