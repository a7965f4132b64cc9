package views_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	log   *record
}

// newFixture makes the Auth; change may alter settings and dependencies before.
func newFixture(t testing.TB, change ...func(*simplejwt.Settings, *core.Deps)) *fixture {
	t.Helper()
	f := &fixture{users: memstore.NewUsers(), store: memstore.New(), log: &record{}}
	if err := f.users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		t.Fatal(err)
	}
	settings := simplejwt.Settings{SigningKey: key, RotateRefreshTokens: true, BlacklistAfterRotation: true}
	deps := core.Deps{Users: f.users, Store: f.store, Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelWarn})), Authenticate: f.plain}
	for _, c := range change {
		c(&settings, &deps)
	}
	var err error
	if f.Auth, err = core.New(settings, deps); err != nil {
		t.Fatal(err)
	}
	return f
}

// plain is Deps.Authenticate: the user, where the password is exactly the one.
func (f *fixture) plain(ctx context.Context, username, given string) (simplejwt.User, error) {
	user, err := f.users.ByUsername(ctx, username)
	if err != nil || given != password {
		return nil, nil //nolint:nilnil // nobody
	}
	return user, nil
}

// login is a fresh pair of alice's.
func (f *fixture) login(t testing.TB) core.Pair {
	t.Helper()
	pair, err := f.Login(t.Context(), &memstore.Account{ID: "1", Username: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// slidingToken is a fresh sliding token of alice's.
func (f *fixture) slidingToken(t testing.TB) string {
	t.Helper()
	token, err := f.LoginSliding(t.Context(), &memstore.Account{ID: "1", Username: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// endpoint is a view by its name, and a body it answers with 200.
type endpoint struct {
	name string
	view func(*core.Auth) http.Handler
	good func(testing.TB, *fixture) string
}

func endpoints() []endpoint {
	credentials := func(testing.TB, *fixture) string { return object("username", "alice", "password", password) }
	refresh := func(t testing.TB, f *fixture) string { return object("refresh", f.login(t).Refresh) }
	return []endpoint{
		{"obtain pair", views.ObtainPair, credentials},
		{"refresh", views.Refresh, refresh},
		{"verify", views.Verify, func(t testing.TB, f *fixture) string { return object("token", f.login(t).Access) }},
		{"blacklist", views.Blacklist, refresh},
		{"obtain sliding", views.ObtainSliding, credentials},
		{"refresh sliding", views.RefreshSliding, func(t testing.TB, f *fixture) string { return object("token", f.slidingToken(t)) }},
	}
}

// object is a JSON object of names and texts in turn.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	data, _ := json.Marshal(m) // texts can always be encoded
	return string(data)
}

// withHook makes a hook the one of every view.
func withHook(hook simplejwt.Serializer) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, _ *core.Deps) {
		s.TokenObtainSerializer, s.TokenRefreshSerializer = hook, hook
		s.TokenVerifySerializer, s.TokenBlacklistSerializer = hook, hook
		s.SlidingTokenObtainSerializer, s.SlidingTokenRefreshSerializer = hook, hook
	}
}

// mirror is a hook that answers the fields as the view has read them.
func mirror(_ context.Context, in *simplejwt.SerializerInput, _ func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
	return in.Attrs, nil
}

// post sends a body of a content type to a view.
func post(h http.Handler, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return serve(h, r)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
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

// wantObject compares a JSON object whose order is free.
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

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// brokenStore is a store that can't be asked.
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
