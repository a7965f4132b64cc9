package core_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// spyRecorder is a store that is a core.LoginRecorder, which answers what the test wants. The answer may call record.
type spyRecorder struct {
	*spyStore
	answer func(record func() error) (bool, error)
}

func (s *spyRecorder) RecordLogin(ctx context.Context, t core.OutstandingToken, _ core.Users, _ simplejwt.User) (done bool, err error) {
	err = s.spy.watchCall(ctx, "RecordLogin", func() (err error) {
		done, err = s.answer(func() error { return s.Store.Record(ctx, t) })
		return err
	})
	return done, err
}

// withLoginRecorder makes the store of an env a core.LoginRecorder.
func withLoginRecorder(answer func(record func() error) (bool, error)) authOption {
	return func(_ *simplejwt.Settings, d *core.Deps) {
		d.Store = &spyRecorder{d.Store.(*spyStore), answer}
	}
}

// recordAndAnswer is the answer of a recorder where the stored password is the same.
func recordAndAnswer(record func() error) (bool, error) { err := record(); return err == nil, err }

func TestLogin_LoginRecorder(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hash := func(password string) string {
		encoded, err := h.Make(background, password)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	old, again, other := hash(rightPassword), hash(rightPassword), hash("another")
	decline := func(func() error) (bool, error) { return false, nil }
	for name, c := range map[string]struct {
		answer func(record func() error) (bool, error)
		stored string // the password that is stored meanwhile, "-" if the user is deleted
		want   error
		calls  []string
	}{
		"the password is the same":                {recordAndAnswer, old, nil, []string{"ByUsername", "RecordLogin"}},
		"the recorder does not know such users":   {func(func() error) (bool, error) { return false, errors.ErrUnsupported }, old, nil, []string{"ByUsername", "RecordLogin", "Record", "ByField"}},
		"the user is gone":                        {func(func() error) (bool, error) { return false, core.ErrUserGone }, old, core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin"}},
		"the recorder fails":                      {func(func() error) (bool, error) { return false, errors.New("down") }, old, core.ErrServiceUnavailable, []string{"ByUsername", "RecordLogin"}},
		"another password is stored meanwhile":    {decline, other, core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin", "ByField"}},
		"the user is deleted meanwhile":           {decline, "-", core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin", "ByField"}},
		"another hash of the same password":       {decline, again, nil, []string{"ByUsername", "RecordLogin", "ByField", "Record", "ByField"}},
		"the recorder declines the same password": {decline, old, nil, []string{"ByUsername", "RecordLogin", "ByField", "Record", "ByField"}},
	} {
		for way, login := range map[string]func(*env) error{
			"ObtainPair":    func(e *env) error { _, _, err := e.ObtainPair(background, "alice", rightPassword); return err },
			"ObtainSliding": func(e *env) error { _, _, err := e.ObtainSliding(background, "alice", rightPassword); return err },
		} {
			var e *env
			e = newEnv(t, withLoginRecorder(func(record func() error) (bool, error) {
				if c.stored == "-" {
					e.accounts.Delete("1")
				} else {
					e.changeAlice(func(a *memstore.Account) { a.Password = c.stored })
				}
				return c.answer(record)
			}))
			e.changeAlice(func(a *memstore.Account) { a.Password = old })
			if err := login(e); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: error %v, want %v", way, name, err, c.want)
			}
			calls := slices.DeleteFunc(e.spy.takeCalls(), func(call string) bool { return call == "FieldValue" })
			if diff := cmp.Diff(c.calls, calls); diff != "" {
				t.Errorf("%s, %s: calls (-want +got):\n%s", way, name, diff)
			}
			active, want := 0, 1
			if c.want != nil {
				want = 0
			}
			if active, err = e.mem.Revoke(background, core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || active != want {
				t.Errorf("%s, %s: %d active tokens, error %v, want %d", way, name, active, err, want)
			}
		}
	}
}

func TestLogin_LoginRecorderIsForPasswordsOnly(t *testing.T) {
	t.Parallel()
	never := withLoginRecorder(func(func() error) (bool, error) { t.Error("RecordLogin was called"); return false, nil })
	e := newEnv(t, never)
	e.mustLogin()
	e.mustLoginSliding()
	if _, err := e.ForUser(background, core.RefreshToken, e.loadUser("alice")); err != nil {
		t.Error(err)
	}
	e = newEnv(t, never, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Authenticate = func(context.Context, string, string) (simplejwt.User, error) { return &memstore.Account{ID: "1"}, nil }
	})
	if _, _, err := e.ObtainPair(background, "alice", "known to the directory"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"FieldValue", "Record"}, e.spy.takeCalls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	e = newEnv(t, never, withoutIDs)
	e.changeAlice(func(a *memstore.Account) { a.Password = cheapHash })
	if _, _, err := e.ObtainPair(background, "alice", rightPassword); err != nil {
		t.Error(err)
	}
}

// PostgreSQL has no NUL in a text, so no record has such an id, and nothing is looked up.
func TestRefresh_IDsThatNoRecordHas(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"a NUL": "a\x00b", "256 bytes": string(make([]byte, 256))} {
		e := newEnv(t, withGracePeriod, withTokenClasses(core.SlidingToken))
		e.wantRefreshDenied("jti of "+name, e.signExternal(map[string]any{"jti": id}), core.ErrTokenInvalid)
		e.wantSlidingDenied("jti of "+name, e.signExternal(e.slidingClaims(map[string]any{"jti": id})), core.ErrTokenInvalid)
		if err := e.Blacklist(background, e.signExternal(map[string]any{"jti": id})); !errors.Is(err, core.ErrTokenInvalid) {
			t.Errorf("logout with a jti of %s: error %v", name, err)
		}
		if calls := e.spy.takeCalls(); len(calls) > 0 {
			t.Errorf("%s was looked up: %q", name, calls)
		}
		raw := e.mustRefresh(e.signExternal(map[string]any{"sid": id})).Refresh
		if got := e.decodeToken(raw).SessionID(); got != "external" {
			t.Errorf("a sid of %s became %q, want a new session", name, got)
		}
	}
}

// addMallory adds the user mallory (3), for whom another service signs any claims with our key.
func addMallory(e *env) {
	e.t.Helper()
	if err := e.accounts.Add(memstore.Account{ID: "3", Username: "mallory", Password: cheapHash}); err != nil {
		e.t.Fatalf("%v", err)
	}
}

// withUsernameAsID makes tokens name users by username, so that the primary key is known only once a user is loaded.
func withUsernameAsID(s *simplejwt.Settings, _ *core.Deps) { s.UserIDField = "username" }

// TestOwner presents tokens with a true signature that another service issued to one user with the jti or the sid of another.
func TestOwner(t *testing.T) {
	t.Parallel()
	cached := func(s *simplejwt.Settings, d *core.Deps) {
		withCheckSession(s, d)
		s.CheckSessionCacheTimeout = time.Minute
	}
	for name, option := range map[string]authOption{"": withDefaults, " by name": withUsernameAsID} {
		for kind, rotation := range map[string]authOption{
			"rotation": withGracePeriod, "no blacklisting": withRotationOnly, "no rotation": withDefaults, "SESSION_LIFETIME": withSessionLifetime(24 * time.Hour),
		} {
			for who, claim := range map[string]any{"mallory": map[string]string{"": "3", " by name": "mallory"}[name], "no user": nil, "an unknown user": "999"} {
				for what, do := range ownerAttacks() {
					t.Run("with "+kind+name+", "+who+" "+what+" without effect on alice", func(t *testing.T) {
						t.Parallel()
						e := newEnv(t, rotation, option, cached)
						addMallory(e)
						alice := e.mustLogin()
						if _, _, err := e.AuthenticateToken(background, alice.Access); err != nil { // into the cache
							t.Fatal(err)
						}
						do(e, alice.Refresh, func(claims map[string]any) string {
							claims["user_id"] = claim
							return e.signExternal(claims)
						})
						if got := e.readReason(alice.Refresh); got != "active" {
							t.Errorf("alice's token is %q", got)
						}
						if _, _, err := e.AuthenticateToken(background, alice.Access); err != nil {
							t.Errorf("alice's access token: %v", err)
						}
						next := e.mustRefresh(alice.Refresh)
						if e.Settings().RotateRefreshTokens && e.readSession(next.Refresh) != e.readSession(alice.Refresh) {
							t.Errorf("alice's session is %q now", e.readSession(next.Refresh))
						}
					})
				}
			}
		}
	}
}

// ownerAttacks use a token of another user against the session of alice's token. sign adds the user to the claims.
func ownerAttacks() map[string]func(e *env, alice string, sign func(map[string]any) string) {
	denied := func(e *env, what string, err error) {
		e.t.Helper()
		var known *core.Error
		if !errors.As(err, &known) || known.Status != 401 {
			e.t.Errorf("%s: %v, want a denial", what, err)
		}
	}
	record := func(e *env, raw, userID string) { // as a Django process does, whose records have no SessionID
		e.t.Helper()
		now := e.clock.now()
		row := core.OutstandingToken{JTI: e.readJTI(raw), UserID: userID, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		if err := e.mem.Record(background, row); err != nil {
			e.t.Fatalf("%v", err)
		}
	}
	return map[string]func(e *env, alice string, sign func(map[string]any) string){
		"refreshes with alice's jti": func(e *env, alice string, sign func(map[string]any) string) {
			pair, err := e.refreshToken(sign(map[string]any{"jti": e.readJTI(alice)}))
			if e.Settings().RotateRefreshTokens {
				denied(e, "refresh", err)
			} else if pair.Access != "" && e.decodeToken(pair.Access).UserID() == "1" {
				e.t.Errorf("refresh: it returned a token of alice")
			}
		},
		"refreshes with alice's sid": func(e *env, alice string, sign func(map[string]any) string) {
			_, err := e.refreshToken(sign(map[string]any{"jti": "unknown", "sid": e.readSession(alice)}))
			denied(e, "refresh", err)
		},
		"refreshes with alice's sid and a record of its own": func(e *env, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"jti": "django's", "sid": e.readSession(alice)})
			owner := "3"
			if e.decodeToken(raw).UserID() == "" {
				owner = ""
			}
			record(e, raw, owner)
			pair, err := e.refreshToken(raw)
			if err == nil && e.Settings().RotateRefreshTokens && e.readSession(pair.Refresh) == e.readSession(alice) {
				e.t.Errorf("refresh: the token joined alice's session")
			}
			_, _ = e.refreshToken(raw) // a retry
		},
		"logs out with alice's jti": func(e *env, alice string, sign func(map[string]any) string) {
			if err := e.Blacklist(background, sign(map[string]any{"jti": e.readJTI(alice)})); err == nil && e.readReason(alice) != "active" {
				e.t.Errorf("a logout with alice's jti succeeded")
			}
		},
		"logs out with alice's sid": func(e *env, alice string, sign func(map[string]any) string) {
			_ = e.Blacklist(background, sign(map[string]any{"jti": "unknown", "sid": e.readSession(alice)}))
		},
		"logs out with alice's sid and a record of its own": func(e *env, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"jti": "django's", "sid": e.readSession(alice)})
			owner := "3"
			if e.decodeToken(raw).UserID() == "" {
				owner = ""
			}
			record(e, raw, owner)
			_ = e.Blacklist(background, raw)
			_ = e.Blacklist(background, raw)
		},
		"sends a request with alice's sid": func(e *env, alice string, sign func(map[string]any) string) {
			raw := sign(map[string]any{"token_type": "access", "jti": "unknown", "sid": e.readSession(alice)})
			_, _, err := e.AuthenticateToken(background, raw)
			denied(e, "request under CHECK_SESSION", err)
			if e.Settings().UserIDField == "id" { // else verify does not know the user of the session
				_, err = e.Verify(background, raw)
				denied(e, "verify under CHECK_SESSION", err)
			}
		},
	}
}

// Another service may sign a token for a name that no user has.
func TestOwner_UnknownUser(t *testing.T) {
	t.Parallel()
	for name, rotated := range map[string]bool{"with the latest jti": false, "with a jti that was rotated within the grace period": true} {
		t.Run("a logout "+name+" ends no session of another user", func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, withGracePeriod, withUsernameAsID)
			presented := e.mustLogin().Refresh
			latest := presented
			if rotated {
				latest = e.mustRefresh(presented).Refresh
			}
			_ = e.Blacklist(background, e.signExternal(map[string]any{"user_id": "unknown", "jti": e.readJTI(presented)}))
			if got := e.readReason(latest); got != "active" {
				t.Errorf("alice's token is %q, want it active", got)
			}
		})
	}
}

// Verify and a refresh without rotation compare the owner of the record too, whatever session the token names.
func TestOwner_VerifyAndRefreshWithoutRotation(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	addMallory(e)
	alice := e.mustLogin().Refresh
	for what, sid := range map[string]string{"and sid": e.readSession(alice), "and a sid that was flushed": "flushed"} {
		raw := e.signExternal(map[string]any{"user_id": "3", "jti": e.readJTI(alice), "sid": sid})
		if _, err := e.Verify(background, raw); err == nil {
			t.Errorf("verify: mallory's token with alice's jti %s is accepted", what)
		}
		if _, err := e.refreshToken(raw); err == nil {
			t.Errorf("refresh: mallory's token with alice's jti %s is accepted", what)
		}
	}
}
