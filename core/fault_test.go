package core_test

import (
	"context"
	"sync"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsSpy sees every call of store and users, and may fail it before it happens or after.
type opsSpy struct {
	mu            sync.Mutex
	calls         []string
	before, after func(ctx context.Context, call string) error
}

// watch makes a call.
func (s *opsSpy) watch(ctx context.Context, call string, do func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(ctx, call); err != nil {
			return err
		}
	}
	err := do()
	if after != nil && err == nil {
		err = after(ctx, call)
	}
	return err
}

// take returns the calls since the last time.
func (s *opsSpy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.calls
	s.calls = nil
	return out
}

type opsStore struct {
	core.Store
	spy *opsSpy
}

func (s *opsStore) Record(ctx context.Context, t core.OutstandingToken) error {
	return s.spy.watch(ctx, "Record", func() error { return s.Store.Record(ctx, t) })
}

func (s *opsStore) Rotate(ctx context.Context, r core.Rotation) (out core.OutstandingToken, ok bool, err error) {
	err = s.spy.watch(ctx, "Rotate", func() (err error) { out, ok, err = s.Store.Rotate(ctx, r); return err })
	return out, ok, err
}

func (s *opsStore) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	err = s.spy.watch(ctx, "Blacklist", func() (err error) { found, won, err = s.Store.Blacklist(ctx, jti, owner, reason, now); return err })
	return found, won, err
}

func (s *opsStore) IsBlacklisted(ctx context.Context, jti string) (owner *string, is bool, err error) {
	err = s.spy.watch(ctx, "IsBlacklisted", func() (err error) { owner, is, err = s.Store.IsBlacklisted(ctx, jti); return err })
	return owner, is, err
}

func (s *opsStore) State(ctx context.Context, jti, sid string) (out core.SessionState, err error) {
	err = s.spy.watch(ctx, "State", func() (err error) { out, err = s.Store.State(ctx, jti, sid); return err })
	return out, err
}

func (s *opsStore) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (n int, err error) {
	err = s.spy.watch(ctx, "Revoke", func() (err error) { n, err = s.Store.Revoke(ctx, scope, reason, now); return err })
	return n, err
}

func (s *opsStore) Sessions(ctx context.Context, userID string, now time.Time) (out []core.OutstandingToken, err error) {
	err = s.spy.watch(ctx, "Sessions", func() (err error) { out, err = s.Store.Sessions(ctx, userID, now); return err })
	return out, err
}

func (s *opsStore) FlushExpired(ctx context.Context, before time.Time) (n int, err error) {
	err = s.spy.watch(ctx, "FlushExpired", func() (err error) { n, err = s.Store.FlushExpired(ctx, before); return err })
	return n, err
}

type opsUsers struct {
	*memstore.Users
	spy *opsSpy
}

func (u *opsUsers) ByUsername(ctx context.Context, username string) (user simplejwt.User, err error) {
	err = u.spy.watch(ctx, "ByUsername", func() (err error) { user, err = u.Users.ByUsername(ctx, username); return err })
	return user, err
}

func (u *opsUsers) ByField(ctx context.Context, field, value string) (user simplejwt.User, err error) {
	err = u.spy.watch(ctx, "ByField", func() (err error) { user, err = u.Users.ByField(ctx, field, value); return err })
	return user, err
}

func (u *opsUsers) FieldValue(user simplejwt.User, field string) (value string, err error) {
	err = u.spy.watch(opsCtx(), "FieldValue", func() (err error) { value, err = u.Users.FieldValue(user, field); return err })
	return value, err
}

func (u *opsUsers) UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error {
	return u.spy.watch(ctx, "UpdateLastLogin", func() error { return u.Users.UpdateLastLogin(ctx, user, at) })
}

func (u *opsUsers) UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error {
	return u.spy.watch(ctx, "UpdatePassword", func() error { return u.Users.UpdatePassword(ctx, user, encoded) })
}
