package adaptertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-simplejwt/simplejwt/views"
)

func endpointCases[H, M any]() []testCase[H, M] {
	const rule = "a view becomes a handler of the framework that an application may mount wherever it likes"
	return []testCase[H, M]{
		{name: "the views of a pair do their work one by one", rule: rule, run: (*env[H, M]).checkPairViews},
		{name: "the views of a sliding token do their work one by one", rule: rule, run: (*env[H, M]).checkSlidingViews},
		{name: "the views without users answer one by one", rule: rule, run: (*env[H, M]).checkOtherViews},
	}
}

func (e *env[H, M]) checkPairViews() {
	obtain, refresh, verify, blacklist := views.ObtainPair(e.auth), views.Refresh(e.auth), views.Verify(e.auth), views.Blacklist(e.auth)
	login := e.wantTokens(e.postObject(obtain, "username", "alice", "password", password), "access", "refresh")
	e.wantTokens(e.postObject(verify, "token", login["access"]))

	rotated := e.wantTokens(e.postObject(refresh, "refresh", login["refresh"]), "access", "refresh")
	e.wantOK(e.sendGet(e.Serve(e.Handler(func(Seen) {}), e.Required(e.auth)), "Bearer "+rotated["access"]))
	e.wantTokens(e.postObject(verify, "token", rotated["refresh"]))

	e.wantTokens(e.postObject(blacklist, "refresh", rotated["refresh"]))
	e.wantStatus("verify of a blacklisted token", e.postObject(verify, "token", rotated["refresh"]), http.StatusBadRequest)
	e.wantStatus("refresh with a blacklisted token", e.postObject(refresh, "refresh", rotated["refresh"]), http.StatusUnauthorized)
	e.wantStatus("blacklist of a blacklisted token", e.postObject(blacklist, "refresh", rotated["refresh"]), http.StatusUnauthorized)
	e.wantStatus("login with another password", e.postObject(obtain, "username", "alice", "password", "x"), http.StatusUnauthorized)
}

func (e *env[H, M]) checkSlidingViews() {
	obtain, refresh := views.ObtainSliding(e.auth), views.RefreshSliding(e.auth)
	login := e.wantTokens(e.postObject(obtain, "username", "alice", "password", password), "token")
	later := e.wantTokens(e.postObject(refresh, "token", login["token"]), "token")
	e.wantTokens(e.postObject(views.Verify(e.auth), "token", later["token"]))
	e.wantStatus("refresh sliding with an access token", e.postObject(refresh, "token", e.loginPair(e.alice).Access), http.StatusUnauthorized)
	e.wantStatus("login with another password", e.postObject(obtain, "username", "alice", "password", "x"), http.StatusUnauthorized)
}

func (e *env[H, M]) checkOtherViews() {
	client := e.Serve(e.Wrap(views.BrowserClient()))
	w := e.sendGet(client)
	e.wantStatus("the client for browsers", w, http.StatusOK)
	if got := w.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" || w.Body.Len() == 0 {
		e.Errorf("the client for browsers: %d bytes of %q", w.Body.Len(), got)
	}
	e.wantStatus("a POST to it", e.postObject(views.BrowserClient()), http.StatusMethodNotAllowed)
	w = e.sendGet(e.Serve(e.Wrap(views.MethodNotAllowed(http.MethodPut))))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "PUT, OPTIONS" {
		e.Errorf("the view without methods: %d, Allow is %q", w.Code, w.Header().Get("Allow"))
	}
}

// wantTokens returns the members of a 200 that has exactly these, all of them tokens.
func (e *env[H, M]) wantTokens(w *httptest.ResponseRecorder, names ...string) map[string]string {
	e.Helper()
	out := map[string]string{}
	if err := json.Unmarshal(w.Body.Bytes(), &out); w.Code != http.StatusOK || err != nil || len(out) != len(names) {
		e.Fatalf("answer %d %s, want 200 with %q", w.Code, w.Body, names)
	}
	for _, name := range names {
		if strings.Count(out[name], ".") != 2 {
			e.Fatalf("%s is %q, want a token", name, out[name])
		}
	}
	return out
}

// wantStatus compares the status of an answer.
func (e *env[H, M]) wantStatus(what string, w *httptest.ResponseRecorder, status int) {
	e.Helper()
	if w.Code != status {
		e.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, status)
	}
}
