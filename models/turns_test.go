package models_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
)

// secretCheaply is a hash of "correct horse battery staple" that a login upgrades.
const secretCheaply = "pbkdf2_sha256$1$salt$ouhwH5QjXU2O1gHvuMrHWhFGwGQ8zEmYRlu7N1suuDo="

// turns is an Auth on PostgreSQL whose statements are counted. Its one user is ada.
type turns struct {
	*core.Auth
	t     *testing.T
	seen  *outage
	now   time.Time
	pool  *tables
	other *core.Auth // of another program with the same key, that records nothing
}

// newTurns makes one with the recommended settings and these changes.
func newTurns(t *testing.T, change func(*simplejwt.Settings)) *turns {
	t.Helper()
	d := onPostgres(t)
	s := &turns{t: t, seen: &outage{}, now: now, pool: newTables(t, d)}
	db := openShaky(t, d, s.seen)
	settings := simplejwt.Recommended()
	settings.SigningKey = strings.Repeat("k", 32)
	change(&settings)
	deps := core.Deps{
		Users: models.NewUsers[account](db), Store: models.NewStore(db), Now: func() time.Time { return s.now },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	var err error
	s.Auth, err = core.New(settings, deps)
	must(t, err)
	deps.Store = nil
	s.other, err = core.New(simplejwt.Settings{SigningKey: settings.SigningKey}, deps)
	must(t, err)
	h, err := hashers.New(hashers.Options{})
	must(t, err)
	encoded, err := h.Make(t.Context(), secret)
	must(t, err)
	must(t, s.pool.db.Create(&account{Username: "ada", Password: encoded, IsActive: true}).Error)
	return s
}

const secret = "correct horse battery staple"

func (s *turns) obtain() core.Pair {
	s.t.Helper()
	pair, _, err := s.ObtainPair(s.t.Context(), "ada", secret)
	must(s.t, err)
	return pair
}

func (s *turns) refreshed(raw string) core.Pair {
	s.t.Helper()
	pair, _, err := s.Refresh(s.t.Context(), raw)
	must(s.t, err)
	return pair
}

// foreign is a refresh token that was made elsewhere, with these claims too.
func (s *turns) foreign(claims simplejwt.Claims) string {
	s.t.Helper()
	pair, _, err := s.other.ObtainPair(s.t.Context(), "ada", secret)
	must(s.t, err)
	token, err := s.other.Decode(pair.Refresh)
	must(s.t, err)
	for name, value := range claims {
		token.Set(name, value)
	}
	raw, err := token.Sign()
	must(s.t, err)
	return raw
}

// What docs/performance.md says of turns to the database.
func TestARequestTakesSoManyTurnsToPostgreSQL(t *testing.T) {
	t.Parallel()
	recommended := func(*simplejwt.Settings) {}
	lastLogin := func(s *simplejwt.Settings) { s.UpdateLastLogin = true }
	limited := func(s *simplejwt.Settings) { s.MaxSessionsPerUser = 2 }
	checking := func(s *simplejwt.Settings) { s.CheckSession = true }
	obtain := func(ctx context.Context, s *turns, _ core.Pair) error {
		_, _, err := s.ObtainPair(ctx, "ada", secret)
		return err
	}
	refresh := func(ctx context.Context, s *turns, p core.Pair) error {
		_, _, err := s.Refresh(ctx, p.Refresh)
		return err
	}
	logout := func(ctx context.Context, s *turns, p core.Pair) error { return s.Blacklist(ctx, p.Refresh) }
	protected := func(ctx context.Context, s *turns, p core.Pair) error {
		_, _, err := s.AuthenticateToken(ctx, p.Access)
		return err
	}
	for _, c := range []struct {
		name    string
		change  func(*simplejwt.Settings)
		prepare func(s *turns) core.Pair
		do      func(ctx context.Context, s *turns, p core.Pair) error
		want    error
		turns   int
	}{
		{"login", recommended, (*turns).obtain, obtain, nil, 2},
		{"login, with UPDATE_LAST_LOGIN", lastLogin, (*turns).obtain, obtain, nil, 3},
		{"login that upgrades a password hash", recommended, func(s *turns) core.Pair {
			must(s.t, s.pool.db.Exec("UPDATE accounts SET password = ?", secretCheaply).Error)
			return core.Pair{}
		}, obtain, nil, 3},
		{"login, with MAX_SESSIONS_PER_USER", limited, func(s *turns) core.Pair { return core.Pair{} }, obtain, nil, 3},
		{"login, with MAX_SESSIONS_PER_USER, that ends a session", limited, func(s *turns) core.Pair { s.obtain(); return s.obtain() }, obtain, nil, 4},
		{"login with a wrong password", recommended, (*turns).obtain, func(ctx context.Context, s *turns, _ core.Pair) error {
			_, _, err := s.ObtainPair(ctx, "ada", "wrong")
			return err
		}, core.ErrNoActiveAccount, 1},
		{"login of an unknown user", recommended, (*turns).obtain, func(ctx context.Context, s *turns, _ core.Pair) error {
			_, _, err := s.ObtainPair(ctx, "eve", secret)
			return err
		}, core.ErrNoActiveAccount, 1},
		{"sliding login", recommended, (*turns).obtain, func(ctx context.Context, s *turns, _ core.Pair) error {
			_, _, err := s.ObtainSliding(ctx, "ada", secret)
			return err
		}, nil, 2},
		{"refresh", recommended, (*turns).obtain, refresh, nil, 2},
		{"refresh within the grace period", recommended, func(s *turns) core.Pair {
			pair := s.obtain()
			s.refreshed(pair.Refresh)
			return pair
		}, refresh, nil, 3},
		{"refresh after a logout", recommended, func(s *turns) core.Pair {
			pair := s.obtain()
			must(s.t, s.Blacklist(s.t.Context(), pair.Refresh))
			return pair
		}, refresh, core.ErrTokenBlacklisted, 3},
		{"refresh of a token that was made elsewhere", recommended, func(s *turns) core.Pair { return core.Pair{Refresh: s.foreign(nil)} }, refresh, nil, 5},
		{"the same, of a token that names a session", recommended, func(s *turns) core.Pair {
			token, err := s.Decode(s.obtain().Refresh)
			must(s.t, err)
			return core.Pair{Refresh: s.foreign(simplejwt.Claims{"sid": token.SessionID()})}
		}, refresh, nil, 6},
		{"verify", recommended, (*turns).obtain, func(ctx context.Context, s *turns, p core.Pair) error { _, err := s.Verify(ctx, p.Refresh); return err }, nil, 1},
		{"logout", recommended, (*turns).obtain, logout, nil, 2},
		{"protected route", recommended, (*turns).obtain, protected, nil, 1},
		{"protected route, with CHECK_SESSION", checking, (*turns).obtain, protected, nil, 2},
		{"protected route, stateless", recommended, (*turns).obtain, func(ctx context.Context, s *turns, p core.Pair) error {
			_, _, err := s.Stateless().AuthenticateToken(ctx, p.Access)
			return err
		}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newTurns(t, c.change)
			pair := c.prepare(s)
			s.seen.take()
			if err := c.do(t.Context(), s, pair); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			got := s.seen.take()
			if len(got) != c.turns {
				t.Errorf("%d turns, want %d: %v", len(got), c.turns, got)
			}
			if i := slices.IndexFunc(got, func(what string) bool { return what != "query" && what != "exec" }); i >= 0 {
				t.Errorf("a statement has a turn beside its own: %v", got)
			}
		})
	}
}
