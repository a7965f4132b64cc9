package models_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

func TestFlushExpired_StatementFails(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		s := newFailingAuth(t, d)
		runEveryOutage(t, s, func(mode outageMode, at int) bool {
			s.resetTo(t, policy{rotate: true, consume: true, grace: 10 * time.Second})
			s.refresh(t, s.refresh(t, s.login(t, s.user)))
			s.now = s.now.Add(20 * time.Hour) // these, and the bystander's, are to go
			s.refresh(t, s.login(t, s.user))
			before := s.readAllRows(t)

			s.outage.failAt(at, mode.lose, mode.err)
			_, err := s.auth.FlushExpired(t.Context())
			failed := s.outage.disarm()
			what := fmt.Sprintf("statement %d %s", at, mode.name)
			if err != nil && (!failed || mode.heals || !errors.Is(err, mode.err)) {
				t.Errorf("%s: the flush answers %v", what, err)
			}
			s.wantFlushed(t, what, before, err == nil)
			if err != nil {
				_, err := s.auth.FlushExpired(t.Context())
				requireNoError(t, err)
				s.wantFlushed(t, what+", then again", before, true)
			}
			return failed
		})
	})
}

// wantFlushed sees that what is young is as it was before, and that what has ended is gone, or, where the flush did not
// come to its end, may still be there as it was: a token that was consumed without the row that says so would work again.
func (s *failingAuth) wantFlushed(t *testing.T, what string, before map[string]core.TokenState, ended bool) {
	t.Helper()
	after := s.readAllRows(t)
	for jti, was := range before {
		is, here := after[jti]
		young := was.ExpiresAt.After(s.now)
		if diff := cmp.Diff(was, is); here && diff != "" {
			t.Errorf("%s: %s changed (-before +after):\n%s", what, jti, diff)
		}
		if young && !here || !young && here && ended {
			t.Errorf("%s: the record of %s, which ends at %v, is there: %v", what, jti, was.ExpiresAt, here)
		}
	}
	if n := countRows(t, s.db, `SELECT count(*) FROM token_blacklist_blacklistedtoken b
		WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o WHERE o.id = b.token_id)`); n != 0 {
		t.Errorf("%s: %d rows of the blacklist are of no token", what, n)
	}
}
