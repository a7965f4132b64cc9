package storetest

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// broken is a store with some methods replaced.
type broken struct {
	core.Store
	record        func(context.Context, core.OutstandingToken) error
	rotate        func(context.Context, core.Rotation) (core.OutstandingToken, bool, error)
	blacklist     func(context.Context, string, *string, core.Reason, time.Time) (bool, bool, error)
	isBlacklisted func(context.Context, string) (*string, bool, error)
	state         func(context.Context, string, string) (core.SessionState, error)
	revoke        func(context.Context, core.Scope, core.Reason, time.Time) (int, error)
	sessions      func(context.Context, string, time.Time) ([]core.OutstandingToken, error)
	flush         func(context.Context, time.Time) (int, error)
}

func (b *broken) Record(ctx context.Context, t core.OutstandingToken) error {
	if b.record != nil {
		return b.record(ctx, t)
	}
	return b.Store.Record(ctx, t)
}

func (b *broken) Rotate(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
	if b.rotate != nil {
		return b.rotate(ctx, r)
	}
	return b.Store.Rotate(ctx, r)
}

func (b *broken) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
	if b.blacklist != nil {
		return b.blacklist(ctx, jti, owner, reason, now)
	}
	return b.Store.Blacklist(ctx, jti, owner, reason, now)
}

func (b *broken) IsBlacklisted(ctx context.Context, jti string) (*string, bool, error) {
	if b.isBlacklisted != nil {
		return b.isBlacklisted(ctx, jti)
	}
	return b.Store.IsBlacklisted(ctx, jti)
}

func (b *broken) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if b.state != nil {
		return b.state(ctx, jti, sid)
	}
	return b.Store.State(ctx, jti, sid)
}

func (b *broken) Revoke(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
	if b.revoke != nil {
		return b.revoke(ctx, s, reason, now)
	}
	return b.Store.Revoke(ctx, s, reason, now)
}

func (b *broken) Sessions(ctx context.Context, userID string, now time.Time) ([]core.OutstandingToken, error) {
	if b.sessions != nil {
		return b.sessions(ctx, userID, now)
	}
	return b.Store.Sessions(ctx, userID, now)
}

func (b *broken) FlushExpired(ctx context.Context, before time.Time) (int, error) {
	if b.flush != nil {
		return b.flush(ctx, before)
	}
	return b.Store.FlushExpired(ctx, before)
}

// withRotation returns a store that changes what Rotate is asked for.
func withRotation(s core.Store, change func(*core.Rotation)) core.Store {
	return &broken{Store: s, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
		change(&r)
		return s.Rotate(ctx, r)
	}}
}

// withSuccessor returns a store that changes what Rotate returns.
func withSuccessor(s core.Store, change func(*core.OutstandingToken)) core.Store {
	return &broken{Store: s, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
		out, ok, err := s.Rotate(ctx, r)
		change(&out)
		return out, ok, err
	}}
}

// withRecord returns a store that changes what is recorded.
func withRecord(s core.Store, change func(*core.OutstandingToken)) core.Store {
	return &broken{Store: s, record: func(ctx context.Context, t core.OutstandingToken) error {
		change(&t)
		return s.Record(ctx, t)
	}}
}

// withRow returns a store that changes what State returns.
func withRow(s core.Store, change func(*core.TokenState)) core.Store {
	return &broken{Store: s, state: func(ctx context.Context, jti, sid string) (core.SessionState, error) {
		out, err := s.State(ctx, jti, sid)
		for _, row := range []*core.TokenState{out.Presented, out.Latest} {
			if row != nil {
				change(row)
			}
		}
		return out, err
	}}
}

// withScope returns a store that changes what Revoke is asked for.
func withScope(s core.Store, change func(*core.Scope)) core.Store {
	return &broken{Store: s, revoke: func(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
		change(&scope)
		return s.Revoke(ctx, scope, reason, now)
	}}
}
