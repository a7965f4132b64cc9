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
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

const (
	opsKey      = "the-signing-key-of-the-operations-tests"
	opsPassword = "correct horse battery staple"
	// opsCheapHash is that of opsPassword with a single iteration, so that a check costs nothing.
	opsCheapHash = "pbkdf2_sha256$1$salt$ouhwH5QjXU2O1gHvuMrHWhFGwGQ8zEmYRlu7N1suuDo="
)

// opsStart is when the clock of every test starts.
func opsStart() time.Time { return time.Date(2031, 5, 6, 7, 8, 9, 250_000_000, time.UTC) }

// opsT is what the helpers need of *testing.T and *rapid.T.
type opsT interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// opsEnv is an Auth with a clock, with a store and users that count their calls and fail on demand, and with all that
// it tells the outside. Its users are alice (1), active, and bob (2), who is not.
type opsEnv struct {
	*core.Auth
	t        opsT
	clock    opsClock
	mem      *memstore.Store
	accounts *memstore.Users
	spy      *opsSpy
	events   opsEvents
	log      opsLog
}

// opsOption changes the settings and the dependencies of an opsEnv.
type opsOption func(*simplejwt.Settings, *core.Deps)

func opsNew(t opsT, options ...opsOption) *opsEnv {
	t.Helper()
	e := &opsEnv{t: t, mem: memstore.New(), accounts: memstore.NewUsers(), spy: &opsSpy{}}
	e.clock.set(opsStart())
	for _, a := range []memstore.Account{
		{ID: "1", Username: "alice", Password: opsCheapHash},
		{ID: "2", Username: "bob", Password: opsCheapHash, Inactive: true},
	} {
		if err := e.accounts.Add(a); err != nil {
			t.Fatalf("%v", err)
		}
	}
	settings := simplejwt.Settings{SigningKey: opsKey}
	var ids atomic.Int64
	deps := core.Deps{
		Store: &opsStore{e.mem, e.spy}, Users: &opsUsers{e.accounts, e.spy}, Now: e.clock.now, OnEvent: e.events.add,
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

func opsSettings(change func(*simplejwt.Settings)) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { change(s) }
}

// opsRotate switches rotation on, with blacklisting.
func opsRotate(s *simplejwt.Settings, _ *core.Deps) {
	s.RotateRefreshTokens, s.BlacklistAfterRotation = true, true
}

// opsRotateOnly switches rotation on, without blacklisting.
func opsRotateOnly(s *simplejwt.Settings, _ *core.Deps) { s.RotateRefreshTokens = true }

// opsGrace is rotation with 10 seconds of grace.
func opsGrace(s *simplejwt.Settings, d *core.Deps) {
	opsRotate(s, d)
	s.RotationGracePeriod = 10 * time.Second
}

func opsReuse(s *simplejwt.Settings, _ *core.Deps)       { s.ReuseDetection = true }
func opsCheckRevoke(s *simplejwt.Settings, _ *core.Deps) { s.CheckRevokeToken = true }
func opsNoStore(_ *simplejwt.Settings, d *core.Deps)     { d.Store = nil }
func opsNoIDs(s *simplejwt.Settings, _ *core.Deps)       { s.JTIClaim = simplejwt.Off }
func opsPlain(*simplejwt.Settings, *core.Deps)           {}

func opsLeeway(d time.Duration) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.Leeway = d }
}

func opsSessionLifetime(d time.Duration) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.SessionLifetime = d }
}

func opsClasses(names ...core.ClassName) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.AuthTokenClasses = names }
}

func opsCtx() context.Context { return context.Background() }

// user loads an account, past the spy.
func (e *opsEnv) user(name string) *memstore.Account {
	e.t.Helper()
	u, err := e.accounts.ByUsername(opsCtx(), name)
	if err != nil {
		e.t.Fatalf("load %s: %v", name, err)
	}
	return u.(*memstore.Account)
}

// change changes alice's account.
func (e *opsEnv) change(change func(*memstore.Account)) {
	e.t.Helper()
	a := e.user("alice")
	change(a)
	if err := e.accounts.Update(*a); err != nil {
		e.t.Fatalf("%v", err)
	}
}

// login logs alice in without a password.
func (e *opsEnv) login() core.Pair {
	e.t.Helper()
	pair, err := e.Login(opsCtx(), e.user("alice"))
	if err != nil {
		e.t.Fatalf("login: %v", err)
	}
	return pair
}

// loginSliding logs alice in and gives a sliding token.
func (e *opsEnv) loginSliding() string {
	e.t.Helper()
	token, err := e.LoginSliding(opsCtx(), e.user("alice"))
	if err != nil {
		e.t.Fatalf("sliding login: %v", err)
	}
	return token
}

func (e *opsEnv) refresh(raw string) (core.Pair, error) {
	pair, _, err := e.Refresh(opsCtx(), raw)
	return pair, err
}

func (e *opsEnv) mustRefresh(raw string) core.Pair {
	e.t.Helper()
	pair, err := e.refresh(raw)
	if err != nil {
		e.t.Fatalf("refresh: %v", err)
	}
	return pair
}

// wantRefused sees that a refresh is refused with want and gives nothing.
func (e *opsEnv) wantRefused(what, raw string, want error) {
	e.t.Helper()
	pair, err := e.refresh(raw)
	if !errors.Is(err, want) || pair != (core.Pair{}) {
		e.t.Errorf("refresh with %s: error %v (tokens given: %v), want %v", what, err, pair != core.Pair{}, want)
	}
}

// token reads a token, unverified.
func (e *opsEnv) token(raw string) *core.Token {
	e.t.Helper()
	t, err := e.Decode(raw)
	if err != nil {
		e.t.Fatalf("decode: %v", err)
	}
	return t
}

func (e *opsEnv) jti(raw string) string { e.t.Helper(); return e.token(raw).JTI() }

// row is the record of a token; nil where there is none.
func (e *opsEnv) row(jti string) *core.TokenState {
	e.t.Helper()
	state, err := e.mem.State(opsCtx(), jti, "")
	if err != nil {
		e.t.Fatalf("state: %v", err)
	}
	return state.Presented
}

// reason is why a token is on the blacklist: "live" where it is not, "unknown" without a record.
func (e *opsEnv) reason(raw string) core.Reason {
	e.t.Helper()
	switch r := e.row(e.jti(raw)); {
	case r == nil:
		return "unknown"
	case !r.Blacklisted:
		return "live"
	default:
		return r.Reason
	}
}

// opsEnding is a way to end a session, or all sessions of a user.
type opsEnding struct {
	name   string
	reason core.Reason
	user   bool // it ends the user's other sessions too
	end    func(e *opsEnv, raw string) error
}

func opsLogouts() []opsEnding {
	return []opsEnding{
		{"the blacklist view", core.ReasonLogout, false, func(e *opsEnv, raw string) error { return e.Blacklist(opsCtx(), raw) }},
		{"Token.Blacklist", core.ReasonLogout, false, func(e *opsEnv, raw string) error {
			token, err := e.ParseToken(opsCtx(), core.UntypedToken, raw)
			if err != nil {
				return err
			}
			return token.Blacklist(opsCtx())
		}},
	}
}

func opsEndings() []opsEnding {
	return append(opsLogouts(),
		opsEnding{"RevokeSession", core.ReasonAdmin, false, func(e *opsEnv, raw string) error {
			return e.RevokeSession(opsCtx(), "1", e.session(raw), core.ReasonAdmin)
		}},
		opsEnding{"RevokeUser", core.ReasonAdmin, true, func(e *opsEnv, _ string) error { return e.RevokeUser(opsCtx(), "1", core.ReasonAdmin) }},
		opsEnding{"PasswordChanged", core.ReasonPassword, true, func(e *opsEnv, _ string) error { return opsPasswordChanged(opsCtx(), e, e.user("alice"), "") }},
	)
}

// opsPasswordChanged is PasswordChanged without the new tokens.
func opsPasswordChanged(ctx context.Context, e *opsEnv, user simplejwt.User, asking string) error {
	_, err := e.PasswordChanged(ctx, user, asking)
	return err
}

// session is the session of a token: the one that it names, else its own.
func (e *opsEnv) session(raw string) string {
	e.t.Helper()
	if sid := e.token(raw).SessionID(); sid != "" {
		return sid
	}
	return e.jti(raw)
}

// wantOver sees that a session has no live token. It leaves none behind.
func (e *opsEnv) wantOver(session string) {
	e.t.Helper()
	n, err := e.mem.Revoke(opsCtx(), core.Scope{SessionID: session}, "test", e.clock.now())
	if n != 0 || err != nil {
		e.t.Errorf("%d tokens of a session that has ended were live, error %v", n, err)
	}
}

// family logs alice in and refreshes: the refresh tokens of one session, the oldest first.
func (e *opsEnv) family() []string {
	e.t.Helper()
	tokens := []string{e.login().Refresh}
	if e.Settings().RotateRefreshTokens {
		tokens = append(tokens, e.mustRefresh(tokens[0]).Refresh)
		tokens = append(tokens, e.mustRefresh(tokens[1]).Refresh)
		tokens = append(tokens, e.mustRefresh(tokens[0]).Refresh) // a sibling where nothing is consumed, else the head again
	}
	return tokens
}

// forge signs claims with the key, as another program that has it would. Those of a good refresh token of alice are
// the start; a nil value removes a claim.
func (e *opsEnv) forge(claims map[string]any) string {
	e.t.Helper()
	now := e.clock.now()
	all := jwt.MapClaims{
		"token_type": "refresh", "jti": "made-elsewhere", "user_id": "1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range claims {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString([]byte(opsKey))
	if err != nil {
		e.t.Fatalf("forge: %v", err)
	}
	return raw
}

// noSecrets sees that neither log, events nor the errors given hold a secret.
func (e *opsEnv) noSecrets(err error, secrets ...string) {
	e.t.Helper()
	told := e.log.String() + fmt.Sprintf("%+v %v %#v", e.events.all(), err, err)
	for _, secret := range append(secrets, opsKey, opsPassword, opsCheapHash) {
		if i := strings.LastIndexByte(secret, '.'); i >= 0 {
			secret = secret[i+1:] // the signature is what makes a token a secret
		}
		if secret != "" && strings.Contains(told, secret) {
			e.t.Errorf("%q is in the log, an event or an error:\n%s", secret, told)
		}
	}
}

// opsClock is a clock that stands still until it is moved.
type opsClock struct{ at atomic.Int64 }

func (c *opsClock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *opsClock) set(t time.Time)         { c.at.Store(t.UnixMicro()) }
func (c *opsClock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// opsEvents collects events.
type opsEvents struct {
	mu   sync.Mutex
	list []core.Event
}

func (e *opsEvents) add(_ context.Context, event core.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *opsEvents) all() []core.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// of are the events of one type.
func (e *opsEvents) of(kind core.EventType) []core.Event {
	return slices.DeleteFunc(e.all(), func(event core.Event) bool { return event.Type != kind })
}

// opsLog is a buffer for concurrent use.
type opsLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *opsLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *opsLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
