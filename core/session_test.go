package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func opsLimit(n int) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.MaxSessionsPerUser = n }
}

func opsCheckSession(s *simplejwt.Settings, _ *core.Deps) { s.CheckSession = true }

func opsCache(d time.Duration) opsOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.CheckSession, s.CheckSessionCacheTimeout = true, d }
}

// sessions are the ids of a user's sessions.
func (e *opsEnv) sessions(userID string) []string {
	e.t.Helper()
	all, err := e.Sessions(opsCtx(), userID)
	if err != nil {
		e.t.Fatalf("sessions: %v", err)
	}
	out := []string{}
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

func TestSessionsShowWhereAUserIsLoggedIn(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsSessionLifetime(48*time.Hour))
	login := func(d core.Device) (string, core.Pair) {
		pair, err := e.Login(core.WithDevice(opsCtx(), d), e.user("alice"))
		if err != nil {
			t.Fatal(err)
		}
		return e.session(pair.Refresh), pair
	}
	phone, phones := login(core.Device{Name: "phone", IP: "192.0.2.1", UserAgent: "app/1"})
	started := e.clock.now()
	e.clock.advance(time.Hour)
	laptop, _ := login(core.Device{IP: "192.0.2.2", UserAgent: "browser/1"})
	e.clock.advance(time.Hour)
	refreshed := e.clock.now()
	if _, _, err := e.Refresh(core.WithDevice(opsCtx(), core.Device{IP: "192.0.2.3", UserAgent: "app/2"}), phones.Refresh); err != nil {
		t.Fatal(err)
	}
	got, err := e.Sessions(opsCtx(), "1")
	if err != nil {
		t.Fatal(err)
	}
	later := started.Add(time.Hour)
	second := func(at time.Time) time.Time { return at.Truncate(time.Second) }
	want := []core.Session{
		{ID: laptop, Device: core.Device{IP: "192.0.2.2", UserAgent: "browser/1"}, StartedAt: later, LastRefreshedAt: later, ExpiresAt: second(later.Add(24 * time.Hour))},
		{ID: phone, Device: core.Device{Name: "phone", IP: "192.0.2.3", UserAgent: "app/2"}, StartedAt: started, LastRefreshedAt: refreshed, ExpiresAt: second(refreshed.Add(24 * time.Hour))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	for _, other := range []string{"2", "", "nobody"} {
		if got := e.sessions(other); len(got) > 0 {
			t.Errorf("the user %q sees the sessions %v of another", other, got)
		}
	}
	e.clock.advance(24 * time.Hour)
	if diff := cmp.Diff([]string{}, e.sessions("1")); diff != "" {
		t.Errorf("sessions that are over are shown (-want +got):\n%s", diff)
	}
}

func TestSessionsWithoutRecordsAreNone(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"without a store": opsNoStore, "with JTI_CLAIM off": opsNoIDs} {
		e := opsNew(t, option)
		e.login()
		if got := e.sessions("1"); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		if err := e.RevokeSession(opsCtx(), "1", "x", core.ReasonAdmin); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("%s: RevokeSession: %v, want ErrSessionNotFound", name, err)
		}
		if _, err := e.RenewSession(opsCtx(), e.user("alice"), "x"); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("%s: RenewSession: %v, want ErrSessionNotFound", name, err)
		}
	}
}

func TestASessionLifetimeThatCameLaterCutsSessionsShort(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSessionLifetime(time.Hour))
	start := e.clock.now()
	for jti, at := range map[string]time.Time{"old": start.Add(-2 * time.Hour), "young": start} {
		if err := e.mem.Record(opsCtx(), core.OutstandingToken{JTI: jti, UserID: "1", CreatedAt: at, ExpiresAt: start.Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.Sessions(opsCtx(), "1")
	want := []core.Session{{ID: "young", StartedAt: start, LastRefreshedAt: start, ExpiresAt: start.Add(time.Hour)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestNobodyEndsTheSessionOfAnother(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	raw := e.login().Refresh
	session := e.session(raw)
	for _, other := range []string{"2", "nobody"} {
		if err := e.RevokeSession(opsCtx(), other, session, core.ReasonLogout); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("user %q: error %v, want ErrSessionNotFound", other, err)
		}
	}
	next := e.mustRefresh(raw).Refresh
	if err := e.RevokeSession(opsCtx(), "1", session, core.ReasonLogout); err != nil {
		t.Errorf("the user himself: %v", err)
	}
	e.wantRefused("a token of an ended session", next, core.ErrTokenBlacklisted)
	if err := e.RevokeSession(opsCtx(), "1", session, core.ReasonLogout); !errors.Is(err, core.ErrSessionNotFound) {
		t.Errorf("a second time: %v, want ErrSessionNotFound", err)
	}
}

func TestOnlyTheNewestSessionsStay(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsLimit(2))
	first := e.login().Refresh
	second := e.login().Refresh
	first = e.mustRefresh(first).Refresh // it is the older login all the same
	third := e.loginSliding()
	if diff := cmp.Diff([]string{e.session(third), e.session(second)}, e.sessions("1")); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	e.wantRefused("the oldest session", first, core.ErrTokenBlacklisted)
	if got := e.reason(first); got != core.ReasonLimit {
		t.Errorf("the reason is %q, want limit", got)
	}
	if err := e.Blacklist(opsCtx(), second); err != nil {
		t.Fatal(err)
	}
	made, err := e.ForUser(opsCtx(), core.RefreshToken, e.user("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{made.JTI(), e.session(third)}, e.sessions("1")); diff != "" {
		t.Errorf("a session that was logged out counts (-want +got):\n%s", diff)
	}
	if made, err = e.ForUser(opsCtx(), core.RefreshToken, e.user("alice")); err != nil || len(e.sessions("1")) != 2 {
		t.Errorf("ForUser (%v) leaves %d sessions, want 2", err, len(e.sessions("1")))
	}
	e.spy.take()
	if _, err = e.ForUser(opsCtx(), core.AccessToken, e.user("alice")); err != nil || cmp.Diff([]string{"FieldValue"}, e.spy.take()) != "" {
		t.Errorf("an access token is no session, error %v", err)
	}
	if e.row(made.JTI()).Blacklisted {
		t.Error("the newest session was ended")
	}
}

func TestALimitBelowWhatIsThereEndsEverySurplusSession(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsLimit(3))
	for i := range core.MaxSessions + 50 {
		jti := fmt.Sprint("old-", i)
		if err := e.mem.Record(opsCtx(), core.OutstandingToken{JTI: jti, UserID: "1", SessionID: jti, ExpiresAt: e.clock.now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	e.login()
	if got := e.sessions("1"); len(got) != 3 {
		t.Errorf("%d sessions are left, want 3", len(got))
	}
}

func TestLoginsAtOnceLeaveNoSessionTooMany(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsLimit(3))
	for range 20 {
		var group sync.WaitGroup
		for range 32 {
			group.Go(func() { _, _ = e.Login(opsCtx(), e.user("alice")) })
		}
		group.Wait()
		if got := e.sessions("1"); len(got) != 3 {
			t.Fatalf("%d sessions after the last answer, want 3", len(got))
		}
	}
}

func TestAnAccessTokenDiesWithItsSession(t *testing.T) {
	t.Parallel()
	for _, c := range opsEndings() {
		e := opsNew(t, opsGrace, opsCheckSession)
		pair := e.login()
		e.mustRefresh(pair.Refresh)
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
			t.Errorf("%s: before: %v", c.name, err)
		}
		if err := c.end(e, pair.Refresh); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, _, err := e.AuthenticateToken(opsCtx(), pair.Access)
		var refusal *core.Error
		if !errors.As(err, &refusal) || !errors.Is(err, core.ErrTokenNotAllowed) || refusal.Reason != "session_ended" {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed for an ended session", c.name, err)
		} else if diff := cmp.Diff([]core.Message{{TokenClass: "AccessToken", TokenType: "access", Message: "Token is blacklisted"}}, refusal.Messages); diff != "" {
			t.Errorf("%s: messages (-want +got):\n%s", c.name, diff)
		}
		if _, err := e.Verify(opsCtx(), pair.Access); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: verify: %v, want ErrTokenBlacklisted", c.name, err)
		}
		if _, _, err := e.Stateless().AuthenticateToken(opsCtx(), pair.Access); err != nil {
			t.Errorf("%s: the stateless middleware asks nobody: %v", c.name, err)
		}
	}
}

func TestCheckSessionAsksOnceForWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsCheckSession, opsClasses(core.AccessToken, core.SlidingToken), opsSessionLifetime(time.Hour))
	pair, sliding := e.login(), e.loginSliding()
	e.spy.take()
	for what, c := range map[string]struct {
		raw   string
		want  error
		calls []string
	}{
		"an access token":                          {pair.Access, nil, []string{"State", "ByField"}},
		"a sliding token":                          {sliding, nil, []string{"IsBlacklisted", "State", "ByField"}},
		"an access token without sid":              {e.forge(map[string]any{"token_type": "access"}), core.ErrTokenNotAllowed, []string{"State"}[:0]},
		"an access token of no session":            {e.forge(map[string]any{"token_type": "access", "sid": "unknown"}), core.ErrTokenNotAllowed, []string{"State"}},
		"a sliding token that nobody has a row of": {e.forge(map[string]any{"token_type": "sliding"}), core.ErrTokenNotAllowed, []string{"IsBlacklisted", "State"}},
	} {
		if _, _, err := e.AuthenticateToken(opsCtx(), c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", what, err, c.want)
		}
		if diff := cmp.Diff(c.calls, e.spy.take(), cmp.Transformer("nil", func(s []string) string { return fmt.Sprint(s) })); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", what, diff)
		}
	}
	e.clock.advance(time.Hour) // the access token is over as well, so forge one of the session
	raw := e.forge(map[string]any{"token_type": "access", "sid": e.session(pair.Refresh)})
	if _, _, err := e.AuthenticateToken(opsCtx(), raw); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("a session past its lifetime: %v, want ErrTokenNotAllowed", err)
	}
}

func TestCheckingSessionAsksWithoutTheSetting(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	pair := e.login()
	foreign := e.forge(map[string]any{"token_type": "access"})
	try := func(raw string) error {
		_, _, err := e.CheckingSession().AuthenticateToken(opsCtx(), raw)
		return err
	}
	if err := errors.Join(try(pair.Access), try(foreign)); err != nil {
		t.Errorf("tokens of a session that goes on, or of none: %v", err)
	}
	if err := e.Blacklist(opsCtx(), pair.Refresh); err != nil {
		t.Fatal(err)
	}
	if err := try(pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("a token of an ended session: %v, want ErrTokenNotAllowed", err)
	}
	none := opsNew(t, opsNoStore)
	for _, raw := range []string{none.login().Access, none.forge(map[string]any{"token_type": "access", "sid": "of a time with a store"})} {
		if _, _, err := none.CheckingSession().AuthenticateToken(opsCtx(), raw); err != nil {
			t.Errorf("without a store: %v", err)
		}
	}
}

func TestTheSessionCacheIsNoStalerThanItsTimeout(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsCache(time.Minute))
	other := opsNew(t, opsGrace, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = &opsStore{e.mem, &opsSpy{}} }) // another process
	other.clock.set(e.clock.now())
	access := func() string { return e.forge(map[string]any{"token_type": "access", "sid": "id-000001"}) }
	asked := func() (bool, error) {
		e.spy.take()
		_, _, err := e.AuthenticateToken(opsCtx(), access())
		return e.spy.take()[0] == "State", err
	}
	e.login()
	for i, want := range []bool{true, false, false} {
		if got, err := asked(); got != want || err != nil {
			t.Errorf("request %d: asked %v, error %v, want %v", i, got, err, want)
		}
	}
	if err := other.RevokeUser(opsCtx(), "1", core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(time.Minute - time.Microsecond)
	if got, err := asked(); got || err != nil {
		t.Errorf("within the timeout: asked %v, error %v, want neither", got, err)
	}
	e.clock.advance(time.Microsecond)
	if got, err := asked(); !got || !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("after the timeout: asked %v, error %v, want a refusal", got, err)
	}
}

func TestTheSessionCacheForgetsWhatThisProcessEnds(t *testing.T) {
	t.Parallel()
	for _, c := range opsEndings() {
		e := opsNew(t, opsGrace, opsCache(time.Hour))
		pair := e.login()
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
			t.Fatal(err)
		}
		if err := c.end(e, pair.Refresh); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", c.name, err)
		}
	}
}

func TestALookThatIsOlderThanTheEndIsNotRemembered(t *testing.T) {
	t.Parallel()
	for _, c := range opsEndings() {
		e := opsNew(t, opsGrace, opsCache(time.Hour))
		pair := e.login()
		looked := false
		e.spy.after = func(_ context.Context, call string) error {
			if call == "State" && !looked {
				looked = true
				return c.end(e, pair.Refresh)
			}
			return nil
		}
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
			t.Errorf("%s: a request that looked before the end: %v", c.name, err)
		}
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", c.name, err)
		}
	}
}

func TestTheSessionCacheEndsWithTheSessionAndIgnoresAClockSetBack(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsCache(10*time.Hour), opsSessionLifetime(time.Hour))
	e.login()
	access := func() string { return e.forge(map[string]any{"token_type": "access", "sid": "id-000001"}) }
	if _, _, err := e.AuthenticateToken(opsCtx(), access()); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(time.Hour)
	if _, _, err := e.AuthenticateToken(opsCtx(), access()); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("after SESSION_LIFETIME: %v, want ErrTokenNotAllowed", err)
	}
	e.clock.advance(-20 * time.Hour)
	e.spy.take()
	_, _, _ = e.AuthenticateToken(opsCtx(), access())
	if calls := e.spy.take(); calls[0] != "State" {
		t.Errorf("calls %v: a clock that was set back makes the cache believe for longer", calls)
	}
}

func TestARenewedSessionGoesOnWithNewTokensOnly(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse, opsCheckRevoke)
	pair := e.login()
	session := e.session(pair.Refresh)
	e.change(func(a *memstore.Account) { a.Password = "another hash" })
	renewed, err := e.RenewSession(opsCtx(), e.user("alice"), session)
	if err != nil {
		t.Fatal(err)
	}
	old := session
	if session = e.session(renewed.Refresh); session == old || e.token(renewed.Access).SessionID() != session {
		t.Errorf("the new tokens are of the sessions %q and %q, want a new one", session, e.token(renewed.Access).SessionID())
	}
	e.wantRefused("the old token", pair.Refresh, core.ErrTokenBlacklisted)
	if _, _, err := e.AuthenticateToken(opsCtx(), renewed.Access); err != nil {
		t.Errorf("the new access token: %v", err)
	}
	e.mustRefresh(renewed.Refresh)
	if rows := e.row(e.jti(pair.Refresh)); rows.Reason != core.ReasonRenewed {
		t.Errorf("the old token is %q, want renewed", rows.Reason)
	}
	for what, c := range map[string]struct {
		user    simplejwt.User
		session string
		want    error
	}{
		"another's session": {&memstore.Account{ID: "9"}, session, core.ErrSessionNotFound},
		"no session":        {e.user("alice"), "unknown", core.ErrSessionNotFound},
		"an empty id":       {e.user("alice"), "", core.ErrSessionNotFound},
		"nobody":            {nil, session, core.ErrNoActiveAccount},
		"an inactive user":  {e.user("bob"), session, core.ErrNoActiveAccount},
	} {
		if got, err := e.RenewSession(opsCtx(), c.user, c.session); !errors.Is(err, c.want) || got != (core.Pair{}) {
			t.Errorf("%s: error %v, want %v", what, err, c.want)
		}
	}
	if err := e.RevokeSession(opsCtx(), "1", session, core.ReasonLogout); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RenewSession(opsCtx(), e.user("alice"), session); !errors.Is(err, core.ErrSessionNotFound) {
		t.Errorf("an ended session: %v, want ErrSessionNotFound", err)
	}
}

func TestARenewalFollowsAClientThatRotatesMeanwhile(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	pair := e.login()
	e.once("Revoke", func() { e.mustRefreshPastSpy(pair.Refresh) })
	renewed, err := e.RenewSession(opsCtx(), e.user("alice"), e.session(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	e.mustRefresh(renewed.Refresh)
	if n := len(e.sessions("1")); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// mustRefreshPastSpy consumes a token as another process would.
func (e *opsEnv) mustRefreshPastSpy(raw string) {
	e.t.Helper()
	_, ok, err := e.mem.Rotate(opsCtx(), core.Rotation{
		JTI: e.jti(raw), NewJTI: "by-another-process", Now: e.clock.now(), ActiveAfter: e.clock.now(), ExpiresAt: e.clock.now().Add(time.Hour), Consume: true,
	})
	if err != nil || !ok {
		e.t.Errorf("the other process: rotated %v, error %v", ok, err)
	}
}

func TestFlushEveryWorksUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := opsNew(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.FlushEvery(ctx, time.Hour) }()
		count := func() int {
			synctest.Wait()
			return len(e.spy.take())
		}
		if n := count(); n != 1 {
			t.Errorf("%d flushes at once, want 1", n)
		}
		e.spy.mu.Lock()
		e.spy.after = func(context.Context, string) error { return errOpsDown }
		e.spy.mu.Unlock()
		time.Sleep(time.Hour)
		if n := count(); n != 1 || len(e.events.of(core.EventStoreError)) != 1 {
			t.Errorf("%d flushes in the first hour and %d events of trouble, want 1 and 1", n, len(e.events.of(core.EventStoreError)))
		}
		e.spy.mu.Lock()
		e.spy.after = func(context.Context, string) error { return core.ErrFlushRunning }
		e.spy.mu.Unlock()
		time.Sleep(2 * time.Hour)
		if n := count(); n != 2 || len(e.events.of(core.EventStoreError)) != 1 {
			t.Errorf("%d flushes in the next two and %d events, want 2 and still 1", n, len(e.events.of(core.EventStoreError)))
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v, want that of its context", err)
		}
	})
	if err := opsNew(t).FlushEvery(opsCtx(), 0); err == nil {
		t.Error("an interval of 0 is no error")
	}
}

// A login that is refused after the password was right must not log the user out elsewhere, nor leave a session.
func TestALoginThatIsRefusedEndsNoOtherSession(t *testing.T) {
	t.Parallel()
	refuse := false
	secondFactor := opsSettings(func(s *simplejwt.Settings) {
		s.OnLoginSuccess = func(context.Context, simplejwt.User) error {
			if refuse {
				return core.ErrPermissionDenied
			}
			return nil
		}
	})
	noClaims := func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(_ context.Context, _ simplejwt.User, token *core.Token) error {
			if refuse && token.Class().Name == core.AccessToken {
				return core.ErrPermissionDenied
			}
			return nil
		}
	}
	for name, option := range map[string]opsOption{"by the hook": secondFactor, "by the claims": noClaims} {
		e := opsNew(t, opsGrace, opsLimit(2), option)
		refuse = false
		mine := []string{e.session(e.login().Refresh), e.session(e.login().Refresh)}
		refuse = true
		for range 3 {
			if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); !errors.Is(err, core.ErrPermissionDenied) {
				t.Fatalf("%s: error %v, want a refusal", name, err)
			}
			if _, _, err := e.ObtainSliding(opsCtx(), "alice", opsPassword); name == "by the hook" && !errors.Is(err, core.ErrPermissionDenied) {
				t.Fatalf("%s: sliding: error %v, want a refusal", name, err)
			}
			if name == "by the claims" {
				break // a sliding login has no access token, and so is good
			}
		}
		if name == "by the claims" {
			continue
		}
		if diff := cmp.Diff([]string{mine[1], mine[0]}, e.sessions("1")); diff != "" {
			t.Errorf("%s: sessions (-want +got):\n%s", name, diff)
		}
	}
}

func TestALimitTellsOnlyOfWhatItEnds(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsLimit(2), opsLeeway(time.Minute), func(_ *simplejwt.Settings, d *core.Deps) {
		d.TokenClasses = []core.TokenClass{{Name: "DeviceToken", Type: "device", Lifetime: time.Hour, Blacklistable: true}}
	})
	first := e.login().Refresh
	for range 3 {
		if _, err := e.ForUser(opsCtx(), "DeviceToken", e.user("alice")); err != nil {
			t.Fatal(err)
		}
	}
	if got := e.reason(first); got != "live" || len(e.events.of(core.EventRevoke)) > 0 {
		t.Errorf("tokens of another class end a session (%s), events %v", got, e.events.of(core.EventRevoke))
	}
	e = opsNew(t, opsGrace, opsLimit(2), opsLeeway(time.Minute))
	first = e.login().Refresh
	e.clock.advance(24*time.Hour + 30*time.Second) // only LEEWAY admits it
	e.login()
	e.mustRefresh(first)
	e = opsNew(t, opsGrace, opsLimit(1))
	first = e.login().Refresh
	e.clock.advance(25 * time.Hour)
	e.login()
	if got := e.reason(first); got != "live" || len(e.events.of(core.EventRevoke)) > 0 {
		t.Errorf("a session that expired long ago is ended (%s), events %v", got, e.events.of(core.EventRevoke))
	}
}

// Whoever holds the token that a session had before it was renewed has nothing, be it a moment later.
func TestThereIsNoGraceForATokenThatWasRenewed(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"": opsPlain, "with CHECK_REVOKE_TOKEN": opsCheckRevoke} {
		e := opsNew(t, opsGrace, opsReuse, option)
		old := e.login().Refresh
		renewed, err := e.RenewSession(opsCtx(), e.user("alice"), e.session(old))
		if err != nil {
			t.Fatal(err)
		}
		e.wantRefused("the token before the renewal "+name, old, core.ErrTokenBlacklisted)
		e.clock.advance(time.Minute)
		e.wantRefused("the same, later "+name, old, core.ErrTokenBlacklisted)
		e.mustRefresh(renewed.Refresh)
		if events := e.events.of(core.EventReuse); len(events) > 0 {
			t.Errorf("%s: it counts as reuse: %v", name, events)
		}
	}
}

func TestARefreshUnderWayDoesNotOutliveARenewal(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse, opsCheckRevoke)
	old := e.login().Refresh
	var renewed core.Pair
	e.once("Rotate", func() { // the refresh has loaded its user by now
		e.spy.mu.Lock()
		e.spy.before = nil
		e.spy.mu.Unlock()
		e.change(func(a *memstore.Account) { a.Password = "another hash" })
		var err error
		if renewed, err = e.RenewSession(opsCtx(), e.user("alice"), e.session(old)); err != nil {
			t.Error(err)
		}
	})
	e.wantRefused("a token that is renewed meanwhile", old, core.ErrTokenBlacklisted)
	e.mustRefresh(renewed.Refresh)
	var refusal *core.Error
	if _, err := e.refresh(old); !errors.As(err, &refusal) || refusal.Reason != "password_changed" {
		t.Errorf("a second tab is told %v, want that the password was changed", err)
	}
	if n := len(e.sessions("1")); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

func TestTheSessionCacheForgetsWhatMayHaveEnded(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(*opsEnv, string) error{
		"a session": func(e *opsEnv, sid string) error { return e.RevokeSession(opsCtx(), "1", sid, core.ReasonAdmin) },
		"a user":    func(e *opsEnv, _ string) error { return e.RevokeUser(opsCtx(), "1", core.ReasonAdmin) },
	} {
		e := opsNew(t, opsGrace, opsCache(time.Hour))
		pair := e.login()
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
			t.Fatal(err)
		}
		e.spy.after = func(_ context.Context, call string) error { // it was done, but the answer is lost
			if call == "Revoke" {
				return errOpsDown
			}
			return nil
		}
		if err := end(e, e.session(pair.Refresh)); !errors.Is(err, core.ErrServiceUnavailable) {
			t.Errorf("%s: error %v, want 503", what, err)
		}
		if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", what, err)
		}
	}
}

func TestAReasonMustBeOne(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	raw := e.login().Refresh
	for _, bad := range []core.Reason{core.ReasonRotated, core.ReasonRenewed, "more than thirty-two bytes make no word"} {
		for what, err := range map[string]error{
			"RevokeUser": e.RevokeUser(opsCtx(), "1", bad), "RevokeSession": e.RevokeSession(opsCtx(), "1", e.session(raw), bad),
		} {
			if err == nil || errors.Is(err, core.ErrSessionNotFound) || e.reason(raw) != "live" {
				t.Errorf("%s for the reason %q: error %v, and the token is %s", what, bad, err, e.reason(raw))
			}
		}
	}
	if err := e.RevokeUser(opsCtx(), "1", ""); err != nil || e.reason(raw) != core.ReasonAdmin {
		t.Errorf("without a reason: error %v, and the token is %s, want admin", err, e.reason(raw))
	}
}

func TestRenewSession_NoGrace(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]opsOption{"with a grace period": opsGrace, "without blacklisting": opsRotateOnly} {
		e := opsNew(t, rotation)
		first := e.login().Refresh
		second := e.mustRefresh(first).Refresh
		renewed, err := e.RenewSession(opsCtx(), e.user("alice"), e.session(first))
		if err != nil {
			t.Fatal(err)
		}
		e.wantRefused(name+": the token that was current", second, core.ErrTokenBlacklisted)
		e.wantRefused(name+": the one before it, rotated a moment ago", first, core.ErrTokenBlacklisted)
		e.mustRefresh(renewed.Refresh)
	}
}

func TestRenewSession_KeepsStartEndAndDevice(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsSessionLifetime(20*time.Hour))
	pair, err := e.Login(core.WithDevice(opsCtx(), core.Device{Name: "phone", IP: "192.0.2.1"}), e.user("alice"))
	if err != nil {
		t.Fatal(err)
	}
	list := func() []core.Session {
		all, err := e.Auth.Sessions(opsCtx(), "1")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := list()[0]
	e.clock.advance(19 * time.Hour)
	renewed, err := e.RenewSession(core.WithDevice(opsCtx(), core.Device{IP: "192.0.2.2"}), e.user("alice"), e.session(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	after := list()
	want := before
	want.ID, want.IP, want.LastRefreshedAt = e.session(renewed.Refresh), "192.0.2.2", e.clock.now()
	if diff := cmp.Diff([]core.Session{want}, after); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	for what, raw := range map[string]string{"access": renewed.Access, "refresh": renewed.Refresh} {
		if got := e.token(raw).ExpiresAt(); got.After(before.ExpiresAt) {
			t.Errorf("the %s token expires at %v, after its session, %v", what, got, before.ExpiresAt)
		}
	}
}

func TestRenewSession_ClockSetBack(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsSessionLifetime(time.Minute))
	pair := e.login()
	end := e.row(e.jti(pair.Refresh)).SessionExpiresAt
	e.clock.advance(-5 * time.Second)
	renewed, err := e.RenewSession(opsCtx(), e.user("alice"), e.session(pair.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.token(renewed.Refresh).ExpiresAt(), end.Truncate(time.Second); !got.Equal(want) {
		t.Errorf("the refresh token expires at %v, want the end of its session, %v", got, want)
	}
}

func TestRenewSession_EndedMeanwhile(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	pair := e.login()
	e.once("Revoke", func() {
		if _, err := e.mem.Revoke(opsCtx(), core.Scope{SessionID: e.session(pair.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil {
			t.Error(err)
		}
	})
	if got, err := e.RenewSession(opsCtx(), e.user("alice"), e.session(pair.Refresh)); !errors.Is(err, core.ErrSessionNotFound) || got != (core.Pair{}) {
		t.Errorf("error %v, want ErrSessionNotFound", err)
	}
	if left := e.sessions("1"); len(left) > 0 {
		t.Errorf("sessions are left: %v", left)
	}
}

func TestPasswordChanged(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	asking, other := e.login(), e.login()
	renewed, err := e.PasswordChanged(opsCtx(), e.user("alice"), e.session(asking.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	e.wantRefused("a copy of the asking session's token", asking.Refresh, core.ErrTokenBlacklisted)
	e.wantRefused("another session's token", other.Refresh, core.ErrTokenBlacklisted)
	e.mustRefresh(renewed.Refresh)
	for what, asking := range map[string]string{"none": "", "one that has ended": e.session(other.Refresh), "an unknown one": "unknown"} {
		pair := e.login()
		if got, err := e.PasswordChanged(opsCtx(), e.user("alice"), asking); err != nil || got != (core.Pair{}) {
			t.Errorf("asked by %s: error %v, tokens %v", what, err, got != core.Pair{})
		}
		e.wantRefused("after one asked by "+what, pair.Refresh, core.ErrTokenBlacklisted)
		if left := e.sessions("1"); len(left) > 0 {
			t.Errorf("asked by %s: sessions are left: %v", what, left)
		}
	}
}

func TestCheckingSession_AsksTheStoreWhateverTheCacheHolds(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsCheckSession, opsSettings(func(s *simplejwt.Settings) { s.CheckSessionCacheTimeout = time.Minute }))
	pair := e.login()
	if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil { // into the cache
		t.Fatal(err)
	}
	if _, err := e.mem.Revoke(opsCtx(), core.Scope{SessionID: e.session(pair.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil { // by another process
		t.Fatal(err)
	}
	if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
		t.Errorf("an ordinary route: %v, want the cache to be believed", err)
	}
	if _, _, err := e.CheckingSession().AuthenticateToken(opsCtx(), pair.Access); err == nil {
		t.Error("a session that another process has ended may end others")
	}
}
