package models_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/core"
)

// modelAccess is the access token that was issued last in a session.
type modelAccess struct {
	raw           string
	born, expires time.Time
}

// activeSessions returns the active sessions of a user, the one that began last first: by when the first token was issued, as
// far as that is on record.
func (m *model) activeSessions(u *modelUser) []*modelSession { return m.activeSessionsWithin(u, 0) }

// activeSessionsWithin is activeSessions with a leeway for clocks.
func (m *model) activeSessionsWithin(u *modelUser, leeway time.Duration) []*modelSession {
	var out []*modelSession
	birth := map[*modelSession]int{}
	for i, s := range m.sessions {
		if !s.tokens[0].flushed {
			birth[s] = i + 1
		}
		live := func(t *modelToken) bool {
			return !t.consumed && !t.flushed && m.now.Before(t.expires.Add(leeway))
		}
		if s.user == u && !m.isSessionExpired(s) && slices.ContainsFunc(s.tokens, live) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *modelSession) int {
		return cmp.Or(cmp.Compare(birth[b], birth[a]), b.started.Compare(a.started), cmp.Compare(b.id(), a.id()))
	})
	return out
}

// keepNewest is MAX_SESSIONS_PER_USER.
func (m *model) keepNewest(u *modelUser) {
	if m.limit == 0 {
		return
	}
	kept := m.activeSessionsWithin(u, m.leeway)
	kept = kept[:min(m.limit, len(kept))]
	for _, s := range m.sessions {
		for _, t := range s.tokens {
			if s.user == u && !slices.Contains(kept, s) && !m.isExpired(t) {
				m.consumeToken(t, core.ReasonLimit)
			}
		}
	}
}

// judgeRequest returns the error of a request with the access token that was issued last in the session.
func (m *model) judgeRequest(s *modelSession) error {
	user, access := s.user, s.access
	switch {
	case access.born.After(m.now.Add(m.leeway)), !m.now.Before(access.expires.Add(m.leeway)):
		return core.ErrTokenNotAllowed
	case m.checkSession && m.isInactive(s):
		return core.ErrTokenNotAllowed
	case user.deleted:
		return core.ErrUnknownUser
	case user.inactive:
		return core.ErrUserInactive
	case m.isPasswordChanged(s.latest()):
		return core.ErrPasswordChanged
	}
	return nil
}

func (s *schedule) sendRequest(t *rapid.T) {
	session := drawFrom(t, "session", s.sessions)
	want := s.judgeRequest(session)
	user, _, err := s.auth.AuthenticateToken(context.Background(), session.access.raw)
	if !matchesError(err, want) {
		t.Fatalf("a request was answered %v, want %v", err, want)
	}
	if err == nil && user.AuthID() != session.user.id {
		t.Fatalf("a request is that of the user %s, want %s", user.AuthID(), session.user.id)
	}
}

func (s *schedule) listSessions(t *rapid.T) {
	user := s.anyUser(t)
	got, err := s.auth.Sessions(context.Background(), user.id)
	requireNoError(t, err)
	type line struct {
		ID      string
		Started time.Time
	}
	var want, have []line
	for _, session := range s.activeSessions(user) {
		want = append(want, line{session.id(), session.started})
	}
	for _, session := range got {
		have = append(have, line{session.ID, session.StartedAt})
	}
	if diff := gocmp.Diff(want, have); diff != "" {
		t.Fatalf("the sessions of a user (-want +got):\n%s", diff)
	}
}

// endOneSession is called for the session's user, or for another one, who must not find it.
func (s *schedule) endOneSession(t *rapid.T) {
	session, by := s.anyToken(t).session, s.anyUser(t)
	if rapid.IntRange(0, 3).Draw(t, "by another") < 3 {
		by = session.user
	}
	mine := by == session.user && !by.deleted
	found := mine && slices.ContainsFunc(session.tokens, func(t *modelToken) bool { return !t.consumed && !t.flushed })
	if found {
		s.endSession(session, core.ReasonAdmin)
	}
	err := s.auth.RevokeSession(context.Background(), by.id, session.id(), core.ReasonAdmin)
	if found != (err == nil) || err != nil && !errors.Is(err, core.ErrSessionNotFound) {
		t.Fatalf("the end of a session that is there (%v): %v", found, err)
	}
}
