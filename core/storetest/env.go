package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

// The suite's clock. It is in the future, so that a store that drops rows by the wall clock keeps them. It has
// microseconds, so that a store that truncates to seconds fails.
var (
	now         = time.Date(2040, time.March, 4, 5, 6, 7, 891011000, time.UTC)
	loginAt     = now.Add(-time.Hour)
	tokenExpiry = now.Add(24 * time.Hour)
	sessionEnd  = now.Add(30 * 24 * time.Hour)
	// flushAt is before all other times, so that a flush deletes rows of the flush cases only.
	flushAt = now.AddDate(-5, 0, 0)
)

// tb is what a case needs of *testing.T. The suite's own tests pass a recorder.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// env is the environment of one case.
type env struct {
	tb
	Harness
	ctx context.Context
	// second is a second handle on the same data, or Store itself.
	second core.Store
	// userID is the user of the rows that recordLogin and recordDjangoToken record.
	userID string
	prefix string
	ids    atomic.Int64
}

// newEnv returns the environment of a case, with a user of its own.
func newEnv(ctx context.Context, t tb, h Harness, second core.Store) *env {
	e := &env{tb: t, Harness: h, ctx: ctx, second: second, prefix: rand.Text()[:12]}
	e.userID = e.newUser()
	return e
}

// newID returns a jti that no row has.
func (e *env) newID() string { return fmt.Sprintf("%s-%d", e.prefix, e.ids.Add(1)) }

// newUser returns the id of a new user.
func (e *env) newUser() string {
	e.Helper()
	if e.AddUser == nil {
		return e.newID()
	}
	id, err := e.AddUser(e.ctx)
	if err != nil || id == "" {
		e.Fatalf("Harness.AddUser: id %q, error %v", id, err)
	}
	return id
}

// deleteUser deletes a user.
func (e *env) deleteUser(id string) {
	e.Helper()
	if err := e.DeleteUser(e.ctx, id); err != nil {
		e.Fatalf("Harness.DeleteUser: %v", err)
	}
}

// recordLogin records the first token of a new session. The edits change it first.
func (e *env) recordLogin(edits ...func(*core.OutstandingToken)) core.OutstandingToken {
	e.Helper()
	jti := e.newID()
	t := core.OutstandingToken{
		JTI: jti, UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenExpiry,
		SessionID: jti, SessionStartedAt: loginAt, SessionExpiresAt: sessionEnd,
	}
	for _, edit := range edits {
		edit(&t)
	}
	e.recordToken(t)
	return t
}

// recordDjangoToken records a token as Django does, without a session.
func (e *env) recordDjangoToken() core.OutstandingToken {
	e.Helper()
	t := core.OutstandingToken{JTI: e.newID(), UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	e.recordToken(t)
	return t
}

// recordToken records a token.
func (e *env) recordToken(t core.OutstandingToken) {
	e.Helper()
	if err := e.Store.Record(e.ctx, t); err != nil {
		e.Fatalf("Record: %v", err)
	}
}

// newRotation returns an ordinary refresh of a token at the suite's time.
func (e *env) newRotation(jti string) core.Rotation {
	return core.Rotation{JTI: jti, NewJTI: e.newID(), ExpiresAt: tokenExpiry.Add(time.Hour), Now: now, ActiveAfter: now, Consume: true}
}

// mustRotate runs a rotation that must succeed and returns the successor.
func (e *env) mustRotate(r core.Rotation) core.OutstandingToken {
	e.Helper()
	out, ok, err := e.Store.Rotate(e.ctx, r)
	if err != nil || !ok {
		e.Fatalf("Rotate of an active token: rotated %v, error %v; want it rotated", ok, err)
	}
	return out
}

// wantNotRotated runs a rotation that must return false and change nothing.
func (e *env) wantNotRotated(what string, r core.Rotation) {
	e.Helper()
	before := e.loadState(r.JTI, "").Presented
	_, ok, err := e.Store.Rotate(e.ctx, r)
	if err != nil || ok {
		e.Errorf("Rotate of %s: rotated %v, error %v; want false without an error", what, ok, err)
	}
	if e.loadState(r.NewJTI, "").Presented != nil {
		e.Errorf("Rotate of %s recorded a successor", what)
	}
	e.wantEqual("the row of "+what+" after Rotate", before, e.loadState(r.JTI, "").Presented)
}

// loadState returns the state of a token and its session.
func (e *env) loadState(jti, sid string) core.SessionState {
	e.Helper()
	out, err := e.Store.State(e.ctx, jti, sid)
	if err != nil {
		e.Fatalf("State: %v", err)
	}
	return out
}

// loadRow returns the row of a recorded token.
func (e *env) loadRow(jti string) core.TokenState {
	e.Helper()
	got := e.loadState(jti, "").Presented
	if got == nil {
		e.Fatalf("State has no row for a recorded token")
		return core.TokenState{}
	}
	return *got
}

// latestCheck is what wantLatest checks: what State returns as the latest token of a session.
type latestCheck struct {
	what     string // names the session in the error
	jti, sid string // the arguments of State
	want     string // the jti of the latest token; "" for none
}

// wantLatest checks the latest token of a session.
func (e *env) wantLatest(c latestCheck) {
	e.Helper()
	got := ""
	if latest := e.loadState(c.jti, c.sid).Latest; latest != nil {
		got = latest.JTI
	}
	if got != c.want {
		e.Errorf("the latest token of %s: got jti %q, want %q", c.what, got, c.want)
	}
}

// mustBlacklist consumes a token that is not consumed yet.
func (e *env) mustBlacklist(jti string, reason core.Reason) {
	e.Helper()
	found, won, err := e.Store.Blacklist(e.ctx, jti, nil, reason, now)
	if err != nil || !found || !won {
		e.Fatalf("Blacklist of an active token: found %v, won %v, error %v; want true, true", found, won, err)
	}
}

// isBlacklisted returns what IsBlacklisted reports about a token.
func (e *env) isBlacklisted(jti string) bool {
	e.Helper()
	_, out, err := e.Store.IsBlacklisted(e.ctx, jti)
	if err != nil {
		e.Fatalf("IsBlacklisted: %v", err)
	}
	return out
}

// wantBlacklisted checks what IsBlacklisted reports about each token.
func (e *env) wantBlacklisted(what string, want bool, jtis ...string) {
	e.Helper()
	for _, jti := range jtis {
		if got := e.isBlacklisted(jti); got != want {
			e.Errorf("%s (jti %s) on the blacklist: got %v, want %v", what, jti, got, want)
		}
	}
}

// wantRevoked revokes a scope and checks how many tokens that consumed.
func (e *env) wantRevoked(s core.Scope, want int) {
	e.Helper()
	got, err := e.Store.Revoke(e.ctx, s, core.ReasonAdmin, now)
	if err != nil {
		e.Fatalf("Revoke: %v", err)
	}
	if got != want {
		e.Errorf("Revoke(%+v) consumed %d tokens, want %d", s, got, want)
	}
}

// wantEqual compares two values and reports the difference.
func (e *env) wantEqual(what string, want, got any) {
	e.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		e.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// activeState returns the state of a token that is not on the blacklist.
func activeState(t core.OutstandingToken) core.TokenState {
	return core.TokenState{OutstandingToken: t}
}

// consumedState returns the state of a token that was consumed at the suite's time.
func consumedState(t core.OutstandingToken, reason core.Reason) core.TokenState {
	return core.TokenState{OutstandingToken: t, Blacklisted: true, BlacklistedAt: now, Reason: reason}
}
