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
		{name: "the views of a pair do their work one by one", rule: rule, run: (*env[H, M]).pairViews},
		{name: "the views of a sliding token do their work one by one", rule: rule, run: (*env[H, M]).slidingViews},
		{name: "the views without users answer one by one", rule: rule, run: (*env[H, M]).otherViews},
	}
}

func (e *env[H, M]) pairViews() {
	obtain, refresh, verify, blacklist := views.ObtainPair(e.auth), views.Refresh(e.auth), views.Verify(e.auth), views.Blacklist(e.auth)
	login := e.values(e.post(obtain, "username", "alice", "password", password), "access", "refresh")
	e.values(e.post(verify, "token", login["access"]))

	rotated := e.values(e.post(refresh, "refresh", login["refresh"]), "access", "refresh")
	e.wantOK(e.get(e.Serve(e.Handler(func(Seen) {}), e.Required(e.auth)), "Bearer "+rotated["access"]))
	e.values(e.post(verify, "token", rotated["refresh"]))

	e.values(e.post(blacklist, "refresh", rotated["refresh"]))
	e.wantStatus("verify of a blacklisted token", e.post(verify, "token", rotated["refresh"]), http.StatusBadRequest)
	e.wantStatus("refresh with a blacklisted token", e.post(refresh, "refresh", rotated["refresh"]), http.StatusUnauthorized)
	e.wantStatus("blacklist of a blacklisted token", e.post(blacklist, "refresh", rotated["refresh"]), http.StatusUnauthorized)
	e.wantStatus("login with another password", e.post(obtain, "username", "alice", "password", "x"), http.StatusUnauthorized)
}

func (e *env[H, M]) slidingViews() {
	obtain, refresh := views.ObtainSliding(e.auth), views.RefreshSliding(e.auth)
	login := e.values(e.post(obtain, "username", "alice", "password", password), "token")
	later := e.values(e.post(refresh, "token", login["token"]), "token")
	e.values(e.post(views.Verify(e.auth), "token", later["token"]))
	e.wantStatus("refresh sliding with an access token", e.post(refresh, "token", e.login(e.alice).Access), http.StatusUnauthorized)
	e.wantStatus("login with another password", e.post(obtain, "username", "alice", "password", "x"), http.StatusUnauthorized)
}

func (e *env[H, M]) otherViews() {
	client := e.Serve(e.Wrap(views.BrowserClient()))
	w := e.get(client)
	e.wantStatus("the client for browsers", w, http.StatusOK)
	if got := w.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" || w.Body.Len() == 0 {
		e.Errorf("the client for browsers: %d bytes of %q", w.Body.Len(), got)
	}
	e.wantStatus("a POST to it", e.post(views.BrowserClient()), http.StatusMethodNotAllowed)
	w = e.get(e.Serve(e.Wrap(views.MethodNotAllowed(http.MethodPut))))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "PUT, OPTIONS" {
		e.Errorf("the view without methods: %d, Allow is %q", w.Code, w.Header().Get("Allow"))
	}
}

// values are the members of a view's good answer, which has exactly these.
func (e *env[H, M]) values(w *httptest.ResponseRecorder, names ...string) map[string]string {
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

func (e *env[H, M]) wantStatus(what string, w *httptest.ResponseRecorder, status int) {
	e.Helper()
	if w.Code != status {
		e.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, status)
	}
}
