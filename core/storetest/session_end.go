package storetest

import (
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// sessionEndCases returns the cases of Rotate about the end of the session.
func sessionEndCases() []testCase {
	return []testCase{{
		name: "Rotate rejects a token whose session ended at or before Now",
		rule: "rotation never extends a session: one that ended at or before Now stays ended, whatever the token's expiry and the leeway",
		run:  rotateRejectsEndedSession,
	}, {
		name: "Rotate limits the successor's expiry to the session's end",
		rule: "no token of a session expires after the session ends",
		run:  successorIsCapped,
	}, {
		name: "Rotate ends a session without an end by SessionLifetime",
		rule: "a session whose row has no end ends SessionLifetime after its start, else after the row's CreatedAt; the successor has that end",
		run:  rotateAppliesLifetime,
	}, {
		name: "Rotate keeps a session's own end whatever SessionLifetime is",
		rule: "SessionLifetime counts for rows without an end only: changing the setting does not move the end of an active session",
		run:  rotateKeepsSessionEnd,
	}, {
		name: "Rotate counts SessionLifetime from IssuedAt if the record has no CreatedAt",
		rule: "a row without CreatedAt and SessionStartedAt, as Django may write it, can be rotated: its session started at IssuedAt, else at Now",
		run:  rotateWithoutCreatedAt,
	}}
}

// rotateRejectsEndedSession rotates tokens of sessions that end on both sides of Now, with a leeway that must not
// count.
func rotateRejectsEndedSession(e *env) {
	for _, consume := range []bool{true, false} {
		for _, end := range []time.Time{now, now.Add(-time.Microsecond), now.Add(-time.Hour)} {
			t := e.recordLogin(func(t *core.OutstandingToken) { t.SessionExpiresAt = end })
			r := e.newRotation(t.JTI)
			r.ActiveAfter, r.Consume = now.Add(-2*time.Hour), consume
			e.wantNotRotated("a token whose session ended "+now.Sub(end).String()+" before Now", r)
		}
		t := e.recordLogin(func(t *core.OutstandingToken) { t.SessionExpiresAt = now.Add(time.Microsecond) })
		r := e.newRotation(t.JTI)
		r.Consume = consume
		e.mustRotate(r)
	}
}

// successorIsCapped checks the expiry of successors whose session ends before or after it, or never.
func successorIsCapped(e *env) {
	for _, c := range []struct {
		what       string
		end, want  time.Time
		lifetime   time.Duration
		sessionEnd time.Time
	}{
		{"a session that ends sooner", now.Add(time.Hour), now.Add(time.Hour), 0, now.Add(time.Hour)},
		{"a session that ends later", sessionEnd, tokenExpiry, 0, sessionEnd},
		{"a session without an end", time.Time{}, tokenExpiry, 0, time.Time{}},
		{"a session that ends sooner by SessionLifetime", time.Time{}, loginAt.Add(2 * time.Hour), 2 * time.Hour, loginAt.Add(2 * time.Hour)},
	} {
		for _, consume := range []bool{true, false} {
			t := e.recordLogin(func(t *core.OutstandingToken) { t.SessionExpiresAt = c.end })
			r := e.newRotation(t.JTI)
			r.ExpiresAt, r.SessionLifetime, r.Consume = tokenExpiry, c.lifetime, consume
			want := t
			want.JTI, want.ParentJTI, want.CreatedAt, want.ExpiresAt = r.NewJTI, t.JTI, now, c.want
			want.SessionExpiresAt = c.sessionEnd
			e.wantEqual("the record that Rotate returned in "+c.what, want, e.mustRotate(r))
			e.wantEqual("the successor's row in "+c.what, activeState(want), e.loadRow(r.NewJTI))
		}
	}
}

// rotateAppliesLifetime rotates rows without an end, on both sides of SessionLifetime.
func rotateAppliesLifetime(e *env) {
	loginWith := func(start, createdAt time.Time) string {
		return e.recordLogin(func(t *core.OutstandingToken) {
			t.SessionStartedAt, t.CreatedAt, t.SessionExpiresAt = start, createdAt, time.Time{}
		}).JTI
	}
	const lifetime = 90 * time.Minute
	start := now.Add(-lifetime)
	for _, consume := range []bool{true, false} {
		for what, jti := range map[string]string{
			"a token whose session started SessionLifetime ago":                       loginWith(start, loginAt),
			"a token of unknown session start, created SessionLifetime ago":           loginWith(time.Time{}, start),
			"a token of unknown session start, created more than SessionLifetime ago": loginWith(time.Time{}, start.Add(-time.Hour)),
		} {
			r := e.newRotation(jti)
			r.ActiveAfter, r.SessionLifetime, r.Consume = now.Add(-time.Hour), lifetime, consume
			e.wantNotRotated(what, r)
		}
		for what, jti := range map[string]string{
			"a session started less than SessionLifetime ago, the row older": loginWith(start.Add(time.Minute), start.Add(-time.Hour)),
			"a row created less than SessionLifetime ago, start unknown":     loginWith(time.Time{}, start.Add(time.Minute)),
		} {
			r := e.newRotation(jti)
			r.SessionLifetime, r.Consume = lifetime, consume
			got, want := e.mustRotate(r), now.Add(time.Minute)
			if !got.SessionExpiresAt.Equal(want) || !got.ExpiresAt.Equal(want) {
				e.Errorf("%s: the successor's session ends at %v and it expires at %v, want both at %v", what, got.SessionExpiresAt, got.ExpiresAt, want)
			}
			e.wantEqual("the successor's row, "+what, activeState(got), e.loadRow(r.NewJTI))
		}
	}
}

// rotateKeepsSessionEnd rotates a row that has an end, with a shorter and a longer SessionLifetime.
func rotateKeepsSessionEnd(e *env) {
	first := e.recordLogin()
	for _, lifetime := range []time.Duration{time.Minute, 365 * 24 * time.Hour} {
		r := e.newRotation(first.JTI)
		r.SessionLifetime, r.Consume = lifetime, false
		if got := e.mustRotate(r); !got.SessionExpiresAt.Equal(first.SessionExpiresAt) {
			e.Errorf("with SessionLifetime %v the successor's session ends at %v, want its own end %v", lifetime, got.SessionExpiresAt, first.SessionExpiresAt)
		}
	}
}

// rotateWithoutCreatedAt rotates rows whose only date is the token's iat, or none.
func rotateWithoutCreatedAt(e *env) {
	undated := func(t *core.OutstandingToken) {
		t.CreatedAt, t.SessionStartedAt, t.SessionExpiresAt = time.Time{}, time.Time{}, time.Time{}
	}
	const lifetime = 90 * time.Minute
	for _, consume := range []bool{true, false} {
		for what, issuedAt := range map[string]time.Time{
			"issued SessionLifetime ago": now.Add(-lifetime), "issued more than SessionLifetime ago": now.Add(-2 * lifetime),
		} {
			r := e.newRotation(e.recordLogin(undated).JTI)
			r.SessionLifetime, r.IssuedAt, r.Consume = lifetime, issuedAt, consume
			e.wantNotRotated("a token without CreatedAt, "+what, r)
		}
		for _, c := range []struct {
			what           string
			issuedAt, want time.Time
		}{
			{"issued less than SessionLifetime ago", now.Add(time.Minute - lifetime), now.Add(time.Minute)},
			{"without iat", time.Time{}, now.Add(lifetime)},
		} {
			r := e.newRotation(e.recordLogin(undated).JTI)
			r.SessionLifetime, r.IssuedAt, r.Consume = lifetime, c.issuedAt, consume
			got := e.mustRotate(r)
			if !got.SessionExpiresAt.Equal(c.want) || !got.ExpiresAt.Equal(c.want) {
				e.Errorf("a token without CreatedAt, %s: the successor's session ends at %v and it expires at %v, want both at %v",
					c.what, got.SessionExpiresAt, got.ExpiresAt, c.want)
			}
			e.wantEqual("the successor's row of a token without CreatedAt, "+c.what, activeState(got), e.loadRow(r.NewJTI))
		}
	}
	dated := e.newRotation(e.recordLogin(func(t *core.OutstandingToken) { t.SessionStartedAt, t.SessionExpiresAt = time.Time{}, time.Time{} }).JTI)
	dated.SessionLifetime, dated.IssuedAt = 2*time.Hour, now.Add(-2*time.Hour)
	if got, want := e.mustRotate(dated).SessionExpiresAt, loginAt.Add(2*time.Hour); !got.Equal(want) {
		e.Errorf("a row with CreatedAt: the successor's session ends at %v, want %v: IssuedAt does not count", got, want)
	}
}
