package adaptertest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func replacedCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "a login ends the session whose cookies it replaces",
		rule: "the browser has no token of it any more, so the user could not end it, but a thief with a copy could use it",
		run:  (*env[H, M]).checkLoginEndsReplaced,
	}, {
		name: "a login that fails ends no session",
		rule: "or a wrong password, or a page of another site, would log the user out",
		run:  (*env[H, M]).checkFailedLogin,
	}, {
		name: "a login succeeds where the session before can't be ended",
		rule: "rejecting the login would leave the old session as active as it was; an event names that session",
		run:  (*env[H, M]).checkLoginWithoutRevoke,
	}, {
		name: "a logout ends every session whose cookies it clears",
		rule: "the cookies may be those of two sessions: a session whose tokens the browser deletes must not stay active",
		run:  (*env[H, M]).checkLogoutEndsCleared,
	}, {
		name: "a logout that can't end a session clears no cookie",
		rule: "the client must be able to try again, for each of the sessions",
		run:  (*env[H, M]).checkLogoutWithoutRevoke,
	}}
}

// pairCookies returns a Cookie header with a pair under the default names.
func pairCookies(access, refresh string) string {
	return "__Host-access=" + access + "; __Host-refresh=" + refresh
}

// sendFromPage sends a request as a page of this origin does, with cookies and in JSON.
func (e *env[H, M]) sendFromPage(app http.Handler, method, path, body, cookies string) *httptest.ResponseRecorder {
	e.Helper()
	return e.sendAttempt(app, attempt{method: method, path: path, contentType: jsonType, from: source{site: "same-origin"}, cookies: cookies, body: body})
}

// wantActive compares which sessions of tokens are active.
func (e *env[H, M]) wantActive(what string, want map[string]bool) {
	e.Helper()
	for raw, active := range want {
		state, err := e.store.State(e.Context(), "", e.readSessionID(raw))
		if err != nil || state.Latest == nil {
			e.Fatalf("%s: no session, %v", what, err)
		}
		if !state.Latest.Blacklisted != active {
			e.Errorf("%s: the session of user %s is active: %t, want %t", what, state.Latest.UserID, !active, active)
		}
	}
}

// checkLoginEndsReplaced logs alice in over cookies of every kind and looks which of three sessions are active then. The third is that of
// another browser and must stay.
func (e *env[H, M]) checkLoginEndsReplaced() {
	var later time.Duration
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return time.Now().Add(later) } }))
	app := e.newApp(a)
	for _, path := range []string{"/api/token/", "/api/token/sliding/"} {
		for what, c := range map[string]struct {
			cookies func(mine, bobs core.Pair) string
			mine    bool // the session of mine ends
			bobs    bool
			later   time.Duration
		}{
			"no cookies":                {func(core.Pair, core.Pair) string { return "x=y" }, false, false, 0},
			"those of one session":      {func(mine, _ core.Pair) string { return pairCookies(mine.Access, mine.Refresh) }, true, false, 0},
			"the access token's alone":  {func(mine, _ core.Pair) string { return "__Host-access=" + mine.Access }, true, false, 0},
			"the refresh token's alone": {func(mine, _ core.Pair) string { return "__Host-refresh=" + mine.Refresh }, true, false, 0},
			"those of another user":     {func(_, bobs core.Pair) string { return pairCookies(bobs.Access, bobs.Refresh) }, false, true, 0},
			"those of two sessions":     {func(mine, bobs core.Pair) string { return pairCookies(mine.Access, bobs.Refresh) }, true, true, 0},
			"two of one name": {func(mine, bobs core.Pair) string {
				return pairCookies(mine.Access, mine.Refresh) + "; __Host-refresh=" + bobs.Refresh
			}, true, true, 0},
			"garbage beside a good one":   {func(mine, _ core.Pair) string { return pairCookies(mine.Access, "x") }, true, false, 0},
			"a token that has expired":    {func(mine, _ core.Pair) string { return "__Host-access=" + mine.Access }, true, false, time.Hour},
			"a token that is not ours":    {func(mine, _ core.Pair) string { return "__Host-access=" + mine.Access[:len(mine.Access)-4] + "AAAA" }, false, false, 0},
			"a cookie that is not ours":   {func(mine, _ core.Pair) string { return "access=" + mine.Access + "; __Secure-refresh=" + mine.Refresh }, false, false, 0},
			"those of a session that was": {func(mine, _ core.Pair) string { e.endSession(mine); return pairCookies(mine.Access, mine.Refresh) }, true, false, 0},
		} {
			later = 0
			mine, bobs, other := e.loginPair(e.alice), e.loginPair(e.bob), e.loginPair(e.alice)
			cookies := c.cookies(mine, bobs)
			later = c.later
			w := e.sendFromPage(app, "POST", path, credentials, cookies)
			e.wantStatus(what, w, 200)
			fresh := ""
			for _, line := range w.Header().Values("Set-Cookie") {
				if value, ok := strings.CutPrefix(line, "__Host-access="); ok {
					fresh, _, _ = strings.Cut(value, ";")
				}
			}
			e.wantActive(what+" at "+path, map[string]bool{mine.Access: !c.mine, bobs.Access: !c.bobs, other.Access: true, fresh: true})
		}
	}
	w := e.sendFromPage(app, "POST", "/api/token/sliding/", credentials, "x=y")
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	sliding := strings.TrimPrefix(cookie, "__Host-access=")
	e.wantStatus("a login over a sliding token", e.sendFromPage(app, "POST", "/api/token/", credentials, cookie), 200)
	e.wantActive("a login over a sliding token", map[string]bool{sliding: false})
	mine := e.loginPair(e.alice)
	r := httptest.NewRequestWithContext(e.Context(), "POST", "/api/token/", strings.NewReader(credentials))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Cookie", pairCookies(mine.Access, mine.Refresh))
	e.newApp(a.WithoutCookies()).ServeHTTP(httptest.NewRecorder(), r)
	e.wantActive("a login without cookies", map[string]bool{mine.Access: true})
}

// endSession ends the session of a pair of alice's.
func (e *env[H, M]) endSession(pair core.Pair) {
	e.Helper()
	if err := e.auth.RevokeSession(e.Context(), e.alice.ID, e.readSessionID(pair.Access), core.ReasonAdmin); err != nil {
		e.Fatal(err)
	}
}

func (e *env[H, M]) checkFailedLogin() {
	long := false
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, _ simplejwt.User, t *core.Token) error {
			if long {
				t.Set("story", strings.Repeat("long ", 700))
			}
			return nil
		}
	}))
	app := e.newApp(a)
	mine := e.loginPair(e.alice)
	for _, path := range []string{"/api/token/", "/api/token/sliding/"} {
		good := attempt{method: "POST", path: path, contentType: jsonType, from: source{site: "same-origin"}, cookies: pairCookies(mine.Access, mine.Refresh), body: credentials}
		wrong, crossSite, noForm := good, good, good
		wrong.body = `{"username":"alice","password":"x"}`
		crossSite.from = source{site: "cross-site"}
		noForm.from, noForm.contentType = source{}, "text/plain"
		e.wantStatus("a wrong password", e.sendAttempt(app, wrong), 401)
		e.wantStatus("another site", e.sendAttempt(app, crossSite), 403)
		e.wantStatus("a form", e.sendAttempt(app, noForm), 403)
		long = true
		e.wantStatus("tokens that are too long", e.sendAttempt(app, good), 500)
		long = false
		e.wantActive(path, map[string]bool{mine.Access: true})
	}
}

// noRevokeStore is a store that ends no session.
type noRevokeStore struct{ core.Store }

func (noRevokeStore) Revoke(context.Context, core.Scope, core.Reason, time.Time) (int, error) {
	return 0, io.ErrUnexpectedEOF
}

func (e *env[H, M]) checkLoginWithoutRevoke() {
	var failed []core.Event
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) {
		d.Store = noRevokeStore{e.store}
		d.OnEvent = func(_ context.Context, event core.Event) {
			if event.Type == core.EventRevokeFailed {
				failed = append(failed, event)
			}
		}
	}))
	mine := e.loginPair(e.alice)
	w := e.sendFromPage(e.newApp(a), "POST", "/api/token/", credentials, pairCookies(mine.Access, mine.Refresh))
	if e.wantStatus("the login", w, 200); len(w.Header().Values("Set-Cookie")) != 3 {
		e.Errorf("the login set %q", w.Header().Values("Set-Cookie"))
	}
	if len(failed) != 1 || failed[0].SessionID != e.readSessionID(mine.Access) {
		e.Errorf("events %+v, want one that names the old session", failed)
	}
}

// checkLogoutEndsCleared logs out by cookies of two sessions, in every order and with garbage between them.
func (e *env[H, M]) checkLogoutEndsCleared() {
	var later time.Duration
	a := e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return time.Now().Add(later) } }))
	app := e.newApp(a)
	for what, c := range map[string]struct {
		path    string // "" for the blacklist view
		cookies func(mine, bobs core.Pair) string
		status  int
		bobs    bool // bob's session ends too
		later   time.Duration
	}{
		"those of two sessions":     {"", func(mine, bobs core.Pair) string { return pairCookies(mine.Access, bobs.Refresh) }, 200, true, 0},
		"the other way round":       {"", func(mine, bobs core.Pair) string { return pairCookies(bobs.Access, mine.Refresh) }, 200, true, 0},
		"garbage beside a good one": {"", func(mine, _ core.Pair) string { return pairCookies(mine.Access, "x") }, 401, false, 0},
		"a good one beside garbage": {"", func(mine, _ core.Pair) string { return pairCookies("x", mine.Refresh) }, 200, false, 0},
		"two of one name": {"", func(mine, bobs core.Pair) string {
			return "__Host-refresh=" + bobs.Refresh + "; __Host-refresh=" + mine.Refresh
		}, 401, true, 0},
		"two of one name, far apart": {"", func(mine, bobs core.Pair) string {
			return "__Host-access=" + bobs.Access + "; " + pairCookies(mine.Access, "")
		}, 401, true, 0},
		"an expired one":                   {"", func(mine, _ core.Pair) string { return pairCookies(mine.Access, "") }, 401, false, time.Hour},
		"an expired one beside a good one": {"", func(mine, bobs core.Pair) string { return pairCookies(mine.Access, bobs.Refresh) }, 200, true, time.Hour},
		"one that was used before":         {"", func(mine, _ core.Pair) string { e.rotatePair(mine); return "__Host-refresh=" + mine.Refresh }, 401, false, 0},
		"all sessions of the user":         {"sessions/", func(mine, bobs core.Pair) string { return pairCookies(mine.Access, bobs.Refresh) }, 204, true, 0},
		"this session":                     {"this", func(mine, bobs core.Pair) string { return pairCookies(mine.Access, bobs.Refresh) }, 204, true, 0},
	} {
		later = 0
		mine, bobs := e.loginPair(e.alice), e.loginPair(e.bob)
		cookies := c.cookies(mine, bobs)
		later = c.later
		method, path := "DELETE", c.path
		switch path {
		case "":
			method, path = "POST", "blacklist/"
		case "this":
			path = "sessions/" + e.readSessionID(mine.Access) + "/"
		}
		w := e.sendFromPage(app, method, "/api/token/"+path, "", cookies)
		if e.wantStatus(what, w, c.status); len(w.Header().Values("Set-Cookie")) != 3 {
			e.Errorf("%s: cleared %q", what, w.Header().Values("Set-Cookie"))
		}
		e.wantActive(what, map[string]bool{mine.Access: false, bobs.Access: !c.bobs})
	}
	later = 0
	mine, bobs := e.loginPair(e.alice), e.loginPair(e.bob)
	w := e.sendAttempt(app, attempt{method: "POST", path: "/api/token/blacklist/", contentType: jsonType, from: source{site: "cross-site"}, cookies: pairCookies(mine.Access, bobs.Refresh)})
	e.wantDenial(w, 403, otherSite)
	e.wantActive("another site's logout", map[string]bool{mine.Access: true, bobs.Access: true})
}

// rotatePair refreshes by a pair.
func (e *env[H, M]) rotatePair(pair core.Pair) {
	e.Helper()
	if _, _, err := e.auth.Refresh(e.Context(), pair.Refresh); err != nil {
		e.Fatal(err)
	}
}

// keepBobStore is a store that does not end bob's sessions.
type keepBobStore struct{ core.Store }

func (s keepBobStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if scope.Owner != nil && *scope.Owner == "2" {
		return 0, io.ErrUnexpectedEOF
	}
	return s.Store.Revoke(ctx, scope, reason, now)
}

func (e *env[H, M]) checkLogoutWithoutRevoke() {
	app := e.newApp(e.newAuth(withCookies(func(_ *simplejwt.Settings, d *core.Deps) { d.Store = keepBobStore{e.store} })))
	for _, c := range [][2]string{{"POST", "blacklist/"}, {"DELETE", "sessions/"}} {
		mine, bobs := e.loginPair(e.alice), e.loginPair(e.bob)
		cookies := "__Host-access=" + mine.Access + "; __Host-refresh=" + mine.Refresh + "; __Host-refresh=" + bobs.Refresh
		w := e.sendFromPage(app, c[0], "/api/token/"+c[1], "", cookies)
		if e.wantDenial(w, 503, unavailable); len(w.Header().Values("Set-Cookie")) > 0 {
			e.Errorf("%s cleared %q", c[1], w.Header().Values("Set-Cookie"))
		}
		e.wantActive(c[1], map[string]bool{mine.Access: false, bobs.Access: true})
	}
}
