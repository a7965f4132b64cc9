package models_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
)

// listOperations returns all operations that change sessions. The settings are the recommended ones unless the name says otherwise.
func listOperations() []operation {
	whole := policy{rotate: true, consume: true, detectReuse: true, grace: 10 * time.Second, sessionLifetime: 24 * time.Hour}
	graceless := policy{rotate: true, consume: true}
	keeping := policy{rotate: true}
	checking := whole
	checking.checkPassword = true
	checkingKeeping := policy{rotate: true, checkPassword: true}
	return []operation{
		{name: "a login", policy: whole, prepare: prepareNothing, do: doLogin, least: 1, most: 2},
		{name: "a login by password", policy: whole, prepare: prepareHash, do: doObtain, least: 1, most: 2},
		{name: "a refresh", policy: whole, prepare: prepareLogin, do: doRefresh, least: 1, most: 1},
		{
			name: "a refresh without grace", policy: graceless, prepare: prepareLogin, do: doRefresh,
			repeat: core.ErrTokenBlacklisted, least: 1, most: 1,
		},
		{
			name: "a refresh that consumes nothing", policy: keeping, prepare: prepareLogin, do: doRefresh,
			least: 2, most: 3, siblings: true,
		},
		{name: "a refresh within the grace period", policy: whole, prepare: prepareRotated(9 * time.Second), do: doRefresh, least: 1, most: 1},
		{
			name: "a refresh after the grace period", policy: whole, prepare: prepareRotated(10 * time.Second), do: doRefresh,
			answer: core.ErrTokenBlacklisted,
		},
		{name: "a refresh of a token that another service issued", policy: whole, prepare: prepareExternal, do: doRefresh, least: 1, most: 1},
		{
			name: "a refresh after the password was changed", policy: checking, prepare: preparePasswordStored, do: doRefresh,
			answer: core.ErrPasswordChanged, repeat: core.ErrTokenBlacklisted,
		},
		{
			name: "a refresh that consumes nothing after the password was changed", policy: checkingKeeping,
			prepare: preparePasswordStored, do: doRefresh, answer: core.ErrPasswordChanged, repeat: core.ErrTokenBlacklisted, siblings: true,
		},
		{name: "a logout", policy: whole, prepare: prepareLogin, do: doLogout, repeat: core.ErrTokenBlacklisted},
		{name: "a logout with a rotated token", policy: whole, prepare: prepareRotated(time.Second), do: doLogout},
		{
			name: "a logout of a session with several live tokens", policy: keeping, prepare: prepareRotated(time.Second), do: doLogout,
			repeat: core.ErrTokenBlacklisted, siblings: true,
		},
		{
			name: "a logout with a token that another service issued", policy: whole, prepare: prepareExternal, do: doLogout,
			repeat: core.ErrTokenBlacklisted, adopts: 1,
		},
		{name: "the end of a session", policy: whole, prepare: prepareThreeSessions, do: doRevokeSession, least: 2, most: 2},
		{name: "the end of all sessions", policy: whole, prepare: prepareThreeSessions, do: doRevokeUser},
		{name: "the end of the other sessions", policy: whole, prepare: prepareThreeSessions, do: doRevokeOthers, least: 1, most: 1},
		{name: "a change of the password", policy: whole, prepare: prepareThreeSessions, do: doPasswordChanged},
	}
}

func prepareNothing(*testing.T, *failingAuth) string { return "" }

// prepareHash gives the user a password that can be checked.
func prepareHash(t *testing.T, s *failingAuth) string {
	t.Helper()
	h, err := hashers.New(hashers.Options{})
	requireNoError(t, err)
	encoded, err := h.Make(t.Context(), "secret")
	requireNoError(t, err)
	requireNoError(t, s.setPassword(t.Context(), s.user.AuthID(), encoded))
	return ""
}

func prepareLogin(t *testing.T, s *failingAuth) string { t.Helper(); return s.login(t, s.user) }

// prepareRotated returns the first token of a session, which was rotated this long ago.
func prepareRotated(d time.Duration) func(*testing.T, *failingAuth) string {
	return func(t *testing.T, s *failingAuth) string {
		t.Helper()
		first := s.login(t, s.user)
		s.refresh(t, first)
		s.now = s.now.Add(d)
		return first
	}
}

// prepareExternal returns a token that another service with our key issued, and that is not on record.
func prepareExternal(t *testing.T, s *failingAuth) string {
	t.Helper()
	plain := simplejwt.Settings{SigningKey: s.auth.Settings().SigningKey, RefreshTokenLifetime: refreshLifetime}
	pair, err := s.newAuth(t, plain, nil).Login(t.Context(), s.user)
	requireNoError(t, err)
	return pair.Refresh
}

// preparePasswordStored returns the latest token of a session from before another password was stored.
func preparePasswordStored(t *testing.T, s *failingAuth) string {
	t.Helper()
	raw := s.refresh(t, s.login(t, s.user))
	requireNoError(t, s.setPassword(t.Context(), s.user.AuthID(), "password-2"))
	return raw
}

// prepareThreeSessions starts three sessions and returns the latest token of the second one.
func prepareThreeSessions(t *testing.T, s *failingAuth) string {
	t.Helper()
	s.login(t, s.user)
	raw := s.refresh(t, s.login(t, s.user))
	s.refresh(t, s.login(t, s.user))
	return raw
}

func doLogin(ctx context.Context, s *failingAuth, _ string) (core.Pair, error) {
	return s.auth.Login(ctx, s.user)
}

func doObtain(ctx context.Context, s *failingAuth, _ string) (core.Pair, error) {
	pair, _, err := s.auth.ObtainPair(ctx, "user", "secret")
	return pair, err
}

func doRefresh(ctx context.Context, s *failingAuth, raw string) (core.Pair, error) {
	pair, _, err := s.auth.Refresh(ctx, raw)
	return pair, err
}

func doLogout(ctx context.Context, s *failingAuth, raw string) (core.Pair, error) {
	return core.Pair{}, s.auth.Blacklist(ctx, raw)
}

func doRevokeSession(_ context.Context, s *failingAuth, raw string) (core.Pair, error) {
	token, err := s.auth.Decode(raw)
	if err != nil {
		return core.Pair{}, err
	}
	return core.Pair{}, revokeSession(s.auth, s.user.AuthID(), token.SessionID())
}

func doRevokeUser(_ context.Context, s *failingAuth, _ string) (core.Pair, error) {
	return core.Pair{}, revokeUser(s.auth, s.user.AuthID())
}

func doRevokeOthers(_ context.Context, s *failingAuth, raw string) (core.Pair, error) {
	token, err := s.auth.Decode(raw)
	if err != nil {
		return core.Pair{}, err
	}
	return core.Pair{}, revokeOtherSessions(s.auth, s.user.AuthID(), token.SessionID())
}

func doPasswordChanged(_ context.Context, s *failingAuth, _ string) (core.Pair, error) {
	return s.auth.PasswordChanged(context.Background(), s.user, "")
}
