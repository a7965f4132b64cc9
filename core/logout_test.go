package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// logoutEndings are the ways to log out with a refresh token.
func logoutEndings() []ending {
	return []ending{
		{"Auth.Blacklist", core.ReasonLogout, false, func(e *env, raw string) error { return e.Blacklist(background, raw) }},
		{"Token.Blacklist", core.ReasonLogout, false, func(e *env, raw string) error {
			token, err := e.ParseToken(background, core.UntypedToken, raw)
			if err != nil {
				return err
			}
			return token.Blacklist(background)
		}},
	}
}

// TestBlacklist has the outcomes of a logout, as TestRotate has those of a refresh.
func TestBlacklist(t *testing.T) {
	t.Parallel()
	all := []authOption{withGracePeriod, withReuseDetection}
	const grace = 10 * time.Second
	denied := core.ErrTokenBlacklisted
	type prepare = func(e *env) (presented, latest string)
	// A record that names a session which its token does not name.
	recordedInSession := func(e *env) (string, string) {
		e.recordExternal(map[string]any{"sid": "named-by-the-record"})
		raw := e.signExternal(nil)
		return raw, e.mustRefresh(raw).Refresh
	}
	for _, c := range []struct {
		name    string
		options []authOption
		prepare prepare
		want    error
		reuse   bool
		latest  core.Reason // what became of the latest token
		revoked core.Reason // why the session was ended; "" if it was not
	}{
		{"an active token", all, rotateTimes(0), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a rotated token within its grace period", all, rotateTimes(1), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a rotated token just within its grace period", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second-time.Microsecond)), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token two generations behind", all, rotateTimes(2), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a rotated token within its grace period, of a session that was logged out", all, prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token whose grace period is just over", all, prepareThen(rotateTimes(1), advanceClock(grace-time.Second)), denied, true, core.ReasonReuse, core.ReasonReuse},
		{"a token whose grace period is over, without detection", []authOption{withGracePeriod}, prepareThen(rotateTimes(1), advanceClock(grace)), denied, true, "active", ""},
		{"a rotated token without a grace period", []authOption{withRotation, withReuseDetection}, rotateTimes(1), denied, true, core.ReasonReuse, core.ReasonReuse},
		{"a rotated token without a grace period and detection", []authOption{withRotation}, rotateTimes(1), denied, true, "active", ""},
		{"a token whose grace period is over, of a session that was logged out", all, prepareThen(prepareThen(rotateTimes(1), blacklistLatest(core.ReasonLogout)), advanceClock(grace)), denied, false, core.ReasonLogout, ""},
		{"a token whose grace period is over, of a session whose latest token expired", all, func(e *env) (string, string) {
			presented := e.signExternal(map[string]any{"exp": e.clock.now().Add(99 * time.Hour).Unix()})
			latest := e.mustRefresh(presented).Refresh
			e.clock.advance(25 * time.Hour)
			return presented, latest
		}, denied, false, "active", ""},
		{"a token that was logged out, though not its session", all, blacklistPresented(core.ReasonLogout), denied, false, core.ReasonLogout, core.ReasonLogout},
		{"a token that an administrator revoked", all, blacklistPresented(core.ReasonAdmin), denied, false, "active", ""},
		{"a token whose password was changed", all, blacklistPresented(core.ReasonPassword), denied, false, "active", ""},
		{"a token of a session that reuse ended", all, blacklistPresented(core.ReasonReuse), denied, false, "active", ""},
		{"a token that Django blacklisted", all, blacklistPresented(""), denied, false, "active", ""},
		{"an external token", all, presentExternal(nil), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"an external token that names a session", all, func(e *env) (string, string) {
			first := e.mustLogin().Refresh
			return e.signExternal(map[string]any{"sid": e.readJTI(first)}), first
		}, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token that Django rotated in our session", all, func(e *env) (string, string) {
			first := e.mustLogin().Refresh
			_ = e.mem.Record(background, core.OutstandingToken{JTI: "django", UserID: "1", ExpiresAt: e.clock.now().Add(time.Hour)})
			return e.signExternal(map[string]any{"jti": "django", "sid": e.readJTI(first)}), first
		}, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token whose record alone names the session", all, recordedInSession, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token whose record alone names the session, after the grace period,", all, prepareThen(recordedInSession, advanceClock(grace)), denied, true, core.ReasonReuse, core.ReasonReuse},
	} {
		for _, logout := range logoutEndings() {
			outcome := map[bool]string{true: " succeeds", false: " is denied"}[c.want == nil]
			t.Run(logout.name+" of "+c.name+outcome, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, c.options...)
				presented, latest := c.prepare(e)
				before := e.readReason(presented)
				if err := logout.end(e, presented); !errors.Is(err, c.want) {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				if got := e.readReason(latest); got != c.latest {
					t.Errorf("the latest token is now %q, want %q", got, c.latest)
				}
				if got := e.readReason(presented); presented != latest && before != "active" && before != "unknown" && got != before {
					t.Errorf("the presented token was %q and is now %q", before, got)
				}
				if got := len(e.events.ofType(core.EventReuse)); (got == 1) != c.reuse || got > 1 {
					t.Errorf("%d events of reuse, want one: %v", got, c.reuse)
				}
				got := core.Reason("")
				for _, event := range e.events.ofType(core.EventRevoke) {
					got = event.Reason
				}
				if got != c.revoked {
					t.Errorf("the session was ended for the reason %q, want %q", got, c.revoked)
				}
				if c.want == nil {
					e.wantRefreshDenied("the token that was logged out", presented, core.ErrTokenBlacklisted)
				}
				e.wantNoSecrets(nil, presented, latest)
			})
		}
	}
}

func TestBlacklist_Calls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(e *env) (string, string)
		want    []string
	}{
		"an active token is blacklisted and its session ended": {rotateTimes(0), []string{"Blacklist", "Revoke"}},
		"a rotated token is looked up":                         {rotateTimes(1), []string{"Blacklist", "State", "Revoke"}},
		"an external token is recorded":                        {presentExternal(nil), []string{"Blacklist", "ByField", "Record", "Blacklist", "Revoke"}},
	} {
		e := newEnv(t, withGracePeriod, withReuseDetection)
		raw, _ := c.prepare(e)
		e.spy.takeCalls()
		if err := e.Blacklist(background, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, e.spy.takeCalls()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

func TestBlacklist_ExternalToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims map[string]any
		gone   bool // whether the user is deleted between the look-up and the record
		user   string
	}{
		"of a user":                       {nil, false, "1"},
		"of an inactive user":             {map[string]any{"user_id": "2"}, false, "2"},
		"of an unknown user":              {map[string]any{"user_id": "99"}, false, ""},
		"of no user":                      {map[string]any{"user_id": nil}, false, ""},
		"of a user who was just deleted":  {nil, true, ""},
		"of a user id that is a fraction": {map[string]any{"user_id": 1.5}, false, ""},
	} {
		e := newEnv(t, withRotation)
		e.spy.before = func(_ context.Context, call string) error {
			if call == "Record" && c.gone {
				c.gone = false
				return core.ErrUserGone
			}
			return nil
		}
		iat, exp := e.clock.now().Add(-time.Hour).Truncate(time.Second), e.clock.now().Add(time.Hour).Truncate(time.Second)
		claims := map[string]any{"iat": iat.Unix(), "exp": exp.Unix()}
		for claim, value := range c.claims {
			claims[claim] = value
		}
		raw := e.signExternal(claims)
		if err := e.Blacklist(background, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := &core.TokenState{
			OutstandingToken: core.OutstandingToken{JTI: "external", UserID: c.user, CreatedAt: e.clock.now(), ExpiresAt: exp, SessionStartedAt: iat},
			Blacklisted:      true, BlacklistedAt: e.clock.now(), Reason: core.ReasonLogout,
		}
		if diff := cmp.Diff(want, e.loadRecord("external")); diff != "" {
			t.Errorf("%s: its record (-want +got):\n%s", name, diff)
		}
		if err := e.Blacklist(background, raw); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: the second logout: %v", name, err)
		}
		if got := e.events.ofType(core.EventStoreError); len(got) > 0 {
			t.Errorf("%s: emitted %v", name, got)
		}
	}
}

func TestBlacklist_DeniedToken(t *testing.T) {
	t.Parallel()
	for place, options := range map[string][]authOption{"with a store": {withRotation}, "without a store": {withoutStore}, "with JTI_CLAIM off": {withoutIDs}} {
		e := newEnv(t, options...)
		pair, sliding := e.mustLogin(), e.mustLoginSliding()
		now := e.clock.now().Unix()
		for name, c := range map[string]struct {
			raw  string
			want error
		}{
			"an access token":                {pair.Access, core.ErrTokenWrongType},
			"a sliding token":                {sliding, core.ErrTokenWrongType},
			"a token without a type":         {e.signExternal(map[string]any{"token_type": nil}), core.ErrTokenNoType},
			"an expired token":               {e.signExternal(map[string]any{"exp": now}), core.ErrTokenExpired},
			"a token without exp":            {e.signExternal(map[string]any{"exp": nil}), &core.Error{Status: 401, Code: "token_not_valid", Detail: "Token has no 'exp' claim"}},
			"a token with another signature": {pair.Refresh[:len(pair.Refresh)-4] + "AAAA", core.ErrTokenInvalid},
			"an empty text":                  {"", core.ErrTokenInvalid},
			"two good tokens in a row":       {pair.Refresh + pair.Refresh, core.ErrTokenInvalid},
		} {
			e.spy.takeCalls()
			if err := e.Blacklist(background, c.raw); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: error %v, want %v", place, name, err, c.want)
			}
			for _, call := range e.spy.takeCalls() {
				if call != "IsBlacklisted" {
					t.Errorf("%s, %s: a denied logout called %s", place, name, call)
				}
			}
		}
		if place != "with JTI_CLAIM off" {
			if err := e.Blacklist(background, e.signExternal(map[string]any{"jti": nil})); !errors.Is(err, core.ErrTokenNoID) {
				t.Errorf("%s: a token without an id: %v", place, err)
			}
		}
		e.mustRefresh(pair.Refresh)
		if err := e.Blacklist(background, e.mustLogin().Refresh); err != nil {
			t.Errorf("%s: a good token: %v", place, err)
		}
	}
}

// A user id that SimpleJWT crashes on, or can't look up, is denied where a record would need it.
func TestBlacklist_ImpossibleUserID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`""`, "[]", `["1"]`, "{}", "1e400"} {
		e := newEnv(t, withRotation)
		if err := e.Blacklist(background, e.signExternal(map[string]any{"user_id": json.RawMessage(id)})); !errors.Is(err, core.ErrNoActiveAccount) {
			t.Errorf("user_id %s: error %v", id, err)
		}
		if record := e.loadRecord("external"); record != nil {
			t.Errorf("user_id %s: the token is on record: %+v", id, record)
		}
	}
}

// Users distinguish an id that can't exist from one that no user has: SimpleJWT crashes on the one and logs out the other.
func TestBlacklist_UserIDIsCheckedByUsers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[error]error{core.ErrUserIDInvalid: core.ErrNoActiveAccount, core.ErrUserNotFound: nil} {
		e := newEnv(t, withRotation)
		e.spy.before = func(_ context.Context, call string) error {
			if call == "ByField" {
				return answer
			}
			return nil
		}
		if err := e.Blacklist(background, e.signExternal(map[string]any{"user_id": "x"})); !errors.Is(err, want) {
			t.Errorf("users answer %q: error %v, want %v", answer, err, want)
		}
		if recorded := e.loadRecord("external") != nil; recorded != (want == nil) {
			t.Errorf("users answer %q: the token is on record: %t", answer, recorded)
		}
	}
}

func TestBlacklist_TokenWithoutID(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]authOption{"no store": withoutStore, "no ids": withoutIDs, "no id in this one": withDefaults} {
		e := newEnv(t, option)
		token := e.decodeToken(e.signExternal(map[string]any{"jti": nil}))
		if err := token.Blacklist(background); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if calls := e.spy.takeCalls(); len(calls) > 0 || len(e.events.all()) > 0 {
			t.Errorf("%s: called %v, emitted %v", name, calls, e.events.all())
		}
	}
}

func TestBlacklist_FinishesEarlierLogout(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotationOnly)
	first := e.mustLogin().Refresh
	second := e.mustRefresh(first).Refresh
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Revoke" {
			return errors.New("down")
		}
		return nil
	}
	if err := e.Blacklist(background, first); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v", err)
	}
	e.spy.before = nil
	if err := e.Blacklist(background, first); !errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("error %v", err)
	}
	e.wantRefreshDenied("the other token of the session", second, core.ErrTokenBlacklisted)
}

// contradictingStore blacklists nothing: it says that the token is on record and that another call won.
type contradictingStore struct{ core.Store }

func (contradictingStore) Blacklist(context.Context, string, *string, core.Reason, time.Time) (found, won bool, err error) {
	return true, false, nil
}

func TestBlacklist_ContradictingStore(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = contradictingStore{d.Store} })
	if err := e.Blacklist(background, e.mustLogin().Refresh); !errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("a logout that the store did not carry out: %v, want a denial", err)
	}
}
