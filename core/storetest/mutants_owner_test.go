package storetest

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func brokenOwners() []mutant {
	const token, session = "Rotate and Blacklist leave another user's token alone", "Rotate does not join another user's session by the sid"
	const found = "IsBlacklisted returns the user of the record"
	blacklistingFor := func(g *guarded, change func(owner *string) *string) core.Store {
		return &broken{Store: g, blacklist: func(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (bool, bool, error) {
			return g.Blacklist(ctx, jti, change(owner), reason, now)
		}}
	}
	return []mutant{
		{"Rotate never reads the Owner", token, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.Owner = nil })
		}},
		{"Blacklist never reads the owner", token, func(g *guarded) core.Store {
			return blacklistingFor(g, func(*string) *string { return nil })
		}},
		{"nobody owns every token", token, func(g *guarded) core.Store {
			return blacklistingFor(g, func(owner *string) *string {
				if owner != nil && *owner == "" {
					return nil
				}
				return owner
			})
		}},
		{"no owner is nobody", token, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) {
				if r.Owner == nil {
					r.Owner = new("")
				}
			})
		}},
		{"it trusts every sid", session, func(g *guarded) core.Store {
			return &broken{Store: g, rotate: func(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
				out, ok, err := g.Rotate(ctx, r)
				if ok && r.SessionID != "" {
					out.SessionID = r.SessionID
				}
				return out, ok, err
			}}
		}},
		{"it ignores the sid", session, func(g *guarded) core.Store {
			return withRotation(g, func(r *core.Rotation) { r.SessionID = "" })
		}},
		{"Revoke never reads the Owner", "Revoke of a session spares other users' tokens", func(g *guarded) core.Store {
			return &broken{Store: g, revoke: func(ctx context.Context, s core.Scope, reason core.Reason, now time.Time) (int, error) {
				s.Owner = nil
				return g.Revoke(ctx, s, reason, now)
			}}
		}},
		{"every token is on record", found, func(g *guarded) core.Store {
			return &broken{Store: g, isBlacklisted: func(ctx context.Context, jti string) (*string, bool, error) {
				_, blacklisted, err := g.IsBlacklisted(ctx, jti)
				return new(""), blacklisted, err
			}}
		}},
	}
}
