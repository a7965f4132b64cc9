package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func brokenBlacklists() []mutant {
	const once, reasons = "Blacklist consumes a recorded token once", "Blacklist keeps every reason"
	const unknown, consumedOnly = "Blacklist changes nothing for a jti without a row", "IsBlacklisted is true for consumed tokens only"
	const boundary, rows = "FlushExpired deletes what expired at or before the time", "FlushExpired deletes the blacklist rows of what it deletes, and no others"
	const younger, batches = "FlushExpired leaves the younger rows of a session", "FlushExpired deletes more than a batch"
	const deleted, gone = "the records of a deleted user stay, without a user", "Record returns ErrUserGone for a user without a row"
	return []mutant{
		{"every call wins", once, func(g *guarded) core.Store {
			return &broken{Store: g, blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
				found, _, err := g.Blacklist(ctx, jti, owner, reason, now)
				return found, found, err
			}}
		}},
		{"the last reason stays", once, func(g *guarded) core.Store {
			last := make(map[string]core.Reason)
			s := withRow(g, func(t *core.TokenState) {
				if reason, ok := last[t.JTI]; ok {
					t.Reason = reason
				}
			}).(*broken)
			s.blacklist = func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
				last[jti] = reason
				return g.Blacklist(ctx, jti, owner, reason, now)
			}
			return s
		}},
		{"it keeps two reasons only", reasons, func(g *guarded) core.Store {
			return withRow(g, func(t *core.TokenState) {
				if t.Blacklisted && t.Reason != core.ReasonRotated {
					t.Reason = core.ReasonLogout
				}
			})
		}},
		{"it records what it blacklists", unknown, func(g *guarded) core.Store {
			return &broken{Store: g, blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
				_ = g.Record(ctx, core.OutstandingToken{JTI: jti, CreatedAt: now, ExpiresAt: now})
				return g.Blacklist(ctx, jti, owner, reason, now)
			}}
		}},
		{"an unknown token is blacklisted", consumedOnly, func(g *guarded) core.Store {
			return &broken{Store: g, isBlacklisted: func(ctx context.Context, jti string) (*string, bool, error) {
				state, err := g.State(ctx, jti, "")
				return ownerIn(state), state.Presented == nil || state.Presented.Blacklisted, err
			}}
		}},
		{"an expired token is no longer blacklisted", consumedOnly, func(g *guarded) core.Store {
			return &broken{Store: g, isBlacklisted: func(ctx context.Context, jti string) (*string, bool, error) {
				state, err := g.State(ctx, jti, "")
				return ownerIn(state), state.Presented != nil && state.Presented.Blacklisted && state.Presented.ExpiresAt.After(now), err
			}}
		}},
		{"it flushes what expires within a second", boundary, func(g *guarded) core.Store {
			return &broken{Store: g, flush: func(ctx context.Context, before time.Time) (int, error) {
				return g.FlushExpired(ctx, before.Add(time.Second))
			}}
		}},
		{"it leaves what expired at the time", boundary, func(g *guarded) core.Store {
			return &broken{Store: g, flush: func(ctx context.Context, before time.Time) (int, error) {
				return g.FlushExpired(ctx, before.Add(-time.Microsecond))
			}}
		}},
		{"it leaves the blacklist row behind", rows, func(g *guarded) core.Store {
			consumed := make(map[string]bool)
			return &broken{Store: g,
				blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
					consumed[jti] = true
					return g.Blacklist(ctx, jti, owner, reason, now)
				},
				isBlacklisted: func(_ context.Context, jti string) (*string, bool, error) { return nil, consumed[jti], nil },
			}
		}},
		{"it flushes whole sessions", younger, func(g *guarded) core.Store {
			var flushed atomic.Int64
			s := withRow(g, func(*core.TokenState) {}).(*broken)
			s.flush = func(ctx context.Context, before time.Time) (int, error) {
				n, err := g.FlushExpired(ctx, before)
				flushed.Add(int64(n))
				return n, err
			}
			s.state = func(ctx context.Context, jti, sid string) (core.SessionState, error) {
				out, err := g.State(ctx, jti, sid)
				if flushed.Load() > 0 {
					out.Latest = nil
				}
				return out, err
			}
			return s
		}},
		{"it counts the last batch only", batches, func(g *guarded) core.Store {
			return &broken{Store: g, flush: func(ctx context.Context, before time.Time) (int, error) {
				n, err := g.FlushExpired(ctx, before)
				return n % 1000, err
			}}
		}},
		{"it names the deleted user", deleted, func(g *guarded) core.Store {
			return withRow(g, func(t *core.TokenState) {
				if t.UserID == "" {
					t.UserID = "1"
				}
			})
		}},
		{"it forgets other users too", deleted, func(g *guarded) core.Store {
			return withRow(g, func(t *core.TokenState) { t.UserID = "" })
		}},
		{"it hides ErrUserGone", gone, func(g *guarded) core.Store {
			return &broken{Store: g, record: func(ctx context.Context, t core.OutstandingToken) error {
				if err := g.Record(ctx, t); err != nil {
					return fmt.Errorf("foreign key violation: %v", err)
				}
				return nil
			}}
		}},
		{"it does not check the user", gone, func(g *guarded) core.Store {
			return &broken{Store: g, record: g.Store.Record}
		}},
	}
}

// ownerIn returns the user of the presented row as IsBlacklisted does.
func ownerIn(state core.SessionState) *string {
	if state.Presented == nil {
		return nil
	}
	return &state.Presented.UserID
}
