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

// flushBatch is how many rows are deleted under one lock, so that a large flush does not stall refreshes.
const flushBatch = 1000

// Store is a core.Store in memory. It is safe for concurrent use. It does not know users, so it never returns
// core.ErrUserGone; call ForgetUser when a user is deleted. Create one with New.
type Store struct {
	mu       sync.Mutex
	rows     map[string]*row            // by jti
	sessions map[string][]*row          // by session, in insertion order
	users    map[string]map[string]*row // by user, then by jti
	byExpiry expiryHeap
	lastSeq  int // of the row inserted last
	// flushing is held by the flush that is running.
	flushing sync.Mutex
}

var _ core.Store = (*Store)(nil)

// row is a record with its blacklist row.
type row struct {
	core.TokenState
	seq int // insertion order
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		rows:     make(map[string]*row),
		sessions: make(map[string][]*row),
		users:    make(map[string]map[string]*row),
	}
}

// Record records a token. It does not change an existing record.
func (s *Store) Record(ctx context.Context, t core.OutstandingToken) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[t.JTI] == nil { // recording a token again must not reactivate it
		s.insertRow(t)
	}
	return nil
}

// Blacklist puts a recorded token on the blacklist. found is false if the token has no record, or one of another
// user than owner; won is true for the first call that puts it there.
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

// IsBlacklisted returns the user of the token's record, nil without a record, and whether it is on the blacklist.
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

// State returns the presented token and the latest token of its session. The session is the one that the record
// names, else sid, else the record's own.
func (s *Store) State(ctx context.Context, jti, sid string) (core.SessionState, error) {
	if err := ctx.Err(); err != nil {
		return core.SessionState{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out core.SessionState
	session := sid // counts if there is no row, or if it has no SessionID
	if r := s.rows[jti]; r != nil {
		out.Presented = r.copyState()
		if r.SessionID != "" || sid == "" {
			session = r.Session()
		}
	}
	if members := s.sessions[session]; len(members) > 0 {
		out.Latest = members[len(members)-1].copyState()
	}
	return out, nil
}

// Revoke puts all tokens of the scope on the blacklist and returns how many were not on it before. An empty scope
// covers none. A concurrent Rotate waits for the lock, so it cannot add a token to the scope that Revoke does not
// see.
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
	// Without ExceptSession this keeps session "", which no row belongs to: Session is never empty.
	kept := map[string]bool{scope.ExceptSession: true}
	if scope.ExceptNewest > 0 {
		for _, r := range s.latestActive(scope.UserID, now, truncateTime(scope.ActiveAfter), scope.ExceptNewest) {
			kept[r.Session()] = true
		}
	}
	for _, r := range s.users[scope.UserID] {
		expired := scope.ExceptNewest > 0 && !r.ExpiresAt.After(truncateTime(scope.ActiveAfter))
		if !kept[r.Session()] && !expired && r.consume(reason, now) {
			count++
		}
	}
	return count, nil
}

// Sessions returns the latest active token of each session of a user, the newest session first. userID "" has no
// sessions: rows without a user are in no index of users.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) ([]core.OutstandingToken, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []core.OutstandingToken
	for _, r := range s.latestActive(userID, now, now, core.MaxSessions) {
		out = append(out, r.OutstandingToken)
	}
	return out, nil
}

// latestActive returns the latest active row of each session of a user, at most limit, in the order of Sessions. A
// row is active if it is not on the blacklist, expires after activeAfter, and its session ends after now. The
// caller holds the lock.
func (s *Store) latestActive(userID string, now, activeAfter time.Time, limit int) []*row {
	latest := map[string]*row{}
	for _, r := range s.users[userID] {
		sessionEnded := !r.SessionExpiresAt.IsZero() && !r.SessionExpiresAt.After(now)
		if l := latest[r.Session()]; !r.Blacklisted && r.ExpiresAt.After(activeAfter) && !sessionEnded && (l == nil || l.seq < r.seq) {
			latest[r.Session()] = r
		}
	}
	// Sessions are ordered by the insertion of their first row, as clocks differ between processes. A session whose
	// first row was flushed sorts after all others, by its start.
	firstSeq := func(r *row) int {
		if first := s.rows[r.Session()]; first != nil {
			return first.seq
		}
		return 0
	}
	sorted := slices.SortedFunc(maps.Values(latest), func(a, b *row) int {
		return cmp.Or(cmp.Compare(firstSeq(b), firstSeq(a)), b.SessionStartedAt.Compare(a.SessionStartedAt), cmp.Compare(b.Session(), a.Session()))
	})
	return sorted[:min(limit, len(sorted))]
}

// FlushExpired deletes the records that expired at or before the given time, and returns how many. It returns
// core.ErrFlushRunning if another flush is running. If ctx ends it returns the error of ctx and how many it deleted
// before.
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
		n := s.deleteExpired(truncateTime(before), flushBatch)
		total += n
		if n < flushBatch {
			return total, nil
		}
	}
}

// ForgetUser removes the user from their records, as ON DELETE SET NULL does in a database. The records stay, also
// on the blacklist. Call it when a user is deleted.
func (s *Store) ForgetUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.users[id] {
		r.UserID = ""
	}
	delete(s.users, id)
}

// insertRow adds a row to all indexes, with its times truncated. The caller holds the lock and has checked that the
// jti is new.
func (s *Store) insertRow(t core.OutstandingToken) *row {
	t.CreatedAt, t.ExpiresAt = truncateTime(t.CreatedAt), truncateTime(t.ExpiresAt)
	t.SessionStartedAt, t.SessionExpiresAt = truncateTime(t.SessionStartedAt), truncateTime(t.SessionExpiresAt)
	s.lastSeq++
	r := &row{core.TokenState{OutstandingToken: t}, s.lastSeq}
	s.rows[r.JTI] = r
	s.sessions[r.Session()] = append(s.sessions[r.Session()], r)
	if r.UserID != "" {
		if s.users[r.UserID] == nil {
			s.users[r.UserID] = make(map[string]*row)
		}
		s.users[r.UserID][r.JTI] = r
	}
	heap.Push(&s.byExpiry, r)
	return r
}

// deleteExpired deletes at most limit rows that expired at or before the given time, and returns how many. It takes
// the lock itself, so that requests run between two batches.
func (s *Store) deleteExpired(before time.Time, limit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := make(map[*row]bool)
	touched := make(map[string]bool)
	for len(gone) < limit && len(s.byExpiry) > 0 && !s.byExpiry[0].ExpiresAt.After(before) {
		r := heap.Pop(&s.byExpiry).(*row)
		gone[r] = true
		touched[r.Session()] = true
		delete(s.rows, r.JTI)
		delete(s.users[r.UserID], r.JTI)
		if len(s.users[r.UserID]) == 0 {
			delete(s.users, r.UserID)
		}
	}
	// Each session is searched once per batch, not once per row, which would take quadratic time in a long session.
	for id := range touched {
		left := slices.DeleteFunc(s.sessions[id], func(r *row) bool { return gone[r] })
		s.sessions[id] = left
		if len(left) == 0 {
			delete(s.sessions, id)
		}
	}
	return len(gone)
}

// isOwnedBy reports whether the row belongs to the owner. A row without a user belongs to every owner, and with
// owner nil so does every row.
func (r *row) isOwnedBy(owner *string) bool {
	return owner == nil || r.UserID == "" || r.UserID == *owner
}

// consume puts a row on the blacklist and reports whether this call did so.
func (r *row) consume(reason core.Reason, now time.Time) bool {
	if r.Blacklisted {
		return false
	}
	r.Blacklisted, r.BlacklistedAt, r.Reason = true, truncateTime(now), reason
	return true
}

// copyState returns a copy that the caller may keep and change.
func (r *row) copyState() *core.TokenState {
	out := r.TokenState
	return &out
}

// truncateTime returns a time as databases keep it, so that a program sees no difference when it changes its store.
func truncateTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// expiryHeap is a heap of rows by ExpiresAt, the earliest first.
type expiryHeap []*row

func (e expiryHeap) Len() int           { return len(e) }
func (e expiryHeap) Less(i, j int) bool { return e[i].ExpiresAt.Before(e[j].ExpiresAt) }
func (e expiryHeap) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *expiryHeap) Push(x any) { *e = append(*e, x.(*row)) }

// Pop implements heap.Interface.
func (e *expiryHeap) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return last
}
