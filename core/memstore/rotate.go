package memstore

import (
	"cmp"
	"context"
	"errors"
	"slices"

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
	if presented.SessionID == "" && s.hasOthers(r.SessionID, presented.UserID) {
		r.SessionID = ""
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

// hasOthers reports whether a session has a record of another user. The caller holds the lock.
func (s *Store) hasOthers(session, userID string) bool {
	return slices.ContainsFunc(s.sessions[session], func(r *row) bool { return r.UserID != "" && r.UserID != userID })
}
