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

// operation is a call of an Auth that needs the users or the store.
type operation struct {
	name    string
	options []authOption
	prepare func(e *env) (presented, latest string)
	// do reports whether it returned anything beside the error.
	do func(ctx context.Context, e *env, raw string) (returned bool, err error)
	// want is the error of the operation where no call fails.
	want error
	// ends is true where no token of the session may be active afterwards.
	ends bool
}

// withLastLogin sets UPDATE_LAST_LOGIN, with users that can't upgrade a hash: that takes long, and TestLogin_UpgradeUnavailable
// tests it.
func withLastLogin(s *simplejwt.Settings, d *core.Deps) {
	s.UpdateLastLogin = true
	users := d.Users.(*spyUsers)
	d.Users = struct {
		core.Users
		core.LastLoginUpdater
	}{users, users}
}

// prepareNothing is the preparation of a login.
func prepareNothing(*env) (string, string) { return "", "" }

// changePasswordAfter changes alice's password after a preparation.
func changePasswordAfter(prepare func(e *env) (string, string)) func(e *env) (string, string) {
	return prepareThen(prepare, func(e *env, _, _ string) {
		e.changeAlice(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
	})
}

// listOperations returns every operation, in all its ways through the store.
func listOperations() []operation {
	refresh := func(ctx context.Context, e *env, raw string) (bool, error) {
		pair, user, err := e.Refresh(ctx, raw)
		return pair != core.Pair{} || user != nil, err
	}
	slide := func(ctx context.Context, e *env, raw string) (bool, error) {
		token, user, err := e.RefreshSliding(ctx, raw)
		return token != "" || user != nil, err
	}
	request := func(ctx context.Context, e *env, raw string) (bool, error) {
		user, token, err := e.AuthenticateToken(ctx, raw)
		return user != nil || token != nil, err
	}
	logout := func(ctx context.Context, e *env, raw string) (bool, error) { return false, e.Blacklist(ctx, raw) }
	sliding := func(e *env) (string, string) { raw := e.mustLoginSliding(); return raw, raw }
	access := func(e *env) (string, string) { raw := e.mustLogin().Access; return raw, raw }
	full, late := []authOption{withGracePeriod, withReuseDetection}, prepareThen(rotateTimes(1), advanceClock(time.Minute))
	return []operation{
		{"ObtainPair", []authOption{withLastLogin}, prepareNothing, func(ctx context.Context, e *env, _ string) (bool, error) {
			pair, user, err := e.ObtainPair(ctx, "alice", rightPassword)
			return pair != core.Pair{} || user != nil, err
		}, nil, false},
		{"ObtainSliding", []authOption{withLastLogin}, prepareNothing, func(ctx context.Context, e *env, _ string) (bool, error) {
			token, user, err := e.ObtainSliding(ctx, "alice", rightPassword)
			return token != "" || user != nil, err
		}, nil, false},
		{"Login", []authOption{withLastLogin}, prepareNothing, func(ctx context.Context, e *env, _ string) (bool, error) {
			pair, err := e.Login(ctx, e.loadUser("alice"))
			return pair != core.Pair{}, err
		}, nil, false},
		{"LoginSliding", []authOption{withLastLogin}, prepareNothing, func(ctx context.Context, e *env, _ string) (bool, error) {
			token, err := e.LoginSliding(ctx, e.loadUser("alice"))
			return token != "", err
		}, nil, false},
		{"a refresh without rotation", nil, rotateTimes(0), refresh, nil, false},
		{"a refresh with SESSION_LIFETIME", []authOption{withSessionLifetime(time.Hour)}, rotateTimes(0), refresh, nil, false},
		{"a rotation", full, rotateTimes(0), refresh, nil, false},
		{"a retry", full, rotateTimes(2), refresh, nil, false},
		{"a rotation of an external token", full, presentExternal(nil), refresh, nil, false},
		{"reuse", full, late, refresh, core.ErrTokenBlacklisted, true},
		{"a rotation without blacklisting", []authOption{withRotationOnly}, rotateTimes(0), refresh, nil, false},
		{"a rotation of an external token without blacklisting", []authOption{withRotationOnly}, presentExternal(nil), refresh, nil, false},
		{"a refresh with the wrong type", full, sliding, refresh, core.ErrTokenWrongType, false},
		{"a refresh of an inactive user", full, presentExternal(map[string]any{"user_id": "2"}), refresh, core.ErrNoActiveAccount, false},
		{"a refresh with an old password", append(full, withCheckRevokeToken), changePasswordAfter(rotateTimes(0)), refresh, core.ErrPasswordChanged, true},
		{"a refresh of an external token with an old password", append(full, withCheckRevokeToken), presentExternal(nil), refresh, core.ErrPasswordChanged, true},
		{"a sliding refresh", nil, sliding, slide, nil, false},
		{"a sliding refresh with an old password", []authOption{withCheckRevokeToken}, changePasswordAfter(sliding), slide, core.ErrPasswordChanged, true},
		{"a request", nil, access, request, nil, false},
		{"a request with a sliding token", []authOption{withTokenClasses(core.AccessToken, core.SlidingToken)}, sliding, request, nil, false},
		{"a stateless request with a sliding token", []authOption{withTokenClasses(core.SlidingToken)}, sliding, func(ctx context.Context, e *env, raw string) (bool, error) {
			user, token, err := e.Stateless().AuthenticateToken(ctx, raw)
			return user != nil || token != nil, err
		}, nil, false},
		{"a logout", full, rotateTimes(0), logout, nil, true},
		{"a logout with a rotated token", full, rotateTimes(1), logout, nil, true},
		{"a logout with an external token", full, presentExternal(nil), logout, nil, true},
		{"a logout that is reuse", full, late, logout, core.ErrTokenBlacklisted, true},
		{"a logout with the wrong type", full, sliding, logout, core.ErrTokenWrongType, false},
		{"RevokeSession", full, rotateTimes(1), func(ctx context.Context, e *env, raw string) (bool, error) {
			err := e.RevokeSession(ctx, "1", e.readSession(raw), core.ReasonAdmin)
			if errors.Is(err, core.ErrSessionNotFound) {
				err = nil // the session was ended before the answer was lost
			}
			return false, err
		}, nil, true},
		{"RevokeOtherSessions", full, rotateTimes(1), func(ctx context.Context, e *env, _ string) (bool, error) {
			return false, e.RevokeOtherSessions(ctx, "1", "kept", core.ReasonAdmin)
		}, nil, true},
		{"Sessions", full, rotateTimes(1), func(ctx context.Context, e *env, _ string) (bool, error) {
			all, err := e.Sessions(ctx, "1")
			return all != nil, err
		}, nil, false},
		{"a login under a limit of sessions", append(full, withSessionLimit(1)), rotateTimes(1), func(ctx context.Context, e *env, _ string) (bool, error) {
			pair, err := e.Login(ctx, e.loadUser("alice"))
			return pair != core.Pair{}, err
		}, nil, true},
		{"RenewSession", full, rotateTimes(1), func(ctx context.Context, e *env, raw string) (bool, error) {
			pair, err := e.RenewSession(ctx, e.loadUser("alice"), e.readSession(raw))
			if errors.Is(err, core.ErrSessionNotFound) {
				err = nil // the session was ended before the answer was lost
			}
			return pair != core.Pair{}, err
		}, nil, false},
		{"a request with CHECK_SESSION", append(full, withCheckSession), func(e *env) (string, string) { return e.mustLogin().Access, "" }, request, nil, false},
		{"RevokeUser", full, rotateTimes(1), func(ctx context.Context, e *env, _ string) (bool, error) {
			return false, e.RevokeUser(ctx, "1", core.ReasonAdmin)
		}, nil, true},
		{"PasswordChanged", full, rotateTimes(1), func(ctx context.Context, e *env, _ string) (bool, error) {
			return false, callPasswordChanged(ctx, e, e.loadUser("alice"), "")
		}, nil, true},
		{"Token.Outstand", nil, presentExternal(nil), func(ctx context.Context, e *env, raw string) (bool, error) {
			return false, e.decodeToken(raw).Outstand(ctx, e.loadUser("alice"))
		}, nil, false},
	}
}

var errDatabaseDown = errors.New("the database is down")

// callFailures are the ways a call may fail. Each makes the spy fail the n-th call, and returns the context of the operation.
func callFailures() map[string]func(e *env, n int) context.Context {
	// at calls do at the n-th call, and only then.
	at := func(n int, do func(ctx context.Context) error) func(context.Context, string) error {
		seen := -1
		return func(ctx context.Context, _ string) error {
			if seen++; seen != n {
				return nil
			}
			return do(ctx)
		}
	}
	return map[string]func(e *env, n int) context.Context{
		"fails": func(e *env, n int) context.Context {
			e.spy.before = at(n, func(context.Context) error { return errDatabaseDown })
			return background
		},
		"fails after it was done": func(e *env, n int) context.Context {
			e.spy.after = at(n, func(context.Context) error { return errDatabaseDown })
			return background
		},
		"hangs": func(e *env, n int) context.Context {
			e.spy.before = at(n, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return background
		},
		"is cancelled by the client": func(e *env, n int) context.Context {
			ctx, cancel := context.WithCancel(background)
			e.spy.before = at(n, func(ctx context.Context) error { cancel(); return ctx.Err() })
			return ctx
		},
	}
}

// Whichever call of the store or the users fails, the operation returns ErrServiceUnavailable and nothing else, logs it once, and
// succeeds when it is repeated.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	for _, op := range listOperations() {
		t.Run(op.name+" is unavailable when a call fails", func(t *testing.T) {
			t.Parallel()
			dry := newEnv(t, op.options...)
			raw, _ := op.prepare(dry)
			dry.spy.takeCalls()
			if returned, err := op.do(background, dry, raw); !errors.Is(err, op.want) || returned && err != nil {
				t.Fatalf("without a failure: error %v, want %v", err, op.want)
			}
			calls := dry.spy.takeCalls()
			if len(calls) == 0 {
				t.Fatal("it calls neither users nor store")
			}
			for n, call := range calls {
				for what, arm := range callFailures() {
					if call == "FieldValue" && !strings.HasPrefix(what, "fails") {
						continue // no input or output
					}
					synctest.Test(t, func(t *testing.T) { op.runWithFailure(t, fmt.Sprintf("%d. %s %s", n+1, call, what), n, arm) })
				}
			}
		})
	}
}

// runWithFailure runs the operation with a failure of its n-th call, and again without one.
func (op operation) runWithFailure(t *testing.T, name string, n int, arm func(*env, int) context.Context) {
	t.Helper()
	e := newEnv(t, op.options...)
	raw, _ := op.prepare(e)
	seen := len(e.events.all())
	start := time.Now() // the clock of synctest, which moves only while all goroutines wait
	ctx := arm(e, n)
	returned, err := op.do(ctx, e, raw)
	e.spy.before, e.spy.after = nil, nil

	if hungUp := ctx.Err() != nil; hungUp && !errors.Is(err, core.ErrServiceUnavailable) {
		op.wantDone(t, name, e, raw, err)
		return
	} else if hungUp && op.mustFinish(name) {
		t.Errorf("%s: error %v: a call that ends a session must run to its end", name, err)
	}
	if !errors.Is(err, core.ErrServiceUnavailable) || returned {
		t.Errorf("%s: error %v, returned something: %v, want ErrServiceUnavailable", name, err, returned)
	}
	cause, reports, took := errDatabaseDown, 1, time.Duration(0)
	switch {
	case strings.HasSuffix(name, "hangs"):
		cause, took = context.DeadlineExceeded, 10*time.Second
	case strings.HasSuffix(name, "client"):
		cause, reports = context.Canceled, 0 // the client is gone, and the database works
	}
	if got := time.Since(start); !errors.Is(err, cause) || got != took {
		t.Errorf("%s: it took %v and its cause is %v, want %v and %v", name, got, err, took, cause)
	}
	if got := strings.Count(e.log.String(), "authentication is unavailable"); got != reports {
		t.Errorf("%s: logged %d times, want %d:\n%s", name, got, reports, e.log.String())
	}
	failures := e.events.all()[seen:]
	failures = slices.DeleteFunc(failures, func(event core.Event) bool { return event.Type == core.EventReuse })
	if last := len(failures) - 1; last > 0 && failures[last].Type == core.EventRevokeFailed {
		if failures[last].SessionID == "" && failures[last].UserID == "" || failures[last].Err != err {
			t.Errorf("%s: %+v names neither the session that may be active nor the error", name, failures[last])
		}
		failures = failures[:last]
	} else if op.isKnownToEnd(name) {
		t.Errorf("%s: emitted %v, want revoke_failed last", name, failures)
	}
	if len(failures) != reports || reports == 1 && (failures[0].Type != core.EventStoreError || failures[0].Err != err) {
		t.Errorf("%s: emitted %v, want %d store_error", name, failures, reports)
	}
	e.wantNoSecrets(err, raw)

	// An ending that has blacklisted the token may deny it when it is repeated.
	blacklisted := raw != "" && (e.readReason(raw) == core.ReasonLogout || e.readReason(raw) == core.ReasonPassword)
	if _, err := op.do(background, e, raw); !errors.Is(err, op.want) && (!blacklisted || !errors.Is(err, core.ErrTokenBlacklisted)) {
		t.Errorf("%s: again: error %v, want %v", name, err, op.want)
	}
	if op.ends {
		e.wantSessionEnded(e.readSession(raw))
	}
}

// isEnding reports whether the operation only ends sessions: a login does so under a limit, but it also issues tokens.
func (op operation) isEnding() bool { return op.ends && !strings.HasPrefix(op.name, "a login") }

// isKnownToEnd reports whether the operation ends a session for certain at the call that fails: a refresh does only once it has
// found the reuse or the changed password.
func (op operation) isKnownToEnd(name string) bool {
	isRefresh := op.want != nil && !strings.HasPrefix(op.name, "a logout")
	return op.mustFinish(name) && (!isRefresh || strings.Contains(name, " Blacklist ") || strings.Contains(name, " Revoke "))
}

// mustFinish reports whether the call that fails must run to its end without the client: every call of an ending, and the calls
// of other operations that revoke tokens.
func (op operation) mustFinish(name string) bool {
	return op.isEnding() || strings.Contains(name, " Blacklist ") || strings.Contains(name, " Revoke ")
}

// wantDone checks that an operation whose client hung up was completed.
func (op operation) wantDone(t *testing.T, name string, e *env, raw string, err error) {
	t.Helper()
	if !errors.Is(err, op.want) {
		t.Errorf("%s: error %v, want %v", name, err, op.want)
	}
	if log := e.log.String(); strings.Contains(log, "unavailable") || len(e.events.ofType(core.EventRevokeFailed)) > 0 {
		t.Errorf("%s: it was completed, and logged as unavailable:\n%s", name, log)
	}
	if op.ends {
		e.wantSessionEnded(e.readSession(raw))
	}
}

func TestUnavailable_Hooks(t *testing.T) {
	t.Parallel()
	fail := false
	for hook, option := range map[string]authOption{
		"Deps.Claims": func(_ *simplejwt.Settings, d *core.Deps) {
			d.Claims = func(context.Context, simplejwt.User, *core.Token) error {
				if fail {
					return errDatabaseDown
				}
				return nil
			}
		},
		"JSON_ENCODER": withSettings(func(s *simplejwt.Settings) {
			s.JSONEncoder = func(simplejwt.Claims) ([]byte, error) {
				if fail {
					return nil, errDatabaseDown
				}
				return []byte(fmt.Sprintf(`{"jti":"a","user_id":"1","token_type":"refresh","exp":%d}`, startTime().Unix()+60)), nil
			}
		}),
	} {
		e := newEnv(t, option)
		fail = false
		pair, sliding := e.mustLogin(), e.signExternal(e.slidingClaims(nil))
		fail = true
		for name, do := range map[string]func() (bool, error){
			"login": func() (bool, error) {
				pair, err := e.Login(background, e.loadUser("alice"))
				return pair != core.Pair{}, err
			},
			"sliding login": func() (bool, error) {
				token, err := e.LoginSliding(background, e.loadUser("alice"))
				return token != "", err
			},
			"refresh":         func() (bool, error) { pair, err := e.refreshToken(pair.Refresh); return pair != core.Pair{}, err },
			"sliding refresh": func() (bool, error) { token, err := e.refreshSliding(sliding); return token != "", err },
		} {
			seen := len(e.events.all())
			returned, err := do()
			if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, errDatabaseDown) || returned {
				t.Errorf("%s, %s: error %v, returned something: %v, want ErrServiceUnavailable", hook, name, err, returned)
			}
			if emitted := e.events.all()[seen:]; len(emitted) != 1 || emitted[0].Type != core.EventStoreError {
				t.Errorf("%s, %s: emitted %v, want one store_error", hook, name, emitted)
			}
			e.wantNoSecrets(err, pair.Refresh, sliding)
		}
	}
}

func TestUnavailable_IsReportedOnce(t *testing.T) {
	t.Parallel()
	var e *env
	e = newEnv(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Claims = func(ctx context.Context, u simplejwt.User, _ *core.Token) error {
			return e.RevokeUser(ctx, u.AuthID(), core.ReasonAdmin)
		}
	})
	e.spy.before = func(_ context.Context, call string) error {
		if call == "Revoke" {
			return errDatabaseDown
		}
		return nil
	}
	if _, err := e.Login(background, e.loadUser("alice")); !errors.Is(err, core.ErrServiceUnavailable) {
		t.Errorf("error %v, want ErrServiceUnavailable", err)
	}
	if emitted := e.events.all(); len(emitted) != 2 || emitted[0].Type != core.EventStoreError || emitted[1].Type != core.EventRevokeFailed ||
		strings.Count(e.log.String(), "authentication is unavailable") != 1 {
		t.Errorf("emitted %v and logged:\n%s", emitted, e.log.String())
	}
}
