// Package memstore keeps tokens and users in memory: a core.Store and a core.Users for tests, for examples, and for
// programs that are a single process and may forget every session when they end. Start with [New] and [NewUsers].
package memstore

import (
	"cmp"
	"container/heap"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// flushBatch is how many rows go under one lock, so that a large flush does not stall refreshes.
const flushBatch = 1000

// Store is a core.Store in memory. It does not ask whether a token's user exists, so it never answers
// core.ErrUserGone; ForgetUser is what the deletion of a user does to the records.
type Store struct {
	mu   sync.Mutex
	rows map[string]*row
	// sessions are the rows of each session in the order of their birth.
	sessions map[string][]*row
	users    map[string]map[string]*row
	ends     endings
	births   int
	// flushing is held by the one flush that is under way.
	flushing sync.Mutex
}

var _ core.Store = (*Store)(nil)

type row struct {
	core.TokenState
	born int // the how manieth row it is
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		rows:     make(map[string]*row),
		sessions: make(map[string][]*row),
		users:    make(map[string]map[string]*row),
	}
}

// Record records a token. A jti that is on record already is left as it is.
func (s *Store) Record(ctx context.Context, t core.OutstandingToken) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[t.JTI] == nil {
		s.insert(t)
	}
	return nil
}

// Blacklist puts a recorded token on the blacklist.
func (s *Store) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[jti]
	if r == nil || !r.isOwnedBy(owner) {
		return false, false, nil
	}
	return true, r.consume(reason, now), nil
}

// IsBlacklisted returns whose record the token has, and whether it is on the blacklist.
func (s *Store) IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[jti]
	if r == nil {
		return nil, false, nil
	}
	return new(r.UserID), r.Blacklisted, nil
}

// State reads the presented token and the head of its session.
func (s *Store) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if err := ctx.Err(); err != nil {
		return core.SessionState{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out core.SessionState
	session := sid
	if r := s.rows[jti]; r != nil {
		out.Presented = r.copy()
		if r.SessionID != "" || sid == "" {
			session = r.Session()
		}
	}
	if members := s.sessions[session]; len(members) > 0 {
		out.Latest = members[len(members)-1].copy()
	}
	return out, nil
}

// Revoke consumes all tokens of the scope that are not consumed yet. An empty scope covers none.
func (s *Store) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	if scope.SessionID != "" {
		for _, r := range s.sessions[scope.SessionID] {
			if (scope.UserID == "" || r.UserID == scope.UserID) && r.isOwnedBy(scope.Owner) && r.consume(reason, now) {
				count++
			}
		}
		return count, nil
	}
	kept := map[string]bool{scope.ExceptSession: true}
	if scope.ExceptNewest > 0 {
		for _, r := range s.heads(scope.UserID, now, cut(scope.ActiveAfter), scope.ExceptNewest) {
			kept[r.Session()] = true
		}
	}
	for _, r := range s.users[scope.UserID] {
		ended := scope.ExceptNewest > 0 && !r.ExpiresAt.After(cut(scope.ActiveAfter))
		if !kept[r.Session()] && !ended && r.consume(reason, now) {
			count++
		}
	}
	return count, nil
}

// Sessions answers the newest live token of each session of a user, the session that began last first.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) ([]core.OutstandingToken, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []core.OutstandingToken
	for _, r := range s.heads(userID, now, now, core.MaxSessions) {
		out = append(out, r.OutstandingToken)
	}
	return out, nil
}

// heads are the rows that Sessions answers, at most limit; what ended after aliveAfter counts. The caller holds the lock.
func (s *Store) heads(userID string, now, aliveAfter time.Time, limit int) []*row {
	heads := map[string]*row{}
	for _, r := range s.users[userID] {
		over := !r.SessionExpiresAt.IsZero() && !r.SessionExpiresAt.After(now)
		if h := heads[r.Session()]; !r.Blacklisted && r.ExpiresAt.After(aliveAfter) && !over && (h == nil || h.born < r.born) {
			heads[r.Session()] = r
		}
	}
	began := func(r *row) int {
		if first := s.rows[r.Session()]; first != nil {
			return first.born
		}
		return 0
	}
	sorted := slices.SortedFunc(maps.Values(heads), func(a, b *row) int {
		return cmp.Or(cmp.Compare(began(b), began(a)), b.SessionStartedAt.Compare(a.SessionStartedAt), cmp.Compare(b.Session(), a.Session()))
	})
	return sorted[:min(limit, len(sorted))]
}

// FlushExpired deletes the records that ended at or before the given time.
func (s *Store) FlushExpired(ctx context.Context, before time.Time) (int, error) {
	if !s.flushing.TryLock() {
		return 0, core.ErrFlushRunning
	}
	defer s.flushing.Unlock()
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n := s.flush(cut(before), flushBatch)
		total += n
		if n < flushBatch {
			return total, nil
		}
	}
}

// ForgetUser leaves the records of a user who is deleted without a user, as a database does by ON DELETE SET NULL. They
// stay on the blacklist where they are on it.
func (s *Store) ForgetUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.users[id] {
		r.UserID = ""
	}
	delete(s.users, id)
}

// insert adds a row and enters it into all indexes. The caller holds the lock.
func (s *Store) insert(t core.OutstandingToken) *row {
	t.CreatedAt, t.ExpiresAt = cut(t.CreatedAt), cut(t.ExpiresAt)
	t.SessionStartedAt, t.SessionExpiresAt = cut(t.SessionStartedAt), cut(t.SessionExpiresAt)
	s.births++
	r := &row{core.TokenState{OutstandingToken: t}, s.births}
	s.rows[r.JTI] = r
	s.sessions[r.Session()] = append(s.sessions[r.Session()], r)
	if r.UserID != "" {
		if s.users[r.UserID] == nil {
			s.users[r.UserID] = make(map[string]*row)
		}
		s.users[r.UserID][r.JTI] = r
	}
	heap.Push(&s.ends, r)
	return r
}

// flush deletes at most limit rows that ended and returns how many.
func (s *Store) flush(before time.Time, limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := make(map[*row]bool)
	touched := make(map[string]bool)
	for len(gone) < limit && len(s.ends) > 0 && !s.ends[0].ExpiresAt.After(before) {
		r := heap.Pop(&s.ends).(*row)
		gone[r] = true
		touched[r.Session()] = true
		delete(s.rows, r.JTI)
		delete(s.users[r.UserID], r.JTI)
		if len(s.users[r.UserID]) == 0 {
			delete(s.users, r.UserID)
		}
	}
	// Each session is gone through once a batch, not once a row: a long session would cost the square of its length.
	for id := range touched {
		left := slices.DeleteFunc(s.sessions[id], func(r *row) bool { return gone[r] })
		s.sessions[id] = left
		if len(left) == 0 {
			delete(s.sessions, id)
		}
	}
	return len(gone)
}

// isOwnedBy reports whether the row may serve the owner: nil is everybody, and a row without a user is anybody's.
func (r *row) isOwnedBy(owner *string) bool {
	return owner == nil || r.UserID == "" || r.UserID == *owner
}

// consume puts a row on the blacklist and reports whether it was not there yet.
func (r *row) consume(reason core.Reason, now time.Time) bool {
	if r.Blacklisted {
		return false
	}
	r.Blacklisted, r.BlacklistedAt, r.Reason = true, cut(now), reason
	return true
}

func (r *row) copy() *core.TokenState {
	out := r.TokenState
	return &out
}

// cut brings a time to what databases keep, so that a program meets no difference when it changes its store.
func cut(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// endings is a heap of rows, the one that ends first on top.
type endings []*row

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].ExpiresAt.Before(e[j].ExpiresAt) }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *endings) Push(x any) { *e = append(*e, x.(*row)) }

// Pop implements heap.Interface.
func (e *endings) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return last
}
