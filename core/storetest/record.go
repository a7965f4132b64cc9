package storetest

import (
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// recordCases returns the cases of Record, and of what a store keeps of ids and times.
func recordCases() []testCase {
	return []testCase{{
		name: "Record keeps every field",
		rule: "every issued token has a row with its session and its user; what is unknown stays empty or zero",
		run:  recordKeepsFields,
	}, {
		name: "Record does not change an existing record",
		rule: "recording a jti again changes nothing and is not an error: it must not reactivate a consumed token",
		run:  recordKeepsFirst,
	}, {
		name: "jtis are compared exactly",
		rule: "a jti is 1 to 255 characters of any text, compared exactly: two tokens never share a row",
		run:  jtisAreCompared,
	}, {
		name: "times are kept to the microsecond and returned in UTC",
		rule: "times are kept to the microsecond at least and returned in UTC, or expiries and grace periods would depend on the store",
		run:  timesAreKept,
	}}
}

// recordKeepsFields reads back a token with all fields and one with as few as possible.
func recordKeepsFields(e *env) {
	full := e.recordLogin(func(t *core.OutstandingToken) { t.ParentJTI = e.newID() })
	e.wantEqual("a token with all fields", activeState(full), e.loadRow(full.JTI))

	bare := core.OutstandingToken{JTI: e.newID(), CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	e.recordToken(bare)
	e.wantEqual("a token without user and session", activeState(bare), e.loadRow(bare.JTI))
}

// recordKeepsFirst records a jti again with other fields, before and after it is consumed.
func recordKeepsFirst(e *env) {
	first := e.recordLogin()
	other := core.OutstandingToken{
		JTI: first.JTI, UserID: e.newUser(), CreatedAt: now, ExpiresAt: sessionEnd, SessionID: e.newID(), ParentJTI: e.newID(),
	}
	e.recordToken(other)
	e.wantEqual("an active token that was recorded twice", activeState(first), e.loadRow(first.JTI))

	e.mustBlacklist(first.JTI, core.ReasonLogout)
	e.recordToken(other)
	e.wantEqual("a consumed token that was recorded again", consumedState(first, core.ReasonLogout), e.loadRow(first.JTI))
}

// jtisAreCompared records jtis that differ in case, spaces, wildcards or normalization, and consumes one of them.
func jtisAreCompared(e *env) {
	base := e.newID()
	variants := []string{
		base + "a", base + "A", base + "a ", " " + base + "a", base + "%", base + "_", base + "á", base + "a\u0301",
		base + `'"\;--`, base + "\n", base + strings.Repeat("😀", 255-len(base)),
	}
	for _, jti := range variants {
		e.recordLogin(func(t *core.OutstandingToken) { t.JTI, t.SessionID = jti, jti })
	}
	e.mustBlacklist(variants[0], core.ReasonLogout)
	for i, jti := range variants {
		got := e.loadRow(jti)
		if got.JTI != jti || got.SessionID != jti {
			e.Errorf("the row of jti %q has jti %q and session %q", jti, got.JTI, got.SessionID)
		}
		if got.Blacklisted != (i == 0) {
			e.Errorf("only jti %q was consumed; jti %q on the blacklist: %v", variants[0], jti, got.Blacklisted)
		}
	}
}

// timesAreKept records times in another zone, and rotates at times finer than a microsecond.
func timesAreKept(e *env) {
	zone := time.FixedZone("east", 5*60*60+30*60)
	first := e.recordLogin(func(t *core.OutstandingToken) {
		t.CreatedAt, t.ExpiresAt = t.CreatedAt.In(zone), t.ExpiresAt.In(zone)
		t.SessionStartedAt, t.SessionExpiresAt = t.SessionStartedAt.In(zone), t.SessionExpiresAt.In(zone)
	})
	r := e.newRotation(first.JTI)
	// Finer than a microsecond: kept or truncated, but the same in the returned record, which is signed, and in the row.
	r.Now, r.ExpiresAt = r.Now.Add(789).In(zone), r.ExpiresAt.Add(789).In(zone)
	successor := e.mustRotate(r)
	e.wantEqual("the record that Rotate returned and the row, times finer than a microsecond", e.loadRow(r.NewJTI).OutstandingToken, successor)
	if d := successor.ExpiresAt.Sub(r.ExpiresAt).Abs(); d >= time.Microsecond {
		e.Errorf("the successor's expiry moved by %v, want less than a microsecond", d)
	}
	presented := e.loadRow(first.JTI)
	for name, got := range map[string]time.Time{
		"CreatedAt": presented.CreatedAt, "ExpiresAt": presented.ExpiresAt, "BlacklistedAt": presented.BlacklistedAt,
		"SessionStartedAt": presented.SessionStartedAt, "SessionExpiresAt": presented.SessionExpiresAt,
		"Rotate's CreatedAt": successor.CreatedAt, "Rotate's ExpiresAt": successor.ExpiresAt,
		"Rotate's SessionStartedAt": successor.SessionStartedAt, "Rotate's SessionExpiresAt": successor.SessionExpiresAt,
	} {
		if got.Location() != time.UTC {
			e.Errorf("%s is in %v, want time.UTC", name, got.Location())
		}
	}
	e.wantEqual("a row that was recorded in another zone", first, presented.OutstandingToken)
}
