package memstore

import (
	"cmp"
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt/core"
)

// errJTITaken reports a successor whose jti is on record. Ids are random, so the program is at fault.
var errJTITaken = errors.New("rotate: the new jti is on record already")

// Rotate consumes the presented token and records its successor, both under one lock.
func (s *Store) Rotate(ctx context.Context, r core.Rotation) (core.OutstandingToken, bool, error) {
	if err := ctx.Err(); err != nil {
		return core.OutstandingToken{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	presented := s.rows[r.JTI]
	if presented == nil || presented.Blacklisted || !presented.isOwnedBy(r.Owner) {
		return core.OutstandingToken{}, false, nil
	}
	for _, other := range s.sessions[r.SessionID] {
		if other.UserID != "" && other.UserID != presented.UserID {
			r.SessionID = ""
		}
	}
	next, ok := r.Successor(presented.OutstandingToken)
	if !ok {
		return core.OutstandingToken{}, false, nil
	}
	if s.rows[r.NewJTI] != nil {
		return core.OutstandingToken{}, false, errJTITaken
	}
	if r.Consume {
		presented.consume(cmp.Or(r.Reason, core.ReasonRotated), r.Now)
	}
	return s.insert(next).OutstandingToken, true, nil
}
