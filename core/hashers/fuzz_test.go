package hashers

import (
	"errors"
	"strings"
	"testing"
)

// FuzzCheck feeds stored values of any form. The limits are low, so that a value that reads well is cheap, and they
// are asserted: what is computed must lie within them.
func FuzzCheck(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.password, v.encoded)
	}
	for _, r := range refused {
		f.Add(secret, r.encoded)
	}
	for _, v := range malformedHashes {
		f.Add(secret, v.encoded)
	}
	for _, v := range expensiveHashes {
		f.Add(secret, v.encoded)
	}
	f.Add(strings.Repeat("y", 73), "bcrypt$$2b$04$yH9ZYvyB.6v7CMgpk6N0h.0Pt9RAzZKc0RFQT1JBAk1GErlPY.IHm")
	l := limits{pbkdf2Iterations: 2000, argon2Work: 2, bcryptCost: 4, scryptWork: 256, memoryMiB: 1}
	f.Fuzz(func(t *testing.T, password, encoded string) {
		stored, why := parse(encoded, l)
		if stored != nil {
			wantWithin(t, stored, l)
		}
		preferred := &fake{}
		ok, upgrade, err := newHashers(preferred, 1, l).Check(t.Context(), password, encoded)
		if (stored == nil) != (why != nil) || errors.Is(err, ErrTooExpensive) != errors.Is(why, ErrTooExpensive) || err != nil && !errors.Is(err, ErrTooExpensive) {
			t.Fatalf("error %v, where the value has %v", err, why)
		}
		if upgrade && !ok {
			t.Error("an upgrade of what did not match")
		}
		dummy := err == nil && (stored == nil || len(password) > MaxPasswordBytes)
		if ok && (dummy || err != nil) {
			t.Error("a value that cannot be read, or a password over the limit, matched")
		}
		if got := preferred.computed.Load() == 1; got != dummy {
			t.Errorf("computed a dummy hash: %v, want %v", got, dummy)
		}
	})
}

func wantWithin(t *testing.T, stored hash, l limits) {
	t.Helper()
	within := false
	switch h := stored.(type) {
	case pbkdf2Hash:
		within = h.iterations >= 1 && h.iterations <= l.pbkdf2Iterations && h.salt != ""
	case argon2Hash:
		within = h.passes >= 1 && h.lanes >= 1 && h.lanes <= 255 && h.memory < 1024*(l.memoryMiB+1) &&
			h.memory*h.passes < 1024*(l.argon2Work+1) && len(h.sum) >= 16
	case bcryptHash:
		within = h.cost >= 4 && h.cost <= l.bcryptCost
	case scryptHash:
		within = h.n > 1 && h.r >= 1 && h.p >= 1 && h.n <= 256 && h.r <= 256 && h.n*h.r*h.p <= l.scryptWork
	}
	if !within {
		t.Errorf("beyond the limits: %#v", stored)
	}
}
