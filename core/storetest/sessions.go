package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

func sessionsCases() []testCase {
	return []testCase{{
		name: "Sessions answers the newest live token of each session of a user",
		rule: "a user sees each of his sessions once, as its newest live row tells of it, and nobody else's",
		run:  sessionsOfAUser,
	}, {
		name: "Sessions leaves out what is over",
		rule: "a session without a token that is live, not ended by now and within its session's end is no session any more",
		run:  sessionsThatAreOver,
	}, {
		name: "Sessions puts the session that began last first",
		rule: "a limit keeps the newest logins: by the birth of the first row, not of the head; without that row by the start",
		run:  sessionsInOrder,
	}, {
		name: "Sessions answers at most MaxSessions",
		rule: "an answer is bounded in memory, and what is left out are the oldest",
		run:  sessionsAreBounded,
	}, {
		name: "Revoke ends all sessions of a user but the newest",
		rule: "a limit ends the sessions that began first; what ended at or before AliveAfter is no session: it does not count and stays as it is",
		run:  revokeAllButNewest,
	}, {
		name: "Revoke ends a session of a user only",
		rule: "a scope with session and user covers the tokens that are of both: nobody ends another's session by its id",
		run:  revokeSessionOfUser,
	}, {
		name: "a successor is told of its device and inherits the rest",
		rule: "every row names the client that made it; what a refresh does not tell stays as the session has it",
		run:  devicesAreKept,
	}}
}

// list asks for the sessions of a user and compares them, jti by jti.
func (e *env) list(what, userID string, want ...string) []core.OutstandingToken {
	e.Helper()
	rows, err := e.Store.Sessions(e.ctx, userID, now)
	if err != nil {
		e.Fatalf("Sessions: %v", err)
	}
	got := []string{}
	for _, row := range rows {
		got = append(got, row.JTI)
	}
	e.same("Sessions: "+what, append([]string{}, want...), got)
	return rows
}

func sessionsOfAUser(e *env) {
	user, other := e.newUser(), e.newUser()
	of := func(id string) func(*core.OutstandingToken) {
		return func(t *core.OutstandingToken) { t.UserID = id }
	}
	first, another := e.login(of(user)), e.login(of(other))
	second := e.rotate(e.rotation(first.JTI))
	r := e.rotation(second.JTI)
	r.Consume = false
	sibling := e.rotate(r)
	django := core.OutstandingToken{JTI: e.newID(), UserID: user, CreatedAt: loginAt, ExpiresAt: tokenTo}
	e.outstand(django)
	nobodys := e.login(of(""))

	rows := e.list("a session that has two live tokens, and one of Django's", user, django.JTI, sibling.JTI)
	e.same("the rows of Sessions", []core.OutstandingToken{django, sibling}, rows)
	e.list("another user", other, another.JTI)
	e.list("a user who never logged in", e.newUser())
	if rows, err := e.Store.Sessions(e.ctx, "", now); err != nil || len(rows) > 0 {
		e.Errorf("Sessions of nobody: %d rows such as %q, error %v; want none", len(rows), nobodys.JTI, err)
	}
}

func sessionsThatAreOver(e *env) {
	user := e.newUser()
	login := func(edit func(*core.OutstandingToken)) core.OutstandingToken {
		return e.login(func(t *core.OutstandingToken) { t.UserID = user; edit(t) })
	}
	e.blacklist(login(func(*core.OutstandingToken) {}).JTI, core.ReasonLogout)
	login(func(t *core.OutstandingToken) { t.ExpiresAt = now })
	login(func(t *core.OutstandingToken) { t.SessionExpiresAt = now })
	last := login(func(t *core.OutstandingToken) { t.ExpiresAt = now.Add(time.Microsecond) })
	endless := login(func(t *core.OutstandingToken) { t.SessionExpiresAt = time.Time{} })
	ended := login(func(t *core.OutstandingToken) { t.SessionExpiresAt = now.Add(time.Microsecond) })
	e.list("only what goes on", user, ended.JTI, endless.JTI, last.JTI)
}

func sessionsInOrder(e *env) {
	user := e.newUser()
	login := func(start time.Time, end time.Time) core.OutstandingToken {
		return e.login(func(t *core.OutstandingToken) { t.UserID, t.SessionStartedAt, t.ExpiresAt = user, start, end })
	}
	// The first rows of these two sessions will be flushed; their heads stay.
	younger := login(loginAt.Add(-time.Hour), flushAt)
	older := login(loginAt.Add(-2*time.Hour), flushAt)
	revive := func(t core.OutstandingToken) core.OutstandingToken {
		return e.login(func(head *core.OutstandingToken) {
			head.UserID, head.SessionID, head.ParentJTI, head.SessionStartedAt = user, t.JTI, t.JTI, t.SessionStartedAt
		})
	}
	youngerHead, olderHead := revive(younger), revive(older)
	first, second := login(loginAt.Add(time.Hour), tokenTo), login(loginAt, tokenTo) // clocks differ: the order of birth counts
	head := e.rotate(e.rotation(first.JTI))
	if _, err := e.Store.FlushExpired(e.ctx, flushAt); err != nil {
		e.Fatalf("FlushExpired: %v", err)
	}
	all := []string{second.JTI, head.JTI, youngerHead.JTI, olderHead.JTI}
	e.list("in order", user, all...)
	// The same order decides what a limit ends.
	for left := len(all) - 1; left > 0; left-- {
		e.revoke(core.Scope{UserID: user, ExceptNewest: left, ActiveAfter: now}, 1)
		e.list("those that a limit leaves", user, all[:left]...)
	}
}

func sessionsAreBounded(e *env) {
	user := e.newUser()
	var newestFirst []string
	for range core.MaxSessions + 2 {
		t := e.login(func(t *core.OutstandingToken) { t.UserID = user })
		newestFirst = append([]string{t.JTI}, newestFirst...)
	}
	e.list("the newest", user, newestFirst[:core.MaxSessions]...)
	e.revoke(core.Scope{UserID: user, ExceptNewest: core.MaxSessions + 5, ActiveAfter: now}, 0)
	e.revoke(core.Scope{UserID: user, ExceptNewest: 2, ActiveAfter: now}, core.MaxSessions)
	e.list("what a limit leaves of many", user, newestFirst[:2]...)
}

func revokeAllButNewest(e *env) {
	user := e.newUser()
	login := func(edit func(*core.OutstandingToken)) core.OutstandingToken {
		return e.login(func(t *core.OutstandingToken) { t.UserID = user; edit(t) })
	}
	plain := func(*core.OutstandingToken) {}
	oldest := login(plain)
	django := core.OutstandingToken{JTI: e.newID(), UserID: user, CreatedAt: loginAt, ExpiresAt: tokenTo}
	e.outstand(django)
	first := login(plain)
	over := login(func(t *core.OutstandingToken) { t.ExpiresAt = now })
	last := login(plain)
	second := e.rotate(e.rotation(first.JTI)) // a refresh makes no session newer
	other := e.login()
	loggedOut := login(plain)
	e.blacklist(loggedOut.JTI, core.ReasonLogout)

	newest := func(n int) core.Scope { return core.Scope{UserID: user, ExceptNewest: n, ActiveAfter: now} }
	e.revoke(newest(4), 0) // the one that is over does not count
	e.revoke(newest(2), 2)
	e.wantBlacklisted("a surplus session", true, oldest.JTI, django.JTI)
	e.wantBlacklisted("a session that is over", false, over.JTI)
	late := newest(2)
	late.ActiveAfter = now.Add(-time.Microsecond)
	e.revoke(late, 1) // by a clock that grants it a little more it is one of three
	e.wantBlacklisted("a session that is over, within a leeway", false, over.JTI)
	e.wantBlacklisted("the session that began before it", true, second.JTI)
	e.wantBlacklisted("the newest session, or another user's", false, last.JTI, other.JTI)
	e.same("the row of a session that was logged out", consumed(loggedOut, core.ReasonLogout), e.row(loggedOut.JTI))
}

func revokeSessionOfUser(e *env) {
	first, other := e.login(), e.newUser()
	second := e.rotate(e.rotation(first.JTI))
	django := e.django()
	e.revoke(core.Scope{SessionID: first.SessionID, UserID: other}, 0)
	e.revoke(core.Scope{SessionID: django.JTI, UserID: other}, 0)
	e.wantBlacklisted("a token of a session that another user named", false, second.JTI, django.JTI)
	e.revoke(core.Scope{SessionID: first.SessionID, UserID: e.userID}, 1)
	e.revoke(core.Scope{SessionID: django.JTI, UserID: e.userID}, 1)
	e.wantBlacklisted("a token of a session that its user named", true, second.JTI, django.JTI)
}

func devicesAreKept(e *env) {
	login := core.Device{Name: "Ada's phone 📱", IP: "2001:db8::1", UserAgent: "app/1 (ünïcode)"}
	first := e.login(func(t *core.OutstandingToken) { t.Device = login })
	e.same("the row of a login", live(first), e.row(first.JTI))
	r := e.rotation(first.JTI)
	r.Device = core.Device{IP: "192.0.2.7", UserAgent: "app/2"}
	second := e.rotate(r)
	want := core.Device{Name: login.Name, IP: "192.0.2.7", UserAgent: "app/2"}
	e.same("the device in the answer of Rotate", want, second.Device)
	e.same("the device in the successor's row", want, e.row(second.JTI).Device)
	e.same("the device in the presented row", login, e.row(first.JTI).Device)
	r = e.rotation(second.JTI)
	r.Consume, r.Device = false, core.Device{Name: "another name"}
	e.same("the device where the refresh tells a name only", core.Device{Name: "another name", IP: "192.0.2.7", UserAgent: "app/2"}, e.rotate(r).Device)
}
