package core_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// unusableHash is a stored hash that is not computed, and what an operator reads about it.
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

func TestObtain_HashThatIsNotComputed(t *testing.T) {
	t.Parallel()
	for _, c := range unusableHashes() {
		for way, login := range map[string]func(*opsEnv) error{
			"ObtainPair":    func(e *opsEnv) error { _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); return err },
			"ObtainSliding": func(e *opsEnv) error { _, _, err := e.ObtainSliding(opsCtx(), "alice", opsPassword); return err },
		} {
			t.Run(way+" with "+c.name+" is unavailable, and the log names the user and the option", func(t *testing.T) {
				t.Parallel()
				e := opsNew(t, opsSettings(func(s *simplejwt.Settings) {
					s.OnLoginFailed = func(context.Context, string) { t.Error("it counts as a failed login") }
				}))
				e.store(c.stored)
				err := login(e)
				if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, c.want) {
					t.Errorf("error %v, want ErrServiceUnavailable because of %v", err, c.want)
				}
				wantUnusableHashReported(t, e, c, err)
				if diff := cmp.Diff([]string{"ByUsername"}, e.spy.take()); diff != "" {
					t.Errorf("calls of users and store (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestObtain_HashThatIsNotComputedStoredMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range unusableHashes() {
		t.Run("a login that finds "+c.name+" at the recheck is unavailable", func(t *testing.T) {
			t.Parallel()
			e := opsNew(t)
			e.spy.after = func(_ context.Context, call string) error {
				if call == "Record" {
					e.change(func(a *memstore.Account) { a.Password = c.stored })
				}
				return nil
			}
			_, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword)
			if !errors.Is(err, core.ErrServiceUnavailable) || !errors.Is(err, c.want) {
				t.Errorf("error %v, want ErrServiceUnavailable because of %v", err, c.want)
			}
			wantUnusableHashReported(t, e, c, err)
		})
	}
}

func TestObtain_UnreadableHash(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
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
		e.store(c.stored)
		before := e.log.String()
		for range 2 {
			for _, auth := range []*core.Auth{e.Auth, e.WithoutCookies()} {
				if _, _, err := auth.ObtainPair(opsCtx(), "alice", opsPassword); !errors.Is(err, core.ErrNoActiveAccount) {
					t.Errorf("%s: error %v, want that of a wrong password", c.stored, err)
				}
			}
		}
		warned := strings.Count(e.log.String()[len(before):], "a stored password hash cannot be read")
		if want := min(1, len(c.logs)); warned != want || !strings.Contains(e.log.String()[len(before):], c.logs) {
			t.Errorf("%s: %d warnings, want %d with %q; got the log:\n%s", c.stored, warned, want, c.logs, e.log.String()[len(before):])
		}
	}
	if failed := e.events.of(core.EventLoginFailed); len(failed) != 8*4 {
		t.Errorf("%d logins count as failed, want all", len(failed))
	}
	if len(e.events.of(core.EventStoreError)) > 0 || !strings.Contains(e.log.String(), "user_id=1") {
		t.Errorf("emitted %v; want no store_error, and a log that names the user:\n%s", e.events.all(), e.log.String())
	}
	e.noSecrets(nil, "Yk3nq0XvTz81sPbLmWcD7a", "qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0=", "5f4dcc3b5aa765d61d8327deb882cf99")
}

// wantUnusableHashReported checks that one error is logged and emitted, with what an operator has to know and nothing of the hash.
func wantUnusableHashReported(t *testing.T, e *opsEnv, c unusableHash, err error) {
	t.Helper()
	log := e.log.String()
	if strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, `password of user \"1\"`) || !strings.Contains(log, c.says) {
		t.Errorf("want one error that names the user and says %q, got the log:\n%s", c.says, log)
	}
	if events := e.events.of(core.EventStoreError); len(events) != 1 || events[0].Err != err {
		t.Errorf("emitted %v, want one store_error", events)
	}
	e.noSecrets(err, c.stored, c.stored[strings.LastIndexByte(c.stored, '$')+1:])
}
