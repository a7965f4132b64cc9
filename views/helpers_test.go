package views_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

const (
	key      = "a signing key of thirty-two bytes or more"
	password = " correct horse "

	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// fixture is an Auth over memory with one user, alice, whose password is compared in plain text, so that no test waits
// for a hash.
type fixture struct {
	*core.Auth
	users *memstore.Users
	store *memstore.Store
	log   *logBuffer
}

// newFixture makes the Auth; change may alter settings and dependencies before.
func newFixture(t testing.TB, change ...func(*simplejwt.Settings, *core.Deps)) *fixture {
	t.Helper()
	f := &fixture{users: memstore.NewUsers(), store: memstore.New(), log: &logBuffer{}}
	if err := f.users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	settings := simplejwt.Settings{SigningKey: key, RotateRefreshTokens: true, BlacklistAfterRotation: true}
	deps := core.Deps{Users: f.users, Store: f.store, Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelWarn})), Authenticate: f.checkPassword}
	for _, c := range change {
		c(&settings, &deps)
	}
	var err error
	if f.Auth, err = core.New(settings, deps); err != nil {
		t.Fatal(err)
	}
	return f
}

// checkPassword is Deps.Authenticate. It returns the user if the password is exactly the constant.
func (f *fixture) checkPassword(ctx context.Context, username, given string) (simplejwt.User, error) {
	user, err := f.users.ByUsername(ctx, username)
	if err != nil || given != password {
		return nil, nil //nolint:nilnil // nobody
	}
	return user, nil
}

// loginAlice starts a session of alice and returns its tokens.
func (f *fixture) loginAlice(t testing.TB) core.Pair {
	t.Helper()
	pair, err := f.Login(t.Context(), &memstore.Account{ID: "1", Username: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// loginSliding starts a session of alice and returns its sliding token.
func (f *fixture) loginSliding(t testing.TB) string {
	t.Helper()
	token, err := f.LoginSliding(t.Context(), &memstore.Account{ID: "1", Username: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// endpoint is a view, its name, and a body that it answers with 200.
type endpoint struct {
	name string
	view func(*core.Auth) http.Handler
	good func(testing.TB, *fixture) string
}

// listEndpoints returns all views that take a body.
func listEndpoints() []endpoint {
	credentials := func(testing.TB, *fixture) string { return encodeObject("username", "alice", "password", password) }
	refresh := func(t testing.TB, f *fixture) string { return encodeObject("refresh", f.loginAlice(t).Refresh) }
	return []endpoint{
		{"obtain pair", views.ObtainPair, credentials},
		{"refresh", views.Refresh, refresh},
		{"verify", views.Verify, func(t testing.TB, f *fixture) string { return encodeObject("token", f.loginAlice(t).Access) }},
		{"blacklist", views.Blacklist, refresh},
		{"obtain sliding", views.ObtainSliding, credentials},
		{"refresh sliding", views.RefreshSliding, func(t testing.TB, f *fixture) string { return encodeObject("token", f.loginSliding(t)) }},
	}
}

// encodeObject returns a JSON object of alternating names and texts.
func encodeObject(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	data, _ := json.Marshal(m) // texts can always be encoded
	return string(data)
}

// withHook sets one hook for every view.
func withHook(hook simplejwt.Serializer) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenObtainSerializer, s.TokenRefreshSerializer = hook, hook
		s.TokenVerifySerializer, s.TokenBlacklistSerializer = hook, hook
		s.SlidingTokenObtainSerializer, s.SlidingTokenRefreshSerializer = hook, hook
	}
}

// answerFields is a hook that answers the fields as the view has read them, so that tests can compare them.
func answerFields(_ context.Context, in *simplejwt.SerializerInput, _ func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
	return in.Attrs, nil
}

// postBody sends a body of a content type to a view.
func postBody(h http.Handler, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return serveRequest(h, r)
}

// serveRequest returns the answer of a handler.
func serveRequest(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wantAnswer compares status and body letter for letter.
func wantAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	if diff := cmp.Diff(body, w.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// wantObject compares status and JSON object, whatever the order of its members.
func wantObject(t *testing.T, w *httptest.ResponseRecorder, status int, want map[string]any) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("the body %q is no JSON object: %v", w.Body, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// logBuffer keeps what was logged. It is safe for concurrent use.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *logBuffer) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *logBuffer) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// brokenStore is a Store that is unavailable.
type brokenStore struct{ err error }

func (s brokenStore) Record(context.Context, core.OutstandingToken) error { return s.err }

func (s brokenStore) Rotate(context.Context, core.Rotation) (core.OutstandingToken, bool, error) {
	return core.OutstandingToken{}, false, s.err
}

func (s brokenStore) Blacklist(context.Context, string, *string, core.Reason, time.Time) (found, won bool, err error) {
	return false, false, s.err
}

func (s brokenStore) IsBlacklisted(context.Context, string) (owner *string, blacklisted bool, err error) {
	return nil, false, s.err
}

func (s brokenStore) State(context.Context, string, string) (core.SessionState, error) {
	return core.SessionState{}, s.err
}

func (s brokenStore) Revoke(context.Context, core.Scope, core.Reason, time.Time) (int, error) {
	return 0, s.err
}

func (s brokenStore) Sessions(context.Context, string, time.Time) ([]core.OutstandingToken, error) {
	return nil, s.err
}

func (s brokenStore) FlushExpired(context.Context, time.Time) (int, error) { return 0, s.err }

// errDatabase is an error as a driver returns it. Nothing of it may reach a client.
var errDatabase = errors.New("pq: connect to postgres://app@10.0.0.7:5432/shop: connection refused")

const unavailable = `{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable"}`

// brokenUsers are Users that are unavailable.
type brokenUsers struct{ *memstore.Users }

func (brokenUsers) ByUsername(context.Context, string) (simplejwt.User, error) {
	return nil, errDatabase
}

func (brokenUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errDatabase
}

const (
	notProvided = `{"detail":"Authentication credentials were not provided."}`
	badHeader   = `{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}`
	badToken    = `{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"token_class":"AccessToken","token_type":"access","message":"Token is invalid"}]}`
)

// serveRoute returns the answer of a route behind Authenticate.
func serveRoute(a core.Authenticator, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if _, err := views.Authenticate(a, r); err != nil {
		views.WriteError(w, r, a, err)
	}
	return w
}

type (
	super  = func(context.Context) (simplejwt.Attrs, error)
	answer = struct {
		status int
		body   string
	}
)

const serverError = `{"detail":"A server error occurred.","code":"error"}`

// withCookies sets AUTH_COOKIE.
func withCookies(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true }

// serveWithCookies sends a request as a page of this origin does, with cookies.
func serveWithCookies(h http.Handler, method, body string, cookies ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	return serveRequest(h, r)
}

// readSetCookies returns the values of the cookies that an answer sets, by name. Setting one twice is an error.
func readSetCookies(t *testing.T, w *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range w.Header().Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[cookie.Name]; twice {
			t.Errorf("the cookie %s is set twice", cookie.Name)
		}
		out[cookie.Name] = cookie.Value
	}
	return out
}

// wantCookies compares the names of the cookies that are set, in their order.
func wantCookies(t *testing.T, w *httptest.ResponseRecorder, names ...string) {
	t.Helper()
	var got []string
	for _, line := range w.Header().Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		got = append(got, name)
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

const access, refresh, csrf = "__Host-access", "__Host-refresh", "__Host-csrftoken"

// csrfToken returns the CSRF token of a token's session.
func csrfToken(a *core.Auth, t *core.Token) string {
	return a.Transport().Cookies.CSRFToken(t.SessionID(), t.UserID())
}

const multipartType = "multipart/form-data; boundary=b"

// joinParts returns a multipart body with the boundary b.
func joinParts(all ...string) string {
	return "--b\r\n" + strings.Join(all, "\r\n--b\r\n") + "\r\n--b--\r\n"
}

// encodePart returns a part with a text field.
func encodePart(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + "\"\r\n\r\n" + value
}

// encodeFilePart returns a part with a file of four bytes.
func encodeFilePart(name, file string) string {
	return `Content-Disposition: form-data; name="` + name + `"; filename="` + file + "\"\r\nContent-Type: text/plain\r\n\r\ndata"
}

// withLimit sets DATA_UPLOAD_MAX_MEMORY_SIZE.
func withLimit(bytes int64) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.DataUploadMaxMemorySize = bytes }
}

// padBody returns a JSON body of exactly so many bytes, whose token is not valid.
func padBody(bytes int) string {
	body := `{"refresh":"x"}`
	return body + strings.Repeat(" ", bytes-len(body))
}

// readHeaders returns the headers that this package sets, except Content-Length.
func readHeaders(w *httptest.ResponseRecorder) map[string]string {
	out := map[string]string{}
	for name, values := range w.Header() {
		out[name] = strings.Join(values, "|")
	}
	delete(out, "Content-Length")
	return out
}

// addHeaders returns the headers that every answer with a body has, and more.
func addHeaders(more map[string]string) map[string]string {
	out := map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": jsonType}
	for name, value := range more {
		out[name] = value
	}
	return out
}
