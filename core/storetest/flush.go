package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// manyRows is more than one batch of any store, and not a multiple of a batch.
const manyRows = 2503

// flushCases returns the cases of FlushExpired. Each flushes first, because an earlier run may have left rows.
func flushCases() []testCase {
	return []testCase{{
		name: "FlushExpired deletes what expired at or before the time",
		rule: "records that expired at or before the time are deleted and counted; an active one, or one within the leeway, stays",
		run:  flushBoundary,
	}, {
		name: "FlushExpired deletes the blacklist rows of what it deletes, and no others",
		rule: "a blacklist row is deleted with its record; a consumed token that has not expired stays consumed",
		run:  flushBlacklist,
	}, {
		name: "FlushExpired leaves the younger rows of a session",
		rule: "a session outlives its first row: its latest token is found by the sid, and it can be revoked",
		run:  flushSession,
	}, {
		name: "FlushExpired deletes more than a batch",
		rule: "one call deletes all expired records, however many batches that takes, and counts all of them",
		run:  flushMany,
	}}
}

// wantFlushed flushes at flushAt and checks how many records that deleted, unless want is negative.
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

// recordExpiring records a token that expires at flushAt plus after.
func (e *env) recordExpiring(after time.Duration) core.OutstandingToken {
	e.Helper()
	return e.recordLogin(func(t *core.OutstandingToken) {
		t.CreatedAt, t.ExpiresAt = flushAt.Add(-24*time.Hour), flushAt.Add(after)
	})
}

// flushBoundary flushes tokens that expire a microsecond before, at, and a microsecond after the time.
func flushBoundary(e *env) {
	e.wantFlushed(-1)
	before, at, after := e.recordExpiring(-time.Microsecond), e.recordExpiring(0), e.recordExpiring(time.Microsecond)
	e.wantFlushed(2)
	for _, t := range []core.OutstandingToken{before, at} {
		if e.loadState(t.JTI, "").Presented != nil {
			e.Errorf("the record that expired %v before the time is still there", flushAt.Sub(t.ExpiresAt))
		}
	}
	e.wantEqual("the row that expires after the time", activeState(after), e.loadRow(after.JTI))
	e.wantFlushed(0)
}

// flushBlacklist flushes consumed tokens. A flushed jti that is recorded again must not be on the blacklist.
func flushBlacklist(e *env) {
	e.wantFlushed(-1)
	ended, stays := e.recordExpiring(-time.Hour), e.recordExpiring(time.Hour)
	e.mustBlacklist(ended.JTI, core.ReasonLogout)
	e.mustBlacklist(stays.JTI, core.ReasonLogout)
	e.wantFlushed(1)
	e.wantBlacklisted("a deleted token", false, ended.JTI)
	e.wantEqual("the row of a consumed token that has not expired", consumedState(stays, core.ReasonLogout), e.loadRow(stays.JTI))
	e.wantNotRotated("a deleted token", e.newRotation(ended.JTI))

	e.recordToken(ended)
	e.wantEqual("a deleted jti that is recorded again", activeState(ended), e.loadRow(ended.JTI))
	e.wantFlushed(1)
}

// flushSession flushes the first row of a session whose second one stays.
func flushSession(e *env) {
	e.wantFlushed(-1)
	first := e.recordExpiring(-time.Hour)
	r := e.newRotation(first.JTI)
	r.ActiveAfter = flushAt.Add(-2 * time.Hour)
	second := e.mustRotate(r)
	e.wantFlushed(1)
	e.wantEqual("the state of a deleted token", core.SessionState{Latest: new(activeState(second))}, e.loadState(first.JTI, first.SessionID))
	e.wantLatest(latestCheck{what: "a session without its first row", jti: second.JTI, want: second.JTI})
	e.wantRevoked(core.Scope{UserID: e.userID}, 1)
	e.wantRevoked(core.Scope{SessionID: first.SessionID}, 0)
}

// flushMany flushes more rows than one batch holds.
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
	e.wantEqual("the row that expires after the time", activeState(stays), e.loadRow(stays.JTI))
}
