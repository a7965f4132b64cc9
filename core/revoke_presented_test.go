package core_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestRevokePresented(t *testing.T) {
	t.Parallel()
	byName := withSettings(func(s *simplejwt.Settings) { s.UserIDField = "username" })
	expired := func(raw string) func(*env) string {
		return func(e *env) string { e.clock.advance(48 * time.Hour); return raw }
	}
	for name, c := range map[string]struct {
		options []authOption
		// present returns the token to present, for a pair of tokens of alice and their session.
		present func(e *env, pair core.Pair, session string) string
		ends    bool
	}{
		"an access token":                       {nil, func(_ *env, p core.Pair, _ string) string { return p.Access }, true},
		"a refresh token":                       {nil, func(_ *env, p core.Pair, _ string) string { return p.Refresh }, true},
		"an access token that expired":          {nil, func(e *env, p core.Pair, _ string) string { return expired(p.Access)(e) }, true},
		"a refresh token that expired":          {nil, func(e *env, p core.Pair, _ string) string { return expired(p.Refresh)(e) }, true},
		"a user id that is not the primary key": {[]authOption{byName}, func(_ *env, p core.Pair, _ string) string { return p.Access }, true},
		"a user who may not log in": {nil, func(e *env, p core.Pair, _ string) string {
			e.changeAlice(func(a *memstore.Account) { a.Inactive = true })
			return p.Access
		}, true},
		"a token of the session to keep": {nil, func(e *env, p core.Pair, _ string) string {
			if err := e.RevokePresented(background, e.readSession(p.Access), core.ReasonLogout, p.Access, p.Refresh); err != nil {
				e.t.Errorf("with keepSession: %v", err)
			}
			return ""
		}, false},
		"a refresh token that was used long ago": {[]authOption{withGracePeriod}, func(e *env, p core.Pair, _ string) string {
			e.mustRefresh(p.Refresh)
			e.clock.advance(time.Hour)
			return p.Refresh
		}, true},
		"a token with another signature": {nil, func(_ *env, p core.Pair, _ string) string { return p.Access[:len(p.Access)-4] + "AAAA" }, false},
		"a text that is not a token":     {nil, func(*env, core.Pair, string) string { return "x" }, false},
		"a token of another user that names the session": {nil, func(e *env, _ core.Pair, session string) string {
			return e.signExternal(map[string]any{"token_type": "access", "user_id": "2", "sid": session})
		}, false},
		"a token of another user, by a user id that is not the primary key,": {[]authOption{byName}, func(e *env, _ core.Pair, session string) string {
			return e.signExternal(map[string]any{"token_type": "access", "user_id": "bob", "sid": session})
		}, false},
		"a token without a user that names the session": {nil, func(e *env, _ core.Pair, session string) string {
			return e.signExternal(map[string]any{"token_type": "access", "user_id": nil, "sid": session})
		}, false},
		"a token of a user who does not exist": {[]authOption{byName}, func(e *env, _ core.Pair, session string) string {
			return e.signExternal(map[string]any{"token_type": "access", "user_id": "mallory", "sid": session})
		}, false},
		"an expired token for another audience": {[]authOption{withSettings(func(s *simplejwt.Settings) { s.Audience = []string{"us"} })}, func(e *env, _ core.Pair, session string) string {
			return expired(e.signExternal(map[string]any{"token_type": "access", "sid": session, "aud": "them"}))(e)
		}, false},
		"a token that is not good yet": {nil, func(e *env, _ core.Pair, session string) string {
			return e.signExternal(map[string]any{"token_type": "access", "sid": session, "nbf": e.clock.now().Add(time.Minute).Unix()})
		}, false},
		"an id that can't be on record": {nil, func(e *env, _ core.Pair, _ string) string { return e.signExternal(map[string]any{"jti": "a\x00b"}) }, false},
	} {
		outcome := map[bool]string{true: " ends its session", false: " ends no session"}[c.ends]
		t.Run(name+outcome, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, c.options...)
			pair, other := e.mustLogin(), e.mustLogin().Refresh
			raw := c.present(e, pair, e.readSession(pair.Refresh))
			if err := e.RevokePresented(background, "", core.ReasonLogout, "", raw, raw, pair.Access[:20]); err != nil {
				t.Error(err)
			}
			want := map[bool]core.Reason{true: core.ReasonLogout, false: "active"}[c.ends]
			if strings.Contains(name, "used long ago") {
				want = core.ReasonRotated
			}
			if got := e.readReason(pair.Refresh); got != want || e.readReason(other) != "active" {
				t.Errorf("the token is %q, want %q; the user's other session is %q", got, want, e.readReason(other))
			}
			var events []core.Event
			if c.ends {
				events = []core.Event{{Type: core.EventRevoke, UserID: "1", SessionID: e.readSession(pair.Refresh), Reason: core.ReasonLogout, Count: 1}}
				e.wantSessionEnded(e.readSession(pair.Refresh))
			}
			if diff := cmp.Diff(events, e.events.ofType(core.EventRevoke), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// Django's tokens name no session. The record may name one: that of the token that was issued for them.
func TestRevokePresented_TokenWithoutSession(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]any{"a user's": "1", "no user's": nil} {
		e := newEnv(t, withRotation)
		raw := e.signExternal(map[string]any{"user_id": user})
		next := e.mustRefresh(raw).Refresh
		sliding := e.mustLoginSliding()
		if err := e.RevokePresented(background, "", "", raw, sliding); err != nil {
			t.Error(err)
		}
		if got := [2]core.Reason{e.readReason(next), e.readReason(sliding)}; got != [2]core.Reason{core.ReasonAdmin, core.ReasonAdmin} {
			t.Errorf("%s: the tokens are %q, want both ended", name, got)
		}
	}
	e := newEnv(t)
	raw := e.signExternal(nil)
	record := core.OutstandingToken{JTI: e.readJTI(raw), UserID: "1", SessionID: "of-the-record", ExpiresAt: e.clock.now().Add(time.Hour)}
	if err := e.mem.Record(background, record); err != nil {
		t.Fatal(err)
	}
	if err := e.RevokePresented(background, "", core.ReasonLogout, raw); err != nil {
		t.Error(err)
	}
	e.wantSessionEnded("of-the-record")
}

func TestRevokePresented_ClientHangsUp(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pair := e.mustLogin()
	ctx, cancel := context.WithCancel(background)
	cancel()
	if err := e.RevokePresented(ctx, "", core.ReasonLogout, pair.Access); err != nil {
		t.Error(err)
	}
	e.wantSessionEnded(e.readSession(pair.Access))
}

// A session that can't be ended is reported, and the others end all the same.
func TestRevokePresented_StoreUnavailable(t *testing.T) {
	t.Parallel()
	first := true
	e := newEnv(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = &failingRevoke{d.Store, &first} })
	one, two := e.mustLogin(), e.mustLogin()
	if err := e.RevokePresented(background, "", core.ReasonLogout, one.Access, two.Access); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v, want %v", err, core.ErrServiceUnavailable)
	}
	if got := [2]core.Reason{e.readReason(one.Refresh), e.readReason(two.Refresh)}; got != [2]core.Reason{"active", core.ReasonLogout} {
		t.Errorf("the sessions are %q", got)
	}
	failed := e.events.ofType(core.EventRevokeFailed)
	if len(failed) != 1 || failed[0].SessionID != e.readSession(one.Access) || failed[0].Reason != core.ReasonLogout {
		t.Errorf("events %+v, want one for the session that may be active", failed)
	}
	if err := e.RevokePresented(background, "", core.ReasonRotated, one.Access); err == nil || e.readReason(one.Refresh) != "active" {
		t.Errorf("a reason that starts a grace period: %v", err)
	}
	for what, option := range map[string]authOption{"no Store": withoutStore, "no ids": withoutIDs} {
		if err := newEnv(t, option).RevokePresented(background, "", core.ReasonLogout, one.Access); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// failingRevoke is a Store whose first Revoke fails.
type failingRevoke struct {
	core.Store
	first *bool
}

func (s *failingRevoke) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if *s.first {
		*s.first = false
		return 0, errors.New("connection reset")
	}
	return s.Store.Revoke(ctx, scope, reason, now)
}
