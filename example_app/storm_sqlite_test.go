package main

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// lock has another connection hold the lock of SQLite's one writer, until the returned function is called.
func (s *storm) lock() (release func()) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := s.srv.DB().Conn(ctx)
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

func TestStormARefreshWaitsForALockedSQLiteFile(t *testing.T) {
	t.Parallel()
	t.Run("and succeeds when the lock goes in time", func(t *testing.T) {
		t.Parallel()
		const held = 500 * time.Millisecond
		s := newStorm(t, stormGrace, sqliteDSN(t))
		token := s.login()
		time.AfterFunc(held, s.lock())
		for _, r := range s.herd(4, token) {
			if r.status != http.StatusOK || r.took < held/2 || r.took > bound {
				t.Errorf("a refresh is answered %v after %v, want 200 when the lock is gone", r, r.took)
			}
		}
		s.wantChain(s.jti(token))
	})
	t.Run("and says 503 within a bound when it stays", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, stormGrace, sqliteDSN(t))
		token := s.login()
		release := s.lock()
		for _, r := range s.herd(8, token) {
			if r.status != http.StatusServiceUnavailable || r.took > bound {
				t.Errorf("a refresh is answered %v after %v, want 503 within %v", r, r.took, bound)
			}
		}
		if links := s.chain(s.jti(token)); len(links) != 1 || links[0].reason != live {
			t.Errorf("the rows are %v, want the one token, live", links)
		}
		release()
		for _, r := range s.herd(4, token) {
			if r.status != http.StatusOK {
				t.Errorf("a refresh after the lock is gone is answered %v, want 200", r)
			}
		}
		s.wantChain(s.jti(token))
	})
}
