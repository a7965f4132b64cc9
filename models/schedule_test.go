package models_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/core"
)

// Random schedules run against core.Auth over each store and against the model, and both must agree after every step.
// -rapid.checks and -rapid.steps make it run longer.
func TestSessions_RandomSchedules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t testing.TB) backend
	}{
		{"in memory", func(testing.TB) backend { return new(memoryBackend) }},
		{"on SQLite", func(t testing.TB) backend { return newTableBackend(t, newSQLiteDatabase(t)) }},
		{"on PostgreSQL", func(t testing.TB) backend { return newTableBackend(t, newPostgresDatabase(t)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.make(t)
			rapid.Check(t, func(t *rapid.T) { newSchedule(t, p).runSteps(t) })
		})
	}
}

// schedule is a run of one model beside one Auth.
type schedule struct {
	*model
	backend backend
	store   core.Store
	people  core.Users
	auth    *core.Auth
	seen    map[string]core.TokenState // the rows as they were after the last step
	reused  int                        // events
	names   int
	flushed time.Time // when the last flush was
}

func newSchedule(t *rapid.T, p backend) *schedule {
	t.Helper()
	s := &schedule{model: &model{policy: drawPolicy(t), now: now.Truncate(time.Second)}, backend: p}
	requireNoError(t, p.deleteAll(context.Background()))
	s.store, s.people = p.storeAndUsers()
	var ids atomic.Int64
	auth, err := core.New(s.toSettings(), core.Deps{
		Store: s.store, Users: s.people, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now:   func() time.Time { return s.now },
		NewID: func() string { return fmt.Sprintf("id-%04d", ids.Add(1)) },
		OnEvent: func(_ context.Context, e core.Event) {
			if e.Type == core.EventReuse {
				s.reused++
			}
		},
	})
	requireNoError(t, err)
	s.auth = auth
	s.addUser(t)
	s.addUser(t)
	return s
}

func drawPolicy(t *rapid.T) policy {
	t.Helper()
	// Most schedules rotate and blacklist.
	kind := rapid.SampledFrom([]string{"both", "both", "both", "both", "rotate", "blacklist", "neither"}).Draw(t, "rotation")
	p := policy{
		rotate: kind == "both" || kind == "rotate", consume: kind == "both" || kind == "blacklist",
		checkPassword:   rapid.Bool().Draw(t, "CHECK_REVOKE_TOKEN"),
		sessionLifetime: rapid.SampledFrom([]time.Duration{0, 0, 95 * time.Minute, 40 * time.Second}).Draw(t, "SESSION_LIFETIME"),
		limit:           rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "MAX_SESSIONS_PER_USER"),
		checkSession:    rapid.Bool().Draw(t, "CHECK_SESSION"),
		leeway:          rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "LEEWAY"),
	}
	if kind == "both" {
		p.grace = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "ROTATION_GRACE_PERIOD")
		p.detectReuse = rapid.Bool().Draw(t, "REUSE_DETECTION")
	}
	return p
}

// runSteps takes random steps: those with a greater weight more often, and the first ones too, as rapid favours what sorts
// first.
func (s *schedule) runSteps(t *rapid.T) {
	t.Helper()
	s.logIn(t)
	actions := map[string]func(*rapid.T){"": s.checkRecords}
	for _, a := range []struct {
		weight int
		name   string
		do     func(*rapid.T)
	}{
		{8, "refresh", s.refreshOne},
		{4, "refresh, and lose the reply", s.loseReply},
		{4, "wait", s.advanceClock},
		{3, "log in", s.logIn},
		{2, "log out", s.logOut},
		{1, "verify", s.verifyOne},
		{3, "send a request", s.sendRequest},
		{1, "list sessions", s.listSessions},
		{1, "set the clock back", s.setClockBack},
		{2, "flush", s.flushExpired},
		{1, "end a session", s.endOneSession},
		{1, "end the other sessions", s.endOtherSessions},
		{1, "end all sessions", s.endAllSessions},
		{1, "change the password in a session", s.changePasswordInASession},
		{1, "change the password", s.changePassword},
		{1, "change the password without PasswordChanged", s.changePasswordSilently},
		{1, "switch a user off or on", s.switchUser},
		{1, "delete a user", s.deleteUser},
		{1, "wait long", s.advanceClockFar},
	} {
		for range a.weight {
			actions[fmt.Sprintf("%02d %s", len(actions), a.name)] = a.do
		}
	}
	t.Repeat(actions)
	s.checkNothingElseIsStored(t)
}

func (s *schedule) logIn(t *rapid.T) {
	user := s.anyUser(t)
	loaded, err := s.people.ByField(context.Background(), "id", user.id)
	requireNoError(t, err)
	pair, err := s.auth.Login(context.Background(), loaded)
	if user.inactive {
		s.wantAnswer(t, verdict{err: core.ErrNoActiveAccount}, pair, err)
		return
	}
	s.wantAnswer(t, verdict{fresh: true}, pair, err)
	born := s.startSession(user, s.decodeToken(t, pair.Refresh).JTI())
	born.raw, born.known = pair.Refresh, true
	s.keepNewest(user)
	s.wantPair(t, pair, born)
}

func (s *schedule) refreshOne(t *rapid.T) { s.presentToken(t, true) }

// loseReply is a refresh whose answer the client does not receive.
func (s *schedule) loseReply(t *rapid.T) { s.presentToken(t, false) }

func (s *schedule) presentToken(t *rapid.T, learns bool) {
	t.Helper()
	if !slices.ContainsFunc(s.sessions, func(other *modelSession) bool { return !s.isInactive(other) }) {
		s.logIn(t) // or most of the schedule would be about inactive sessions
	}
	token := s.anyToken(t)
	want := s.model.judgeRefresh(token)
	pair, _, err := s.auth.Refresh(context.Background(), token.raw)
	s.wantAnswer(t, want, pair, err)
	if err != nil {
		return
	}
	answered := want.again
	if want.fresh {
		answered = s.rotateToken(token, s.decodeToken(t, pair.Refresh).JTI())
		answered.raw = pair.Refresh
	}
	if answered == nil { // without rotation
		s.wantAccess(t, pair.Access, token.session)
		return
	}
	answered.known = answered.known || learns
	s.wantPair(t, pair, answered)
}

func (s *schedule) logOut(t *rapid.T) {
	token := s.anyToken(t)
	s.wantAnswer(t, s.judgeLogout(token), core.Pair{}, s.auth.Blacklist(context.Background(), token.raw))
}

func (s *schedule) verifyOne(t *rapid.T) {
	token := s.anyToken(t)
	_, err := s.auth.Verify(context.Background(), token.raw)
	s.wantAnswer(t, s.judgeVerify(token), core.Pair{}, err)
}

func (s *schedule) endAllSessions(t *rapid.T) {
	user := s.anyUser(t)
	s.endUser(user, nil, core.ReasonAdmin)
	requireNoError(t, revokeUser(s.auth, user.id))
}

func (s *schedule) endOtherSessions(t *rapid.T) {
	keep := s.sessionOfSomebody(t)
	s.endUser(keep.user, keep, core.ReasonAdmin)
	requireNoError(t, revokeOtherSessions(s.auth, keep.user.id, keep.id()))
}

func (s *schedule) changePassword(t *rapid.T) { s.newPassword(t, s.anyUser(t), nil) }

func (s *schedule) changePasswordInASession(t *rapid.T) {
	session := s.sessionOfSomebody(t)
	s.newPassword(t, session.user, session)
}

func (s *schedule) newPassword(t *rapid.T, user *modelUser, keep *modelSession) {
	t.Helper()
	s.storePassword(t, user)
	s.endUser(user, keep, core.ReasonPassword)
	loaded, err := s.people.ByField(context.Background(), "id", user.id)
	requireNoError(t, err)
	asking, renewed := "", false
	if keep != nil {
		asking, renewed = keep.id(), !user.inactive && !keep.latest().flushed && !s.isInactive(keep)
	}
	pair, err := s.auth.PasswordChanged(context.Background(), loaded, asking)
	requireNoError(t, err)
	if !renewed {
		s.endUser(user, nil, core.ReasonPassword)
		if pair != (core.Pair{}) {
			t.Fatalf("a session that has ended was renewed")
		}
		return
	}
	s.endSession(keep, core.ReasonRenewed)
	next := s.renewSession(keep, s.decodeToken(t, pair.Refresh).JTI())
	next.raw, next.known = pair.Refresh, true
	s.wantPair(t, pair, next)
}

// changePasswordSilently is a program that stores a password and does not call PasswordChanged.
func (s *schedule) changePasswordSilently(t *rapid.T) { s.storePassword(t, s.anyUser(t)) }

func (s *schedule) storePassword(t *rapid.T, user *modelUser) {
	t.Helper()
	user.password = s.newName("password")
	requireNoError(t, s.backend.setPassword(context.Background(), user.id, user.password))
}

func (s *schedule) switchUser(t *rapid.T) {
	user := s.anyUser(t)
	user.inactive = !user.inactive
	requireNoError(t, s.backend.setInactive(context.Background(), user.id, user.inactive))
}

func (s *schedule) deleteUser(t *rapid.T) {
	if len(s.users) > 5 {
		t.Skip("enough users were deleted")
	}
	user := s.anyUser(t)
	user.deleted = true
	requireNoError(t, s.backend.deleteUser(context.Background(), user.id))
	s.addUser(t)
}

func (s *schedule) addUser(t *rapid.T) {
	t.Helper()
	name, password := s.newName("user"), s.newName("password")
	id, err := s.backend.addUser(context.Background(), name, password)
	requireNoError(t, err)
	s.users = append(s.users, &modelUser{id: id, password: password})
}

func (s *schedule) newName(kind string) string {
	s.names++
	return fmt.Sprintf("%s-%d", kind, s.names)
}

func (s *schedule) advanceClock(t *rapid.T) {
	s.now = s.now.Add(rapid.SampledFrom([]time.Duration{
		s.clockStep(), 3 * time.Second, 10*time.Second - s.clockStep(), 10 * time.Second, 10*time.Second + s.clockStep(), 30 * time.Second,
	}).Draw(t, "for"))
}

// clockStep is the smallest step of the clock. An end of a session may be within a second, the exp of its last token is not:
// schedules with both would be about rounding.
func (s *schedule) clockStep() time.Duration {
	if s.sessionLifetime > 0 {
		return time.Second
	}
	return 250 * time.Millisecond
}

func (s *schedule) advanceClockFar(t *rapid.T) {
	s.now = s.now.Add(rapid.SampledFrom([]time.Duration{
		time.Minute, 35 * time.Minute, 59 * time.Minute, time.Hour, time.Hour + 30*time.Second, 30 * time.Hour,
	}).Draw(t, "for"))
}

// setClockBack sets the clock back, but not to before a flush by more than the flush waits: nothing would be known
// of a token whose record is gone and that is valid again.
func (s *schedule) setClockBack(t *rapid.T) {
	to := s.now.Add(-rapid.SampledFrom([]time.Duration{
		s.clockStep(), 10 * time.Second, 31 * time.Second, 4 * time.Minute,
	}).Draw(t, "by"))
	if to.Before(s.flushed.Add(-5 * time.Minute)) {
		t.Skip("a flush has deleted the records of that time")
	}
	s.now = to
}

func (s *schedule) flushExpired(t *rapid.T) {
	before := s.storedTokens()
	if len(before) > 0 && rapid.IntRange(0, 3).Draw(t, "at the last moment of a record") == 3 {
		if last := s.admittedUntil(drawFrom(t, "record", before)).Add(-s.clockStep()); last.After(s.now) {
			s.now = last
		}
	}
	n, err := s.auth.FlushExpired(context.Background())
	requireNoError(t, err)
	s.flushed = s.now
	left := s.readRows(t)
	for _, token := range before {
		_, here := left[token.jti]
		token.flushed = !here
		admitted := s.admittedUntil(token)
		if !here && s.now.Before(admitted) {
			t.Fatalf("the flush deleted %s, which is admitted until %v", token.jti, admitted)
		}
		if here && s.now.After(admitted.Add(2*time.Hour)) {
			t.Fatalf("the flush left %s, which was admitted until %v", token.jti, admitted)
		}
	}
	if gone := len(before) - len(s.storedTokens()); n != gone {
		t.Fatalf("the flush reports %d deleted records, it was %d", n, gone)
	}
}

// admittedUntil is until when a flush has to keep the record of a token.
func (s *schedule) admittedUntil(token *modelToken) time.Time {
	return token.expires.Add(s.leeway + s.grace + s.auth.Settings().SlidingTokenLifetime)
}

// anyToken draws a token that a client has or had: mostly one of an active session.
func (s *schedule) anyToken(t *rapid.T) *modelToken {
	t.Helper()
	which := rapid.SampledFrom([]string{"live", "live", "rotated", "rotated", "any"}).Draw(t, "token, which")
	var known, wanted []*modelToken
	for _, session := range s.sessions {
		for _, token := range session.tokens {
			if !token.known {
				continue
			}
			known = append(known, token)
			if !s.isInactive(session) && (which == "live") != token.consumed {
				wanted = append(wanted, token)
			}
		}
	}
	if which == "any" || len(wanted) == 0 {
		wanted = known
	}
	return drawFrom(t, "token", wanted)
}

func (s *schedule) anyUser(t *rapid.T) *modelUser {
	t.Helper()
	return drawFrom(t, "user", slices.DeleteFunc(slices.Clone(s.users), func(u *modelUser) bool { return u.deleted }))
}

// sessionOfSomebody draws a session whose user is not deleted.
func (s *schedule) sessionOfSomebody(t *rapid.T) *modelSession {
	t.Helper()
	left := slices.DeleteFunc(slices.Clone(s.sessions), func(s *modelSession) bool { return s.user.deleted })
	if len(left) == 0 {
		t.Skip("all users who logged in are deleted")
	}
	return drawFrom(t, "session", left)
}

// drawFrom takes one of a list, the last ones more often than the first ones.
func drawFrom[T any](t *rapid.T, label string, list []T) T {
	t.Helper()
	return list[len(list)-1-rapid.IntRange(0, len(list)-1).Draw(t, label+", from the youngest")]
}
