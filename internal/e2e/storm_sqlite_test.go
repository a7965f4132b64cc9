package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// lockDatabase has another connection hold the lock of SQLite's one writer, until the returned function is called.
func (s *storm) lockDatabase() (release func()) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			s.t.Error(err)
		}
		_ = conn.Close()
	}
}

func TestStorm_LockedSQLite(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	t.Run("a refresh succeeds when the lock is released in time", func(t *testing.T) {
		t.Parallel()
		const held = 500 * time.Millisecond
		s := newStorm(t, withGrace, newSQLite(t))
		token := s.login()
		time.AfterFunc(held, s.lockDatabase())
		for _, r := range s.refreshAtOnce(4, token) {
			if r.status != http.StatusOK || r.took < held/2 || r.took > maxWait() {
				t.Errorf("a refresh is answered %v after %v, want 200 once the lock is released", r, r.took)
			}
		}
		s.wantChain(s.readJTI(token))
	})
	t.Run("a refresh is answered 503 in time when the lock stays", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, withGrace, newSQLite(t))
		token := s.login()
		release := s.lockDatabase()
		for _, r := range s.refreshAtOnce(8, token) {
			if r.status != http.StatusServiceUnavailable || r.took > maxWait() {
				t.Errorf("a refresh is answered %v after %v, want 503 within %v", r, r.took, maxWait())
			}
		}
		if records := s.readRecords(s.readJTI(token)); len(records) != 1 || records[0].reason != active {
			t.Errorf("the rows are %v, want the one token, active", records)
		}
		release()
		for _, r := range s.refreshAtOnce(4, token) {
			if r.status != http.StatusOK {
				t.Errorf("a refresh after the lock is released is answered %v, want 200", r)
			}
		}
		s.wantChain(s.readJTI(token))
	})
}
