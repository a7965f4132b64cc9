package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func withSessionCache(d time.Duration) authOption {
	return func(s *simplejwt.Settings, _ *core.Deps) { s.CheckSession, s.CheckSessionCacheTimeout = true, d }
}

func TestCheckSession_EndedSession(t *testing.T) {
	t.Parallel()
	for _, c := range sessionEndings() {
		e := newEnv(t, withGracePeriod, withCheckSession)
		pair := e.mustLogin()
		e.mustRefresh(pair.Refresh)
		if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
			t.Errorf("%s: before: %v", c.name, err)
		}
		if err := c.end(e, pair.Refresh); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, _, err := e.AuthenticateToken(background, pair.Access)
		var denial *core.Error
		if !errors.As(err, &denial) || !errors.Is(err, core.ErrTokenNotAllowed) || denial.Reason != "session_ended" {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed for an ended session", c.name, err)
		} else if diff := cmp.Diff([]core.Message{{TokenClass: "AccessToken", TokenType: "access", Message: "Token is blacklisted"}}, denial.Messages); diff != "" {
			t.Errorf("%s: messages (-want +got):\n%s", c.name, diff)
		}
		if _, err := e.Verify(background, pair.Access); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: verify: %v, want ErrTokenBlacklisted", c.name, err)
		}
		if _, _, err := e.Stateless().AuthenticateToken(background, pair.Access); err != nil {
			t.Errorf("%s: Stateless looks up no session: %v", c.name, err)
		}
	}
}

func TestCheckSession_Calls(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withCheckSession, withTokenClasses(core.AccessToken, core.SlidingToken), withSessionLifetime(time.Hour))
	pair, sliding := e.mustLogin(), e.mustLoginSliding()
	e.spy.takeCalls()
	for what, c := range map[string]struct {
		raw   string
		want  error
		calls []string
	}{
		"an access token":                       {pair.Access, nil, []string{"State", "ByField"}},
		"a sliding token":                       {sliding, nil, []string{"IsBlacklisted", "State", "ByField"}},
		"an access token without sid":           {e.signExternal(map[string]any{"token_type": "access"}), core.ErrTokenNotAllowed, []string{"State"}[:0]},
		"an access token of an unknown session": {e.signExternal(map[string]any{"token_type": "access", "sid": "unknown"}), core.ErrTokenNotAllowed, []string{"State"}},
		"a sliding token without a record":      {e.signExternal(map[string]any{"token_type": "sliding"}), core.ErrTokenNotAllowed, []string{"IsBlacklisted", "State"}},
	} {
		if _, _, err := e.AuthenticateToken(background, c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", what, err, c.want)
		}
		if diff := cmp.Diff(c.calls, e.spy.takeCalls(), cmp.Transformer("nil", func(s []string) string { return fmt.Sprint(s) })); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", what, diff)
		}
	}
	e.clock.advance(time.Hour) // the access token has expired as well, so sign another one of the session
	raw := e.signExternal(map[string]any{"token_type": "access", "sid": e.readSession(pair.Refresh)})
	if _, _, err := e.AuthenticateToken(background, raw); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("a session past its lifetime: %v, want ErrTokenNotAllowed", err)
	}
}

func TestCheckSession_CacheTimeout(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionCache(time.Minute))
	other := newEnv(t, withGracePeriod, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = &spyStore{e.mem, &callSpy{}} }) // another process
	other.clock.set(e.clock.now())
	access := func() string { return e.signExternal(map[string]any{"token_type": "access", "sid": "id-000001"}) }
	looksUp := func() (bool, error) {
		e.spy.takeCalls()
		_, _, err := e.AuthenticateToken(background, access())
		return e.spy.takeCalls()[0] == "State", err
	}
	e.mustLogin()
	for i, want := range []bool{true, false, false} {
		if got, err := looksUp(); got != want || err != nil {
			t.Errorf("request %d: asked the store %v, error %v, want %v", i, got, err, want)
		}
	}
	if err := other.RevokeUser(background, "1", core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(time.Minute - time.Microsecond)
	if got, err := looksUp(); got || err != nil {
		t.Errorf("within the timeout: asked the store %v, error %v, want neither", got, err)
	}
	e.clock.advance(time.Microsecond)
	if got, err := looksUp(); !got || !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("after the timeout: asked the store %v, error %v, want both", got, err)
	}
}

func TestCheckSession_CacheForgetsEndedSession(t *testing.T) {
	t.Parallel()
	for _, c := range sessionEndings() {
		e := newEnv(t, withGracePeriod, withSessionCache(time.Hour))
		pair := e.mustLogin()
		if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
			t.Fatal(err)
		}
		if err := c.end(e, pair.Refresh); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, _, err := e.AuthenticateToken(background, pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", c.name, err)
		}
	}
}

func TestCheckSession_CacheForgetsSessionThatMayHaveEnded(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(*env, string) error{
		"a session": func(e *env, sid string) error { return e.RevokeSession(background, "1", sid, core.ReasonAdmin) },
		"a user":    func(e *env, _ string) error { return e.RevokeUser(background, "1", core.ReasonAdmin) },
	} {
		e := newEnv(t, withGracePeriod, withSessionCache(time.Hour))
		pair := e.mustLogin()
		if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
			t.Fatal(err)
		}
		e.spy.after = func(_ context.Context, call string) error { // the session was ended, but the answer is lost
			if call == "Revoke" {
				return errDatabaseDown
			}
			return nil
		}
		if err := end(e, e.readSession(pair.Refresh)); !errors.Is(err, core.ErrServiceUnavailable) {
			t.Errorf("%s: error %v, want ErrServiceUnavailable", what, err)
		}
		if _, _, err := e.AuthenticateToken(background, pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", what, err)
		}
	}
}

func TestCheckSession_CacheIgnoresOlderAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range sessionEndings() {
		e := newEnv(t, withGracePeriod, withSessionCache(time.Hour))
		pair := e.mustLogin()
		answered := false
		e.spy.after = func(_ context.Context, call string) error {
			if call == "State" && !answered {
				answered = true
				return c.end(e, pair.Refresh)
			}
			return nil
		}
		if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
			t.Errorf("%s: a request that asked before the end: %v", c.name, err)
		}
		if _, _, err := e.AuthenticateToken(background, pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
			t.Errorf("%s: error %v, want ErrTokenNotAllowed", c.name, err)
		}
	}
}

func TestCheckSession_CacheAndSessionLifetime(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withSessionCache(10*time.Hour), withSessionLifetime(time.Hour))
	e.mustLogin()
	access := func() string { return e.signExternal(map[string]any{"token_type": "access", "sid": "id-000001"}) }
	if _, _, err := e.AuthenticateToken(background, access()); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(time.Hour)
	if _, _, err := e.AuthenticateToken(background, access()); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("after SESSION_LIFETIME: %v, want ErrTokenNotAllowed", err)
	}
	e.clock.advance(-20 * time.Hour)
	e.spy.takeCalls()
	_, _, _ = e.AuthenticateToken(background, access())
	if calls := e.spy.takeCalls(); calls[0] != "State" {
		t.Errorf("calls %v: a clock that was set back keeps the cache valid for longer", calls)
	}
}

func TestCheckingSession_WithoutCheckSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	pair := e.mustLogin()
	external := e.signExternal(map[string]any{"token_type": "access"})
	try := func(raw string) error {
		_, _, err := e.CheckingSession().AuthenticateToken(background, raw)
		return err
	}
	if err := errors.Join(try(pair.Access), try(external)); err != nil {
		t.Errorf("tokens of an active session, or of none: %v", err)
	}
	if err := e.Blacklist(background, pair.Refresh); err != nil {
		t.Fatal(err)
	}
	if err := try(pair.Access); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("a token of an ended session: %v, want ErrTokenNotAllowed", err)
	}
	none := newEnv(t, withoutStore)
	for _, raw := range []string{none.mustLogin().Access, none.signExternal(map[string]any{"token_type": "access", "sid": "from before the store was removed"})} {
		if _, _, err := none.CheckingSession().AuthenticateToken(background, raw); err != nil {
			t.Errorf("without a store: %v", err)
		}
	}
}

func TestCheckingSession_BypassesCache(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withCheckSession, withSettings(func(s *simplejwt.Settings) { s.CheckSessionCacheTimeout = time.Minute }))
	pair := e.mustLogin()
	if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil { // into the cache
		t.Fatal(err)
	}
	if _, err := e.mem.Revoke(background, core.Scope{SessionID: e.readSession(pair.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil { // by another process
		t.Fatal(err)
	}
	if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
		t.Errorf("an ordinary route: %v, want the answer of the cache", err)
	}
	if _, _, err := e.CheckingSession().AuthenticateToken(background, pair.Access); err == nil {
		t.Error("a session that another process ended is accepted")
	}
}
