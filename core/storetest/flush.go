package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// manyRows is more than the batches that stores delete in, and no multiple of them.
const manyRows = 2503

func flushCases() []testCase {
	return []testCase{{
		name: "FlushExpired deletes what expired at or before the time",
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
func (e *env) wantFlushed(want int) {
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
func (e *env) recordExpiring(after time.Duration) core.OutstandingToken {
	e.Helper()
	return e.recordLogin(func(t *core.OutstandingToken) {
		t.CreatedAt, t.ExpiresAt = flushAt.Add(-24*time.Hour), flushAt.Add(after)
	})
}

func flushBoundary(e *env) {
	e.wantFlushed(-1)
	before, at, after := e.recordExpiring(-time.Microsecond), e.recordExpiring(0), e.recordExpiring(time.Microsecond)
	e.wantFlushed(2)
	for _, t := range []core.OutstandingToken{before, at} {
		if e.loadState(t.JTI, "").Presented != nil {
			e.Errorf("the record that ended %v before the time is still there", flushAt.Sub(t.ExpiresAt))
		}
	}
	e.wantEqual("the row that ends after the time", activeState(after), e.loadRow(after.JTI))
	e.wantFlushed(0)
}

func flushBlacklist(e *env) {
	e.wantFlushed(-1)
	ended, stays := e.recordExpiring(-time.Hour), e.recordExpiring(time.Hour)
	e.mustBlacklist(ended.JTI, core.ReasonLogout)
	e.mustBlacklist(stays.JTI, core.ReasonLogout)
	e.wantFlushed(1)
	e.wantBlacklisted("a deleted token", false, ended.JTI)
	e.wantEqual("the row of a consumed token that has not ended", consumedState(stays, core.ReasonLogout), e.loadRow(stays.JTI))
	e.wantNotRotated("a deleted token", e.newRotation(ended.JTI))

	e.recordToken(ended)
	e.wantEqual("a deleted jti that is recorded again", activeState(ended), e.loadRow(ended.JTI))
	e.wantFlushed(1)
}

func flushSession(e *env) {
	e.wantFlushed(-1)
	first := e.recordExpiring(-time.Hour)
	r := e.newRotation(first.JTI)
	r.ActiveAfter = flushAt.Add(-2 * time.Hour)
	second := e.mustRotate(r)
	e.wantFlushed(1)
	e.wantEqual("the state of a deleted token", core.SessionState{Latest: new(activeState(second))}, e.loadState(first.JTI, first.SessionID))
	e.wantLatest("a session without its first row", second.JTI, "", second.JTI)
	e.wantRevoked(core.Scope{UserID: e.userID}, 1)
	e.wantRevoked(core.Scope{SessionID: first.SessionID}, 0)
}

func flushMany(e *env) {
	e.wantFlushed(-1)
	var all []core.OutstandingToken
	for i := range manyRows {
		all = append(all, e.recordExpiring(-time.Duration(i)*time.Second))
	}
	for i := 0; i < manyRows; i += 100 {
		e.mustBlacklist(all[i].JTI, core.ReasonRotated)
	}
	stays := e.recordExpiring(time.Second)
	e.wantFlushed(manyRows)
	for i := 0; i < manyRows; i += 100 {
		if e.loadState(all[i].JTI, "").Presented != nil {
			e.Errorf("record %d of %d is still there", i, manyRows)
		}
	}
	e.wantEqual("the row that ends after the time", activeState(stays), e.loadRow(stays.JTI))
}
