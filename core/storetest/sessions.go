package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func sessionsCases() []testCase {
	return []testCase{{
		name: "Sessions returns the latest active token of each session of a user",
		rule: "a user sees each of his sessions once, as its newest live row tells of it, and nobody else's",
		run:  sessionsReturnLatest,
	}, {
		name: "Sessions leaves out sessions that have ended",
		rule: "a session without a token that is live, not ended by now and within its session's end is no session any more",
		run:  sessionsLeaveOutEnded,
	}, {
		name: "Sessions returns the newest session first",
		rule: "a limit keeps the newest logins: by the birth of the first row, not of the head; without that row by the start",
		run:  sessionsNewestFirst,
	}, {
		name: "Sessions returns at most MaxSessions",
		rule: "an answer is bounded in memory, and what is left out are the oldest",
		run:  sessionsAreLimited,
	}, {
		name: "Revoke ends all sessions of a user but the newest",
		rule: "a limit ends the sessions that began first; what ended at or before AliveAfter is no session: it does not count and stays as it is",
		run:  revokeAllButNewest,
	}, {
		name: "Revoke ends a session only if it is the user's",
		rule: "a scope with session and user covers the tokens that are of both: nobody ends another's session by its id",
		run:  revokeSessionOfUser,
	}, {
		name: "Rotate records the device and inherits what it lacks",
		rule: "every row names the client that made it; what a refresh does not tell stays as the session has it",
		run:  rotateRecordsDevice,
	}}
}

// list asks for the sessions of a user and compares them, jti by jti.
func (e *env) wantSessions(what, userID string, want ...string) []core.OutstandingToken {
	e.Helper()
	rows, err := e.Store.Sessions(e.ctx, userID, now)
	if err != nil {
		e.Fatalf("Sessions: %v", err)
	}
	got := []string{}
	for _, row := range rows {
		got = append(got, row.JTI)
	}
	e.wantEqual("Sessions: "+what, append([]string{}, want...), got)
	return rows
}

func sessionsReturnLatest(e *env) {
	user, other := e.newUser(), e.newUser()
	of := func(id string) func(*core.OutstandingToken) {
		return func(t *core.OutstandingToken) { t.UserID = id }
	}
	first, another := e.recordLogin(of(user)), e.recordLogin(of(other))
	second := e.mustRotate(e.newRotation(first.JTI))
	r := e.newRotation(second.JTI)
	r.Consume = false
	sibling := e.mustRotate(r)
	django := core.OutstandingToken{JTI: e.newID(), UserID: user, CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	e.recordToken(django)
	nobodys := e.recordLogin(of(""))

	rows := e.wantSessions("a session that has two live tokens, and one of Django's", user, django.JTI, sibling.JTI)
	e.wantEqual("the rows of Sessions", []core.OutstandingToken{django, sibling}, rows)
	e.wantSessions("another user", other, another.JTI)
	e.wantSessions("a user who never logged in", e.newUser())
	if rows, err := e.Store.Sessions(e.ctx, "", now); err != nil || len(rows) > 0 {
		e.Errorf("Sessions of nobody: %d rows such as %q, error %v; want none", len(rows), nobodys.JTI, err)
	}
}

func sessionsLeaveOutEnded(e *env) {
	user := e.newUser()
	login := func(edit func(*core.OutstandingToken)) core.OutstandingToken {
		return e.recordLogin(func(t *core.OutstandingToken) { t.UserID = user; edit(t) })
	}
	e.mustBlacklist(login(func(*core.OutstandingToken) {}).JTI, core.ReasonLogout)
	login(func(t *core.OutstandingToken) { t.ExpiresAt = now })
	login(func(t *core.OutstandingToken) { t.SessionExpiresAt = now })
	last := login(func(t *core.OutstandingToken) { t.ExpiresAt = now.Add(time.Microsecond) })
	endless := login(func(t *core.OutstandingToken) { t.SessionExpiresAt = time.Time{} })
	ended := login(func(t *core.OutstandingToken) { t.SessionExpiresAt = now.Add(time.Microsecond) })
	e.wantSessions("only what goes on", user, ended.JTI, endless.JTI, last.JTI)
}

func sessionsNewestFirst(e *env) {
	user := e.newUser()
	login := func(start time.Time, end time.Time) core.OutstandingToken {
		return e.recordLogin(func(t *core.OutstandingToken) { t.UserID, t.SessionStartedAt, t.ExpiresAt = user, start, end })
	}
	// The first rows of these two sessions will be flushed; their heads stay.
	younger := login(loginAt.Add(-time.Hour), flushAt)
	older := login(loginAt.Add(-2*time.Hour), flushAt)
	revive := func(t core.OutstandingToken) core.OutstandingToken {
		return e.recordLogin(func(head *core.OutstandingToken) {
			head.UserID, head.SessionID, head.ParentJTI, head.SessionStartedAt = user, t.JTI, t.JTI, t.SessionStartedAt
		})
	}
	youngerHead, olderHead := revive(younger), revive(older)
	first, second := login(loginAt.Add(time.Hour), tokenExpiry), login(loginAt, tokenExpiry) // clocks differ: the order of birth counts
	head := e.mustRotate(e.newRotation(first.JTI))
	if _, err := e.Store.FlushExpired(e.ctx, flushAt); err != nil {
		e.Fatalf("FlushExpired: %v", err)
	}
	all := []string{second.JTI, head.JTI, youngerHead.JTI, olderHead.JTI}
	e.wantSessions("in order", user, all...)
	// The same order decides what a limit ends.
	for left := len(all) - 1; left > 0; left-- {
		e.wantRevoked(core.Scope{UserID: user, ExceptNewest: left, ActiveAfter: now}, 1)
		e.wantSessions("those that a limit leaves", user, all[:left]...)
	}
}

func sessionsAreLimited(e *env) {
	user := e.newUser()
	var newestFirst []string
	for range core.MaxSessions + 2 {
		t := e.recordLogin(func(t *core.OutstandingToken) { t.UserID = user })
		newestFirst = append([]string{t.JTI}, newestFirst...)
	}
	e.wantSessions("the newest", user, newestFirst[:core.MaxSessions]...)
	e.wantRevoked(core.Scope{UserID: user, ExceptNewest: core.MaxSessions + 5, ActiveAfter: now}, 0)
	e.wantRevoked(core.Scope{UserID: user, ExceptNewest: 2, ActiveAfter: now}, core.MaxSessions)
	e.wantSessions("what a limit leaves of many", user, newestFirst[:2]...)
}

func revokeAllButNewest(e *env) {
	user := e.newUser()
	login := func(edit func(*core.OutstandingToken)) core.OutstandingToken {
		return e.recordLogin(func(t *core.OutstandingToken) { t.UserID = user; edit(t) })
	}
	plain := func(*core.OutstandingToken) {}
	oldest := login(plain)
	django := core.OutstandingToken{JTI: e.newID(), UserID: user, CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	e.recordToken(django)
	first := login(plain)
	over := login(func(t *core.OutstandingToken) { t.ExpiresAt = now })
	last := login(plain)
	second := e.mustRotate(e.newRotation(first.JTI)) // a refresh makes no session newer
	other := e.recordLogin()
	loggedOut := login(plain)
	e.mustBlacklist(loggedOut.JTI, core.ReasonLogout)

	newest := func(n int) core.Scope { return core.Scope{UserID: user, ExceptNewest: n, ActiveAfter: now} }
	e.wantRevoked(newest(4), 0) // the one that is over does not count
	e.wantRevoked(newest(2), 2)
	e.wantBlacklisted("a surplus session", true, oldest.JTI, django.JTI)
	e.wantBlacklisted("a session that is over", false, over.JTI)
	late := newest(2)
	late.ActiveAfter = now.Add(-time.Microsecond)
	e.wantRevoked(late, 1) // by a clock that grants it a little more it is one of three
	e.wantBlacklisted("a session that is over, within a leeway", false, over.JTI)
	e.wantBlacklisted("the session that began before it", true, second.JTI)
	e.wantBlacklisted("the newest session, or another user's", false, last.JTI, other.JTI)
	e.wantEqual("the row of a session that was logged out", consumedState(loggedOut, core.ReasonLogout), e.loadRow(loggedOut.JTI))
}

func revokeSessionOfUser(e *env) {
	first, other := e.recordLogin(), e.newUser()
	second := e.mustRotate(e.newRotation(first.JTI))
	django := e.recordDjangoToken()
	e.wantRevoked(core.Scope{SessionID: first.SessionID, UserID: other}, 0)
	e.wantRevoked(core.Scope{SessionID: django.JTI, UserID: other}, 0)
	e.wantBlacklisted("a token of a session that another user named", false, second.JTI, django.JTI)
	e.wantRevoked(core.Scope{SessionID: first.SessionID, UserID: e.userID}, 1)
	e.wantRevoked(core.Scope{SessionID: django.JTI, UserID: e.userID}, 1)
	e.wantBlacklisted("a token of a session that its user named", true, second.JTI, django.JTI)
}

func rotateRecordsDevice(e *env) {
	login := core.Device{Name: "Ada's phone 📱", IP: "2001:db8::1", UserAgent: "app/1 (ünïcode)"}
	first := e.recordLogin(func(t *core.OutstandingToken) { t.Device = login })
	e.wantEqual("the row of a login", activeState(first), e.loadRow(first.JTI))
	r := e.newRotation(first.JTI)
	r.Device = core.Device{IP: "192.0.2.7", UserAgent: "app/2"}
	second := e.mustRotate(r)
	want := core.Device{Name: login.Name, IP: "192.0.2.7", UserAgent: "app/2"}
	e.wantEqual("the device in the answer of Rotate", want, second.Device)
	e.wantEqual("the device in the successor's row", want, e.loadRow(second.JTI).Device)
	e.wantEqual("the device in the presented row", login, e.loadRow(first.JTI).Device)
	r = e.newRotation(second.JTI)
	r.Consume, r.Device = false, core.Device{Name: "another name"}
	e.wantEqual("the device where the refresh tells a name only", core.Device{Name: "another name", IP: "192.0.2.7", UserAgent: "app/2"}, e.mustRotate(r).Device)
}
