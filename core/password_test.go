package core_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// setPassword sets alice's stored password: "" leaves cheapHash, "none" is no hash.
func (e *env) setPassword(encoded string) {
	if encoded == "" {
		return
	}
	e.changeAlice(func(a *memstore.Account) { a.Password = strings.TrimPrefix(encoded, "none") })
}

// A login takes as long whether the user exists or not, so it must compute as many hashes, from the first login on. A hash
// takes 19 MiB, and memory can be counted where time can't. Not parallel, as the memory of other tests would count.
func TestLogin_ComputesOneHash(t *testing.T) {
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := h.Make(t.Context(), rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	for view, login := range map[string]func(e *env, username, password string) error{
		"pair":    func(e *env, u, p string) error { _, _, err := e.ObtainPair(background, u, p); return err },
		"sliding": func(e *env, u, p string) error { _, _, err := e.ObtainSliding(background, u, p); return err },
	} {
		for _, c := range append(wrongLogins(), wrongLogin{"the right password", "alice", rightPassword, ""}) {
			e := newEnv(t) // with hashers of its own, so that this is their first login
			for _, name := range []string{"alice", "bob"} {
				a := e.loadUser(name)
				a.Password = encoded
				if err := e.accounts.Update(*a); err != nil {
					t.Fatal(err)
				}
			}
			e.setPassword(c.stored)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := login(e, c.username, c.password)
			runtime.ReadMemStats(&after)
			if (err == nil) != (c.name == "the right password") {
				t.Errorf("%s, %s: %v", view, c.name, err)
			}
			if hashes := math.Round(float64(after.TotalAlloc-before.TotalAlloc) / (19456 << 10)); hashes != 1 {
				t.Errorf("%s, %s: %v hashes computed, want 1", view, c.name, hashes)
			}
		}
	}
}

func TestLogin_UpgradesHash(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation, withCheckRevokeToken)
	pair, _, err := e.ObtainPair(background, "alice", rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.loadUser("alice").Password; !strings.HasPrefix(got, "argon2$argon2id$") {
		t.Fatalf("the stored hash is %.20q, want argon2", got)
	}
	if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
		t.Errorf("the claim of CHECK_REVOKE_TOKEN is not that of the upgraded hash: %v", err)
	}
	e.mustRefresh(pair.Refresh)
	if _, _, err := e.ObtainPair(background, "alice", rightPassword); err != nil {
		t.Errorf("the upgraded hash does not match: %v", err)
	}
}

func TestLogin_TwoUpgradesAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation)
	e.runBefore("UpdatePassword", func() {
		if _, _, err := e.ObtainPair(background, "alice", rightPassword); err != nil {
			t.Error("the first:", err)
		}
	})
	if _, _, err := e.ObtainPair(background, "alice", rightPassword); err != nil {
		t.Error("the second:", err)
	}
}

func TestLogin_UpgradeUnavailable(t *testing.T) {
	t.Parallel()
	for what, arm := range callFailures() {
		if what == "is cancelled by the client" {
			continue // the login ends then
		}
		synctest.Test(t, func(t *testing.T) {
			e := newEnv(t, withCheckRevokeToken)
			pair, _, err := e.ObtainPair(arm(e, 1), "alice", rightPassword) // 0 is ByUsername
			e.spy.before, e.spy.after = nil, nil
			if err != nil {
				t.Fatalf("UpdatePassword %s: %v", what, err)
			}
			if log := e.log.String(); strings.Count(log, "the password hash was not upgraded") != 1 || len(e.events.ofType(core.EventStoreError)) > 0 {
				t.Errorf("UpdatePassword %s: want a warning and no event, got %v and:\n%s", what, e.events.all(), log)
			}
			if _, _, err := e.AuthenticateToken(background, pair.Access); err != nil {
				t.Errorf("UpdatePassword %s: its token: %v", what, err)
			}
			e.wantNoSecrets(nil, pair.Access, pair.Refresh, "argon2$argon2id$")
		})
	}
}

// A login that was under way while the password changed must leave no active token.
func TestLogin_PasswordChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"UpdatePassword", "Record"} { // alice's cheap hash is upgraded at login
		for name, login := range map[string]func(*env) error{
			"ObtainPair":    func(e *env) error { _, _, err := e.ObtainPair(background, "alice", rightPassword); return err },
			"ObtainSliding": func(e *env) error { _, _, err := e.ObtainSliding(background, "alice", rightPassword); return err },
		} {
			e := newEnv(t, withRotation)
			e.runBefore(moment, func() {
				e.changeAlice(func(a *memstore.Account) { a.Password = "pbkdf2_sha256$1$salt$AAAA" })
				if _, err := e.PasswordChanged(background, e.loadUser("alice"), ""); err != nil {
					t.Error(err)
				}
			})
			if err := login(e); !errors.Is(err, core.ErrNoActiveAccount) {
				t.Errorf("%s, changed before %s: error %v", name, moment, err)
			}
			if active, err := e.mem.Revoke(background, core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || active != 0 {
				t.Errorf("%s, changed before %s: %d tokens are still active", name, moment, active)
			}
		}
	}
}

func TestLogin_SamePasswordHashedMeanwhile(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withRotation)
	e.runBefore("Record", func() {
		h, err := hashers.New(hashers.Options{Preferred: "pbkdf2_sha256"})
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := h.Make(background, rightPassword)
		if err != nil {
			t.Fatal(err)
		}
		e.changeAlice(func(a *memstore.Account) { a.Password = encoded })
	})
	if _, _, err := e.ObtainPair(background, "alice", rightPassword); err != nil {
		t.Error(err)
	}
}

func TestLogin_ClientHangsUpBeforeHash(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alice", "nobody"} {
		var failed []string
		e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
			s.OnLoginFailed = func(_ context.Context, username string) { failed = append(failed, username) }
		}))
		ctx, cancel := context.WithCancel(background)
		e.spy.before = func(context.Context, string) error {
			if name == "nobody" {
				cancel()
				return core.ErrUserNotFound
			}
			return nil
		}
		e.spy.after = func(context.Context, string) error { cancel(); return nil }
		if _, _, err := e.ObtainPair(ctx, name, "wrong"); !errors.Is(err, core.ErrServiceUnavailable) {
			t.Errorf("%s: error %v, want ErrServiceUnavailable", name, err)
		}
		if len(failed) > 0 || len(e.events.all()) > 0 || e.log.String() != "" {
			t.Errorf("%s: it counts as a failed login: %v, %v, %s", name, failed, e.events.all(), e.log.String())
		}
	}
}

// unusableHash is a stored hash that costs more than hashers.Options allows, and what the log must say about it.
type unusableHash struct {
	name, stored string
	want         error
	says         string
}

func unusableHashes() []unusableHash {
	return []unusableHash{
		{"pbkdf2", "pbkdf2_sha256$5000001$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0=", hashers.ErrTooExpensive, "hashers.Options.MaxPBKDF2Iterations"},
		{"argon2", "argon2$argon2id$v=19$m=4194304,t=1,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog", hashers.ErrTooExpensive, "hashers.Options.MaxMemoryMiB"},
		{"bcrypt", "bcrypt$$2b$16$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye", hashers.ErrTooExpensive, "hashers.Options.MaxBcryptCost"},
	}
}

func TestLogin_UnusableHash(t *testing.T) {
	t.Parallel()
	for _, c := range unusableHashes() {
		for way, login := range map[string]func(*env) error{
			"ObtainPair":    func(e *env) error { _, _, err := e.ObtainPair(background, "alice", rightPassword); return err },
			"ObtainSliding": func(e *env) error { _, _, err := e.ObtainSliding(background, "alice", rightPassword); return err },
		} {
			t.Run(way+" with "+c.name+" is unavailable, and the log names the user and the option", func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, withSettings(func(s *simplejwt.Settings) {
					s.OnLoginFailed = func(context.Context, string) { t.Error("it counts as a failed login") }
				}))
				e.setPassword(c.stored)
				err := login(e)
				if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, c.want) {
					t.Errorf("error %v, want ErrServiceUnavailable because of %v", err, c.want)
				}
				wantUnusableHashReported(t, e, c, err)
				if diff := cmp.Diff([]string{"ByUsername"}, e.spy.takeCalls()); diff != "" {
					t.Errorf("calls of users and store (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestLogin_UnusableHashStoredMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range unusableHashes() {
		t.Run("a login that finds "+c.name+" at the recheck is unavailable", func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			e.spy.after = func(_ context.Context, call string) error {
				if call == "Record" {
					e.changeAlice(func(a *memstore.Account) { a.Password = c.stored })
				}
				return nil
			}
			_, _, err := e.ObtainPair(background, "alice", rightPassword)
			if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, c.want) {
				t.Errorf("error %v, want ErrServiceUnavailable because of %v", err, c.want)
			}
			wantUnusableHashReported(t, e, c, err)
		})
	}
}

func TestLogin_UnreadableHash(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const tail = "$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="
	for _, c := range []struct{ stored, logs string }{
		{"pbkdf2_sha256$0" + tail, "format=pbkdf2_sha256"},
		{"pbkdf2_sha256$-5" + tail, ""}, // the format was logged
		{"pbkdf2_sha1$1000" + tail, "format=pbkdf2_sha1"},
		{"md5$Yk3nq0XvTz81sPbLmWcD7a$9e107d9d372bb6826bd81d3542a419d6", "format=md5"},
		{"5f4dcc3b5aa765d61d8327deb882cf99", "format=unknown"},
		{"$2b$12$Yk3nq0XvTz81sPbLmWcD7a", ""},
		{"none", ""},
		{"!unusable", ""},
	} {
		e.setPassword(c.stored)
		before := e.log.String()
		for range 2 {
			for _, auth := range []*core.Auth{e.Auth, e.WithoutCookies()} {
				if _, _, err := auth.ObtainPair(background, "alice", rightPassword); !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("%s: error %v, want that of a wrong password", c.stored, err)
				}
			}
		}
		warned := strings.Count(e.log.String()[len(before):], "a stored password hash cannot be read")
		if want := min(1, len(c.logs)); warned != want || !strings.Contains(e.log.String()[len(before):], c.logs) {
			t.Errorf("%s: %d warnings, want %d with %q; got the log:\n%s", c.stored, warned, want, c.logs, e.log.String()[len(before):])
		}
	}
	if failed := e.events.ofType(core.EventLoginFailed); len(failed) != 8*4 {
		t.Errorf("%d logins count as failed, want all", len(failed))
	}
	if len(e.events.ofType(core.EventStoreError)) > 0 || !strings.Contains(e.log.String(), "user_id=1") {
		t.Errorf("emitted %v; want no store_error, and a log that names the user:\n%s", e.events.all(), e.log.String())
	}
	e.wantNoSecrets(nil, "Yk3nq0XvTz81sPbLmWcD7a", "qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0=", "5f4dcc3b5aa765d61d8327deb882cf99")
}

// wantUnusableHashReported checks that one error is logged and emitted, with what an operator has to know and nothing of the hash.
func wantUnusableHashReported(t *testing.T, e *env, c unusableHash, err error) {
	t.Helper()
	log := e.log.String()
	if strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, `password of user \"1\"`) || !strings.Contains(log, c.says) {
		t.Errorf("want one error that names the user and says %q, got the log:\n%s", c.says, log)
	}
	if events := e.events.ofType(core.EventStoreError); len(events) != 1 || events[0].Err != err {
		t.Errorf("emitted %v, want one store_error", events)
	}
	e.wantNoSecrets(err, c.stored, c.stored[strings.LastIndexByte(c.stored, '$')+1:])
}
