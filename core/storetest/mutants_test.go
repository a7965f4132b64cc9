package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// mutant is a store that breaks one rule, and the case that must fail with it.
type mutant struct {
	name   string
	caught string
	breaks func(*guarded) core.Store
}

func brokenStores() []mutant {
	return slices.Concat(brokenRecords(), brokenRotations(), brokenOwners(), brokenBlacklists(), brokenStates(), brokenScopes(), brokenSessions(), brokenRaces())
}

func brokenRecords() []mutant {
	const fields, first = "Record keeps every field", "Record does not change an existing record"
	const exact, times = "jtis are compared exactly", "times are kept to the microsecond and returned in UTC"
	const ended = "a method whose context has ended returns an error and changes nothing"
	return []mutant{
		{"it loses the parent", fields, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) { t.ParentJTI = "" })
		}},
		{"it makes up a session", fields, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) {
				if t.SessionID == "" {
					t.SessionID = t.JTI
				}
			})
		}},
		{"a duplicate is an error", first, func(g *guarded) core.Store {
			return &broken{Store: g, record: func(ctx context.Context, t core.OutstandingToken) error {
				if state, _ := g.State(ctx, t.JTI, ""); state.Presented != nil {
					return context.DeadlineExceeded
				}
				return g.Record(ctx, t)
			}}
		}},
		{"a duplicate replaces the first", first, func(g *guarded) core.Store {
			last := make(map[string]core.OutstandingToken)
			return &broken{
				Store: g,
				record: func(ctx context.Context, t core.OutstandingToken) error {
					last[t.JTI] = t
					return g.Record(ctx, t)
				},
				state: func(ctx context.Context, jti, sid string) (core.SessionState, error) {
					out, err := g.State(ctx, jti, sid)
					if out.Presented != nil {
						out.Presented.OutstandingToken = last[jti]
					}
					return out, err
				},
			}
		}},
		{"it folds the case of a jti", exact, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) { t.JTI = strings.ToLower(t.JTI) })
		}},
		{"it truncates a jti to 255 bytes", exact, func(g *guarded) core.Store {
			return withRecord(g, func(t *core.OutstandingToken) { t.JTI = t.JTI[:min(len(t.JTI), 255)] })
		}},
		{"it truncates times to milliseconds", times, func(g *guarded) core.Store {
			return withRow(g, func(t *core.TokenState) { t.ExpiresAt = t.ExpiresAt.Truncate(time.Millisecond) })
		}},
		{"it returns the requested expiry, not the recorded one", times, func(g *guarded) core.Store {
			return withSuccessor(g, func(t *core.OutstandingToken) { t.ExpiresAt = t.ExpiresAt.Add(789) })
		}},
		{"it returns times in another zone", times, func(g *guarded) core.Store {
			return withRow(g, func(t *core.TokenState) { t.ExpiresAt = t.ExpiresAt.In(time.Local) })
		}},
		{"it ignores its context", ended, func(g *guarded) core.Store {
			return &broken{Store: g, blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
				return g.Blacklist(context.WithoutCancel(ctx), jti, nil, reason, now)
			}}
		}},
		{"it returns false if it is unavailable", ended, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				if ctx.Err() != nil {
					return core.OutstandingToken{}, false, nil
				}
				return g.Rotate(ctx, r)
			}}
		}},
		{"it returns an error after it has changed something", ended, func(g *guarded) core.Store {
			return &broken{Store: g, flush: func(ctx context.Context, before time.Time) (int, error) {
				n, _ := g.FlushExpired(context.WithoutCancel(ctx), before)
				return n, ctx.Err()
			}}
		}},
	}
}

func brokenRotations() []mutant {
	const records, session = "Rotate consumes the token and records its successor", "Rotate takes the session from the row, else the sid, else the jti"
	const unknown, blacklisted = "Rotate rejects an unknown token", "Rotate rejects a blacklisted token"
	const ended, over = "Rotate rejects a token that expired at or before ActiveAfter", "Rotate rejects a token whose session ended at or before Now"
	const keeps, atomically = "Rotate without Consume leaves the presented token as it is", "Rotate consumes nothing if the successor cannot be recorded"
	const capped, lifetime = "Rotate limits the successor's expiry to the session's end", "Rotate ends a session without an end by SessionLifetime"
	const ownEnd = "Rotate keeps a session's own end whatever SessionLifetime is"
	const undated = "Rotate counts SessionLifetime from IssuedAt if the record has no CreatedAt"
	return []mutant{
		{"it consumes nothing", records, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Consume = false })
		}},
		{"it returns no start of the session", records, func(g *guarded) core.Store {
			return withSuccessor(g, func(t *core.OutstandingToken) { t.SessionStartedAt = time.Time{} })
		}},
		{"it prefers the sid to the row", session, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				if r.SessionID != "" {
					out.SessionID = r.SessionID
				}
				return out, ok, err
			}}
		}},
		{"it never reads the sid", session, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.SessionID = "" })
		}},
		{"it makes the new jti the session", session, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) {
				if r.SessionID == "" {
					r.SessionID = r.NewJTI
				}
			})
		}},
		{"it records an unknown token", unknown, func(g *guarded) core.Store { return recordsUnknown(g) }},
		{"it rotates what is blacklisted", blacklisted, func(g *guarded) core.Store { return rotatesTwice(g) }},
		{"it applies the leeway twice", ended, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.ActiveAfter = r.ActiveAfter.Add(-2 * time.Microsecond) })
		}},
		{"it rotates a token that expires now", ended, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.ActiveAfter = r.ActiveAfter.Add(-time.Microsecond) })
		}},
		{"it has no leeway", ended, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.ActiveAfter = r.Now })
		}},
		{"it rotates a token whose session ends now", over, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Now = r.Now.Add(-time.Microsecond) })
		}},
		{"it applies the leeway to the session", over, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Now = r.ActiveAfter })
		}},
		{"it always consumes", keeps, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Consume = true })
		}},
		{"it consumes before it records", atomically, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				if err != nil {
					_, _, _ = g.Blacklist(context.WithoutCancel(ctx), r.JTI, nil, core.ReasonRotated, r.Now)
				}
				return out, ok, err
			}}
		}},
		{"it returns an expiry after the session's end", capped, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				out.ExpiresAt = r.ExpiresAt
				return out, ok, err
			}}
		}},
		{"it never reads SessionLifetime", lifetime, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.SessionLifetime = 0 })
		}},
		{"it counts SessionLifetime from CreatedAt only", lifetime, func(g *guarded) core.Store {
			return &broken{Store: g, record: func(ctx context.Context, t core.OutstandingToken) error {
				t.SessionStartedAt = time.Time{}
				return g.Record(ctx, t)
			}}
		}},
		{"it counts SessionLifetime from now", ownEnd, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				if r.SessionLifetime > 0 {
					out.SessionExpiresAt = r.Now.Add(r.SessionLifetime)
				}
				return out, ok, err
			}}
		}},
		{"it rotates a row without CreatedAt forever", undated, func(g *guarded) core.Store {
			return rotatingUndated(g, func(r *core.Rotation) { r.SessionLifetime = 0 })
		}},
		{"it rejects a row without CreatedAt", undated, func(g *guarded) core.Store {
			return rotatingUndated(g, func(r *core.Rotation) { r.ActiveAfter = sessionEnd })
		}},
		{"it never reads IssuedAt", undated, func(g *guarded) core.Store {
			return rotatingUndated(g, func(r *core.Rotation) { r.IssuedAt = time.Time{} })
		}},
	}
}

// rotatingUndated is a store that changes the rotations of tokens whose row has no CreatedAt.
func rotatingUndated(g *guarded, change func(*core.Rotation)) core.Store {
	return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
		if state, err := g.State(ctx, r.JTI, ""); err == nil && state.Presented != nil && state.Presented.CreatedAt.IsZero() {
			change(&r)
		}
		return g.Rotate(ctx, r)
	}}
}
