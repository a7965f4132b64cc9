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
	byName := opsSettings(func(s *simplejwt.Settings) { s.UserIDField = "username" })
	expired := func(raw string) func(*opsEnv) string {
		return func(e *opsEnv) string { e.clock.advance(48 * time.Hour); return raw }
	}
	for name, c := range map[string]struct {
		options []opsOption
		// present returns the token that is presented, for a pair of alice's and its session.
		present func(e *opsEnv, pair core.Pair, session string) string
		ends    bool
	}{
		"an access token":              {nil, func(_ *opsEnv, p core.Pair, _ string) string { return p.Access }, true},
		"a refresh token":              {nil, func(_ *opsEnv, p core.Pair, _ string) string { return p.Refresh }, true},
		"an access token that expired": {nil, func(e *opsEnv, p core.Pair, _ string) string { return expired(p.Access)(e) }, true},
		"a refresh token that expired": {nil, func(e *opsEnv, p core.Pair, _ string) string { return expired(p.Refresh)(e) }, true},
		"a user id that is no key":     {[]opsOption{byName}, func(_ *opsEnv, p core.Pair, _ string) string { return p.Access }, true},
		"a user who may not log in": {nil, func(e *opsEnv, p core.Pair, _ string) string {
			e.change(func(a *memstore.Account) { a.Inactive = true })
			return p.Access
		}, true},
		"a token of the session to keep": {nil, func(e *opsEnv, p core.Pair, _ string) string {
			if err := e.RevokePresented(opsCtx(), e.session(p.Access), core.ReasonLogout, p.Access, p.Refresh); err != nil {
				e.t.Errorf("with keepSession: %v", err)
			}
			return ""
		}, false},
		"a refresh token that was used long ago": {[]opsOption{opsGrace}, func(e *opsEnv, p core.Pair, _ string) string {
			e.mustRefresh(p.Refresh)
			e.clock.advance(time.Hour)
			return p.Refresh
		}, true},
		"a token with another signature": {nil, func(_ *opsEnv, p core.Pair, _ string) string { return p.Access[:len(p.Access)-4] + "AAAA" }, false},
		"no token":                       {nil, func(*opsEnv, core.Pair, string) string { return "x" }, false},
		"a token of another user that names the session": {nil, func(e *opsEnv, _ core.Pair, session string) string {
			return e.forge(map[string]any{"token_type": "access", "user_id": "2", "sid": session})
		}, false},
		"the same where the user id is no key": {[]opsOption{byName}, func(e *opsEnv, _ core.Pair, session string) string {
			return e.forge(map[string]any{"token_type": "access", "user_id": "bob", "sid": session})
		}, false},
		"a token of nobody that names the session": {nil, func(e *opsEnv, _ core.Pair, session string) string {
			return e.forge(map[string]any{"token_type": "access", "user_id": nil, "sid": session})
		}, false},
		"a token of a user who does not exist": {[]opsOption{byName}, func(e *opsEnv, _ core.Pair, session string) string {
			return e.forge(map[string]any{"token_type": "access", "user_id": "mallory", "sid": session})
		}, false},
		"an expired token for another audience": {[]opsOption{opsSettings(func(s *simplejwt.Settings) { s.Audience = []string{"us"} })}, func(e *opsEnv, _ core.Pair, session string) string {
			return expired(e.forge(map[string]any{"token_type": "access", "sid": session, "aud": "them"}))(e)
		}, false},
		"a token that is not good yet": {nil, func(e *opsEnv, _ core.Pair, session string) string {
			return e.forge(map[string]any{"token_type": "access", "sid": session, "nbf": e.clock.now().Add(time.Minute).Unix()})
		}, false},
		"an id that can't be on record": {nil, func(e *opsEnv, _ core.Pair, _ string) string { return e.forge(map[string]any{"jti": "a\x00b"}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.options...)
			pair, other := e.login(), e.login().Refresh
			raw := c.present(e, pair, e.session(pair.Refresh))
			if err := e.RevokePresented(opsCtx(), "", core.ReasonLogout, "", raw, raw, pair.Access[:20]); err != nil {
				t.Error(err)
			}
			want := map[bool]core.Reason{true: core.ReasonLogout, false: "live"}[c.ends]
			if strings.Contains(name, "used long ago") {
				want = core.ReasonRotated
			}
			if got := e.reason(pair.Refresh); got != want || e.reason(other) != "live" {
				t.Errorf("the token is %q, want %q; the user's other session is %q", got, want, e.reason(other))
			}
			var events []core.Event
			if c.ends {
				events = []core.Event{{Type: core.EventRevoke, UserID: "1", SessionID: e.session(pair.Refresh), Reason: core.ReasonLogout, Count: 1}}
				e.wantOver(e.session(pair.Refresh))
			}
			if diff := cmp.Diff(events, e.events.of(core.EventRevoke), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// Django's tokens name no session. The record may: that of the token that was issued for them.
func TestRevokePresented_OfATokenWithoutSession(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]any{"a user's": "1", "nobody's": nil} {
		e := opsNew(t, opsRotate)
		raw := e.forge(map[string]any{"user_id": user})
		next := e.mustRefresh(raw).Refresh
		sliding := e.loginSliding()
		if err := e.RevokePresented(opsCtx(), "", "", raw, sliding); err != nil {
			t.Error(err)
		}
		if got := [2]core.Reason{e.reason(next), e.reason(sliding)}; got != [2]core.Reason{core.ReasonAdmin, core.ReasonAdmin} {
			t.Errorf("%s: the tokens are %q, want both ended", name, got)
		}
	}
	e := opsNew(t)
	raw := e.forge(nil)
	row := core.OutstandingToken{JTI: e.jti(raw), UserID: "1", SessionID: "of-the-record", ExpiresAt: e.clock.now().Add(time.Hour)}
	if err := e.mem.Record(opsCtx(), row); err != nil {
		t.Fatal(err)
	}
	if err := e.RevokePresented(opsCtx(), "", core.ReasonLogout, raw); err != nil {
		t.Error(err)
	}
	e.wantOver("of-the-record")
}

func TestRevokePresented_WhenTheClientHangsUp(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	pair := e.login()
	ctx, cancel := context.WithCancel(opsCtx())
	cancel()
	if err := e.RevokePresented(ctx, "", core.ReasonLogout, pair.Access); err != nil {
		t.Error(err)
	}
	e.wantOver(e.session(pair.Access))
}

// One session that can't be ended is reported, and does not keep the others.
func TestRevokePresented_WhenTheStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	first := true
	e := opsNew(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = &failingRevoke{d.Store, &first} })
	one, two := e.login(), e.login()
	if err := e.RevokePresented(opsCtx(), "", core.ReasonLogout, one.Access, two.Access); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v, want %v", err, core.ErrServiceUnavailable)
	}
	if got := [2]core.Reason{e.reason(one.Refresh), e.reason(two.Refresh)}; got != [2]core.Reason{"live", core.ReasonLogout} {
		t.Errorf("the sessions are %q", got)
	}
	failed := e.events.of(core.EventRevokeFailed)
	if len(failed) != 1 || failed[0].SessionID != e.session(one.Access) || failed[0].Reason != core.ReasonLogout {
		t.Errorf("events %+v, want one for the session that may be active", failed)
	}
	if err := e.RevokePresented(opsCtx(), "", core.ReasonRotated, one.Access); err == nil || e.reason(one.Refresh) != "live" {
		t.Errorf("a reason that opens a grace period: %v", err)
	}
	for what, option := range map[string]opsOption{"no Store": opsNoStore, "no ids": opsNoIDs} {
		if err := opsNew(t, option).RevokePresented(opsCtx(), "", core.ReasonLogout, one.Access); err != nil {
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
