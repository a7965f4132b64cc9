package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// manyRows is more than the batches that stores delete in, and no multiple of them.
const manyRows = 2503

func flushCases() []testCase {
	return []testCase{{
		name: "FlushExpired deletes what ended at or before the time",
		rule: "records that ended at or before the time go and are counted; a live one, or one within the leeway, must stay",
		run:  flushBoundary,
	}, {
		name: "FlushExpired deletes the blacklist rows of what it deletes, and no others",
		rule: "a blacklist row goes with its record; a consumed token that has not ended stays consumed",
		run:  flushBlacklist,
	}, {
		name: "FlushExpired leaves the younger rows of a session",
		rule: "a session outlives its first row: its head is found by the sid, and it can be revoked",
		run:  flushSession,
	}, {
		name: "FlushExpired deletes more than a batch",
		rule: "one call deletes all there is, however many batches that takes, and counts all of them",
		run:  flushMany,
	}}
}

// flush deletes what ended before the suite's other rows and checks the count; below zero does not check.
func (e *env) flush(want int) {
	e.Helper()
	got, err := e.Store.FlushExpired(e.ctx, flushAt)
	if err != nil {
		e.Fatalf("FlushExpired: %v", err)
	}
	if want >= 0 && got != want {
		e.Errorf("FlushExpired deleted %d records, want %d", got, want)
	}
}

// ending records a token that ends after a time that is counted from the flush's.
func (e *env) ending(after time.Duration) core.OutstandingToken {
	e.Helper()
	return e.login(func(t *core.OutstandingToken) {
		t.CreatedAt, t.ExpiresAt = flushAt.Add(-24*time.Hour), flushAt.Add(after)
	})
}

func flushBoundary(e *env) {
	e.flush(-1)
	before, at, after := e.ending(-time.Microsecond), e.ending(0), e.ending(time.Microsecond)
	e.flush(2)
	for _, t := range []core.OutstandingToken{before, at} {
		if e.state(t.JTI, "").Presented != nil {
			e.Errorf("the record that ended %v before the time is still there", flushAt.Sub(t.ExpiresAt))
		}
	}
	e.same("the row that ends after the time", live(after), e.row(after.JTI))
	e.flush(0)
}

func flushBlacklist(e *env) {
	e.flush(-1)
	ended, stays := e.ending(-time.Hour), e.ending(time.Hour)
	e.blacklist(ended.JTI, core.ReasonLogout)
	e.blacklist(stays.JTI, core.ReasonLogout)
	e.flush(1)
	e.wantBlacklisted("a deleted token", false, ended.JTI)
	e.same("the row of a consumed token that has not ended", consumed(stays, core.ReasonLogout), e.row(stays.JTI))
	e.refuse("a deleted token", e.rotation(ended.JTI))

	e.outstand(ended)
	e.same("a deleted jti that is recorded again", live(ended), e.row(ended.JTI))
	e.flush(1)
}

func flushSession(e *env) {
	e.flush(-1)
	first := e.ending(-time.Hour)
	r := e.rotation(first.JTI)
	r.ActiveAfter = flushAt.Add(-2 * time.Hour)
	second := e.rotate(r)
	e.flush(1)
	e.same("the state of a deleted token", core.SessionState{Latest: new(live(second))}, e.state(first.JTI, first.SessionID))
	e.wantHead("a session without its first row", second.JTI, "", second.JTI)
	e.revoke(core.Scope{UserID: e.userID}, 1)
	e.revoke(core.Scope{SessionID: first.SessionID}, 0)
}

func flushMany(e *env) {
	e.flush(-1)
	var all []core.OutstandingToken
	for i := range manyRows {
		all = append(all, e.ending(-time.Duration(i)*time.Second))
	}
	for i := 0; i < manyRows; i += 100 {
		e.blacklist(all[i].JTI, core.ReasonRotated)
	}
	stays := e.ending(time.Second)
	e.flush(manyRows)
	for i := 0; i < manyRows; i += 100 {
		if e.state(all[i].JTI, "").Presented != nil {
			e.Errorf("record %d of %d is still there", i, manyRows)
		}
	}
	e.same("the row that ends after the time", live(stays), e.row(stays.JTI))
}
