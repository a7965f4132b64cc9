package memstore

// Sizes are how many rows, sessions, users with rows, and ends a store holds.
func Sizes(s *Store) [4]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [4]int{len(s.rows), len(s.sessions), len(s.users), len(s.ends)}
}
