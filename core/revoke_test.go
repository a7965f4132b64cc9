package core_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// ending is a way to end a session, or all sessions of a user.
type ending struct {
	name   string
	reason core.Reason
	user   bool // whether it ends the user's other sessions too
	end    func(e *env, raw string) error
}

// sessionEndings are all ways to end a session, logouts first.
func sessionEndings() []ending {
	return append(logoutEndings(),
		ending{"RevokeSession", core.ReasonAdmin, false, func(e *env, raw string) error {
			return e.RevokeSession(background, "1", e.readSession(raw), core.ReasonAdmin)
		}},
		ending{"RevokeUser", core.ReasonAdmin, true, func(e *env, _ string) error { return e.RevokeUser(background, "1", core.ReasonAdmin) }},
		ending{"PasswordChanged", core.ReasonPassword, true, func(e *env, _ string) error { return callPasswordChanged(background, e, e.loadUser("alice"), "") }},
	)
}

// callPasswordChanged calls PasswordChanged and drops the new tokens.
func callPasswordChanged(ctx context.Context, e *env, user simplejwt.User, asking string) error {
	_, err := e.PasswordChanged(ctx, user, asking)
	return err
}

// wantSessionEnded checks that a session has no active token, and leaves none behind.
func (e *env) wantSessionEnded(session string) {
	e.t.Helper()
	n, err := e.mem.Revoke(background, core.Scope{SessionID: session}, "test", e.clock.now())
	if n != 0 || err != nil {
		e.t.Errorf("%d tokens of an ended session are active, error %v", n, err)
	}
}

// refreshSeveralTimes logs alice in and refreshes. It returns the refresh tokens of the session, the oldest first.
func (e *env) refreshSeveralTimes() []string {
	e.t.Helper()
	tokens := []string{e.mustLogin().Refresh}
	if e.Settings().RotateRefreshTokens {
		tokens = append(tokens, e.mustRefresh(tokens[0]).Refresh)
		tokens = append(tokens, e.mustRefresh(tokens[1]).Refresh)
		tokens = append(tokens, e.mustRefresh(tokens[0]).Refresh) // a second successor without blacklisting, else the latest token again
	}
	return tokens
}

func TestRevokeSession_EveryEndingEndsAllTokens(t *testing.T) {
	t.Parallel()
	for mode, options := range map[string][]authOption{
		"with blacklisting": {withGracePeriod, withReuseDetection}, "without blacklisting": {withRotationOnly}, "without rotation": {withDefaults},
	} {
		for _, c := range sessionEndings() {
			for i := range 4 {
				e := newEnv(t, options...)
				access, other := e.mustLogin().Access, e.mustLogin().Refresh
				anotherUsers := e.signExternal(map[string]any{"jti": "bobs", "user_id": "2"})
				_ = e.mem.Record(background, core.OutstandingToken{JTI: "bobs", UserID: "2", ExpiresAt: e.clock.now().Add(time.Hour)})
				tokens := e.refreshSeveralTimes()
				if i >= len(tokens) {
					continue
				}
				name := fmt.Sprintf("%s, %s with token %d", mode, c.name, i)
				if err := c.end(e, tokens[i]); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				for j, raw := range tokens {
					if got := e.readReason(raw); got != c.reason && (got != core.ReasonRotated || mode != "with blacklisting") {
						t.Errorf("%s: token %d is %q, want %q", name, j, got, c.reason)
					}
					e.wantRefreshDenied(name, raw, core.ErrTokenBlacklisted)
				}
				if got := e.readReason(other); (got != "active") != c.user {
					t.Errorf("%s: the user's other session is %q", name, got)
				}
				if got := e.readReason(anotherUsers); got != "active" {
					t.Errorf("%s: another user's token is %q", name, got)
				}
				if _, _, err := e.AuthenticateToken(background, access); err != nil {
					t.Errorf("%s: access tokens stay good, but: %v", name, err)
				}
				want := core.Event{Type: core.EventRevoke, UserID: "1", SessionID: e.readJTI(tokens[0]), Reason: c.reason}
				if c.user {
					want.SessionID = ""
				}
				if diff := cmp.Diff([]core.Event{want}, e.events.ofType(core.EventRevoke), cmpopts.IgnoreFields(core.Event{}, "Count")); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", name, diff)
				}
				e.wantNoSecrets(nil, append(tokens, access, other)...)
			}
		}
	}
}

func TestRevokeSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	raw := e.mustLogin().Refresh
	session := e.readSession(raw)
	for _, other := range []string{"2", "nobody"} {
		if err := e.RevokeSession(background, other, session, core.ReasonLogout); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("user %q: error %v, want ErrSessionNotFound", other, err)
		}
	}
	next := e.mustRefresh(raw).Refresh
	if err := e.RevokeSession(background, "1", session, core.ReasonLogout); err != nil {
		t.Errorf("the user: %v", err)
	}
	e.wantRefreshDenied("a token of an ended session", next, core.ErrTokenBlacklisted)
	if err := e.RevokeSession(background, "1", session, core.ReasonLogout); !errors.Is(err, core.ErrSessionNotFound) {
		t.Errorf("a second time: %v, want ErrSessionNotFound", err)
	}
}

func TestRevokeOtherSessions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, user, keep string // keep is the name of a session below
		keeps            []string
		count            int
	}{
		{"all", "1", "", []string{"bobs"}, 4},
		{"but for the session that asks", "1", "first", []string{"first", "firstChild", "bobs"}, 2},
		{"but for a record of Django's", "1", "djangos", []string{"djangos", "bobs"}, 3},
		{"but for a sliding token", "1", "sliding", []string{"sliding", "bobs"}, 3},
		{"but for another user's session", "1", "bobs", []string{"bobs"}, 4},
		{"of a user without sessions", "3", "", []string{"first", "firstChild", "sliding", "djangos", "bobs"}, 0},
		{"of a user who does not exist", "no such user", "first", []string{"first", "firstChild", "sliding", "djangos", "bobs"}, 0},
	} {
		for reason, end := range map[core.Reason]func(e *env, keep string) error{
			core.ReasonAdmin: func(e *env, keep string) error {
				return e.RevokeOtherSessions(background, c.user, keep, core.ReasonAdmin)
			},
			core.ReasonPassword: func(e *env, keep string) error {
				return callPasswordChanged(background, e, &memstore.Account{ID: c.user}, keep)
			},
		} {
			e := newEnv(t, withRotationOnly)
			tokens := map[string]string{"first": e.mustLogin().Refresh, "sliding": e.mustLoginSliding()}
			tokens["firstChild"] = e.mustRefresh(tokens["first"]).Refresh
			for name, user := range map[string]string{"djangos": "1", "bobs": "2"} { // records that name no session
				tokens[name] = e.signExternal(map[string]any{"jti": name, "user_id": user})
				_ = e.mem.Record(background, core.OutstandingToken{JTI: name, UserID: user, ExpiresAt: e.clock.now().Add(time.Hour)})
			}
			keep := ""
			if c.keep != "" {
				keep = e.readSession(tokens[c.keep])
			}
			if err := end(e, keep); err != nil {
				t.Errorf("%s, %s: %v", c.name, reason, err)
			}
			for name, raw := range tokens {
				want := reason
				switch {
				case slices.Contains(c.keeps, name) && reason == core.ReasonPassword && c.user == "1" && c.keep != "bobs" && name != "bobs":
					want = core.ReasonRenewed // the session is renewed: its old tokens end
				case slices.Contains(c.keeps, name):
					want = "active"
				}
				if got := e.readReason(raw); got != want {
					t.Errorf("%s, %s: %s is %q, want %q", c.name, reason, name, got, want)
				}
			}
			want := []core.Event{{Type: core.EventRevoke, UserID: c.user, Reason: reason, Count: c.count}}
			if diff := cmp.Diff(want, e.events.ofType(core.EventRevoke)); diff != "" {
				t.Errorf("%s, %s: events (-want +got):\n%s", c.name, reason, diff)
			}
		}
	}
}

func TestRevokeUser_EmptyID(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	raw := e.mustLogin().Refresh
	_ = e.mem.Record(background, core.OutstandingToken{JTI: "nobodys", ExpiresAt: e.clock.now().Add(time.Hour)})
	e.spy.takeCalls()
	for name, err := range map[string]error{
		"RevokeUser":               e.RevokeUser(background, "", core.ReasonAdmin),
		"RevokeUser but for one":   e.RevokeOtherSessions(background, "", e.readJTI(raw), core.ReasonAdmin),
		"PasswordChanged":          callPasswordChanged(background, e, &memstore.Account{}, ""),
		"PasswordChanged, but one": callPasswordChanged(background, e, &memstore.Account{}, e.readJTI(raw)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range [][2]string{{"", e.readJTI(raw)}, {"1", ""}, {"", ""}, {"1", "\xff"}, {"1", "a\x00"}} {
		if err := e.RevokeSession(background, c[0], c[1], core.ReasonAdmin); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("RevokeSession of the session %q of the user %q: %v, want ErrSessionNotFound", c[1], c[0], err)
		}
	}
	if calls := e.spy.takeCalls(); len(calls) > 0 || len(e.events.ofType(core.EventRevoke)) > 0 || e.loadRecord("nobodys").Blacklisted {
		t.Errorf("called %v, emitted %v; the record without a user is blacklisted: %v", calls, e.events.ofType(core.EventRevoke), e.loadRecord("nobodys").Blacklisted)
	}
}

func TestRevokeUser_InvalidReason(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	raw := e.mustLogin().Refresh
	for _, bad := range []core.Reason{core.ReasonRotated, core.ReasonRenewed, "a reason of more than thirty-two bytes"} {
		for what, err := range map[string]error{
			"RevokeUser": e.RevokeUser(background, "1", bad), "RevokeSession": e.RevokeSession(background, "1", e.readSession(raw), bad),
		} {
			if err == nil || errors.Is(err, core.ErrSessionNotFound) || e.readReason(raw) != "active" {
				t.Errorf("%s for the reason %q: error %v, and the token is %s", what, bad, err, e.readReason(raw))
			}
		}
	}
	if err := e.RevokeUser(background, "1", ""); err != nil || e.readReason(raw) != core.ReasonAdmin {
		t.Errorf("without a reason: error %v, and the token is %s, want admin", err, e.readReason(raw))
	}
}

func TestPasswordChanged(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod)
	asking, other := e.mustLogin(), e.mustLogin()
	renewed, err := e.PasswordChanged(background, e.loadUser("alice"), e.readSession(asking.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	e.wantRefreshDenied("a copy of the asking session's token", asking.Refresh, core.ErrTokenBlacklisted)
	e.wantRefreshDenied("another session's token", other.Refresh, core.ErrTokenBlacklisted)
	e.mustRefresh(renewed.Refresh)
	for what, asking := range map[string]string{"none": "", "one that has ended": e.readSession(other.Refresh), "an unknown one": "unknown"} {
		pair := e.mustLogin()
		if got, err := e.PasswordChanged(background, e.loadUser("alice"), asking); err != nil || got != (core.Pair{}) {
			t.Errorf("asked by %s: error %v, tokens %v", what, err, got != core.Pair{})
		}
		e.wantRefreshDenied("after one asked by "+what, pair.Refresh, core.ErrTokenBlacklisted)
		if left := e.listSessions("1"); len(left) > 0 {
			t.Errorf("asked by %s: sessions are left: %v", what, left)
		}
	}
}
