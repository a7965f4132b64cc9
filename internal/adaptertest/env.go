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

// sendGet sends a GET of "/" with these Authorization fields.
func (e *env[H, M]) sendGet(app http.Handler, authorization ...string) *httptest.ResponseRecorder {
	e.Helper()
	return e.sendGetWith(app, "Authorization", authorization...)
}

// sendGetWith sends a GET of "/" with these header fields of one name.
func (e *env[H, M]) sendGetWith(app http.Handler, name string, values ...string) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequestWithContext(e.Context(), http.MethodGet, "/", http.NoBody)
	for _, value := range values {
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// postObject sends a JSON object of alternating names and texts to a view that the adapter wraps.
func (e *env[H, M]) postObject(view http.Handler, pairs ...string) *httptest.ResponseRecorder {
	e.Helper()
	r := httptest.NewRequestWithContext(e.Context(), http.MethodPost, "/", strings.NewReader(encodeObject(pairs...)))
	r.Header.Set("Content-Type", jsonType)
	w := httptest.NewRecorder()
	e.Serve(e.Wrap(view)).ServeHTTP(w, r)
	return w
}

// encodeObject returns a JSON object of alternating names and texts.
func encodeObject(pairs ...string) string {
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

// newDenial returns the answer to a rejected request. Its headers keep it out of caches, and on a 401 name the scheme.
func newDenial(status int, body, wwwAuthenticate string) answer {
	return answer{status, body, map[string]string{
		"Content-Type": jsonType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Www-Authenticate": wwwAuthenticate,
	}}
}

// wantDenial compares a whole answer, letter for letter. Only the line feed that Echo puts behind JSON does not count.
func (e *env[H, M]) wantDenial(w *httptest.ResponseRecorder, status int, body string) {
	e.Helper()
	wwwAuthenticate := ""
	if status == http.StatusUnauthorized {
		wwwAuthenticate = `Bearer realm="api"`
	}
	e.wantAnswer(w, newDenial(status, body, wwwAuthenticate))
}

// wantAnswer compares status, body and the headers that want has.
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

// wantOK checks that the application's handler answered.
func (e *env[H, M]) wantOK(w *httptest.ResponseRecorder) {
	e.Helper()
	if w.Code != http.StatusOK || w.Body.String() != "ok" {
		e.Errorf("answer %d %s, want 200 ok", w.Code, w.Body)
	}
}

// newUnreachableHandler returns a handler that fails the case when a request reaches it.
func (e *env[H, M]) newUnreachableHandler() H {
	return e.Handler(func(Seen) { e.Error("the handler ran for a request that was to be rejected") })
}

// newRecordingHandler returns a handler, and what it saw last.
func (e *env[H, M]) newRecordingHandler() (H, *Seen) {
	seen := &Seen{}
	return e.Handler(func(s Seen) { *seen = s }), seen
}
