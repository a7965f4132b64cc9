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

func TestEveryEndingEndsTheWholeSession(t *testing.T) {
	t.Parallel()
	for mode, options := range map[string][]opsOption{
		"consuming": {opsGrace, opsReuse}, "not consuming": {opsRotateOnly}, "not rotating": {opsPlain},
	} {
		for _, c := range opsEndings() {
			for i := range 4 {
				e := opsNew(t, options...)
				access, other := e.login().Access, e.login().Refresh
				anotherUsers := e.forge(map[string]any{"jti": "bobs", "user_id": "2"})
				_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "bobs", UserID: "2", ExpiresAt: e.clock.now().Add(time.Hour)})
				tokens := e.family()
				if i >= len(tokens) {
					continue
				}
				name := fmt.Sprintf("%s, %s with token %d", mode, c.name, i)
				if err := c.end(e, tokens[i]); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				for j, raw := range tokens {
					if got := e.reason(raw); got != c.reason && (got != core.ReasonRotated || mode != "consuming") {
						t.Errorf("%s: token %d is %q, want %q", name, j, got, c.reason)
					}
					e.wantRefused(name, raw, core.ErrTokenBlacklisted)
				}
				if got := e.reason(other); (got != "live") != c.user {
					t.Errorf("%s: the user's other session is %q", name, got)
				}
				if got := e.reason(anotherUsers); got != "live" {
					t.Errorf("%s: another user's token is %q", name, got)
				}
				if _, _, err := e.AuthenticateToken(opsCtx(), access); err != nil {
					t.Errorf("%s: access tokens live on, but: %v", name, err)
				}
				want := core.Event{Type: core.EventRevoke, UserID: "1", SessionID: e.jti(tokens[0]), Reason: c.reason}
				if c.user {
					want.SessionID = ""
				}
				if diff := cmp.Diff([]core.Event{want}, e.events.of(core.EventRevoke), cmpopts.IgnoreFields(core.Event{}, "Count")); diff != "" {
					t.Errorf("%s: events (-want +got):\n%s", name, diff)
				}
				e.noSecrets(nil, append(tokens, access, other)...)
			}
		}
	}
}

// What a logout says, as TestARefreshIsClassified does for a refresh.
func TestALogoutIsClassified(t *testing.T) {
	t.Parallel()
	all := []opsOption{opsGrace, opsReuse}
	const grace = 10 * time.Second
	over := core.ErrTokenBlacklisted
	type prepare = func(e *opsEnv) (presented, head string)
	// A row that names a session which its token does not name.
	recordedInSession := func(e *opsEnv) (string, string) {
		e.record(map[string]any{"sid": "named-by-the-row"})
		raw := e.forge(nil)
		return raw, e.mustRefresh(raw).Refresh
	}
	for _, c := range []struct {
		name    string
		options []opsOption
		prepare prepare
		want    error
		reuse   bool
		head    core.Reason // what became of the head
		revoked core.Reason // why the session was ended; "" where it was not
	}{
		{"a live token", all, opsRotated(0), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a rotated token within its grace", all, opsRotated(1), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a rotated token just within its grace", all, opsThen(opsRotated(1), opsWait(grace-time.Second-time.Microsecond)), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token two generations behind", all, opsRotated(2), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"within the grace, the session logged out already", all, opsThen(opsRotated(1), opsBlacklistHead(core.ReasonLogout)), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token rotated as long ago as the grace is reuse", all, opsThen(opsRotated(1), opsWait(grace-time.Second)), over, true, core.ReasonReuse, core.ReasonReuse},
		{"late without detection", []opsOption{opsGrace}, opsThen(opsRotated(1), opsWait(grace)), over, true, "live", ""},
		{"no grace at all is reuse at once", []opsOption{opsRotate, opsReuse}, opsRotated(1), over, true, core.ReasonReuse, core.ReasonReuse},
		{"no grace and no detection", []opsOption{opsRotate}, opsRotated(1), over, true, "live", ""},
		{"late, the session logged out already", all, opsThen(opsThen(opsRotated(1), opsBlacklistHead(core.ReasonLogout)), opsWait(grace)), over, false, core.ReasonLogout, ""},
		{"late, the head expired", all, func(e *opsEnv) (string, string) {
			presented := e.forge(map[string]any{"exp": e.clock.now().Add(99 * time.Hour).Unix()})
			head := e.mustRefresh(presented).Refresh
			e.clock.advance(25 * time.Hour)
			return presented, head
		}, over, false, "live", ""},
		{"a token that was logged out, though not its session", all, opsConsumed(core.ReasonLogout), over, false, core.ReasonLogout, core.ReasonLogout},
		{"a token an administrator revoked", all, opsConsumed(core.ReasonAdmin), over, false, "live", ""},
		{"a token whose password was changed", all, opsConsumed(core.ReasonPassword), over, false, "live", ""},
		{"a token of a session that reuse ended", all, opsConsumed(core.ReasonReuse), over, false, "live", ""},
		{"a token Django consumed", all, opsConsumed(""), over, false, "live", ""},
		{"a token made elsewhere", all, opsForged(nil), nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token made elsewhere that names a session", all, func(e *opsEnv) (string, string) {
			first := e.login().Refresh
			return e.forge(map[string]any{"sid": e.jti(first)}), first
		}, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"a token Django rotated, which names our session", all, func(e *opsEnv) (string, string) {
			first := e.login().Refresh
			_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "django", UserID: "1", ExpiresAt: e.clock.now().Add(time.Hour)})
			return e.forge(map[string]any{"jti": "django", "sid": e.jti(first)}), first
		}, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"the row names the session, not the token", all, recordedInSession, nil, false, core.ReasonLogout, core.ReasonLogout},
		{"the row names the session, not the token, and late", all, opsThen(recordedInSession, opsWait(grace)), over, true, core.ReasonReuse, core.ReasonReuse},
	} {
		for _, logout := range opsLogouts() {
			t.Run(c.name+"/"+logout.name, func(t *testing.T) {
				t.Parallel()
				e := opsNew(t, c.options...)
				presented, head := c.prepare(e)
				before := e.reason(presented)
				if err := logout.end(e, presented); !errors.Is(err, c.want) {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				if got := e.reason(head); got != c.head {
					t.Errorf("the head is now %q, want %q", got, c.head)
				}
				if got := e.reason(presented); presented != head && before != "live" && before != "unknown" && got != before {
					t.Errorf("the presented token was %q and is now %q", before, got)
				}
				if got := len(e.events.of(core.EventReuse)); (got == 1) != c.reuse || got > 1 {
					t.Errorf("%d events of reuse, want one: %v", got, c.reuse)
				}
				got := core.Reason("")
				for _, event := range e.events.of(core.EventRevoke) {
					got = event.Reason
				}
				if got != c.revoked {
					t.Errorf("the session was ended for %q, want %q", got, c.revoked)
				}
				if c.want == nil {
					e.wantRefused("the token that was logged out", presented, core.ErrTokenBlacklisted)
				}
				e.noSecrets(nil, presented, head)
			})
		}
	}
}

func TestALogoutCostsWhatItMust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(e *opsEnv) (string, string)
		want    []string
	}{
		"a live token is consumed and its session swept": {opsRotated(0), []string{"Blacklist", "Revoke"}},
		"a rotated one is explained":                     {opsRotated(1), []string{"Blacklist", "State", "Revoke"}},
		"one made elsewhere is recorded":                 {opsForged(nil), []string{"Blacklist", "ByField", "Record", "Blacklist", "Revoke"}},
	} {
		e := opsNew(t, opsGrace, opsReuse)
		raw, _ := c.prepare(e)
		e.spy.take()
		if err := e.Blacklist(opsCtx(), raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, e.spy.take()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

func TestALogoutRecordsATokenMadeElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims map[string]any
		gone   bool // the user is deleted between his look-up and the record
		user   string
	}{
		"of a user":                {nil, false, "1"},
		"of an inactive user":      {map[string]any{"user_id": "2"}, false, "2"},
		"of an unknown user":       {map[string]any{"user_id": "99"}, false, ""},
		"of nobody":                {map[string]any{"user_id": nil}, false, ""},
		"of a user who just went":  {nil, true, ""},
		"of a user id of no shape": {map[string]any{"user_id": 1.5}, false, ""},
	} {
		e := opsNew(t, opsRotate)
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
		raw := e.forge(claims)
		if err := e.Blacklist(opsCtx(), raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := &core.TokenState{
			OutstandingToken: core.OutstandingToken{JTI: "made-elsewhere", UserID: c.user, CreatedAt: e.clock.now(), ExpiresAt: exp, SessionStartedAt: iat},
			Blacklisted:      true, BlacklistedAt: e.clock.now(), Reason: core.ReasonLogout,
		}
		if diff := cmp.Diff(want, e.row("made-elsewhere")); diff != "" {
			t.Errorf("%s: its row (-want +got):\n%s", name, diff)
		}
		if err := e.Blacklist(opsCtx(), raw); !errors.Is(err, core.ErrTokenBlacklisted) {
			t.Errorf("%s: the second logout: %v", name, err)
		}
		if got := e.events.of(core.EventStoreError); len(got) > 0 {
			t.Errorf("%s: raised %v", name, got)
		}
	}
}

func TestALogoutRefusesWhatARefreshRefuses(t *testing.T) {
	t.Parallel()
	for place, options := range map[string][]opsOption{"with a store": {opsRotate}, "without a store": {opsNoStore}, "with JTI_CLAIM off": {opsNoIDs}} {
		e := opsNew(t, options...)
		pair, sliding := e.login(), e.loginSliding()
		now := e.clock.now().Unix()
		for name, c := range map[string]struct {
			raw  string
			want error
		}{
			"an access token":                {pair.Access, core.ErrTokenWrongType},
			"a sliding token":                {sliding, core.ErrTokenWrongType},
			"a token without a type":         {e.forge(map[string]any{"token_type": nil}), core.ErrTokenNoType},
			"an expired token":               {e.forge(map[string]any{"exp": now}), core.ErrTokenExpired},
			"a token without an end":         {e.forge(map[string]any{"exp": nil}), &core.Error{Status: 401, Code: "token_not_valid", Detail: "Token has no 'exp' claim"}},
			"a forged token":                 {pair.Refresh[:len(pair.Refresh)-4] + "AAAA", core.ErrTokenInvalid},
			"no token":                       {"", core.ErrTokenInvalid},
			"a good token, but two in a row": {pair.Refresh + pair.Refresh, core.ErrTokenInvalid},
		} {
			e.spy.take()
			if err := e.Blacklist(opsCtx(), c.raw); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: error %v, want %v", place, name, err, c.want)
			}
			for _, call := range e.spy.take() {
				if call != "IsBlacklisted" {
					t.Errorf("%s, %s: a refusal called %s", place, name, call)
				}
			}
		}
		if place != "with JTI_CLAIM off" {
			if err := e.Blacklist(opsCtx(), e.forge(map[string]any{"jti": nil})); !errors.Is(err, core.ErrTokenNoID) {
				t.Errorf("%s: a token without an id: %v", place, err)
			}
		}
		e.mustRefresh(pair.Refresh)
		if err := e.Blacklist(opsCtx(), e.login().Refresh); err != nil {
			t.Errorf("%s: a good token: %v", place, err)
		}
	}
}

func TestTokenBlacklistOfATokenWithoutAnIDDoesNothing(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"no store": opsNoStore, "no ids": opsNoIDs, "no id in this one": opsPlain} {
		e := opsNew(t, option)
		token := e.token(e.forge(map[string]any{"jti": nil}))
		if err := token.Blacklist(opsCtx()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if calls := e.spy.take(); len(calls) > 0 || len(e.events.all()) > 0 {
			t.Errorf("%s: called %v, raised %v", name, calls, e.events.all())
		}
	}
}

func TestEndingAUsersSessionsSparesOnlyTheOneKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, user, keep string // keep is the name of a session below
		keeps            []string
		count            int
	}{
		{"all", "1", "", []string{"bobs"}, 4},
		{"but for the one that asks", "1", "first", []string{"first", "firstChild", "bobs"}, 2},
		{"but for a row of Django's", "1", "djangos", []string{"djangos", "bobs"}, 3},
		{"but for a sliding token", "1", "sliding", []string{"sliding", "bobs"}, 3},
		{"but for another user's session", "1", "bobs", []string{"bobs"}, 4},
		{"of a user without sessions", "3", "", []string{"first", "firstChild", "sliding", "djangos", "bobs"}, 0},
		{"of a user who does not exist", "no such user", "first", []string{"first", "firstChild", "sliding", "djangos", "bobs"}, 0},
	} {
		for reason, end := range map[core.Reason]func(e *opsEnv, keep string) error{
			core.ReasonAdmin: func(e *opsEnv, keep string) error {
				return e.RevokeOtherSessions(opsCtx(), c.user, keep, core.ReasonAdmin)
			},
			core.ReasonPassword: func(e *opsEnv, keep string) error {
				return opsPasswordChanged(opsCtx(), e, &memstore.Account{ID: c.user}, keep)
			},
		} {
			e := opsNew(t, opsRotateOnly)
			tokens := map[string]string{"first": e.login().Refresh, "sliding": e.loginSliding()}
			tokens["firstChild"] = e.mustRefresh(tokens["first"]).Refresh
			for name, user := range map[string]string{"djangos": "1", "bobs": "2"} { // rows that name no session
				tokens[name] = e.forge(map[string]any{"jti": name, "user_id": user})
				_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: name, UserID: user, ExpiresAt: e.clock.now().Add(time.Hour)})
			}
			keep := ""
			if c.keep != "" {
				keep = e.session(tokens[c.keep])
			}
			if err := end(e, keep); err != nil {
				t.Errorf("%s, %s: %v", c.name, reason, err)
			}
			for name, raw := range tokens {
				want := reason
				switch {
				case slices.Contains(c.keeps, name) && reason == core.ReasonPassword && c.user == "1" && c.keep != "bobs" && name != "bobs":
					want = core.ReasonRenewed // a copy of it was made for the old password
				case slices.Contains(c.keeps, name):
					want = "live"
				}
				if got := e.reason(raw); got != want {
					t.Errorf("%s, %s: %s is %q, want %q", c.name, reason, name, got, want)
				}
			}
			want := []core.Event{{Type: core.EventRevoke, UserID: c.user, Reason: reason, Count: c.count}}
			if diff := cmp.Diff(want, e.events.of(core.EventRevoke)); diff != "" {
				t.Errorf("%s, %s: events (-want +got):\n%s", c.name, reason, diff)
			}
		}
	}
}

func TestAnEmptyIDEndsNothing(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	raw := e.login().Refresh
	_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "nobodys", ExpiresAt: e.clock.now().Add(time.Hour)})
	e.spy.take()
	for name, err := range map[string]error{
		"RevokeUser":               e.RevokeUser(opsCtx(), "", core.ReasonAdmin),
		"RevokeUser but for one":   e.RevokeOtherSessions(opsCtx(), "", e.jti(raw), core.ReasonAdmin),
		"PasswordChanged":          opsPasswordChanged(opsCtx(), e, &memstore.Account{}, ""),
		"PasswordChanged, but one": opsPasswordChanged(opsCtx(), e, &memstore.Account{}, e.jti(raw)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range [][2]string{{"", e.jti(raw)}, {"1", ""}, {"", ""}, {"1", "\xff"}, {"1", "a\x00"}} {
		if err := e.RevokeSession(opsCtx(), c[0], c[1], core.ReasonAdmin); !errors.Is(err, core.ErrSessionNotFound) {
			t.Errorf("RevokeSession of the session %q of the user %q: %v, want ErrSessionNotFound", c[1], c[0], err)
		}
	}
	if calls := e.spy.take(); len(calls) > 0 || len(e.events.of(core.EventRevoke)) > 0 || e.row("nobodys").Blacklisted {
		t.Errorf("called %v, raised %v; the row of nobody is blacklisted: %v", calls, e.events.of(core.EventRevoke), e.row("nobodys").Blacklisted)
	}
}

// A consumed token must stay known for as long as anything admits it.
func TestFlushKeepsWhatLeewayAndGraceAdmit(t *testing.T) {
	t.Parallel()
	const leeway = time.Minute
	e := opsNew(t, opsGrace, opsReuse, opsLeeway(leeway))
	consumed := e.login().Refresh
	if err := e.Blacklist(opsCtx(), consumed); err != nil {
		t.Fatal(err)
	}
	end := e.token(consumed).ExpiresAt().Add(leeway + 10*time.Second + 5*time.Minute + time.Hour) // SLIDING_TOKEN_LIFETIME, and an hour for clocks that differ
	for _, c := range []struct {
		at   time.Time
		want int
	}{{end.Add(-time.Microsecond), 0}, {end, 1}, {end.Add(time.Hour), 0}} {
		e.clock.set(c.at)
		if n, err := e.FlushExpired(opsCtx()); n != c.want || err != nil {
			t.Errorf("%v after the end: %d rows flushed, error %v, want %d", c.at.Sub(end), n, err, c.want)
		}
		if _, err := e.refresh(consumed); !errors.Is(err, core.ErrTokenBlacklisted) && !errors.Is(err, core.ErrTokenExpired) {
			t.Errorf("%v after the end a consumed token was refreshed: %v", c.at.Sub(end), err)
		}
	}
	if e.row(e.jti(consumed)) != nil {
		t.Error("the row is still there")
	}
}

func TestFlushWithoutAStoreAndWithoutIDs(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsNoStore)
	if n, err := e.FlushExpired(opsCtx()); n != 0 || err != nil {
		t.Errorf("without a store: %d rows, error %v", n, err)
	}
	e = opsNew(t, opsNoIDs) // rows may lie there from a time with ids
	_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "old", ExpiresAt: e.clock.now().Add(-2 * time.Hour)})
	if n, err := e.FlushExpired(opsCtx()); n != 1 || err != nil {
		t.Errorf("with JTI_CLAIM off: %d rows, error %v, want 1", n, err)
	}
}

func TestFlushExpired_LifetimesOfACentury(t *testing.T) {
	t.Parallel()
	const century = 100 * 365 * 24 * time.Hour
	e := opsNew(t, opsGrace, opsLeeway(century), func(s *simplejwt.Settings, _ *core.Deps) {
		s.RotationGracePeriod, s.SlidingTokenLifetime = century, century
	})
	raw := e.login().Refresh
	if n, err := e.FlushExpired(opsCtx()); n != 0 || err != nil || e.row(e.jti(raw)) == nil {
		t.Errorf("deleted %d records of active tokens, error %v", n, err)
	}
}

func TestRefresh_AfterAFlushByAWrongClock(t *testing.T) {
	t.Parallel()
	for what, rotation := range map[string]opsOption{"rotation": opsGrace, "rotation without blacklisting": opsRotateOnly} {
		e := opsNew(t, rotation)
		first := e.login().Refresh
		second := e.mustRefresh(first).Refresh
		if err := e.Blacklist(opsCtx(), second); err != nil {
			t.Fatal(err)
		}
		e.clock.advance(48 * time.Hour)
		if n, err := e.FlushExpired(opsCtx()); n == 0 || err != nil {
			t.Fatalf("flushed %d, error %v", n, err)
		}
		e.clock.advance(-48 * time.Hour)
		e.wantRefused(what+", the second token of a session that was logged out and flushed", second, core.ErrTokenBlacklisted)
		e.wantRefused(what+", the first one", first, core.ErrTokenBlacklisted)
	}
}

func TestRefresh_FlushedWhileItsSessionIsActive(t *testing.T) {
	t.Parallel()
	untyped := opsSettings(func(s *simplejwt.Settings) { s.TokenTypeClaim = simplejwt.Off })
	for what, options := range map[string][]opsOption{
		"rotation": {opsGrace, opsReuse}, "rotation without blacklisting": {opsRotateOnly}, "rotation, types off": {opsGrace, untyped},
	} {
		e := opsNew(t, options...)
		first := e.login().Refresh
		e.clock.advance(2 * time.Second)
		second := e.mustRefresh(first).Refresh
		e.clock.set(opsStart().Add(25*time.Hour + 5*time.Minute + time.Second + e.Settings().RotationGracePeriod)) // by a clock ahead: only the first one's record goes
		if _, err := e.FlushExpired(opsCtx()); err != nil || e.row(e.jti(first)) != nil || e.row(e.jti(second)) == nil {
			t.Fatalf("%s: the flush did not part the two, error %v", what, err)
		}
		e.clock.set(opsStart().Add(time.Minute))
		e.wantRefused(what+": a token that was replaced, and flushed", first, core.ErrTokenBlacklisted)
		if err := e.Blacklist(opsCtx(), first); err == nil && e.reason(second) == "live" {
			t.Errorf("%s: a logout with it is good, and its session goes on", what)
		}
	}
	for what, option := range map[string]opsOption{"types": opsPlain, "no types": untyped} {
		e := opsNew(t, option)
		raw := e.login().Refresh
		e.clock.advance(48 * time.Hour)
		if n, err := e.FlushExpired(opsCtx()); n == 0 || err != nil {
			t.Fatalf("flushed %d, error %v", n, err)
		}
		e.clock.set(opsStart().Add(time.Minute))
		e.wantRefused("without rotation, with "+what+", flushed with its session", raw, core.ErrTokenBlacklisted)
	}
}

// contradictingStore consumes nothing, and says that nothing is consumed.
type contradictingStore struct{ core.Store }

func (contradictingStore) Blacklist(context.Context, string, *string, core.Reason, time.Time) (found, won bool, err error) {
	return true, false, nil
}

func TestBlacklist_StoreThatContradictsItself(t *testing.T) {
	t.Parallel()
	e := opsNew(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = contradictingStore{d.Store} })
	if err := e.Blacklist(opsCtx(), e.login().Refresh); !errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("a logout that the store did not carry out: %v, want a denial", err)
	}
}
