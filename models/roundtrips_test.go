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

// weakHash is a hash of "correct horse battery staple" that a login upgrades.
const weakHash = "pbkdf2_sha256$1$salt$ouhwH5QjXU2O1gHvuMrHWhFGwGQ8zEmYRlu7N1suuDo="

// countedAuth is an Auth on PostgreSQL whose statements are counted. Its one user is ada.
type countedAuth struct {
	*core.Auth
	t        *testing.T
	seen     *outage
	now      time.Time
	backend  *tableBackend
	external *core.Auth // of another program with the same key, that records nothing
}

// newCountedAuth returns one with the recommended settings and these changes.
func newCountedAuth(t *testing.T, change func(*simplejwt.Settings)) *countedAuth {
	t.Helper()
	d := newPostgresDatabase(t)
	s := &countedAuth{t: t, seen: &outage{}, now: now, backend: newTableBackend(t, d)}
	db := openFailing(t, d, s.seen)
	settings := simplejwt.Recommended()
	settings.SigningKey = strings.Repeat("k", 32)
	change(&settings)
	deps := core.Deps{
		Users: models.NewUsers[account](db), Store: models.NewStore(db), Now: func() time.Time { return s.now },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	var err error
	s.Auth, err = core.New(settings, deps)
	requireNoError(t, err)
	deps.Store = nil
	s.external, err = core.New(simplejwt.Settings{SigningKey: settings.SigningKey}, deps)
	requireNoError(t, err)
	h, err := hashers.New(hashers.Options{})
	requireNoError(t, err)
	encoded, err := h.Make(t.Context(), secret)
	requireNoError(t, err)
	requireNoError(t, s.backend.db.Create(&account{Username: "ada", Password: encoded, IsActive: true}).Error)
	return s
}

const secret = "correct horse battery staple"

func (s *countedAuth) obtainTokens() core.Pair {
	s.t.Helper()
	pair, _, err := s.ObtainPair(s.t.Context(), "ada", secret)
	requireNoError(s.t, err)
	return pair
}

func (s *countedAuth) refreshToken(raw string) core.Pair {
	s.t.Helper()
	pair, _, err := s.Refresh(s.t.Context(), raw)
	requireNoError(s.t, err)
	return pair
}

// signExternal returns a refresh token that another service issued, with these claims too.
func (s *countedAuth) signExternal(claims simplejwt.Claims) string {
	s.t.Helper()
	pair, _, err := s.external.ObtainPair(s.t.Context(), "ada", secret)
	requireNoError(s.t, err)
	token, err := s.external.Decode(pair.Refresh)
	requireNoError(s.t, err)
	for name, value := range claims {
		token.Set(name, value)
	}
	raw, err := token.Sign()
	requireNoError(s.t, err)
	return raw
}

// What docs/performance.md says of round trips to the database.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	recommended := func(*simplejwt.Settings) {}
	lastLogin := func(s *simplejwt.Settings) { s.UpdateLastLogin = true }
	limited := func(s *simplejwt.Settings) { s.MaxSessionsPerUser = 2 }
	checking := func(s *simplejwt.Settings) { s.CheckSession = true }
	obtain := func(ctx context.Context, s *countedAuth, _ core.Pair) error {
		_, _, err := s.ObtainPair(ctx, "ada", secret)
		return err
	}
	refresh := func(ctx context.Context, s *countedAuth, p core.Pair) error {
		_, _, err := s.Refresh(ctx, p.Refresh)
		return err
	}
	logout := func(ctx context.Context, s *countedAuth, p core.Pair) error { return s.Blacklist(ctx, p.Refresh) }
	protected := func(ctx context.Context, s *countedAuth, p core.Pair) error {
		_, _, err := s.AuthenticateToken(ctx, p.Access)
		return err
	}
	for _, c := range []struct {
		name    string
		change  func(*simplejwt.Settings)
		prepare func(s *countedAuth) core.Pair
		do      func(ctx context.Context, s *countedAuth, p core.Pair) error
		want    error
		trips   int
	}{
		{"login", recommended, (*countedAuth).obtainTokens, obtain, nil, 2},
		{"login, with UPDATE_LAST_LOGIN", lastLogin, (*countedAuth).obtainTokens, obtain, nil, 3},
		{"login that upgrades a password hash", recommended, func(s *countedAuth) core.Pair {
			requireNoError(s.t, s.backend.db.Exec("UPDATE accounts SET password = ?", weakHash).Error)
			return core.Pair{}
		}, obtain, nil, 3},
		{"login, with MAX_SESSIONS_PER_USER", limited, func(s *countedAuth) core.Pair { return core.Pair{} }, obtain, nil, 3},
		{"login, with MAX_SESSIONS_PER_USER, that ends a session", limited, func(s *countedAuth) core.Pair { s.obtainTokens(); return s.obtainTokens() }, obtain, nil, 4},
		{"login with a wrong password", recommended, (*countedAuth).obtainTokens, func(ctx context.Context, s *countedAuth, _ core.Pair) error {
			_, _, err := s.ObtainPair(ctx, "ada", "wrong")
			return err
		}, core.ErrNoActiveAccount, 1},
		{"login of an unknown user", recommended, (*countedAuth).obtainTokens, func(ctx context.Context, s *countedAuth, _ core.Pair) error {
			_, _, err := s.ObtainPair(ctx, "eve", secret)
			return err
		}, core.ErrNoActiveAccount, 1},
		{"sliding login", recommended, (*countedAuth).obtainTokens, func(ctx context.Context, s *countedAuth, _ core.Pair) error {
			_, _, err := s.ObtainSliding(ctx, "ada", secret)
			return err
		}, nil, 2},
		{"refresh", recommended, (*countedAuth).obtainTokens, refresh, nil, 2},
		{"refresh within the grace period", recommended, func(s *countedAuth) core.Pair {
			pair := s.obtainTokens()
			s.refreshToken(pair.Refresh)
			return pair
		}, refresh, nil, 3},
		{"refresh after a logout", recommended, func(s *countedAuth) core.Pair {
			pair := s.obtainTokens()
			requireNoError(s.t, s.Blacklist(s.t.Context(), pair.Refresh))
			return pair
		}, refresh, core.ErrTokenBlacklisted, 3},
		{"refresh of a token that another service issued", recommended, func(s *countedAuth) core.Pair { return core.Pair{Refresh: s.signExternal(nil)} }, refresh, nil, 5},
		{"the same, of a token that names a session", recommended, func(s *countedAuth) core.Pair {
			token, err := s.Decode(s.obtainTokens().Refresh)
			requireNoError(s.t, err)
			return core.Pair{Refresh: s.signExternal(simplejwt.Claims{"sid": token.SessionID()})}
		}, refresh, nil, 6},
		{"verify", recommended, (*countedAuth).obtainTokens, func(ctx context.Context, s *countedAuth, p core.Pair) error {
			_, err := s.Verify(ctx, p.Refresh)
			return err
		}, nil, 1},
		{"logout", recommended, (*countedAuth).obtainTokens, logout, nil, 2},
		{"protected route", recommended, (*countedAuth).obtainTokens, protected, nil, 1},
		{"protected route, with CHECK_SESSION", checking, (*countedAuth).obtainTokens, protected, nil, 2},
		{"protected route, stateless", recommended, (*countedAuth).obtainTokens, func(ctx context.Context, s *countedAuth, p core.Pair) error {
			_, _, err := s.Stateless().AuthenticateToken(ctx, p.Access)
			return err
		}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newCountedAuth(t, c.change)
			pair := c.prepare(s)
			s.seen.takeSeen()
			if err := c.do(t.Context(), s, pair); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			got := s.seen.takeSeen()
			if len(got) != c.trips {
				t.Errorf("%d round trips, want %d: %v", len(got), c.trips, got)
			}
			if i := slices.IndexFunc(got, func(what string) bool { return what != "query" && what != "exec" }); i >= 0 {
				t.Errorf("a statement takes a round trip beside its own: %v", got)
			}
		})
	}
}
