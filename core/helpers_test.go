package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

const (
	// signingKey is an HMAC key that is long enough for every algorithm, and is found in whatever shows it.
	signingKey    = "telltale-key-0123456789abcdef0123456789abcdef0123456789abcdef-end"
	rightPassword = "correct horse battery staple"
	// cheapHash is that of rightPassword with a single iteration, so that a check costs nothing.
	cheapHash = "pbkdf2_sha256$1$salt$ouhwH5QjXU2O1gHvuMrHWhFGwGQ8zEmYRlu7N1suuDo="
)

// startTime is when the clock of every test starts: half a second past noon, so that a truncated fraction shows.
func startTime() time.Time { return time.Date(2031, 5, 6, 12, 0, 0, 500_000_000, time.UTC) }

// env is an Auth with a clock that the test sets, with a store and users whose calls are recorded and fail on demand, and
// with the events and logs that it emits. Its users are alice (1), who is active, and bob (2), who is not.
type env struct {
	*core.Auth
	t        testing.TB
	clock    fakeClock
	mem      *memstore.Store
	accounts *memstore.Users
	spy      *callSpy
	events   eventRecorder
	log      logBuffer
}

// authOption changes the settings and the dependencies of an Auth before it is made.
type authOption func(*simplejwt.Settings, *core.Deps)

// newEnv returns an Auth without rotation, as SimpleJWT's defaults are. Its ids count: id-000001 is the first.
func newEnv(t testing.TB, options ...authOption) *env {
	t.Helper()
	e := &env{t: t, mem: memstore.New(), accounts: memstore.NewUsers(), spy: &callSpy{}}
	e.clock.set(startTime())
	for _, a := range []memstore.Account{
		{ID: "1", Username: "alice", Password: cheapHash},
		{ID: "2", Username: "bob", Password: cheapHash, Inactive: true},
	} {
		if err := e.accounts.Add(a); err != nil {
			t.Fatalf("%v", err)
		}
	}
	settings := simplejwt.Settings{SigningKey: signingKey}
	var ids atomic.Int64
	deps := core.Deps{
		Store: &spyStore{e.mem, e.spy}, Users: &spyUsers{e.accounts, e.spy}, Now: e.clock.now, OnEvent: e.events.add,
		NewID:  func() string { return fmt.Sprintf("id-%06d", ids.Add(1)) },
		Logger: slog.New(slog.NewTextHandler(&e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&settings, &deps)
	}
	auth, err := core.New(settings, deps)
	if err != nil {
		t.Fatalf("%v", err)
	}
	e.Auth = auth
	return e
}

func withSettings(change func(*simplejwt.Settings)) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { change(s) }
}

// withRotation rotates refresh tokens, and blacklists those that were used.
func withRotation(s *simplejwt.Settings, _ *core.Deps) {
	s.RotateRefreshTokens, s.BlacklistAfterRotation = true, true
}

// withRotationOnly rotates refresh tokens without blacklisting, so that a token can be used again.
func withRotationOnly(s *simplejwt.Settings, _ *core.Deps) { s.RotateRefreshTokens = true }

// withGracePeriod is rotation with 10 seconds of grace.
func withGracePeriod(s *simplejwt.Settings, d *core.Deps) {
	withRotation(s, d)
	s.RotationGracePeriod = 10 * time.Second
}

func withReuseDetection(s *simplejwt.Settings, _ *core.Deps)   { s.ReuseDetection = true }
func withCheckRevokeToken(s *simplejwt.Settings, _ *core.Deps) { s.CheckRevokeToken = true }
func withoutStore(_ *simplejwt.Settings, d *core.Deps)         { d.Store = nil }
func withoutIDs(s *simplejwt.Settings, _ *core.Deps)           { s.JTIClaim = simplejwt.Off }
func withDefaults(*simplejwt.Settings, *core.Deps)             {}
func withCheckSession(s *simplejwt.Settings, _ *core.Deps)     { s.CheckSession = true }

func withLeeway(d time.Duration) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.Leeway = d }
}

func withSessionLifetime(d time.Duration) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.SessionLifetime = d }
}

func withTokenClasses(names ...core.ClassName) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.AuthTokenClasses = names }
}

// background is the context of calls that no client cancels.
var background = context.Background()

// loadUser loads an account. The spy does not see it.
func (e *env) loadUser(name string) *memstore.Account {
	e.t.Helper()
	u, err := e.accounts.ByUsername(background, name)
	if err != nil {
		e.t.Fatalf("load %s: %v", name, err)
	}
	return u.(*memstore.Account)
}

// changeAlice stores a change of alice's account.
func (e *env) changeAlice(change func(*memstore.Account)) {
	e.t.Helper()
	a := e.loadUser("alice")
	change(a)
	if err := e.accounts.Update(*a); err != nil {
		e.t.Fatalf("%v", err)
	}
}

// mustLogin logs alice in without a password.
func (e *env) mustLogin() core.Pair {
	e.t.Helper()
	pair, err := e.Login(background, e.loadUser("alice"))
	if err != nil {
		e.t.Fatalf("login: %v", err)
	}
	return pair
}

// mustLoginSliding logs alice in and returns a sliding token.
func (e *env) mustLoginSliding() string {
	e.t.Helper()
	token, err := e.LoginSliding(background, e.loadUser("alice"))
	if err != nil {
		e.t.Fatalf("sliding login: %v", err)
	}
	return token
}

func (e *env) refreshToken(raw string) (core.Pair, error) {
	pair, _, err := e.Refresh(background, raw)
	return pair, err
}

func (e *env) mustRefresh(raw string) core.Pair {
	e.t.Helper()
	pair, err := e.refreshToken(raw)
	if err != nil {
		e.t.Fatalf("refresh: %v", err)
	}
	return pair
}

// wantRefreshDenied checks that a refresh fails with want and returns no token.
func (e *env) wantRefreshDenied(what, raw string, want error) {
	e.t.Helper()
	pair, err := e.refreshToken(raw)
	if !errors.Is(err, want) || pair != (core.Pair{}) {
		e.t.Errorf("refresh with %s: error %v (returned tokens: %v), want %v", what, err, pair != core.Pair{}, want)
	}
}

func (e *env) refreshSliding(raw string) (string, error) {
	token, _, err := e.RefreshSliding(background, raw)
	return token, err
}

// wantSlidingDenied checks that a sliding refresh fails with want and returns neither token nor user.
func (e *env) wantSlidingDenied(what, raw string, want error) {
	e.t.Helper()
	token, user, err := e.RefreshSliding(background, raw)
	if !errors.Is(err, want) || token != "" || user != nil {
		e.t.Errorf("sliding refresh with %s: error %v, user %v, returned a token: %v, want %v", what, err, user, token != "", want)
	}
}

// runBefore runs what before the first call of this name reaches the store or the users, as if another request came first.
func (e *env) runBefore(name string, what func()) {
	done := false
	e.spy.before = func(_ context.Context, call string) error {
		if call == name && !done {
			done = true
			what()
		}
		return nil
	}
}

// loadRecord returns the record of a token; nil if there is none. The spy does not see it.
func (e *env) loadRecord(jti string) *core.TokenState {
	e.t.Helper()
	state, err := e.mem.State(background, jti, "")
	if err != nil {
		e.t.Fatalf("state: %v", err)
	}
	return state.Presented
}

// readReason returns why a token is on the blacklist: "active" if it is not, "unknown" without a record.
func (e *env) readReason(raw string) core.Reason {
	e.t.Helper()
	switch r := e.loadRecord(e.readJTI(raw)); {
	case r == nil:
		return "unknown"
	case !r.Blacklisted:
		return "active"
	default:
		return r.Reason
	}
}

// wantNoSecrets checks that neither the log, the events nor err contain a secret.
func (e *env) wantNoSecrets(err error, secrets ...string) {
	e.t.Helper()
	output := e.log.String() + fmt.Sprintf("%+v %v %#v", e.events.all(), err, err)
	for _, secret := range append(secrets, signingKey, rightPassword, cheapHash) {
		if i := strings.LastIndexByte(secret, '.'); i >= 0 {
			secret = secret[i+1:] // the signature is what makes a token a secret
		}
		if secret != "" && strings.Contains(output, secret) {
			e.t.Errorf("%q is in the log, an event or an error:\n%s", secret, output)
		}
	}
}

// fakeClock is a clock that stands still until the test moves it.
type fakeClock struct{ at atomic.Int64 }

func (c *fakeClock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *fakeClock) set(t time.Time)         { c.at.Store(t.UnixMicro()) }
func (c *fakeClock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// eventRecorder is a Deps.OnEvent that keeps the events.
type eventRecorder struct {
	mu   sync.Mutex
	list []core.Event
}

func (e *eventRecorder) add(_ context.Context, event core.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *eventRecorder) all() []core.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// ofType returns the events of one type.
func (e *eventRecorder) ofType(kind core.EventType) []core.Event {
	return slices.DeleteFunc(e.all(), func(event core.Event) bool { return event.Type != kind })
}

// logBuffer is a buffer for concurrent use.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// callSpy records the calls of a store and users. before and after may fail a call: after it, the work is done and only
// the answer is lost.
type callSpy struct {
	mu            sync.Mutex
	calls         []string
	before, after func(ctx context.Context, call string) error
}

// watchCall records a call and makes it.
func (s *callSpy) watchCall(ctx context.Context, call string, do func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(ctx, call); err != nil {
			return err
		}
	}
	err := do()
	if after != nil && err == nil {
		err = after(ctx, call)
	}
	return err
}

// takeCalls returns the calls since the last time.
func (s *callSpy) takeCalls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.calls
	s.calls = nil
	return out
}

// spyStore is a Store whose calls spy sees.
type spyStore struct {
	core.Store
	spy *callSpy
}

func (s *spyStore) Record(ctx context.Context, t core.OutstandingToken) error {
	return s.spy.watchCall(ctx, "Record", func() error { return s.Store.Record(ctx, t) })
}

func (s *spyStore) Rotate(ctx context.Context, r core.Rotation) (out core.OutstandingToken, ok bool, err error) {
	err = s.spy.watchCall(ctx, "Rotate", func() (err error) { out, ok, err = s.Store.Rotate(ctx, r); return err })
	return out, ok, err
}

func (s *spyStore) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	err = s.spy.watchCall(ctx, "Blacklist", func() (err error) { found, won, err = s.Store.Blacklist(ctx, jti, owner, reason, now); return err })
	return found, won, err
}

func (s *spyStore) IsBlacklisted(ctx context.Context, jti string) (owner *string, is bool, err error) {
	err = s.spy.watchCall(ctx, "IsBlacklisted", func() (err error) { owner, is, err = s.Store.IsBlacklisted(ctx, jti); return err })
	return owner, is, err
}

func (s *spyStore) State(ctx context.Context, jti, sid string) (out core.SessionState, err error) {
	err = s.spy.watchCall(ctx, "State", func() (err error) { out, err = s.Store.State(ctx, jti, sid); return err })
	return out, err
}

func (s *spyStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (n int, err error) {
	err = s.spy.watchCall(ctx, "Revoke", func() (err error) { n, err = s.Store.Revoke(ctx, scope, reason, now); return err })
	return n, err
}

func (s *spyStore) Sessions(ctx context.Context, userID string, now time.Time) (out []core.OutstandingToken, err error) {
	err = s.spy.watchCall(ctx, "Sessions", func() (err error) { out, err = s.Store.Sessions(ctx, userID, now); return err })
	return out, err
}

func (s *spyStore) FlushExpired(ctx context.Context, before time.Time) (n int, err error) {
	err = s.spy.watchCall(ctx, "FlushExpired", func() (err error) { n, err = s.Store.FlushExpired(ctx, before); return err })
	return n, err
}

// spyUsers are Users whose calls spy sees.
type spyUsers struct {
	*memstore.Users
	spy *callSpy
}

func (u *spyUsers) ByUsername(ctx context.Context, username string) (user simplejwt.User, err error) {
	err = u.spy.watchCall(ctx, "ByUsername", func() (err error) { user, err = u.Users.ByUsername(ctx, username); return err })
	return user, err
}

func (u *spyUsers) ByField(ctx context.Context, field, value string) (user simplejwt.User, err error) {
	err = u.spy.watchCall(ctx, "ByField", func() (err error) { user, err = u.Users.ByField(ctx, field, value); return err })
	return user, err
}

func (u *spyUsers) FieldValue(user simplejwt.User, field string) (value string, err error) {
	err = u.spy.watchCall(background, "FieldValue", func() (err error) { value, err = u.Users.FieldValue(user, field); return err })
	return value, err
}

func (u *spyUsers) UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error {
	return u.spy.watchCall(ctx, "UpdateLastLogin", func() error { return u.Users.UpdateLastLogin(ctx, user, at) })
}

func (u *spyUsers) UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error {
	return u.spy.watchCall(ctx, "UpdatePassword", func() error { return u.Users.UpdatePassword(ctx, user, encoded) })
}
