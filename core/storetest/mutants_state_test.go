package storetest

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func brokenStates() []mutant {
	const newest, session = "State returns the presented token and the latest one of its session", "State takes the session from the row or, if it has none, from the sid"
	const django, nothing = "State finds a session whose first row has no session_id", "State returns nothing if nothing is recorded"
	const keep = "State returns a copy"
	state := func(change func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error)) func(*guarded) core.Store {
		return func(g *guarded) core.Store {
			return &broken{Store: g, state: func(ctx context.Context, jti, sid string) (core.SessionState, error) {
				return change(g, ctx, jti, sid)
			}}
		}
	}
	return []mutant{
		{"the latest token is the newest by the clock", newest, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Latest == nil {
				return out, err
			}
			for _, t := range g.members(core.Scope{SessionID: out.Latest.SessionID}) {
				if other, _ := g.State(ctx, t.JTI, ""); other.Presented.CreatedAt.After(out.Latest.CreatedAt) {
					out.Latest = other.Presented
				}
			}
			return out, err
		})},
		{"only an active row is the latest", newest, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Latest != nil && out.Latest.Blacklisted {
				out.Latest = nil
			}
			return out, err
		})},
		{"the sid is preferred to the row", session, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if sid != "" {
				bySID, _ := g.State(ctx, "", sid)
				out.Latest = bySID.Latest
			}
			return out, err
		})},
		{"the sid is never read", session, state(func(g *guarded, ctx context.Context, jti, _ string) (core.SessionState, error) {
			return g.State(ctx, jti, "")
		})},
		{"a row without a session has no latest token", django, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Latest != nil && out.Latest.SessionID == "" {
				out.Latest = nil
			}
			return out, err
		})},
		{"a row without a session is always its own latest", django, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Presented != nil && out.Presented.SessionID == "" && sid == "" {
				out.Latest = out.Presented
			}
			return out, err
		})},
		{"any row is found by the sid", django, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Latest == nil {
				bySID, _ := g.State(ctx, sid, "")
				out.Latest = bySID.Presented
			}
			return out, err
		})},
		{"a missing row is an error", nothing, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if err == nil && out.Presented == nil {
				err = context.DeadlineExceeded
			}
			return out, err
		})},
		{"all rows without a session are one", nothing, state(func(g *guarded, ctx context.Context, jti, sid string) (core.SessionState, error) {
			out, err := g.State(ctx, jti, sid)
			if out.Latest == nil && sid == "" && len(g.recorded) > 0 {
				out.Latest = &core.TokenState{OutstandingToken: g.recorded[len(g.recorded)-1]}
			}
			return out, err
		})},
		{"it returns its own rows", keep, func(g *guarded) core.Store {
			rows := make(map[string]core.SessionState)
			return &broken{Store: g, state: func(ctx context.Context, jti, sid string) (core.SessionState, error) {
				out, err := g.State(ctx, jti, sid)
				if kept, ok := rows[jti]; ok {
					return kept, err
				}
				rows[jti] = out
				return out, err
			}}
		}},
	}
}

func brokenScopes() []mutant {
	const session, django = "Revoke ends a session", "Revoke ends a session whose first row has no session_id"
	const user, except, nothing = "Revoke ends all sessions of a user", "Revoke ends all sessions of a user but one", "Revoke of an empty scope ends nothing"
	// each revokes, one by one, the tokens of a scope for which keep is true.
	each := func(g *guarded, keep func(core.OutstandingToken) bool) core.Store {
		return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
			n := 0
			for _, t := range g.members(s) {
				if keep(t) && (s.ExceptSession == "" || t.SessionID != s.ExceptSession) {
					if _, won, _ := g.Blacklist(ctx, t.JTI, nil, reason, now); won {
						n++
					}
				}
			}
			return n, nil
		}}
	}
	return []mutant{
		{"it leaves what has expired", session, func(g *guarded) core.Store {
			return each(g, func(t core.OutstandingToken) bool { return t.ExpiresAt.After(now) })
		}},
		{"it counts candidates", session, func(g *guarded) core.Store {
			return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
				_, err := g.Revoke(ctx, s, reason, now)
				return len(g.members(s)), err
			}}
		}},
		{"the user is preferred to the session", "Revoke ends a session only if it is the user's", func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) {
				if s.UserID != "" {
					s.SessionID = ""
				}
			})
		}},
		{"it leaves the row without a session", django, func(g *guarded) core.Store {
			return each(g, func(t core.OutstandingToken) bool { return t.SessionID != "" })
		}},
		{"it leaves Django's rows", user, func(g *guarded) core.Store {
			return each(g, func(t core.OutstandingToken) bool { return t.SessionID != "" })
		}},
		{"it forgets the exception", except, func(g *guarded) core.Store {
			return withScope(g, func(s *core.Scope) { s.ExceptSession = "" })
		}},
		{"it excepts rows without a session", except, func(g *guarded) core.Store {
			return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
				inner := each(g, func(t core.OutstandingToken) bool { return s.ExceptSession == "" || t.SessionID != "" })
				return inner.Revoke(ctx, s, reason, now)
			}}
		}},
		{"it ends the first row of the excepted session", except, func(g *guarded) core.Store {
			return each(g, func(core.OutstandingToken) bool { return true })
		}},
		{"an empty scope covers everybody", nothing, func(g *guarded) core.Store {
			return each(g, func(core.OutstandingToken) bool { return true })
		}},
	}
}
