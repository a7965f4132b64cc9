package adaptertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// env is an adapter and a fixture of its own.
type env[H, M any] struct {
	*testing.T
	Adapter[H, M]
	*fixture
}

func newEnv[H, M any](t *testing.T, a Adapter[H, M]) *env[H, M] {
	t.Helper()
	return &env[H, M]{T: t, Adapter: a, fixture: newFixture(t)}
}

// get asks an application for "/" with these Authorization fields.
func (e *env[H, M]) get(app http.Handler, authorization ...string) *httptest.ResponseRecorder {
	e.Helper()
	return e.getWith(app, "Authorization", authorization...)
}

// getWith asks an application for "/" with these fields of one name.
func (e *env[H, M]) getWith(app http.Handler, name string, values ...string) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequestWithContext(e.Context(), http.MethodGet, "/", http.NoBody)
	for _, value := range values {
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// post sends a JSON object of alternating names and texts to a view that the adapter wraps.
func (e *env[H, M]) post(view http.Handler, pairs ...string) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequestWithContext(e.Context(), http.MethodPost, "/", strings.NewReader(object(pairs...)))
	r.Header.Set("Content-Type", jsonType)
	w := httptest.NewRecorder()
	e.Serve(e.Wrap(view)).ServeHTTP(w, r)
	return w
}

// object is a JSON object of names and texts in turn.
func object(pairs ...string) string {
	m := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	data, _ := json.Marshal(m) // texts can always be encoded
	return string(data)
}

// answer is what a client gets.
type answer struct {
	Status  int
	Body    string
	Headers map[string]string
}

// refusal is the answer to a refused request. The headers say that no cache may keep it, and on a 401 how to come in.
func refusal(status int, body, wwwAuthenticate string) answer {
	return answer{status, body, map[string]string{
		"Content-Type": jsonType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Www-Authenticate": wwwAuthenticate,
	}}
}

// wantRefusal compares a whole answer, letter for letter. Only the line feed that Echo puts behind JSON does not count.
func (e *env[H, M]) wantRefusal(w *httptest.ResponseRecorder, status int, body string) {
	e.Helper()
	wwwAuthenticate := ""
	if status == http.StatusUnauthorized {
		wwwAuthenticate = `Bearer realm="api"`
	}
	e.wantAnswer(w, refusal(status, body, wwwAuthenticate))
}

func (e *env[H, M]) wantAnswer(w *httptest.ResponseRecorder, want answer) {
	e.Helper()
	got := answer{w.Code, strings.TrimSuffix(w.Body.String(), "\n"), map[string]string{}}
	for name := range want.Headers {
		got.Headers[name] = strings.Join(w.Header().Values(name), "|")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		e.Errorf("answer (-want +got):\n%s", diff)
	}
}

// wantOK tells that the handler of the application answered.
func (e *env[H, M]) wantOK(w *httptest.ResponseRecorder) {
	e.Helper()
	if w.Code != http.StatusOK || w.Body.String() != "ok" {
		e.Errorf("answer %d %s, want 200 ok", w.Code, w.Body)
	}
}

// never is a handler that no request may reach.
func (e *env[H, M]) never() H {
	return e.Handler(func(Seen) { e.Error("the handler ran behind a refusal") })
}

// keep is a handler, and what it saw last.
func (e *env[H, M]) keep() (H, *Seen) {
	seen := &Seen{}
	return e.Handler(func(s Seen) { *seen = s }), seen
}
