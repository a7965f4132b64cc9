package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// withSessions is a store that changes the question or the answer of Sessions.
func withSessions(g *guarded, list func(ctx context.Context, userID string, now time.Time) ([]core.OutstandingToken, error)) core.Store {
	return &broken{Store: g, sessions: list}
}

func brokenSessions() []mutant {
	const newest, over = "Sessions answers the newest live token of each session of a user", "Sessions leaves out what is over"
	const order, bounded = "Sessions puts the session that began last first", "Sessions answers at most MaxSessions"
	const ofUser, devices = "Revoke ends a session of a user only", "a successor is told of its device and inherits the rest"
	const limit = "Revoke ends all sessions of a user but the newest"
	type list = []core.OutstandingToken
	answer := func(change func(list) list) func(*guarded) core.Store {
		return func(g *guarded) core.Store {
			return withSessions(g, func(ctx context.Context, userID string, now time.Time) (list, error) {
				out, err := g.Sessions(ctx, userID, now)
				return change(out), err
			})
		}
	}
	return []mutant{
		{"it answers each live token", newest, func(g *guarded) core.Store {
			return withSessions(g, func(ctx context.Context, userID string, now time.Time) (out list, err error) {
				for _, t := range g.members(core.Scope{UserID: userID}) {
					if _, is, _ := g.IsBlacklisted(ctx, t.JTI); !is {
						out = append(out, t)
					}
				}
				slices.Reverse(out)
				return out, nil
			})
		}},
		{"it leaves out Django's", newest, answer(func(l list) list {
			return slices.DeleteFunc(l, func(t core.OutstandingToken) bool { return t.SessionID == "" })
		})},
		{"it shows what ended just now", over, func(g *guarded) core.Store {
			return withSessions(g, func(ctx context.Context, userID string, now time.Time) (list, error) {
				return g.Sessions(ctx, userID, now.Add(-time.Microsecond))
			})
		}},
		{"the newest head comes first", order, answer(func(l list) list {
			slices.SortStableFunc(l, func(a, b core.OutstandingToken) int { return b.CreatedAt.Compare(a.CreatedAt) })
			return l
		})},
		{"the latest start comes first", order, answer(func(l list) list {
			slices.SortStableFunc(l, func(a, b core.OutstandingToken) int { return b.SessionStartedAt.Compare(a.SessionStartedAt) })
			return l
		})},
		{"it answers all", bounded, func(g *guarded) core.Store {
			return withSessions(g, func(ctx context.Context, userID string, _ time.Time) (out list, err error) {
				out = g.members(core.Scope{UserID: userID})
				slices.Reverse(out)
				return out, nil
			})
		}},
		{"a limit leaves one too many", limit, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) {
				if s.ExceptNewest > 0 {
					s.ExceptNewest++
				}
			})
		}},
		{"a limit ends all", limit, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) { s.ExceptNewest = 0 })
		}},
		{"a limit counts and ends what is over", limit, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) { s.ActiveAfter = time.Time{} })
		}},
		{"every rotation is one", "Rotate consumes the token for the reason it is told", func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Reason = "" })
		}},
		{"the session alone decides", ofUser, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) {
				if s.SessionID != "" {
					s.UserID = ""
				}
			})
		}},
		{"a refresh tells no device", devices, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Device = core.Device{} })
		}},
		{"what a refresh does not tell is lost", devices, func(g *guarded) core.Store {
			return withAnswer(g, func(t *core.OutstandingToken) { t.Device.Name = "" })
		}},
		{"it keeps no device", devices, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) { t.Device = core.Device{} })
		}},
	}
}
