package adaptertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func csrfCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "a request with a cookie must come from a page of this origin",
		rule: "a browser sends the cookies along with what any page asks for: only the origin of the page, or a CSRF token, distinguishes them",
		run:  (*env[H, M]).checkCrossSite,
	}, {
		name: "a request that names a session is rejected in any other",
		rule: "the user may have logged in as somebody else, in another tab, since the page made the request",
		run:  (*env[H, M]).checkAnotherSession,
	}, {
		name: "a request without a session must be JSON",
		rule: "it has no CSRF token, and no other site can send JSON; a route that lets visitors pass takes anything from them",
		run:  (*env[H, M]).checkNoSession,
	}, {
		name: "pages of trusted origins may send requests with cookies",
		rule: "exactly those of the setting: neither their neighbours nor their http twins",
		run:  (*env[H, M]).checkTrustedOrigins,
	}, {
		name: "the header counts before the cookie",
		rule: "only a program sends the header: its token counts, good or bad, and no other page can make a browser send it",
		run:  (*env[H, M]).checkHeaderFirst,
	}, {
		name: "two cookies of one name are rejected",
		rule: "a neighbouring host can add one, and must not choose who the user is",
		run:  (*env[H, M]).checkTwoCookies,
	}, {
		name: "cookies over plain http are for this machine only",
		rule: "AUTH_COOKIE_INSECURE that slips into production must set no cookie and accept none",
		run:  (*env[H, M]).checkInsecureCookies,
	}, {
		name: "a request for a websocket counts as one that changes something",
		rule: "any page may open one, by a GET and without a preflight, and what comes through it changes things",
		run:  (*env[H, M]).checkWebsocket,
	}, {
		name: "what a route answers to a cookie is kept out of all caches",
		rule: "a cache would serve it to the next visitor, and the Back button after a logout",
		run:  (*env[H, M]).checkCaches,
	}}
}

// The denials of requests with cookies.
const (
	otherSite    = `{"detail":"CSRF Failed: The request comes from another origin."}`
	badCSRFToken = `{"detail":"CSRF Failed: CSRF token missing or incorrect."}`
	notJSON      = `{"detail":"CSRF Failed: A request that does not say where it comes from must have a body of JSON."}`
	twoCookies   = `{"detail":"The request has several cookies of one name.","code":"bad_cookie"}`
	localOnly    = `{"detail":"AUTH_COOKIE_INSECURE is for localhost only: unset it and serve over TLS.","code":"insecure_cookie"}`
)

// source is what a browser says of where a request comes from, and what it means: "same" or "other" origin, or "" where the browser
// says nothing.
type source struct{ site, origin, means string }

// listSources returns what browsers, old and new, say of requests to https://example.com.
func listSources() []source {
	const here, other = "https://example.com", "https://evil.example"
	return []source{
		{"", "", ""},
		{"same-origin", "", "same"}, {"same-origin", here, "same"}, {"none", "", "same"},
		{"same-site", "", "other"}, {"same-site", "https://sub.example.com", "other"},
		{"cross-site", "", "other"}, {"cross-site", other, "other"}, {"cross-site", "null", "other"}, {"cross-site", here, "other"},
		{"", "null", ""}, // an old browser, under Referrer-Policy: no-referrer
		{"", here, "same"}, {"", other, "other"}, {"", "null, null", "other"}, {"", "https://sub.example.com", "other"},
		{"", "http://example.com", "other"}, {"", "https://example.com:8443", "other"}, {"", here + ".evil.example", "other"},
	}
}

// attempt is a request with cookies, of a page somewhere.
type attempt struct {
	method, path, contentType string
	from                      source
	csrf                      []string
	cookies                   string
	body                      string
}

// sendAttempt sends an attempt, with headers only for what is not "".
func (e *env[H, M]) sendAttempt(app http.Handler, a attempt) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequestWithContext(e.Context(), a.method, a.path, strings.NewReader(a.body))
	r.Header.Set("Content-Type", a.contentType)
	for name, value := range map[string]string{"Sec-Fetch-Site": a.from.site, "Origin": a.from.origin, "Cookie": a.cookies} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	for _, token := range a.csrf {
		r.Header.Add("X-CSRFToken", token)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// checkCrossSite goes through the table of route and method, what the browser says, the CSRF token, and the content type. A request that
// is rejected must also set no cookie and end no session.
func (e *env[H, M]) checkCrossSite() {
	a := e.newAuth(withCookies())
	app := e.newApp(a)
	strange := e.loginPair(e.bob)
	type route struct {
		name, method, path string
		good               int
	}
	const form = "application/x-www-form-urlencoded"
	routes := []route{
		{"login", "POST", "/api/token/", 200}, {"refresh", "POST", "/api/token/refresh/", 200}, {"verify", "POST", "/api/token/verify/", 200},
		{"blacklist", "POST", "/api/token/blacklist/", 200}, {"end of the sessions", "DELETE", "/api/token/sessions/", 204},
		{"list of the sessions", "GET", "/api/token/sessions/", 200}, {"HEAD of it", "HEAD", "/api/token/sessions/", 200},
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"} {
		routes = append(routes, route{"the application's " + method, method, "/", 200})
	}
	for _, rt := range routes {
		for _, from := range listSources() {
			for _, csrf := range []string{"none", "right", "another session's", "empty", "twice", "wrong"} {
				for _, contentType := range []string{jsonType, form} {
					pair := e.loginPair(e.alice)
					token, _ := a.Decode(pair.Access)
					other, _ := a.Decode(strange.Access)
					right := csrfToken(a, token)
					tokens := map[string][]string{
						"right": {right}, "another session's": {csrfToken(a, other)}, "empty": {""}, "twice": {right, right}, "wrong": {right[1:] + "x"},
					}[csrf]
					try := attempt{
						method: rt.method, path: rt.path, contentType: contentType, from: from, csrf: tokens,
						cookies: "__Host-access=" + pair.Access + "; __Host-refresh=" + pair.Refresh,
					}
					safe := rt.method == "GET" || rt.method == "HEAD" || rt.method == "OPTIONS"
					status, denial := rt.good, ""
					switch {
					case safe || from.means == "same":
					case from.means == "other":
						status, denial = 403, otherSite
					case rt.name == "login" && contentType != jsonType:
						status, denial = 403, notJSON
					case rt.name != "login" && csrf != "right":
						status, denial = 403, badCSRFToken
					}
					if rt.name == "login" {
						try.cookies, try.body = "", credentials
						if contentType == form {
							try.body = "username=alice&password=correct+horse"
						}
					}
					before := e.countSessions(a)
					w := e.sendAttempt(app, try)
					what := fmt.Sprintf("%s, Sec-Fetch-Site %q, Origin %q, CSRF token %s, %s", rt.name, from.site, from.origin, csrf, contentType)
					e.wantStatus(what, w, status)
					if denial == "" {
						continue
					}
					e.wantDenial(w, status, denial)
					if set := w.Header().Values("Set-Cookie"); len(set) > 0 || e.countSessions(a) != before {
						e.Errorf("%s: the rejected request set %q, and left %d sessions of %d", what, set, e.countSessions(a), before)
					}
				}
			}
			if err := a.RevokeUser(e.Context(), e.alice.ID, core.ReasonAdmin); err != nil {
				e.Fatal(err)
			}
		}
	}
}

func (e *env[H, M]) checkNoSession() {
	a := e.newAuth(withCookies())
	app := e.newApp(a)
	const form = "application/x-www-form-urlencoded"
	for _, cookies := range []string{"", "__Host-refresh=x", "__Host-refresh=x; __Host-refresh=y"} {
		w := e.sendAttempt(app, attempt{method: "POST", path: "/api/token/blacklist/", contentType: form, cookies: cookies})
		e.wantDenial(w, 403, notJSON)
		if set := w.Header().Values("Set-Cookie"); len(set) > 0 {
			e.Errorf("another site's logout set %q", set)
		}
		w = e.sendAttempt(app, attempt{method: "POST", path: "/api/token/blacklist/", contentType: jsonType, cookies: cookies})
		if set := w.Header().Values("Set-Cookie"); w.Code != 401 || len(set) != 3 {
			e.Errorf("a logout by JSON: %d, set %q", w.Code, set)
		}
	}
	// A visitor without cookies may send anything.
	open := e.Serve(e.Handler(func(Seen) {}), e.Optional(a))
	e.wantOK(e.sendAttempt(open, attempt{method: "POST", path: "/", contentType: form, from: source{site: "cross-site"}}))
	e.wantDenial(e.sendAttempt(open, attempt{method: "POST", path: "/", contentType: form, from: source{site: "cross-site"}, cookies: "__Host-access=" + e.loginPair(e.bob).Access}), 403, otherSite)
}

// checkTrustedOrigins compares an application route, a login and a refresh, which check the origin in different places.
func (e *env[H, M]) checkTrustedOrigins() {
	a := e.newAuth(withCookies(func(s *simplejwt.Settings, _ *core.Deps) {
		s.CSRFTrustedOrigins = []string{"https://app.example.com", "http://localhost:5173"}
	}))
	app := e.newApp(a)
	for _, c := range []struct {
		from  source
		trust bool
	}{
		{source{site: "same-site", origin: "https://app.example.com"}, true},
		{source{site: "cross-site", origin: "http://localhost:5173"}, true},
		{source{origin: "https://app.example.com"}, true}, {source{origin: "http://localhost:5173"}, true},
		{source{site: "same-site", origin: "http://app.example.com"}, false}, {source{origin: "http://app.example.com"}, false},
		{source{site: "same-site", origin: "https://app2.example.com"}, false}, {source{site: "cross-site", origin: "http://localhost:5174"}, false},
		{source{site: "same-site"}, false}, {source{site: "cross-site", origin: "null"}, false},
	} {
		pair := e.loginPair(e.alice)
		status := map[bool]int{true: 200, false: 403}[c.trust]
		cookies := "__Host-access=" + pair.Access + "; __Host-refresh=" + pair.Refresh
		what := fmt.Sprintf("Sec-Fetch-Site %q, Origin %q", c.from.site, c.from.origin)
		e.wantStatus(what, e.sendAttempt(app, attempt{method: "POST", path: "/", contentType: jsonType, from: c.from, cookies: cookies}), status)
		e.wantStatus(what+", login", e.sendAttempt(app, attempt{method: "POST", path: "/api/token/", contentType: jsonType, from: c.from, body: credentials}), status)
		e.wantStatus(what+", refresh", e.sendAttempt(app, attempt{method: "POST", path: "/api/token/refresh/", contentType: jsonType, from: c.from, cookies: cookies}), status)
	}
}

// checkHeaderFirst sends header and cookie of different users, so that the user shows which of them counted.
func (e *env[H, M]) checkHeaderFirst() {
	a := e.newAuth(withCookies())
	alice, bob := e.loginPair(e.alice).Access, e.loginPair(e.bob).Access
	for _, c := range []struct {
		what, authorization, cookie string
		status                      int
		user                        string
	}{
		{"both", "Bearer " + bob, alice, 200, "bob"},
		{"a bad header and a good cookie", "Bearer x", alice, 401, ""},
		{"half a header and a good cookie", "Bearer", alice, 401, ""},
		{"a good header and a bad cookie", "Bearer " + bob, "x", 200, "bob"},
		{"another's header and a good cookie", "Basic x", alice, 200, "alice"},
		{"no header and a good cookie", "", alice, 200, "alice"},
		{"no header and a bad cookie", "", "x", 401, ""},
		{"neither", "", "", 401, ""},
	} {
		user := ""
		app := e.Serve(e.Handler(func(s Seen) { user = s.Account.Username }), e.Required(a))
		r := httptest.NewRequestWithContext(e.Context(), http.MethodGet, "/", http.NoBody)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.cookie != "" {
			r.Header.Set("Cookie", "__Host-access="+c.cookie)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		e.wantStatus(c.what, w, c.status)
		if challenge := w.Header().Get("WWW-Authenticate"); user != c.user || (challenge != "") != (c.status == 401) {
			e.Errorf("%s: the user is %q, want %q; WWW-Authenticate is %q", c.what, user, c.user, challenge)
		}
		// A request with the header needs no CSRF token, one with the cookie does.
		r.Method = http.MethodPost
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w = httptest.NewRecorder()
		app.ServeHTTP(w, r)
		status := c.status
		if c.cookie != "" && (c.authorization == "" || c.authorization == "Basic x") {
			status = 403
		}
		e.wantStatus(c.what+" from another site", w, status)
	}
}

func (e *env[H, M]) checkTwoCookies() {
	a := e.newAuth(withCookies())
	app := e.newApp(a)
	mine, other := e.loginPair(e.alice), e.loginPair(e.bob)
	for _, c := range []struct{ method, path, name, one, two string }{
		{"GET", "/", "__Host-access", mine.Access, other.Access}, {"GET", "/", "__Host-access", mine.Access, mine.Access},
		{"GET", "/", "__Host-access", mine.Access, ""}, {"DELETE", "/api/token/sessions/", "__Host-access", mine.Access, other.Access},
		{"POST", "/api/token/refresh/", "__Host-refresh", mine.Refresh, other.Refresh}, {"POST", "/api/token/verify/", "__Host-access", mine.Access, other.Access},
		{"POST", "/api/token/sliding/refresh/", "__Host-access", "a", "b"},
	} {
		for _, between := range []string{"; ", "; x=y; "} {
			w := e.sendAttempt(app, attempt{
				method: c.method, path: c.path, contentType: jsonType, from: source{site: "same-origin"},
				cookies: c.name + "=" + c.one + between + c.name + "=" + c.two,
			})
			e.wantDenial(w, 401, twoCookies)
		}
	}
	if n := e.countSessions(a); n != 1 {
		e.Errorf("%d sessions after all these denials, want one", n)
	}
}

func (e *env[H, M]) checkInsecureCookies() {
	a := e.newAuth(withCookies(func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookieInsecure = true }))
	app := e.newApp(a)
	pair := e.loginPair(e.alice)
	for host, served := range map[string]bool{
		"http://localhost:8000": true, "http://127.0.0.1:8000": true, "http://[::1]:8000": true, "http://localhost": true,
		"http://example.com": false, "http://192.168.0.5:8000": false, "http://localhost.example.com": false,
	} {
		login := e.sendAttempt(app, attempt{method: "POST", path: host + "/api/token/", contentType: jsonType, from: source{site: "same-origin", origin: host}, body: credentials})
		route := e.sendAttempt(app, attempt{method: "GET", path: host + "/", contentType: jsonType, cookies: "access=" + pair.Access})
		if !served {
			e.wantDenial(login, 403, localOnly)
			e.wantDenial(route, 403, localOnly)
			if set := login.Header().Values("Set-Cookie"); len(set) > 0 {
				e.Errorf("%s gets %q", host, set)
			}
			continue
		}
		e.wantStatus(host, login, 200)
		e.wantOK(route)
		if set := login.Header().Values("Set-Cookie"); len(set) != 3 || !strings.HasSuffix(set[0], "; Path=/; Max-Age=300; HttpOnly; SameSite=Lax") || !strings.HasPrefix(set[0], "access=ey") {
			e.Errorf("%s: cookies %q", host, set)
		}
	}
	// Behind a proxy that rewrites the Host, the origin of the page decides.
	w := e.sendAttempt(app, attempt{method: "POST", path: "http://localhost:8000/api/token/", contentType: jsonType, from: source{site: "same-origin", origin: "https://example.com"}, body: credentials})
	e.wantDenial(w, 403, localOnly)
}

func (e *env[H, M]) checkWebsocket() {
	a := e.newAuth(withCookies())
	app := e.newApp(a)
	pair := e.loginPair(e.alice)
	for _, c := range []struct {
		from   source
		status int
	}{
		{source{site: "cross-site", origin: "https://evil.example"}, 403}, {source{origin: "https://evil.example"}, 403}, {source{}, 403},
		{source{site: "same-origin"}, 200}, {source{origin: "https://example.com"}, 200},
	} {
		r := httptest.NewRequestWithContext(e.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Upgrade", "h2c, WebSocket")
		r.Header.Set("Cookie", "__Host-access="+pair.Access)
		for name, value := range map[string]string{"Sec-Fetch-Site": c.from.site, "Origin": c.from.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		e.wantStatus(fmt.Sprintf("a websocket from %q, %q", c.from.site, c.from.origin), w, c.status)
	}
}

func (e *env[H, M]) checkCaches() {
	a := e.newAuth(withCookies())
	access := e.loginPair(e.alice).Access
	for _, c := range []struct {
		what, name, value string
		optional          bool
		status            int
		cache             string
	}{
		{"a good cookie", "Cookie", "__Host-access=" + access, false, 200, "no-store"},
		{"a good cookie where none is needed", "Cookie", "__Host-access=" + access, true, 200, "no-store"},
		{"a good header", "Authorization", "Bearer " + access, false, 200, ""},
		{"a visitor", "X", "y", true, 200, ""},
		{"nobody", "X", "y", false, 401, "no-store"},
		{"a bad cookie", "Cookie", "__Host-access=x", true, 401, "no-store"},
	} {
		guard := e.Required(a)
		if c.optional {
			guard = e.Optional(a)
		}
		w := e.sendGetWith(e.Serve(e.Handler(func(Seen) {}), guard), c.name, c.value)
		e.wantStatus(c.what, w, c.status)
		if vary, cache := w.Header().Get("Vary"), w.Header().Get("Cache-Control"); vary != "Cookie" || cache != c.cache {
			e.Errorf("%s: Vary is %q, Cache-Control %q; want Cookie, %q", c.what, vary, cache, c.cache)
		}
	}
}
