package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// opsRotated logs alice in and refreshes n times, a second apart: the first token is n generations behind the last.
func opsRotated(n int) func(e *opsEnv) (presented, head string) {
	return func(e *opsEnv) (presented, head string) {
		presented = e.login().Refresh
		head = presented
		for range n {
			head = e.mustRefresh(head).Refresh
			e.clock.advance(time.Second)
		}
		return presented, head
	}
}

// opsThen does something more after a preparation.
func opsThen(prepare func(e *opsEnv) (string, string), more func(e *opsEnv, presented, head string)) func(e *opsEnv) (string, string) {
	return func(e *opsEnv) (string, string) {
		presented, head := prepare(e)
		more(e, presented, head)
		return presented, head
	}
}

func opsWait(d time.Duration) func(*opsEnv, string, string) {
	return func(e *opsEnv, _, _ string) { e.clock.advance(d) }
}

func opsBlacklistHead(reason core.Reason) func(*opsEnv, string, string) {
	return func(e *opsEnv, _, head string) {
		_, _, _ = e.mem.Blacklist(opsCtx(), e.jti(head), nil, reason, e.clock.now())
	}
}

// opsConsumed is a token consumed for another reason than rotation, whose session nevertheless has a live head.
func opsConsumed(reason core.Reason) func(e *opsEnv) (string, string) {
	return func(e *opsEnv) (presented, head string) {
		presented = e.login().Refresh
		_, _, _ = e.mem.Blacklist(opsCtx(), e.jti(presented), nil, reason, e.clock.now())
		return presented, e.record(map[string]any{"jti": "head", "sid": e.jti(presented)})
	}
}

func opsForged(claims map[string]any) func(e *opsEnv) (string, string) {
	return func(e *opsEnv) (string, string) { raw := e.forge(claims); return raw, raw }
}

// The table of rotation.md: what a refresh answers where nothing, something else, or only time has happened to the token.
func TestARefreshIsClassified(t *testing.T) {
	t.Parallel()
	all := []opsOption{opsGrace, opsReuse}
	const grace = 10 * time.Second
	back := func(e *opsEnv, _, _ string) { e.clock.advance(-time.Second) }
	for _, c := range []struct {
		name    string
		options []opsOption
		prepare func(e *opsEnv) (presented, head string)
		want    error          // nil with a new token (event refresh) or with the head (event retry)
		event   core.EventType // "" for a plain refusal
		head    core.Reason    // what became of the head
	}{
		{"a live token is rotated", all, opsRotated(0), nil, core.EventRefresh, core.ReasonRotated},
		{"a rotated token gets the head", all, opsRotated(1), nil, core.EventRetry, "live"},
		{"a rotated token just within its grace gets the head", all, opsThen(opsRotated(1), opsWait(grace-time.Second-time.Microsecond)), nil, core.EventRetry, "live"},
		{"a token rotated in the future gets the head", all, opsThen(opsRotated(1), func(e *opsEnv, _, _ string) { e.clock.set(opsStart()) }), nil, core.EventRetry, "live"},
		{"a token two generations behind gets the head", all, opsRotated(2), nil, core.EventRetry, "live"},
		{"a token nine generations behind gets the head", all, opsRotated(9), nil, core.EventRetry, "live"},
		{"an ancestor whose own grace is over is reuse, though its child's is not", all, opsRotated(10), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"a token rotated as long ago as the grace is reuse", all, opsThen(opsRotated(1), opsWait(grace-time.Second)), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"with a period of 0 nothing is within it", []opsOption{opsRotate, opsReuse}, opsThen(opsRotated(1), back), core.ErrTokenBlacklisted, core.EventReuse, core.ReasonReuse},
		{"with a period of 0 and no detection a second refresh is a 401 only", []opsOption{opsRotate}, opsThen(opsRotated(1), back), core.ErrTokenBlacklisted, "", "live"},
		{"without detection a late retry is a 401 only", []opsOption{opsGrace}, opsThen(opsRotated(1), opsWait(grace)), core.ErrTokenBlacklisted, "", "live"},
		{"a rotated token whose session was logged out", all, opsThen(opsRotated(1), opsBlacklistHead(core.ReasonLogout)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a late token whose session was logged out is no reuse", all, opsThen(opsThen(opsRotated(1), opsBlacklistHead(core.ReasonLogout)), opsWait(grace)), core.ErrTokenBlacklisted, "", core.ReasonLogout},
		{"a rotated token whose head Django consumed", all, opsThen(opsRotated(1), opsBlacklistHead("")), core.ErrTokenBlacklisted, "", ""},
		{"a rotated token whose head has expired", all, func(e *opsEnv) (string, string) {
			presented := e.forge(map[string]any{"exp": e.clock.now().Add(99 * time.Hour).Unix()})
			head := e.mustRefresh(presented).Refresh
			e.clock.advance(25 * time.Hour)
			return presented, head
		}, core.ErrTokenBlacklisted, "", "live"},
		{"a rotated token whose session has ended", append(all, opsSessionLifetime(time.Hour), opsLeeway(time.Hour)), func(e *opsEnv) (string, string) {
			presented := e.login().Refresh
			e.clock.advance(time.Hour - time.Second)
			head := e.mustRefresh(presented).Refresh
			e.clock.advance(time.Second)
			return presented, head
		}, core.ErrTokenBlacklisted, "", "live"},
		{"a token Django consumed is never reuse", all, opsThen(opsConsumed(""), opsWait(time.Minute)), core.ErrTokenBlacklisted, "", "live"},
		{"a token that was logged out is never reuse", all, opsConsumed(core.ReasonLogout), core.ErrTokenBlacklisted, "", "live"},
		{"a token an administrator revoked is never reuse", all, opsThen(opsConsumed(core.ReasonAdmin), opsWait(time.Minute)), core.ErrTokenBlacklisted, "", "live"},
		{"a token whose row ended before it", all, func(e *opsEnv) (string, string) {
			_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "made-elsewhere", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: e.clock.now()})
			return opsForged(nil)(e)
		}, core.ErrTokenExpired, "", "live"},
		{"an unknown token is recorded and rotated", all, opsForged(nil), nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token that only LEEWAY admits", append(all, opsLeeway(time.Minute)), func(e *opsEnv) (string, string) {
			return opsForged(map[string]any{"exp": e.clock.now().Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
		{"an unknown token of a session that has ended", all, func(e *opsEnv) (string, string) {
			first := e.login().Refresh
			_ = e.RevokeSession(opsCtx(), "1", e.jti(first), core.ReasonAdmin)
			return opsForged(map[string]any{"sid": e.jti(first)})(e)
		}, core.ErrTokenBlacklisted, "", "unknown"},
		{"an unknown token of a session under way", all, func(e *opsEnv) (string, string) {
			return opsForged(map[string]any{"sid": e.jti(e.login().Refresh)})(e)
		}, nil, core.EventRefresh, core.ReasonRotated},
		{"an unknown token older than a session may be", append(all, opsSessionLifetime(time.Hour)), func(e *opsEnv) (string, string) {
			return opsForged(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "live"},
		{"without consuming a token is rotated and stays", []opsOption{opsRotateOnly}, opsRotated(0), nil, core.EventRefresh, "live"},
		{"without consuming a token is rotated again", []opsOption{opsRotateOnly}, opsRotated(1), nil, core.EventRefresh, "live"},
		{"without consuming a blacklisted token stays so", []opsOption{opsRotateOnly}, opsThen(opsRotated(0), opsBlacklistHead(core.ReasonRotated)), core.ErrTokenBlacklisted, "", core.ReasonRotated},
		{"without consuming an unknown token is not recorded", []opsOption{opsRotateOnly}, opsForged(nil), nil, core.EventRefresh, "unknown"},
		{"without consuming an unknown token older than a session may be", []opsOption{opsRotateOnly, opsSessionLifetime(time.Hour)}, func(e *opsEnv) (string, string) {
			return opsForged(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()})(e)
		}, core.ErrTokenExpired, "", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.options...)
			presented, head := c.prepare(e)
			seen := len(e.events.all())
			pair, err := e.refresh(presented)
			if !errors.Is(err, c.want) || (err != nil && pair != core.Pair{}) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if got := e.reason(head); got != c.head {
				t.Errorf("the head is now %q, want %q", got, c.head)
			}
			switch c.event {
			case core.EventRefresh:
				e.wantSuccessor(presented, pair.Refresh)
			case core.EventRetry:
				e.wantHead(head, pair)
			}
			got := core.EventType("")
			for _, event := range e.events.all()[seen:] {
				if event.Type == core.EventRefresh || event.Type == core.EventRetry || (event.Type == core.EventReuse && e.Settings().ReuseDetection) {
					got = event.Type
				}
			}
			if got != c.event {
				t.Errorf("event %q, want %q", got, c.event)
			}
		})
	}
}

// wantSuccessor sees that a rotation gave a token of its own, on record in the presented one's session.
func (e *opsEnv) wantSuccessor(presented, got string) {
	e.t.Helper()
	token, now := e.token(got), e.clock.now()
	session := e.token(presented).SessionID()
	if session == "" {
		session = e.jti(presented)
	}
	row := e.row(token.JTI())
	if row == nil || row.Blacklisted || row.SessionID != session || row.ParentJTI != e.jti(presented) || row.UserID != "1" {
		e.t.Errorf("the successor's row is %+v, want a live one of session %s", row, session)
	}
	if token.SessionID() != session || !token.ExpiresAt().Equal(now.Add(24*time.Hour).Truncate(time.Second)) || fmt.Sprint(token.Get("iat")) != fmt.Sprint(now.Unix()) {
		e.t.Errorf("the successor's claims are %v", token.Claims())
	}
}

// wantHead sees that a retry gave the head itself, and an access token of its own.
func (e *opsEnv) wantHead(head string, got core.Pair) {
	e.t.Helper()
	if diff := cmp.Diff(e.token(head).Claims(), e.token(got.Refresh).Claims()); diff != "" {
		e.t.Errorf("the retry's refresh token is not the head (-want +got):\n%s", diff)
	}
	access := e.token(got.Access)
	if fmt.Sprint(access.Get("iat")) != fmt.Sprint(e.clock.now().Unix()) || !access.ExpiresAt().Equal(e.clock.now().Add(5*time.Minute).Truncate(time.Second)) {
		e.t.Errorf("the retry's access token is not fresh: %v", access.Claims())
	}
}

func TestReuseEndsItsSessionAndIsTold(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse)
	other := e.login().Refresh
	stolen, head := opsThen(opsRotated(1), opsWait(time.Minute))(e)
	session := e.jti(stolen)
	e.wantRefused("a stolen token", stolen, core.ErrTokenBlacklisted)
	e.wantRefused("the head of its session", head, core.ErrTokenBlacklisted)
	e.mustRefresh(other)
	want := []core.Event{
		{Type: core.EventReuse, UserID: "1", SessionID: session, JTI: session, TokenType: "refresh"},
		{Type: core.EventRevoke, UserID: "1", SessionID: session, Reason: core.ReasonReuse, Count: 1},
	}
	if diff := cmp.Diff(want, append(e.events.of(core.EventReuse), e.events.of(core.EventRevoke)...)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.wantRefused("the stolen token again", stolen, core.ErrTokenBlacklisted)
	if got := e.events.of(core.EventReuse); len(got) != 1 {
		t.Errorf("an ended session was revoked again: %v", got)
	}
	e.noSecrets(nil, stolen, head)
}

func TestATokenMadeElsewhereIsRecordedAsItIs(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace)
	iat, exp := e.clock.now().Add(-time.Hour).Truncate(time.Second), e.clock.now().Add(time.Hour).Truncate(time.Second)
	e.mustRefresh(e.forge(map[string]any{"iat": iat.Unix(), "exp": exp.Unix()}))
	want := core.OutstandingToken{JTI: "made-elsewhere", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: exp, SessionStartedAt: iat}
	if diff := cmp.Diff(want, e.row("made-elsewhere").OutstandingToken); diff != "" {
		t.Errorf("its row (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ByField", "Rotate", "State", "Record", "Rotate"}, e.spy.take()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// The iat of a token made elsewhere starts its session, unless it has none that has passed.
func TestATokenMadeElsewhereIsAsOldAsItSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		iat any
		age time.Duration
	}{
		"an hour old":                      {opsStart().Unix() - 3600, time.Hour + 250*time.Millisecond},
		"from within LEEWAY of the future": {opsStart().Unix() + 30, 0},
		"without an iat":                   {nil, 0},
	} {
		e := opsNew(t, opsRotate, opsLeeway(time.Minute))
		e.mustRefresh(e.forge(map[string]any{"iat": c.iat}))
		if got := e.clock.now().Sub(e.row("made-elsewhere").SessionStartedAt); got != c.age {
			t.Errorf("%s: its session is %v old, want %v", name, got, c.age)
		}
	}
}

func TestATokenMadeElsewhereDoesNotOutliveASession(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"consuming": opsRotate, "not consuming": opsRotateOnly} {
		e := opsNew(t, option, opsSessionLifetime(time.Hour))
		iat := e.clock.now().Add(-50 * time.Minute).Truncate(time.Second)
		raw := e.mustRefresh(e.forge(map[string]any{"iat": iat.Unix()})).Refresh
		if end := e.token(raw).ExpiresAt(); !end.Equal(iat.Add(time.Hour)) {
			t.Errorf("%s: the successor ends at %v, want an hour after the first token's iat: %v", name, end, iat.Add(time.Hour))
		}
	}
}

func TestATokenMadeElsewhereDoesNotExtendTheSessionItNames(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate, opsSessionLifetime(time.Hour))
	first := e.login().Refresh
	e.clock.advance(50 * time.Minute)
	raw := e.mustRefresh(e.forge(map[string]any{"sid": e.jti(first)})).Refresh
	if got, want := e.token(raw).ExpiresAt(), e.token(first).ExpiresAt(); !got.Equal(want) {
		t.Errorf("the successor ends at %v, want the end of its session %v", got, want)
	}
}

func TestARowDjangoWroteGoesOnInTheSessionItsTokenNames(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse)
	first := e.login().Refresh
	_, _, _ = e.mem.Blacklist(opsCtx(), e.jti(first), nil, "", e.clock.now())
	_ = e.mem.Record(opsCtx(), core.OutstandingToken{JTI: "django", UserID: "1", CreatedAt: e.clock.now(), ExpiresAt: e.clock.now().Add(time.Hour)})
	raw := e.forge(map[string]any{"jti": "django", "sid": e.jti(first)})
	next := e.mustRefresh(raw).Refresh
	e.wantSuccessor(raw, next)
	e.wantHead(next, e.mustRefresh(raw))
	e.wantRefused("the token Django consumed", first, core.ErrTokenBlacklisted)
	e.mustRefresh(next)
}

func TestManyRefreshesAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	const racers = 64
	for name, c := range map[string]struct {
		options            []opsOption
		foreign            bool
		successes, parents int
	}{
		"without grace":                    {[]opsOption{opsRotate}, false, 1, 1},
		"with grace":                       {[]opsOption{opsGrace, opsReuse}, false, racers, 1},
		"a foreign token, without grace":   {[]opsOption{opsRotate}, true, 1, 1},
		"a foreign token, with grace":      {[]opsOption{opsGrace, opsReuse}, true, racers, 1},
		"without consuming everybody wins": {[]opsOption{opsRotateOnly}, false, racers, racers},
		"with detection but without grace": {[]opsOption{opsRotate, opsReuse}, false, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := opsNew(t, c.options...)
			raw := e.forge(nil)
			if !c.foreign {
				raw = e.login().Refresh
			}
			var mu sync.Mutex
			var wg sync.WaitGroup
			successes, heads := 0, map[string]bool{}
			for range racers {
				wg.Go(func() {
					pair, err := e.refresh(raw)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						successes++
						heads[e.jti(pair.Refresh)] = true
					} else if !errors.Is(err, core.ErrTokenBlacklisted) {
						t.Errorf("a loser got %v", err)
					}
				})
			}
			wg.Wait()
			if successes != c.successes || len(heads) != c.parents || len(e.events.of(core.EventRefresh)) != c.parents {
				t.Errorf("%d of %d succeeded with %d successors and %d rotations, want %d with %d", successes, racers, len(heads), len(e.events.of(core.EventRefresh)), c.successes, c.parents)
			}
		})
	}
}

// opsDoor is something that moves a session on, for the races with what ends it.
type opsDoor struct {
	name    string
	options []opsOption
	prepare func(e *opsEnv) (presented, head string)
	endings []opsEnding
}

func opsDoors() []opsDoor {
	return []opsDoor{
		{"a rotation", []opsOption{opsGrace, opsReuse}, opsRotated(0), opsEndings()},
		{"a retry", []opsOption{opsGrace, opsReuse}, opsRotated(2), opsEndings()},
		{"a rotation that consumes nothing", []opsOption{opsRotateOnly}, opsRotated(1), opsEndings()},
		{"a refresh without rotation", []opsOption{opsPlain}, opsRotated(0), opsEndings()},
		{"a refresh until a session's end", []opsOption{opsSessionLifetime(time.Hour)}, opsRotated(0), opsEndings()},
		{"a rotation of a token made elsewhere", []opsOption{opsGrace, opsReuse}, opsForged(nil), opsLogouts()},
	}
}

// An ending may come between any two statements of a refresh. Afterwards no token of the session is good, not even the
// one that the refresh answers.
func TestNothingSurvivesAnEndingWithinARefresh(t *testing.T) {
	t.Parallel()
	for _, door := range opsDoors() {
		dry := opsNew(t, door.options...)
		raw, _ := door.prepare(dry)
		dry.spy.take()
		dry.mustRefresh(raw)
		calls := dry.spy.take()
		for _, ending := range door.endings {
			for i := range 2 * len(calls) {
				name := fmt.Sprintf("%s, %s %s %s", door.name, ending.name, []string{"before", "after"}[i%2], calls[i/2])
				e := opsNew(t, door.options...)
				raw, _ := door.prepare(e)
				seen := 0
				interrupt := func(context.Context, string) error {
					seen++
					if seen == i/2+1 {
						if err := ending.end(e, raw); err != nil {
							t.Errorf("%s: the ending: %v", name, err)
						}
					}
					return nil
				}
				if i%2 == 0 {
					e.spy.before = interrupt
				} else {
					e.spy.after = interrupt
				}
				pair, err := e.refresh(raw)
				if err != nil && !errors.Is(err, core.ErrTokenBlacklisted) {
					t.Errorf("%s: the refresh: %v", name, err)
				}
				for _, left := range []string{raw, pair.Refresh} {
					if left != "" {
						e.wantRefused(name, left, core.ErrTokenBlacklisted)
					}
				}
				e.wantOver(e.session(raw))
			}
		}
	}
}

// hangUpStore records a token, and answers that it does not know: its client hung up while the session ended.
type hangUpStore struct {
	core.Store
	meanwhile func()
}

func (s *hangUpStore) Record(ctx context.Context, t core.OutstandingToken) error {
	if s.meanwhile == nil {
		return s.Store.Record(ctx, t)
	}
	s.meanwhile()
	return errors.Join(s.Store.Record(context.WithoutCancel(ctx), t), context.Canceled)
}

// A token of another service joins a session while that ends, and its client hangs up once it is on record.
func TestRefresh_AnExternalTokenWhoseClientHangsUpWhileItsSessionEnds(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"with blacklisting": opsRotate, "without": opsRotateOnly} {
		t.Run(name+", the session stays ended", func(t *testing.T) {
			t.Parallel()
			var store *hangUpStore
			e := opsNew(t, option, opsCheckSession, func(_ *simplejwt.Settings, d *core.Deps) {
				store = &hangUpStore{Store: d.Store}
				d.Store = store
			})
			alice := e.login()
			raw := e.forge(map[string]any{"sid": e.session(alice.Refresh)})
			ctx, hangUp := context.WithCancel(opsCtx())
			store.meanwhile = func() {
				if _, err := e.mem.Revoke(opsCtx(), core.Scope{SessionID: e.session(alice.Refresh)}, core.ReasonLogout, e.clock.now()); err != nil {
					t.Error(err)
				}
				hangUp()
			}
			if _, _, err := e.Refresh(ctx, raw); err == nil {
				t.Error("the refresh succeeded")
			}
			if _, _, err := e.AuthenticateToken(opsCtx(), alice.Access); err == nil {
				t.Error("an access token of the ended session is good again")
			}
		})
	}
}
