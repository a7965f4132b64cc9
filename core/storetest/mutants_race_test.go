package storetest

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func brokenRaces() []mutant {
	const rotate, without = "of concurrent rotations of one token exactly one succeeds", "concurrent rotations without Consume all succeed"
	const consume, record = "of concurrent Rotate, Blacklist and Revoke exactly one consumes the token", "concurrent calls of Record with one jti record it once"
	const unconsumed = "after Revoke no token is active that a rotation without Consume records"
	const snapshot = "State reads a session in one snapshot while it rotates"
	const session = "after Revoke of a session no token of it is active, however often it is rotated"
	const user = "after Revoke of a user no token of theirs is active, however often it is rotated"
	return []mutant{
		{"it reads, then rotates", rotate, func(g *guarded) core.Store { return rotatesTwice(g) }},
		{"a loser gets an error", rotate, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				if err == nil && !ok {
					err = context.DeadlineExceeded
				}
				return out, ok, err
			}}
		}},
		{"only one rotation succeeds", without, func(g *guarded) core.Store {
			var n atomic.Int64
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				if n.Add(1) > 1 {
					return core.OutstandingToken{}, false, nil
				}
				return g.Rotate(ctx, r)
			}}
		}},
		{"a logout always wins", consume, func(g *guarded) core.Store {
			return &broken{Store: g, blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
				found, _, err := g.Blacklist(ctx, jti, owner, reason, now)
				return found, found, err
			}}
		}},
		{"Revoke counts what others consumed", consume, func(g *guarded) core.Store {
			return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
				_, err := g.Revoke(ctx, s, reason, now)
				return len(g.members(s)), err
			}}
		}},
		{"a concurrent duplicate is an error", record, func(g *guarded) core.Store {
			return &broken{Store: g, record: func(ctx context.Context, t core.OutstandingToken) error {
				if state, _ := g.State(ctx, t.JTI, ""); state.Presented != nil {
					return context.DeadlineExceeded
				}
				return g.Record(ctx, t)
			}}
		}},
		{"it reads the latest token in two queries", snapshot, func(g *guarded) core.Store {
			return &broken{Store: g, state: func(ctx context.Context, jti, sid string) (core.SessionState, error) {
				out, err := g.State(ctx, jti, sid)
				if out.Latest == nil {
					return out, err
				}
				time.Sleep(100 * time.Microsecond)
				_, blacklisted, err := g.IsBlacklisted(ctx, out.Latest.JTI)
				out.Latest.Blacklisted = blacklisted
				return out, err
			}}
		}},
		{"it revokes a session in one pass", session, func(g *guarded) core.Store { return revokesInOnePass(g) }},
		{"it revokes a session in one pass, without Consume", unconsumed, func(g *guarded) core.Store { return revokesInOnePass(g) }},
		{"it revokes a user in one pass", user, func(g *guarded) core.Store { return revokesInOnePass(g) }},
	}
}

// recordsUnknown is a store that records a presented token that has no row.
func recordsUnknown(g *guarded) core.Store {
	return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
		_ = g.Record(ctx, core.OutstandingToken{JTI: r.JTI, CreatedAt: r.Now, ExpiresAt: r.ExpiresAt})
		return g.Rotate(ctx, r)
	}}
}

// rotatesTwice is a store that rotates in three steps and ignores whether it consumed the token.
func rotatesTwice(g *guarded) core.Store {
	return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
		state, err := g.State(ctx, r.JTI, r.SessionID)
		if err != nil || state.Presented == nil {
			return core.OutstandingToken{}, false, err
		}
		runtime.Gosched()
		t := state.Presented.OutstandingToken
		t.JTI, t.ParentJTI, t.CreatedAt, t.ExpiresAt = r.NewJTI, r.JTI, r.Now, r.ExpiresAt
		if err := g.Record(ctx, t); err != nil {
			return core.OutstandingToken{}, false, err
		}
		_, _, err = g.Blacklist(ctx, r.JTI, nil, core.ReasonRotated, r.Now)
		return t, err == nil, err
	}}
}

// revokesInOnePass is a store whose Revoke consumes what it read first, as a single statement does by its snapshot.
func revokesInOnePass(g *guarded) core.Store {
	return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
		seen := g.members(s)
		time.Sleep(100 * time.Microsecond)
		n := 0
		for _, t := range seen {
			if _, won, err := g.Blacklist(ctx, t.JTI, nil, reason, now); err != nil {
				return n, err
			} else if won {
				n++
			}
		}
		return n, nil
	}}
}
