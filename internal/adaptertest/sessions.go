package adaptertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

func sessionCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "mounted views of sessions answer their user",
		rule: "the id in the path reaches the view by the framework's own parameter, with the trailing slash and without",
		run:  (*env[H, M]).mountedSessions,
	}, {
		name: "the views of sessions do their work one by one",
		rule: "each view is a handler of the framework that an application may mount wherever it likes",
		run:  (*env[H, M]).sessionViews,
	}, {
		name: "mounted views of sessions refuse whoever is nobody, and other methods",
		rule: "without a good token of a session that goes on nothing is shown and nothing ends",
		run:  (*env[H, M]).sessionsRefused,
	}}
}

// ask sends a request with alice's or another's token and returns status and body.
func (e *env[H, M]) ask(app http.Handler, method, path, access string) *httptest.ResponseRecorder {
	e.Helper()
	return Request(e.T, app, method, path, "Bearer "+access)
}

// current are the sessions in an answer, and the one that is marked as the one that asks.
func (e *env[H, M]) current(w *httptest.ResponseRecorder) (all []string, current string) {
	e.Helper()
	var list []struct {
		ID        string    `json:"id"`
		Current   bool      `json:"current"`
		StartedAt time.Time `json:"started_at"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK {
		e.Fatalf("the list of sessions: %d %s", w.Code, w.Body)
	}
	for _, s := range list {
		all = append(all, s.ID)
		if s.Current {
			current += s.ID
		}
		if s.StartedAt.IsZero() {
			e.Errorf("the session %s has no start", s.ID)
		}
	}
	return all, current
}

// session is the session of a token.
func (e *env[H, M]) session(raw string) string {
	e.Helper()
	token, err := e.auth.Decode(raw)
	if err != nil {
		e.Fatal(err)
	}
	return token.SessionID()
}

func (e *env[H, M]) mountedSessions() {
	for _, prefix := range []string{"", "/", "/api/token", "/api/token/"} {
		app := e.MountSessions(prefix, e.auth)
		base := strings.TrimSuffix(prefix, "/") + "/sessions"
		for _, slash := range []string{"", "/"} {
			mine, other, third := e.login(e.alice), e.login(e.alice), e.login(e.alice)
			bobs := e.login(e.bob)
			all, current := e.current(e.ask(app, http.MethodGet, base+slash, mine.Access))
			if len(all) != 3 || current != e.session(mine.Access) {
				e.Errorf("GET %s: sessions %v, this one %q, want three and %q", base+slash, all, current, e.session(mine.Access))
			}
			one := base + "/" + e.session(other.Access) + slash
			e.wantStatus("DELETE of another's session", e.ask(app, http.MethodDelete, one, bobs.Access), http.StatusNotFound)
			e.wantStatus("DELETE of one", e.ask(app, http.MethodDelete, one, mine.Access), http.StatusNoContent)
			e.wantStatus("DELETE of one again", e.ask(app, http.MethodDelete, one, mine.Access), http.StatusNotFound)
			e.wantStatus("DELETE of the others", e.ask(app, http.MethodDelete, base+"/others"+slash, mine.Access), http.StatusNoContent)
			if all, _ = e.current(e.ask(app, http.MethodGet, base+slash, mine.Access)); len(all) != 1 {
				e.Errorf("%s: sessions %v after the others were ended, want one", base+slash, all)
			}
			e.wantStatus("GET by an ended session", e.ask(app, http.MethodGet, base+slash, third.Access), http.StatusUnauthorized)
			e.wantStatus("DELETE of all", e.ask(app, http.MethodDelete, base+slash, mine.Access), http.StatusNoContent)
			e.wantStatus("GET after the end of all", e.ask(app, http.MethodGet, base+slash, mine.Access), http.StatusUnauthorized)
			if all, _ = e.current(e.ask(app, http.MethodGet, base+slash, bobs.Access)); len(all) != 1 {
				e.Errorf("bob has the sessions %v, want his one", all)
			}
			if err := e.auth.RevokeUser(e.Context(), e.bob.ID, core.ReasonAdmin); err != nil {
				e.Fatal(err)
			}
		}
	}
}

func (e *env[H, M]) sessionViews() {
	all, others := e.Serve(e.Wrap(views.Sessions(e.auth))), e.Serve(e.Wrap(views.OtherSessions(e.auth)))
	one := e.ServeID(e.Wrap(views.Session(e.auth)))
	mine, other := e.login(e.alice), e.login(e.alice)
	if list, _ := e.current(e.ask(all, http.MethodGet, "/", mine.Access)); len(list) != 2 {
		e.Errorf("sessions %v, want two", list)
	}
	e.wantStatus("one", e.ask(one, http.MethodDelete, "/one/"+e.session(other.Access), mine.Access), http.StatusNoContent)
	e.wantStatus("the others", e.ask(others, http.MethodDelete, "/", mine.Access), http.StatusNoContent)
	e.wantStatus("all", e.ask(all, http.MethodDelete, "/", mine.Access), http.StatusNoContent)
}

func (e *env[H, M]) sessionsRefused() {
	app := e.MountSessions("/api/token", e.auth)
	pair := e.login(e.alice)
	for path, allow := range map[string]string{
		"/api/token/sessions/": "GET, HEAD, DELETE, OPTIONS", "/api/token/sessions/others/": "DELETE, OPTIONS", "/api/token/sessions/x/": "DELETE, OPTIONS",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
			e.wantRefusal(Request(e.T, app, method, path, ""), http.StatusUnauthorized, NotProvided)
			e.wantStatus("a refresh token", e.ask(app, method, path, pair.Refresh), http.StatusUnauthorized)
		}
		w := e.ask(app, http.MethodPost, path, pair.Access)
		e.wantStatus("POST", w, http.StatusMethodNotAllowed)
		if got := w.Header().Get("Allow"); got != allow {
			e.Errorf("%s: Allow is %q, want %q", path, got, allow)
		}
		e.wantStatus("OPTIONS without a token", Request(e.T, app, http.MethodOptions, path, ""), http.StatusNoContent)
	}
	if all, _ := e.current(e.ask(app, http.MethodGet, "/api/token/sessions/", pair.Access)); len(all) != 1 {
		e.Errorf("sessions %v after all these refusals, want one", all)
	}
	e.wantStatus("HEAD", e.ask(app, http.MethodHead, "/api/token/sessions/", pair.Access), http.StatusOK)
}
