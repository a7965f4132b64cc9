package memstore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// errTaken answers a successor whose jti is on record. Ids are random, so this is a fault of the program.
var errTaken = errors.New("rotate: the new jti is on record already")

// Rotate consumes the presented token and records its successor, both under one lock.
func (s *Store) Rotate(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
	if err := ctx.Err(); err != nil {
		return core.OutstandingToken{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	presented := s.rows[r.JTI]
	if presented == nil || presented.Blacklisted || !presented.ExpiresAt.After(cut(r.AliveAfter)) {
		return core.OutstandingToken{}, false, nil
	}
	end := sessionEnd(presented, r.SessionLifetime)
	if !end.IsZero() && !end.After(cut(r.Now)) {
		return core.OutstandingToken{}, false, nil
	}
	if s.rows[r.NewJTI] != nil {
		return core.OutstandingToken{}, false, errTaken
	}
	if r.Consume {
		presented.consume(cmp.Or(r.Reason, core.ReasonRotated), r.Now)
	}
	return s.insert(successor(presented, r, end)).OutstandingToken, true, nil
}

// sessionEnd is when the session of a row ends, zero for never.
func sessionEnd(r *row, lifetime time.Duration) time.Time {
	if !r.SessionExpiresAt.IsZero() || lifetime == 0 {
		return r.SessionExpiresAt
	}
	if r.SessionStartedAt.IsZero() {
		return r.CreatedAt.Add(lifetime)
	}
	return r.SessionStartedAt.Add(lifetime)
}

func successor(presented *row, r core.Rotation, sessionEnd time.Time) core.OutstandingToken {
	out := presented.OutstandingToken
	out.JTI, out.ParentJTI = r.NewJTI, r.JTI
	out.CreatedAt, out.ExpiresAt = r.Now, r.ExpiresAt
	out.SessionExpiresAt = sessionEnd
	out.SessionID = cmp.Or(out.SessionID, r.SessionID, r.JTI)
	out.Device = core.Device{
		Name: cmp.Or(r.Device.Name, out.Device.Name), IP: cmp.Or(r.Device.IP, out.Device.IP),
		UserAgent: cmp.Or(r.Device.UserAgent, out.Device.UserAgent),
	}
	if !sessionEnd.IsZero() && sessionEnd.Before(out.ExpiresAt) {
		out.ExpiresAt = sessionEnd
	}
	return out
}
