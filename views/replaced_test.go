package views_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// internal/adaptertest tests what logins and logouts end on every framework. These are the tests of programs that set cookies
// by themselves, and of the limits.

// activeSessions returns the ids of alice's active sessions.
func (f *fixture) activeSessions(t *testing.T) []string {
	t.Helper()
	all, err := f.Sessions(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

func TestSetCookies_EndsReplacedSessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	request := func(pair core.Pair) *http.Request {
		r := httptest.NewRequest("GET", "/callback", nil)
		r.Header.Set("Cookie", access+"="+pair.Access+"; "+refresh+"="+pair.Refresh)
		return r
	}
	session := func(raw string) string {
		token, err := f.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		return token.SessionID()
	}
	replace := func(old, fresh core.Pair) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the client has hung up
		if err := views.SetCookies(httptest.NewRecorder(), request(old).WithContext(ctx), f.Auth, fresh); err != nil {
			t.Error(err)
		}
		if active, want := f.activeSessions(t), session(fresh.Access); !slices.Equal(active, []string{want}) {
			t.Errorf("the sessions %v are active, want %s", active, want)
		}
	}
	first := f.loginAlice(t)
	replace(first, f.loginAlice(t))
	old := core.Pair{Access: f.loginSliding(t)}
	if err := f.RevokeOtherSessions(t.Context(), "1", session(old.Access), core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	next := f.loginAlice(t)
	replace(old, next)
	// A refresh keeps its session, with a new refresh token and without.
	refreshed, _, err := f.Refresh(t.Context(), next.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	replace(next, refreshed)
	replace(refreshed, core.Pair{Access: refreshed.Access})
	replace(refreshed, core.Pair{Access: f.loginSliding(t)})

	kept := f.loginAlice(t)
	before := f.activeSessions(t)
	for what, bad := range map[string]core.Pair{"no token": {Access: "x"}, "a long one": {Access: newLongToken(t, f)}} {
		if err := views.SetCookies(httptest.NewRecorder(), request(kept), f.Auth, bad); err == nil || !slices.Equal(before, f.activeSessions(t)) {
			t.Errorf("%s: %v, the sessions %v are active", what, err, f.activeSessions(t))
		}
	}
	views.ClearCookies(httptest.NewRecorder(), f.Auth)
	if err := views.SetCookies(httptest.NewRecorder(), request(kept), f.WithoutCookies(), f.loginAlice(t)); err != nil || len(f.activeSessions(t)) != len(before)+1 {
		t.Errorf("without cookies: %v, the sessions %v are active", err, f.activeSessions(t))
	}
}

// Django's refresh tokens name no session.
func TestSetCookies_TokenWithoutSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies, func(s *simplejwt.Settings, _ *core.Deps) {
		s.RotateRefreshTokens, s.BlacklistAfterRotation = false, false
	})
	token, err := f.NewToken(core.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	token.Set("user_id", "1")
	raw, _ := token.Sign()
	if err := f.store.Record(t.Context(), core.OutstandingToken{JTI: token.JTI(), UserID: "1", ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Cookie", refresh+"="+raw)
	if err := views.SetCookies(httptest.NewRecorder(), r, f.Auth, core.Pair{Access: f.loginSliding(t), Refresh: raw}); err != nil {
		t.Fatal(err)
	}
	if active := f.activeSessions(t); len(active) != 2 {
		t.Errorf("the sessions %v are active, want the one that is kept too", active)
	}
}

// A hook that rejects a login, or issues no tokens, replaces no cookie.
func TestObtainPair_HookWithoutTokensEndsNoSession(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]simplejwt.Serializer{
		"rejects": func(ctx context.Context, _ *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
			_, _ = super(ctx)
			return nil, &core.Error{Status: 403, Detail: "No."}
		},
		"fails": func(ctx context.Context, _ *simplejwt.SerializerInput, super super) (simplejwt.Attrs, error) {
			_, _ = super(ctx)
			return nil, errors.New("down")
		},
		"issues no tokens": func(ctx context.Context, _ *simplejwt.SerializerInput, _ super) (simplejwt.Attrs, error) {
			return simplejwt.Attrs{"next": "a second factor"}, nil
		},
	} {
		f := newFixture(t, withCookies, withHook(hook))
		mine := f.loginAlice(t)
		w := serveWithCookies(views.ObtainPair(f.Auth), "POST", encodeObject("username", "alice", "password", password), access+"="+mine.Access, refresh+"="+mine.Refresh)
		if _, _, err := f.Refresh(t.Context(), mine.Refresh); err != nil {
			t.Errorf("%s: %d, and the session before has ended: %v", name, w.Code, err)
		}
	}
}

// slowStore delays the calls that the end of a session makes.
type slowStore struct {
	core.Store
	delay time.Duration
}

func (s slowStore) wait(ctx context.Context) error {
	select {
	case <-time.After(s.delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slowStore) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if err := s.wait(ctx); err != nil {
		return core.SessionState{}, err
	}
	return s.Store.State(ctx, jti, sid)
}

func (s slowStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if err := s.wait(ctx); err != nil {
		return 0, err
	}
	return s.Store.Revoke(ctx, scope, reason, now)
}

// A request that ends sessions takes 10 seconds at most, whether its client is there or not, and delays no login for longer.
func TestSessions_EndWithinTenSeconds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		view   func(*core.Auth) http.Handler
		method string
		two    bool // the cookies are those of two sessions
		delay  time.Duration
		status int
		took   time.Duration
	}{
		"a logout that ends in time succeeds":                {views.Blacklist, "POST", false, 3 * time.Second, 200, 9 * time.Second},
		"a logout that takes longer is a 503":                {views.Blacklist, "POST", false, 6 * time.Second, 503, 10 * time.Second},
		"the end of all sessions that takes longer is a 503": {views.Sessions, "DELETE", false, 6 * time.Second, 503, 10 * time.Second},
		"the end of the others that takes longer is a 503":   {views.OtherSessions, "DELETE", false, 6 * time.Second, 503, 10 * time.Second},
		"the end of one that takes longer is a 503":          {views.Session, "DELETE", false, 6 * time.Second, 503, 10 * time.Second},
		"a store that does not answer is a 503":              {views.Sessions, "DELETE", false, time.Hour, 503, 10 * time.Second},
		"a login that replaces several sessions succeeds":    {views.ObtainPair, "POST", true, time.Hour, 200, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, withCookies, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = slowStore{d.Store, c.delay} })
				mine, other := f.loginAlice(t), f.loginAlice(t)
				r := httptest.NewRequest(c.method, "/", strings.NewReader(encodeObject("username", "alice", "password", password)))
				r.Header.Set("Content-Type", jsonType)
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				r.Header.Set("Cookie", access+"="+mine.Access)
				if c.two {
					r.Header.Set("Cookie", access+"="+mine.Access+"; "+refresh+"="+other.Refresh)
				}
				r.SetPathValue("id", "x")
				ctx, cancel := context.WithCancel(r.Context())
				cancel()
				if c.status == 503 {
					r = r.WithContext(ctx)
				}
				start := time.Now()
				w := serveRequest(c.view(f.Auth), r)
				if took := time.Since(start); w.Code != c.status || took != c.took {
					t.Errorf("%d %s after %v, want %d after %v", w.Code, w.Body, took, c.status, c.took)
				}
			})
		})
	}
}
