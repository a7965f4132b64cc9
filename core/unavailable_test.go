package core_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsOperation is something that asks users or store.
type opsOperation struct {
	name    string
	options []opsOption
	prepare func(e *opsEnv) (presented, head string)
	// do reports whether anything was given to the caller.
	do func(ctx context.Context, e *opsEnv, raw string) (gave bool, err error)
	// want is what the operation says without trouble.
	want error
	// ends says that afterwards no token of the session may be live.
	ends bool
}

// opsLastLogin switches UPDATE_LAST_LOGIN on, with users that can't upgrade a hash: that takes long, and has a test of
// its own.
func opsLastLogin(s *simplejwt.Settings, d *core.Deps) {
	s.UpdateLastLogin = true
	users := d.Users.(*opsUsers)
	d.Users = struct {
		core.Users
		core.LastLoginUpdater
	}{users, users}
}

func opsNothing(*opsEnv) (string, string) { return "", "" }

// opsChanged changes alice's password after a preparation.
func opsChanged(prepare func(e *opsEnv) (string, string)) func(e *opsEnv) (string, string) {
	return opsThen(prepare, func(e *opsEnv, _, _ string) {
		e.change(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	})
}

func opsOperations() []opsOperation {
	refresh := func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
		pair, user, err := e.Refresh(ctx, raw)
		return pair != core.Pair{} || user != nil, err
	}
	slide := func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
		token, user, err := e.RefreshSliding(ctx, raw)
		return token != "" || user != nil, err
	}
	request := func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
		user, token, err := e.AuthenticateToken(ctx, raw)
		return user != nil || token != nil, err
	}
	logout := func(ctx context.Context, e *opsEnv, raw string) (bool, error) { return false, e.Blacklist(ctx, raw) }
	sliding := func(e *opsEnv) (string, string) { raw := e.loginSliding(); return raw, raw }
	access := func(e *opsEnv) (string, string) { raw := e.login().Access; return raw, raw }
	full, late := []opsOption{opsGrace, opsReuse}, opsThen(opsRotated(1), opsWait(time.Minute))
	return []opsOperation{
		{"ObtainPair", []opsOption{opsLastLogin}, opsNothing, func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			pair, user, err := e.ObtainPair(ctx, "alice", opsPassword)
			return pair != core.Pair{} || user != nil, err
		}, nil, false},
		{"ObtainSliding", []opsOption{opsLastLogin}, opsNothing, func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			token, user, err := e.ObtainSliding(ctx, "alice", opsPassword)
			return token != "" || user != nil, err
		}, nil, false},
		{"Login", []opsOption{opsLastLogin}, opsNothing, func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			pair, err := e.Login(ctx, e.user("alice"))
			return pair != core.Pair{}, err
		}, nil, false},
		{"LoginSliding", []opsOption{opsLastLogin}, opsNothing, func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			token, err := e.LoginSliding(ctx, e.user("alice"))
			return token != "", err
		}, nil, false},
		{"a refresh without rotation", nil, opsRotated(0), refresh, nil, false},
		{"a refresh until a session's end", []opsOption{opsSessionLifetime(time.Hour)}, opsRotated(0), refresh, nil, false},
		{"a rotation", full, opsRotated(0), refresh, nil, false},
		{"a retry", full, opsRotated(2), refresh, nil, false},
		{"a rotation of a token made elsewhere", full, opsForged(nil), refresh, nil, false},
		{"reuse", full, late, refresh, core.ErrTokenBlacklisted, true},
		{"a rotation that consumes nothing", []opsOption{opsRotateOnly}, opsRotated(0), refresh, nil, false},
		{"the same of a token made elsewhere", []opsOption{opsRotateOnly}, opsForged(nil), refresh, nil, false},
		{"a refresh with the wrong type", full, sliding, refresh, core.ErrTokenWrongType, false},
		{"a refresh of an inactive user", full, opsForged(map[string]any{"user_id": "2"}), refresh, core.ErrNoActiveAccount, false},
		{"a refresh with an old password", append(full, opsCheckRevoke), opsChanged(opsRotated(0)), refresh, core.ErrPasswordChanged, true},
		{"the same with a token made elsewhere", append(full, opsCheckRevoke), opsForged(nil), refresh, core.ErrPasswordChanged, true},
		{"a sliding refresh", nil, sliding, slide, nil, false},
		{"a sliding refresh with an old password", []opsOption{opsCheckRevoke}, opsChanged(sliding), slide, core.ErrPasswordChanged, true},
		{"a request", nil, access, request, nil, false},
		{"a request with a sliding token", []opsOption{opsClasses(core.AccessToken, core.SlidingToken)}, sliding, request, nil, false},
		{"a stateless request with a sliding token", []opsOption{opsClasses(core.SlidingToken)}, sliding, func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
			user, token, err := e.Stateless().AuthenticateToken(ctx, raw)
			return user != nil || token != nil, err
		}, nil, false},
		{"a logout", full, opsRotated(0), logout, nil, true},
		{"a logout with a rotated token", full, opsRotated(1), logout, nil, true},
		{"a logout with a token made elsewhere", full, opsForged(nil), logout, nil, true},
		{"a logout that is reuse", full, late, logout, core.ErrTokenBlacklisted, true},
		{"a logout with the wrong type", full, sliding, logout, core.ErrTokenWrongType, false},
		{"RevokeSession", full, opsRotated(1), func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
			err := e.RevokeSession(ctx, "1", e.session(raw), core.ReasonAdmin)
			if errors.Is(err, core.ErrSessionNotFound) {
				err = nil // it was ended before the answer was lost
			}
			return false, err
		}, nil, true},
		{"RevokeOtherSessions", full, opsRotated(1), func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			return false, e.RevokeOtherSessions(ctx, "1", "kept", core.ReasonAdmin)
		}, nil, true},
		{"Sessions", full, opsRotated(1), func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			all, err := e.Sessions(ctx, "1")
			return all != nil, err
		}, nil, false},
		{"a login under a limit of sessions", append(full, opsLimit(1)), opsRotated(1), func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			pair, err := e.Login(ctx, e.user("alice"))
			return pair != core.Pair{}, err
		}, nil, true},
		{"RenewSession", full, opsRotated(1), func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
			pair, err := e.RenewSession(ctx, e.user("alice"), e.session(raw))
			if errors.Is(err, core.ErrSessionNotFound) {
				err = nil // it was ended before the answer was lost
			}
			return pair != core.Pair{}, err
		}, nil, false},
		{"a request with CHECK_SESSION", append(full, opsCheckSession), func(e *opsEnv) (string, string) { return e.login().Access, "" }, request, nil, false},
		{"RevokeUser", full, opsRotated(1), func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			return false, e.RevokeUser(ctx, "1", core.ReasonAdmin)
		}, nil, true},
		{"PasswordChanged", full, opsRotated(1), func(ctx context.Context, e *opsEnv, _ string) (bool, error) {
			return false, opsPasswordChanged(ctx, e, e.user("alice"), "")
		}, nil, true},
		{"Token.Outstand", nil, opsForged(nil), func(ctx context.Context, e *opsEnv, raw string) (bool, error) {
			return false, e.token(raw).Outstand(ctx, e.user("alice"))
		}, nil, false},
	}
}

var errOpsDown = errors.New("the database is down")

// opsTroubles are what may happen to a call. Each arms the spy for the n-th one and gives the context of the operation.
func opsTroubles() map[string]func(e *opsEnv, n int) context.Context {
	// at makes the spy misbehave at the n-th call, and only then.
	at := func(n int, do func(ctx context.Context) error) func(context.Context, string) error {
		seen := -1
		return func(ctx context.Context, _ string) error {
			if seen++; seen != n {
				return nil
			}
			return do(ctx)
		}
	}
	return map[string]func(e *opsEnv, n int) context.Context{
		"fails": func(e *opsEnv, n int) context.Context {
			e.spy.before = at(n, func(context.Context) error { return errOpsDown })
			return opsCtx()
		},
		"fails after it was done": func(e *opsEnv, n int) context.Context {
			e.spy.after = at(n, func(context.Context) error { return errOpsDown })
			return opsCtx()
		},
		"hangs": func(e *opsEnv, n int) context.Context {
			e.spy.before = at(n, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return opsCtx()
		},
		"is cut off by the client": func(e *opsEnv, n int) context.Context {
			ctx, cancel := context.WithCancel(opsCtx())
			e.spy.before = at(n, func(ctx context.Context) error { cancel(); return ctx.Err() })
			return ctx
		},
	}
}

// Whatever a store or the users do, the answer is a 503 that tells nothing, it is logged once, and the same request
// is good again afterwards.
func TestTroubleIs503AndLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	for _, op := range opsOperations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			dry := opsNew(t, op.options...)
			raw, _ := op.prepare(dry)
			dry.spy.take()
			if gave, err := op.do(opsCtx(), dry, raw); !errors.Is(err, op.want) || gave && err != nil {
				t.Fatalf("without trouble: error %v, want %v", err, op.want)
			}
			calls := dry.spy.take()
			if len(calls) == 0 {
				t.Fatal("it asks nobody")
			}
			for n, call := range calls {
				for what, arm := range opsTroubles() {
					if call == "FieldValue" && !strings.HasPrefix(what, "fails") {
						continue // no input or output
					}
					synctest.Test(t, func(t *testing.T) { op.inTrouble(t, fmt.Sprintf("%d. %s %s", n+1, call, what), n, arm) })
				}
			}
		})
	}
}

// inTrouble does an operation whose n-th call misbehaves, and again without trouble.
func (op opsOperation) inTrouble(t *testing.T, name string, n int, arm func(*opsEnv, int) context.Context) {
	t.Helper()
	e := opsNew(t, op.options...)
	raw, _ := op.prepare(e)
	seen := len(e.events.all())
	start := time.Now() // a clock of the test's own, which moves only while all wait
	ctx := arm(e, n)
	gave, err := op.do(ctx, e, raw)
	e.spy.before, e.spy.after = nil, nil

	if hungUp := ctx.Err() != nil; hungUp && !errors.Is(err, core.ErrServiceUnavailable) {
		op.wantDone(t, name, e, raw, err)
		return
	} else if hungUp && op.mustFinish(name) {
		t.Errorf("%s: error %v: what takes rights away must run to its end", name, err)
	}
	if !errors.Is(err, core.ErrServiceUnavailable) || gave {
		t.Errorf("%s: error %v, gave something: %v, want a 503", name, err, gave)
	}
	cause, told, took := errOpsDown, 1, time.Duration(0)
	switch {
	case strings.HasSuffix(name, "hangs"):
		cause, took = context.DeadlineExceeded, 10*time.Second
	case strings.HasSuffix(name, "client"):
		cause, told = context.Canceled, 0 // nobody is left to be answered, and nothing is wrong with the database
	}
	if got := time.Since(start); !errors.Is(err, cause) || got != took {
		t.Errorf("%s: it took %v and its cause is %v, want %v and %v", name, got, err, took, cause)
	}
	if got := strings.Count(e.log.String(), "authentication is unavailable"); got != told {
		t.Errorf("%s: logged %d times, want %d:\n%s", name, got, told, e.log.String())
	}
	failures := e.events.all()[seen:]
	failures = slices.DeleteFunc(failures, func(event core.Event) bool { return event.Type == core.EventReuse })
	if last := len(failures) - 1; last > 0 && failures[last].Type == core.EventRevokeFailed {
		if failures[last].SessionID == "" && failures[last].UserID == "" || failures[last].Err != err {
			t.Errorf("%s: %+v does not say whose session goes on, or why", name, failures[last])
		}
		failures = failures[:last]
	} else if op.isKnownToEnd(name) {
		t.Errorf("%s: raised %v, want revoke_failed last", name, failures)
	}
	if len(failures) != told || told == 1 && (failures[0].Type != core.EventStoreError || failures[0].Err != err) {
		t.Errorf("%s: raised %v, want %d store_error", name, failures, told)
	}
	e.noSecrets(err, raw)

	// An ending that got as far as consuming the token may say so.
	consumed := raw != "" && (e.reason(raw) == core.ReasonLogout || e.reason(raw) == core.ReasonPassword)
	if _, err := op.do(opsCtx(), e, raw); !errors.Is(err, op.want) && (!consumed || !errors.Is(err, core.ErrTokenBlacklisted)) {
		t.Errorf("%s: again: error %v, want %v", name, err, op.want)
	}
	if op.ends {
		e.wantOver(e.session(raw))
	}
}

// isEnding reports whether the operation ends sessions, and grants nothing by it.
func (op opsOperation) isEnding() bool { return op.ends && !strings.HasPrefix(op.name, "a login") }

// isKnownToEnd reports whether the operation is known to end a session at the call that is troubled: a refresh is that only once
// it has found out.
func (op opsOperation) isKnownToEnd(name string) bool {
	isRefresh := op.want != nil && !strings.HasPrefix(op.name, "a logout")
	return op.mustFinish(name) && (!isRefresh || strings.Contains(name, " Blacklist ") || strings.Contains(name, " Revoke "))
}

// mustFinish reports whether what is named by the call that is troubled must run to its end without the client: all of an ending,
// and of any other operation the calls that take rights away.
func (op opsOperation) mustFinish(name string) bool {
	return op.isEnding() || strings.Contains(name, " Blacklist ") || strings.Contains(name, " Revoke ")
}

// wantDone sees that an operation whose client hung up was carried out all the same.
func (op opsOperation) wantDone(t *testing.T, name string, e *opsEnv, raw string, err error) {
	t.Helper()
	if !errors.Is(err, op.want) {
		t.Errorf("%s: error %v, want %v", name, err, op.want)
	}
	if log := e.log.String(); strings.Contains(log, "unavailable") || len(e.events.of(core.EventRevokeFailed)) > 0 {
		t.Errorf("%s: it was done, and logged as if it was not:\n%s", name, log)
	}
	if op.ends {
		e.wantOver(e.session(raw))
	}
}

func TestALostAnswerOfARotationIsMadeGood(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsGrace, opsReuse)
	raw := e.login().Refresh
	e.spy.after = func(_ context.Context, call string) error {
		if call == "Rotate" {
			return errOpsDown
		}
		return nil
	}
	e.wantRefused("an unknown outcome", raw, core.ErrServiceUnavailable)
	e.spy.after = nil
	if got := e.reason(raw); got != core.ReasonRotated {
		t.Errorf("the token is %q, want it consumed", got)
	}
	e.clock.advance(time.Second)
	first, second := e.mustRefresh(raw).Refresh, e.mustRefresh(raw).Refresh
	if e.jti(first) != e.jti(second) || e.row(e.jti(first)).ParentJTI != e.jti(raw) {
		t.Error("the two repeated refreshes did not get the one successor")
	}
	if got := len(e.events.of(core.EventRetry)); got != 2 || len(e.events.of(core.EventRefresh)) > 0 {
		t.Errorf("%d events of a retry, want 2: %v", got, e.events.all())
	}
}

func TestTheClientsOwnDeadlineHoldsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := opsNew(t)
		access := e.login().Access
		e.spy.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(opsCtx(), time.Second)
		defer cancel()
		start := time.Now()
		if _, _, err := e.AuthenticateToken(ctx, access); !errors.Is(err, core.ErrServiceUnavailable) || time.Since(start) != time.Second {
			t.Errorf("error %v after %v, want a 503 after a second", err, time.Since(start))
		}
		if got := e.events.of(core.EventStoreError); len(got) != 1 {
			t.Errorf("raised %v, want one store_error", got)
		}
	})
}

func TestALoginGoesOnWithoutItsUpgrade(t *testing.T) {
	t.Parallel()
	for what, arm := range opsTroubles() {
		if what == "is cut off by the client" {
			continue // then nothing goes on
		}
		synctest.Test(t, func(t *testing.T) {
			e := opsNew(t, opsCheckRevoke)
			pair, _, err := e.ObtainPair(arm(e, 1), "alice", opsPassword) // 0 is ByUsername
			e.spy.before, e.spy.after = nil, nil
			if err != nil {
				t.Fatalf("UpdatePassword %s: %v", what, err)
			}
			if told := e.log.String(); strings.Count(told, "the password hash was not upgraded") != 1 || len(e.events.of(core.EventStoreError)) > 0 {
				t.Errorf("UpdatePassword %s: want a warning and no event, got %v and:\n%s", what, e.events.all(), told)
			}
			if _, _, err := e.AuthenticateToken(opsCtx(), pair.Access); err != nil {
				t.Errorf("UpdatePassword %s: its token: %v", what, err)
			}
			e.noSecrets(nil, pair.Access, pair.Refresh, "argon2$argon2id$")
		})
	}
}

func TestALoginThatIsCutOffBeforeItsHashIs503(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alice", "nobody"} {
		var failed []string
		e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
			s.OnLoginFailed = func(_ context.Context, username string) { failed = append(failed, username) }
		}))
		ctx, cancel := context.WithCancel(opsCtx())
		e.spy.before = func(context.Context, string) error {
			if name == "nobody" {
				cancel()
				return core.ErrUserNotFound
			}
			return nil
		}
		e.spy.after = func(context.Context, string) error { cancel(); return nil }
		if _, _, err := e.ObtainPair(ctx, name, "wrong"); !errors.Is(err, core.ErrServiceUnavailable) {
			t.Errorf("%s: error %v, want a 503", name, err)
		}
		if len(failed) > 0 || len(e.events.all()) > 0 || e.log.String() != "" {
			t.Errorf("%s: it counts as a failed login: %v, %v, %s", name, failed, e.events.all(), e.log.String())
		}
	}
}

func TestTroubleOfHooksIs503(t *testing.T) {
	t.Parallel()
	fail := false
	for hook, option := range map[string]opsOption{
		"Deps.Claims": func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(context.Context, simplejwt.User, *core.Token) error {
				if fail {
					return errOpsDown
				}
				return nil
			}
		},
		"JSON_ENCODER": opsSettings(func(s *simplejwt.Settings) {
			s.JSONEncoder = func(simplejwt.Claims) ([]byte, error) {
				if fail {
					return nil, errOpsDown
				}
				return []byte(fmt.Sprintf(`{"jti":"a","user_id":"1","token_type":"refresh","exp":%d}`, opsStart().Unix()+60)), nil
			}
		}),
	} {
		e := opsNew(t, option)
		fail = false
		pair, sliding := e.login(), e.forge(e.sliding(nil))
		fail = true
		for name, do := range map[string]func() (bool, error){
			"login":           func() (bool, error) { pair, err := e.Login(opsCtx(), e.user("alice")); return pair != core.Pair{}, err },
			"sliding login":   func() (bool, error) { token, err := e.LoginSliding(opsCtx(), e.user("alice")); return token != "", err },
			"refresh":         func() (bool, error) { pair, err := e.refresh(pair.Refresh); return pair != core.Pair{}, err },
			"sliding refresh": func() (bool, error) { token, err := e.slide(sliding); return token != "", err },
		} {
			seen := len(e.events.all())
			gave, err := do()
			if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, errOpsDown) || gave {
				t.Errorf("%s, %s: error %v, gave something: %v, want a 503", hook, name, err, gave)
			}
			if told := e.events.all()[seen:]; len(told) != 1 || told[0].Type != core.EventStoreError {
				t.Errorf("%s, %s: raised %v, want one store_error", hook, name, told)
			}
			e.noSecrets(err, pair.Refresh, sliding)
		}
	}
}

func TestFlushExpiredAnswersTheStoresError(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	e.spy.before = func(context.Context, string) error { return errOpsDown }
	if n, err := e.FlushExpired(opsCtx()); !errors.Is(err, errOpsDown) || n != 0 {
		t.Errorf("%d rows, error %v, want the store's", n, err)
	}
}

func TestTroubleThatAHookPassesOnIsToldOnce(t *testing.T) {
	t.Parallel()
	var e *opsEnv
	e = opsNew(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(ctx context.Context, u simplejwt.User, _ *core.Token) error {
			return e.RevokeUser(ctx, u.AuthID(), core.ReasonAdmin)
		}
	})
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Revoke" {
			return errOpsDown
		}
		return nil
	}
	if _, err := e.Login(opsCtx(), e.user("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v, want a 503", err)
	}
	if told := e.events.all(); len(told) != 2 || told[0].Type != core.EventStoreError || told[1].Type != core.EventRevokeFailed ||
		strings.Count(e.log.String(), "authentication is unavailable") != 1 {
		t.Errorf("raised %v and logged:\n%s", told, e.log.String())
	}
}
