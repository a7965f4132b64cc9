package models_test

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/core"
)

// wantAnswer compares an answer with the verdict: the error or none, whether there is a new token, the event.
func (s *schedule) wantAnswer(t *rapid.T, want verdict, pair core.Pair, err error) {
	t.Helper()
	if !matchesError(err, want.err) {
		t.Fatalf("answered %v, want %v", err, want.err)
	}
	if err != nil && pair != (core.Pair{}) {
		t.Fatalf("rejected with %v, but issued tokens", err)
	}
	if reuse := s.reused > 0; reuse != want.reuse || s.reused > 1 {
		t.Fatalf("the event reuse was emitted %d times, want it: %v", s.reused, want.reuse)
	}
	s.reused = 0
	if err != nil {
		return
	}
	if (pair.Refresh != "") != (want.fresh || want.again != nil) {
		t.Fatalf("issued a refresh token: %v, want %+v", pair.Refresh != "", want)
	}
	if want.fresh {
		s.wantFresh(t, s.decodeToken(t, pair.Refresh).JTI())
	}
}

func (s *schedule) wantFresh(t *rapid.T, jti string) {
	t.Helper()
	for _, session := range s.sessions {
		for _, token := range session.tokens {
			if token.jti == jti {
				t.Fatalf("issued %s again as a new token", jti)
			}
		}
	}
}

// wantPair checks that the issued tokens say what the model says of the refresh token.
func (s *schedule) wantPair(t *rapid.T, pair core.Pair, token *modelToken) {
	t.Helper()
	type claims struct {
		JTI, Session, User, Iat string
		Expires                 time.Time
	}
	got := s.decodeToken(t, pair.Refresh)
	want := claims{token.jti, token.session.id(), token.session.user.id, fmt.Sprint(token.born.Unix()), token.expires}
	if diff := cmp.Diff(want, claims{got.JTI(), got.SessionID(), got.UserID(), fmt.Sprint(got.Get("iat")), got.ExpiresAt()}); diff != "" {
		t.Fatalf("the refresh token (-want +got):\n%s", diff)
	}
	s.wantAccess(t, pair.Access, token.session)
}

func (s *schedule) wantAccess(t *rapid.T, raw string, session *modelSession) {
	t.Helper()
	access := s.decodeToken(t, raw)
	if access.SessionID() != session.id() {
		t.Fatalf("the access token names the session %q, want %q", access.SessionID(), session.id())
	}
	if end := session.ends; !end.IsZero() && access.ExpiresAt().After(end) {
		t.Fatalf("the access token ends at %v, its session at %v", access.ExpiresAt(), end)
	}
	session.access = modelAccess{raw, s.now.Truncate(time.Second), access.ExpiresAt()}
}

func (s *schedule) decodeToken(t *rapid.T, raw string) *core.Token {
	t.Helper()
	token, err := s.auth.Decode(raw)
	requireNoError(t, err)
	return token
}

func (s *schedule) readRows(t *rapid.T) map[string]core.TokenState {
	t.Helper()
	var jtis []string
	for _, session := range s.sessions {
		for _, token := range session.tokens {
			jtis = append(jtis, token.jti)
		}
	}
	rows, err := s.backend.readRows(context.Background(), jtis)
	requireNoError(t, err)
	return rows
}

// checkRecords compares the rows with those of the model, and checks the invariants that no rule may break.
func (s *schedule) checkRecords(t *rapid.T) {
	rows := s.readRows(t)
	s.checkOneSuccessor(t, rows)
	s.checkOneLiveToken(t, rows)
	s.checkConsumedStayConsumed(t, rows)
	s.seen = rows
	want, got := map[string]core.TokenState{}, map[string]core.TokenState{}
	for _, token := range s.storedTokens() {
		want[token.jti] = token.wantRow()
	}
	for jti, row := range rows {
		row.ExpiresAt = row.ExpiresAt.Truncate(time.Second)
		got[jti] = row
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the records (-want +got):\n%s", diff)
	}
}

func (s *schedule) checkOneSuccessor(t *rapid.T, rows map[string]core.TokenState) {
	t.Helper()
	successors := map[string]int{}
	for _, row := range rows {
		successors[row.ParentJTI]++
	}
	delete(successors, "")
	for parent, n := range successors {
		if s.consume && n > 1 {
			t.Fatalf("%s has %d successors", parent, n)
		}
	}
}

func (s *schedule) checkOneLiveToken(t *rapid.T, rows map[string]core.TokenState) {
	t.Helper()
	live := map[string][]string{}
	for jti, row := range rows {
		if row.SessionID == "" {
			t.Fatalf("the record of %s has no session id", jti)
		}
		if !row.Blacklisted {
			live[row.SessionID] = append(live[row.SessionID], jti)
		}
	}
	for session, tokens := range live {
		if s.consume && len(tokens) > 1 {
			t.Fatalf("the session %s has the live tokens %v", session, tokens)
		}
	}
}

// checkConsumedStayConsumed checks that a token on the blacklist stays there, with its reason and time.
func (s *schedule) checkConsumedStayConsumed(t *rapid.T, rows map[string]core.TokenState) {
	t.Helper()
	for jti, was := range s.seen {
		is, here := rows[jti]
		if here && was.Blacklisted && (!is.Blacklisted || is.Reason != was.Reason || !is.BlacklistedAt.Equal(was.BlacklistedAt)) {
			t.Fatalf("%s was consumed and is %+v now", jti, is)
		}
	}
}

// checkNothingElseIsStored deletes all records and counts them, as not every backend can list them.
func (s *schedule) checkNothingElseIsStored(t *rapid.T) {
	t.Helper()
	n, err := s.store.FlushExpired(context.Background(), s.now.Add(1000*time.Hour))
	requireNoError(t, err)
	if want := len(s.storedTokens()); n != want {
		t.Fatalf("%d records are stored, want %d", n, want)
	}
}
