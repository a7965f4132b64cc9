package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// sessionsCases returns the cases of Sessions, of the scopes that depend on its order, and of devices.
func sessionsCases() []testCase {
	return []testCase{{
		name: "Sessions returns the latest active token of each session of a user",
		rule: "a user sees each of their sessions once, as its latest active row, and no session of another user",
		run:  sessionsReturnLatest,
	}, {
		name: "Sessions leaves out sessions that have ended",
		rule: "a session has ended if none of its tokens is active: not consumed, not expired, and before the end of the session",
		run:  sessionsLeaveOutEnded,
	}, {
		name: "Sessions returns the newest session first",
		rule: "a limit keeps the newest logins, by the insertion of the first row, not of the latest one; without that row, by the start",
		run:  sessionsNewestFirst,
	}, {
		name: "Sessions returns at most MaxSessions",
		rule: "the result is limited in memory, and the oldest sessions are left out",
		run:  sessionsAreLimited,
	}, {
		name: "Revoke ends all sessions of a user but the newest",
		rule: "a limit ends the oldest sessions; a token that expired at or before ActiveAfter does not count as a session and stays as it is",
		run:  revokeAllButNewest,
	}, {
		name: "Revoke ends a session only if it is the user's",
		rule: "a scope with session and user covers the tokens that belong to both: a user can't end another user's session by its id",
		run:  revokeSessionOfUser,
	}, {
		name: "Rotate records the device and inherits what it lacks",
		rule: "every row names the client that got the token; what a refresh does not send is inherited",
		run:  rotateRecordsDevice,
	}}
}

// wantSessions lists the sessions of a user and compares them, jti by jti.
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

// sessionsReturnLatest lists sessions of two users, one with two active tokens, one of Django's.
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

	rows := e.wantSessions("a session that has two active tokens, and one of Django's", user, django.JTI, sibling.JTI)
	e.wantEqual("the rows of Sessions", []core.OutstandingToken{django, sibling}, rows)
	e.wantSessions("another user", other, another.JTI)
	e.wantSessions("a user who has never logged in", e.newUser())
	if rows, err := e.Store.Sessions(e.ctx, "", now); err != nil || len(rows) > 0 {
		e.Errorf("Sessions of nobody: %d rows such as %q, error %v; want none", len(rows), nobodys.JTI, err)
	}
}

// sessionsLeaveOutEnded lists sessions on both sides of every way to end.
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
	e.wantSessions("only active sessions", user, ended.JTI, endless.JTI, last.JTI)
}

// sessionsNewestFirst compares the order of sessions with and without their first row.
func sessionsNewestFirst(e *env) {
	user := e.newUser()
	login := func(start time.Time, end time.Time) core.OutstandingToken {
		return e.recordLogin(func(t *core.OutstandingToken) { t.UserID, t.SessionStartedAt, t.ExpiresAt = user, start, end })
	}
	// The first rows of these two sessions will be flushed; their latest rows stay.
	younger := login(loginAt.Add(-time.Hour), flushAt)
	older := login(loginAt.Add(-2*time.Hour), flushAt)
	addLatest := func(t core.OutstandingToken) core.OutstandingToken {
		return e.recordLogin(func(latest *core.OutstandingToken) {
			latest.UserID, latest.SessionID, latest.ParentJTI, latest.SessionStartedAt = user, t.JTI, t.JTI, t.SessionStartedAt
		})
	}
	youngerLatest, olderLatest := addLatest(younger), addLatest(older)
	first, second := login(loginAt.Add(time.Hour), tokenExpiry), login(loginAt, tokenExpiry) // clocks differ: insertion order counts
	latest := e.mustRotate(e.newRotation(first.JTI))
	if _, err := e.Store.FlushExpired(e.ctx, flushAt); err != nil {
		e.Fatalf("FlushExpired: %v", err)
	}
	all := []string{second.JTI, latest.JTI, youngerLatest.JTI, olderLatest.JTI}
	e.wantSessions("in order", user, all...)
	// A limit ends sessions in the same order.
	for left := len(all) - 1; left > 0; left-- {
		e.wantRevoked(core.Scope{UserID: user, ExceptNewest: left, ActiveAfter: now}, 1)
		e.wantSessions("those that a limit leaves", user, all[:left]...)
	}
}

// sessionsAreLimited lists, and limits, more than MaxSessions sessions.
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

// revokeAllButNewest limits the sessions of a user who also has expired and logged out ones.
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
	expired := login(func(t *core.OutstandingToken) { t.ExpiresAt = now })
	last := login(plain)
	second := e.mustRotate(e.newRotation(first.JTI)) // a refresh does not make a session newer
	other := e.recordLogin()
	loggedOut := login(plain)
	e.mustBlacklist(loggedOut.JTI, core.ReasonLogout)

	newest := func(n int) core.Scope { return core.Scope{UserID: user, ExceptNewest: n, ActiveAfter: now} }
	e.wantRevoked(newest(4), 0) // the expired one does not count
	e.wantRevoked(newest(2), 2)
	e.wantBlacklisted("a surplus session", true, oldest.JTI, django.JTI)
	e.wantBlacklisted("an expired session", false, expired.JTI)
	late := newest(2)
	late.ActiveAfter = now.Add(-time.Microsecond)
	e.wantRevoked(late, 1) // with a leeway it counts as one of three
	e.wantBlacklisted("an expired session within the leeway", false, expired.JTI)
	e.wantBlacklisted("the session before it", true, second.JTI)
	e.wantBlacklisted("the newest session, or another user's", false, last.JTI, other.JTI)
	e.wantEqual("the row of a session that was logged out", consumedState(loggedOut, core.ReasonLogout), e.loadRow(loggedOut.JTI))
}

// revokeSessionOfUser revokes a session by its id for another user and for its own.
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

// rotateRecordsDevice rotates with some fields of the device empty.
func rotateRecordsDevice(e *env) {
	login := core.Device{Name: "Ada's phone 📱", IP: "2001:db8::1", UserAgent: "app/1 (ünïcode)"}
	first := e.recordLogin(func(t *core.OutstandingToken) { t.Device = login })
	e.wantEqual("the row of a login", activeState(first), e.loadRow(first.JTI))
	r := e.newRotation(first.JTI)
	r.Device = core.Device{IP: "192.0.2.7", UserAgent: "app/2"}
	second := e.mustRotate(r)
	want := core.Device{Name: login.Name, IP: "192.0.2.7", UserAgent: "app/2"}
	e.wantEqual("the device in the record that Rotate returned", want, second.Device)
	e.wantEqual("the device in the successor's row", want, e.loadRow(second.JTI).Device)
	e.wantEqual("the device in the presented row", login, e.loadRow(first.JTI).Device)
	r = e.newRotation(second.JTI)
	r.Consume, r.Device = false, core.Device{Name: "another name"}
	e.wantEqual("the device if the refresh sends a name only", core.Device{Name: "another name", IP: "192.0.2.7", UserAgent: "app/2"}, e.mustRotate(r).Device)
}
