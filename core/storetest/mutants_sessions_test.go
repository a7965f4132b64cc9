package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// withSessions returns a store with another Sessions.
func withSessions(g *guarded, list func(ctx context.Context, userID string, now time.Time) ([]core.OutstandingToken, error)) core.Store {
	return &broken{Store: g, sessions: list}
}

func brokenSessions() []mutant {
	const newest, over = "Sessions returns the latest active token of each session of a user", "Sessions leaves out sessions that have ended"
	const order, bounded = "Sessions returns the newest session first", "Sessions returns at most MaxSessions"
	const ofUser, devices = "Revoke ends a session only if it is the user's", "Rotate records the device and inherits what it lacks"
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
		{"it returns every active token", newest, func(g *guarded) core.Store {
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
		{"it returns what has just ended", over, func(g *guarded) core.Store {
			return withSessions(g, func(ctx context.Context, userID string, now time.Time) (list, error) {
				return g.Sessions(ctx, userID, now.Add(-time.Microsecond))
			})
		}},
		{"the session refreshed last comes first", order, answer(func(l list) list {
			slices.SortStableFunc(l, func(a, b core.OutstandingToken) int { return b.CreatedAt.Compare(a.CreatedAt) })
			return l
		})},
		{"the latest start comes first", order, answer(func(l list) list {
			slices.SortStableFunc(l, func(a, b core.OutstandingToken) int { return b.SessionStartedAt.Compare(a.SessionStartedAt) })
			return l
		})},
		{"it returns all", bounded, func(g *guarded) core.Store {
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
		{"a limit counts and ends what has expired", limit, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) { s.ActiveAfter = time.Time{} })
		}},
		{"every reason is a rotation", "Rotate consumes the token for the given reason", func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Reason = "" })
		}},
		{"the session alone decides", ofUser, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) {
				if s.SessionID != "" {
					s.UserID = ""
				}
			})
		}},
		{"a refresh records no device", devices, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Device = core.Device{} })
		}},
		{"a field that a refresh leaves out is lost", devices, func(g *guarded) core.Store {
			return withSuccessor(g, func(t *core.OutstandingToken) { t.Device.Name = "" })
		}},
		{"it keeps no device", devices, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) { t.Device = core.Device{} })
		}},
	}
}
