package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// forgeries are what a page of another origin has the browser of a user who is logged in send. Each is a script with the
// address of the site in base; it ends when the request has been answered.
var forgeries = map[string]string{
	"a logout by a form":                     postForm("/account/token/blacklist/", "application/x-www-form-urlencoded", "a", "b"),
	"a logout by a form with JSON":           postForm("/account/token/blacklist/", "text/plain", `{"a": "`, `"}`),
	"a refresh by a form":                    postForm("/account/token/refresh/", "multipart/form-data", "a", "b"),
	"a change of the password by a form":     postForm("/account/me/password/", "text/plain", `{"old_password": "correct horse", "new_password": "mine now", "a": "`, `"}`),
	"a login as mallory by a form":           postForm("/account/token/", "application/x-www-form-urlencoded", "username=mallory&password", "correct horse"),
	"a login as mallory by a form with JSON": postForm("/account/token/", "text/plain", `{"username": "mallory", "password": "correct horse", "a": "`, `"}`),
	"a logout by fetch":                      sendFetch("POST", "/account/token/blacklist/", "text/plain", `{}`, "no-cors"),
	"a logout by fetch without a type":       sendFetch("POST", "/account/token/blacklist/", "", `{}`, "no-cors"),
	"a logout by fetch with JSON":            sendFetch("POST", "/account/token/blacklist/", "application/json", `{}`, "cors"),
	"a change of the password by fetch":      sendFetch("POST", "/account/me/password/", "text/plain", `{"old_password": "correct horse", "new_password": "mine now"}`, "no-cors"),
	"a login as mallory by fetch":            sendFetch("POST", "/account/token/", "application/x-www-form-urlencoded", `username=mallory&password=correct+horse`, "no-cors"),
	"a login as mallory by fetch with JSON":  sendFetch("POST", "/account/token/", "application/json", `{"username": "mallory", "password": "correct horse"}`, "cors"),
	"an end of all sessions by fetch":        sendFetch("DELETE", "/account/token/sessions/", "", "", "cors"),
	"a method that a header changes":         sendFetch("POST", "/account/token/sessions/?_method=DELETE", "text/plain", "_method=DELETE", "no-cors"),
	"a logout by an image":                   `await new Promise((done) => { const i = new Image(); i.onload = i.onerror = done; i.src = base + "/account/token/blacklist/"; })`,
	"a look at the sessions":                 `const r = await fetch(base + "/account/token/sessions/", {credentials: "include"}).catch(() => null); if (r) throw new Error("it could be read")`,
	"a logout by sendBeacon":                 `navigator.sendBeacon(base + "/account/token/blacklist/", "{}"); await fetch(base + "/account/", {mode: "no-cors"})`,
	"the page in a frame":                    `await new Promise((done) => { const f = document.createElement("iframe"); f.onload = done; f.src = base + "/account/"; document.body.append(f); })`,
}

// postForm is a script that posts one field as a form of some type does, and waits for the answer in a frame.
func postForm(path, enctype, name, value string) string {
	return fmt.Sprintf(`await new Promise((done) => {
		const frame = document.createElement("iframe"); frame.name = "f" + Math.random(); document.body.append(frame);
		const form = document.createElement("form"); form.method = "post"; form.action = base + %q; form.enctype = %q; form.target = frame.name;
		for (const part of %q.split("&")) { const input = document.createElement("input"); [input.name, input.value] = part.includes("{") || !part.includes("=") ? [part, %q] : part.split("="); form.append(input); }
		document.body.append(form); frame.onload = done; form.submit();
	})`, path, enctype, name, value)
}

// sendFetch is a script that sends a request by fetch, and waits for the answer.
func sendFetch(method, path, contentType, body, mode string) string {
	return fmt.Sprintf(`await fetch(base + %q, {method: %q, credentials: "include", mode: %q, headers: %q ? {"Content-Type": %[4]q} : {}, body: %[5]q || undefined}).catch(() => {})`,
		path, method, mode, contentType, body)
}

// TestBrowser_OtherOrigins has pages of other origins send each forgery: nothing changes, and the user stays logged in.
func TestBrowser_OtherOrigins(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		s.addUser("mallory")
		attacker := startHandler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!DOCTYPE html><title>Kittens</title><body>")
		}))
		victim := s.openProfile(accountPath)
		victim.login()
		before := s.readState()
		for _, host := range []string{"localhost", "attacker.localhost"} { // the same site, and another one
			origin := strings.Replace(attacker, "127.0.0.1", host, 1)
			b := &tab{victim.Another(origin), s}
			for name, script := range forgeries {
				b.Eval(`(async () => { const base = "` + s.base + `"; ` + script + ` })()`)
				if after := s.readState(); after != before {
					t.Fatalf("%s from %s: %s before, %s after", name, origin, before, after)
				}
			}
			// And a form whose answer replaces the whole page.
			b.Begin(`document.body.innerHTML = '<form method=post action="` + s.base + `/account/token/blacklist/"></form>'; document.forms[0].submit()`)
			b.Until(`location.href.startsWith("` + s.base + `")`)
			shown := browsertest.Value[string](b.Tab, `document.body.innerText`)
			if !strings.Contains(shown, "CSRF Failed") || s.readState() != before {
				t.Errorf("a logout by a form from %s: %s", origin, shown)
			}
			s.wantRejected(origin)
		}
		victim.visit(accountPath)
		victim.Until(atHome)
		victim.dropAccess()
		victim.Click("#others")
		victim.Click("#yes")
		victim.Until(shows("All other sessions have ended."))
		victim.Click("#logout")
		victim.Until(atLogin)
	})
}

// wantRejected checks that no request of an origin succeeded.
func (s *site) wantRejected(origin string) {
	s.backend.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	rejected := 0
	for _, e := range s.seen {
		switch {
		case e.origin != origin || e.method == http.MethodGet:
		case e.method == http.MethodOptions && e.status == http.StatusNoContent: // a preflight, which gets no permission
		case e.status == http.StatusForbidden:
			rejected++
		case e.status == http.StatusUnauthorized || e.status == http.StatusMethodNotAllowed || e.status == http.StatusBadRequest || e.status == http.StatusUnsupportedMediaType:
		default:
			s.backend.t.Errorf("%s was answered %+v", origin, e)
		}
	}
	if rejected < 4 { // others have no cookies, or the wrong type
		s.backend.t.Errorf("%d requests of %s were answered 403, want at least 4; all: %v", rejected, origin, s.seen)
	}
}
