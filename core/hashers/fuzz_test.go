package hashers

import (
	"strings"
	"testing"
)

// FuzzCheck feeds stored values of any form. The limits are low, so that a value that reads well is cheap, and they
// are asserted: whatever passes parse must lie within them.
func FuzzCheck(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.password, v.encoded)
	}
	for _, r := range refused {
		f.Add(secret, r.encoded)
	}
	f.Add(strings.Repeat("y", 73), "bcrypt$$2b$04$yH9ZYvyB.6v7CMgpk6N0h.0Pt9RAzZKc0RFQT1JBAk1GErlPY.IHm")
	l := limits{pbkdf2Iterations: 2000, argon2KiB: 512, argon2Work: 2048, bcryptCost: 4, scryptWork: 256}
	f.Fuzz(func(t *testing.T, password, encoded string) {
		stored, usable := parse(encoded, l)
		if usable {
			wantWithin(t, stored, l)
		}
		preferred := &fake{}
		ok, upgrade, err := newHashers(preferred, 1, l).Check(t.Context(), password, encoded)
		if err != nil {
			t.Fatalf("error %v", err)
		}
		if upgrade && !ok {
			t.Error("an upgrade of what did not match")
		}
		if ok && (!usable || len(password) > MaxPasswordBytes) {
			t.Error("a value that cannot be read, or a password over the limit, matched")
		}
		wantDummy := int64(0)
		if !usable || len(password) > MaxPasswordBytes {
			wantDummy = 1
		}
		if got := preferred.computed.Load(); got != wantDummy {
			t.Errorf("computed %d dummy hashes, want %d", got, wantDummy)
		}
	})
}

func wantWithin(t *testing.T, stored hash, l limits) {
	t.Helper()
	within := false
	switch h := stored.(type) {
	case pbkdf2Hash:
		within = h.iterations >= 1 && h.iterations <= int(l.pbkdf2Iterations) && h.salt != ""
	case argon2Hash:
		within = h.passes >= 1 && h.lanes >= 1 && h.lanes <= 255 && h.memory <= int(l.argon2KiB) &&
			h.memory*h.passes <= int(l.argon2Work) && len(h.sum) >= 16
	case bcryptHash:
		within = h.cost >= 4 && h.cost <= int(l.bcryptCost)
	case scryptHash:
		within = h.n > 1 && h.r >= 1 && h.p >= 1 && h.n <= 256 && h.r <= 256 && h.n*h.r*h.p <= int(l.scryptWork)
	}
	if !within {
		t.Errorf("beyond the limits: %#v", stored)
	}
}
