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
		run:  (*env[H, M]).checkMountedSessions,
	}, {
		name: "the views of sessions do their work one by one",
		rule: "each view is a handler of the framework that an application may mount wherever it likes",
		run:  (*env[H, M]).checkSessionViews,
	}, {
		name: "mounted views of sessions reject anonymous requests and other methods",
		rule: "without a valid token of an active session nothing is shown and nothing ends",
		run:  (*env[H, M]).checkSessionsReject,
	}}
}

// requestSessions sends a request with an access token.
func (e *env[H, M]) requestSessions(app http.Handler, method, path, access string) *httptest.ResponseRecorder {
	e.Helper()
	return Request(e.T, app, method, path, "Bearer "+access)
}

// readSessions returns the sessions in an answer, and the one that is marked as current.
func (e *env[H, M]) readSessions(w *httptest.ResponseRecorder) (all []string, current string) {
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

// readSessionID returns the session of a token.
func (e *env[H, M]) readSessionID(raw string) string {
	e.Helper()
	token, err := e.auth.Decode(raw)
	if err != nil {
		e.Fatal(err)
	}
	return token.SessionID()
}

func (e *env[H, M]) checkMountedSessions() {
	for _, prefix := range []string{"", "/", "/api/token", "/api/token/"} {
		app := e.MountSessions(prefix, e.auth)
		base := strings.TrimSuffix(prefix, "/") + "/sessions"
		for _, slash := range []string{"", "/"} {
			mine, other, third := e.loginPair(e.alice), e.loginPair(e.alice), e.loginPair(e.alice)
			bobs := e.loginPair(e.bob)
			all, current := e.readSessions(e.requestSessions(app, http.MethodGet, base+slash, mine.Access))
			if len(all) != 3 || current != e.readSessionID(mine.Access) {
				e.Errorf("GET %s: sessions %v, this one %q, want three and %q", base+slash, all, current, e.readSessionID(mine.Access))
			}
			one := base + "/" + e.readSessionID(other.Access) + slash
			e.wantStatus("DELETE of another's session", e.requestSessions(app, http.MethodDelete, one, bobs.Access), http.StatusNotFound)
			e.wantStatus("DELETE of one", e.requestSessions(app, http.MethodDelete, one, mine.Access), http.StatusNoContent)
			e.wantStatus("DELETE of one again", e.requestSessions(app, http.MethodDelete, one, mine.Access), http.StatusNotFound)
			e.wantStatus("DELETE of the others", e.requestSessions(app, http.MethodDelete, base+"/others"+slash, mine.Access), http.StatusNoContent)
			if all, _ = e.readSessions(e.requestSessions(app, http.MethodGet, base+slash, mine.Access)); len(all) != 1 {
				e.Errorf("%s: sessions %v after the others were ended, want one", base+slash, all)
			}
			e.wantStatus("GET by an ended session", e.requestSessions(app, http.MethodGet, base+slash, third.Access), http.StatusUnauthorized)
			e.wantStatus("DELETE of all", e.requestSessions(app, http.MethodDelete, base+slash, mine.Access), http.StatusNoContent)
			e.wantStatus("GET after the end of all", e.requestSessions(app, http.MethodGet, base+slash, mine.Access), http.StatusUnauthorized)
			if all, _ = e.readSessions(e.requestSessions(app, http.MethodGet, base+slash, bobs.Access)); len(all) != 1 {
				e.Errorf("bob has the sessions %v, want one", all)
			}
			if err := e.auth.RevokeUser(e.Context(), e.bob.ID, core.ReasonAdmin); err != nil {
				e.Fatal(err)
			}
		}
	}
}

func (e *env[H, M]) checkSessionViews() {
	all, others := e.Serve(e.Wrap(views.Sessions(e.auth))), e.Serve(e.Wrap(views.OtherSessions(e.auth)))
	one := e.ServeID(e.Wrap(views.Session(e.auth)))
	mine, other := e.loginPair(e.alice), e.loginPair(e.alice)
	if list, _ := e.readSessions(e.requestSessions(all, http.MethodGet, "/", mine.Access)); len(list) != 2 {
		e.Errorf("sessions %v, want two", list)
	}
	e.wantStatus("one", e.requestSessions(one, http.MethodDelete, "/one/"+e.readSessionID(other.Access), mine.Access), http.StatusNoContent)
	e.wantStatus("the others", e.requestSessions(others, http.MethodDelete, "/", mine.Access), http.StatusNoContent)
	e.wantStatus("all", e.requestSessions(all, http.MethodDelete, "/", mine.Access), http.StatusNoContent)
}

func (e *env[H, M]) checkSessionsReject() {
	app := e.MountSessions("/api/token", e.auth)
	pair := e.loginPair(e.alice)
	for path, allow := range map[string]string{
		"/api/token/sessions/": "GET, HEAD, DELETE, OPTIONS", "/api/token/sessions/others/": "DELETE, OPTIONS", "/api/token/sessions/x/": "DELETE, OPTIONS",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
			e.wantDenial(Request(e.T, app, method, path, ""), http.StatusUnauthorized, NotProvided)
			e.wantStatus("a refresh token", e.requestSessions(app, method, path, pair.Refresh), http.StatusUnauthorized)
		}
		w := e.requestSessions(app, http.MethodPost, path, pair.Access)
		e.wantStatus("POST", w, http.StatusMethodNotAllowed)
		if got := w.Header().Get("Allow"); got != allow {
			e.Errorf("%s: Allow is %q, want %q", path, got, allow)
		}
		e.wantStatus("OPTIONS without a token", Request(e.T, app, http.MethodOptions, path, ""), http.StatusNoContent)
	}
	if all, _ := e.readSessions(e.requestSessions(app, http.MethodGet, "/api/token/sessions/", pair.Access)); len(all) != 1 {
		e.Errorf("sessions %v after all these denials, want one", all)
	}
	e.wantStatus("HEAD", e.requestSessions(app, http.MethodHead, "/api/token/sessions/", pair.Access), http.StatusOK)
}
