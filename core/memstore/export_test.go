package memstore

// Sizes returns how many rows, sessions, users with rows, and expiries a store holds.
func Sizes(s *Store) [4]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [4]int{len(s.rows), len(s.sessions), len(s.users), len(s.byExpiry)}
}
