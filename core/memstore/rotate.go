package memstore

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/go-simplejwt/simplejwt/core"
)

// errJTIRecorded reports a successor whose jti is recorded already. Ids are random, so this is a bug of the
// program.
var errJTIRecorded = errors.New("rotate: the successor's jti is recorded already")

// Rotate puts the presented token on the blacklist and records its successor under one lock, which makes it one
// atomic step. It follows the steps that core.Store lists; all checks come before the first change.
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
	if presented.SessionID == "" && s.hasOtherUser(r.SessionID, presented.UserID) {
		r.SessionID = ""
	}
	next, ok := r.Successor(presented.OutstandingToken)
	if !ok {
		return core.OutstandingToken{}, false, nil
	}
	if s.rows[r.NewJTI] != nil {
		return core.OutstandingToken{}, false, errJTIRecorded
	}
	if r.Consume {
		presented.consume(cmp.Or(r.Reason, core.ReasonRotated), r.Now)
	}
	return s.insertRow(next).OutstandingToken, true, nil
}

// hasOtherUser reports whether a session has a record of another user. The caller holds the lock.
func (s *Store) hasOtherUser(session, userID string) bool {
	return slices.ContainsFunc(s.sessions[session], func(r *row) bool { return r.UserID != "" && r.UserID != userID })
}
