package adaptertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

const anotherSession = `{"detail":"The request was made in another session.","code":"another_session"}`

// checkAnotherSession sends what a page of bob made with the cookies of alice.
func (e *env[H, M]) checkAnotherSession() {
	a := e.newAuth(withCookies())
	app, open := e.newApp(a), e.Serve(e.Handler(func(Seen) {}), e.Optional(a))
	ofAlice, _ := a.Decode(e.loginPair(e.alice).Access)
	ofBob, _ := a.Decode(e.loginPair(e.bob).Access)
	for _, rt := range []struct {
		app          http.Handler
		method, path string
		good         int
	}{
		{app, "GET", "/", 200}, {app, "POST", "/", 200}, {open, "GET", "/", 200}, {open, "DELETE", "/", 200},
		{app, "GET", "/api/token/sessions/", 200}, {app, "DELETE", "/api/token/sessions/others/", 204},
		{app, "POST", "/api/token/refresh/", 200}, {app, "POST", "/api/token/verify/", 200}, {app, "POST", "/api/token/blacklist/", 200},
	} {
		for name, session := range map[string]string{"bob's": csrfToken(a, ofBob), "another session of alice": csrfToken(a, ofAlice), "none": "x", "an empty one": ""} {
			pair := e.loginPair(e.alice)
			before := e.countSessions(a)
			w := e.sendIn(rt.app, rt.method, rt.path, "__Host-access="+pair.Access+"; __Host-refresh="+pair.Refresh, session)
			e.wantDenial(w, http.StatusPreconditionFailed, anotherSession)
			if set := w.Header().Values("Set-Cookie"); len(set) > 0 || e.countSessions(a) != before {
				e.Errorf("%s %s in %s session set %q, and left %d sessions of %d", rt.method, rt.path, name, set, e.countSessions(a), before)
			}
		}
		pair := e.loginPair(e.alice)
		token, _ := a.Decode(pair.Access)
		w := e.sendIn(rt.app, rt.method, rt.path, "__Host-access="+pair.Access+"; __Host-refresh="+pair.Refresh, csrfToken(a, token))
		e.wantStatus(rt.method+" "+rt.path+" in its own session", w, rt.good)
	}
	login := e.sendIn(app, "POST", "/api/token/", "", "x")
	e.wantStatus("a login, which begins another session", login, http.StatusOK)
}

// sendIn sends a request that is meant for a session.
func (e *env[H, M]) sendIn(app http.Handler, method, path, cookies, session string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(e.Context(), method, path, strings.NewReader(credentials))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", cookies)
	r.Header.Set("If-Session", session)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}
