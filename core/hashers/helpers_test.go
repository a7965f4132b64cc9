package hashers

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	testPassword    = "correct horse battery staple"
	unicodePassword = "pässwörd ☃ 🔑"
)

// fakeHash is a preferred hash that counts its computations instead of doing them. Each one waits for the gate, if there is one.
type fakeHash struct {
	computed atomic.Int64
	active   atomic.Int64
	last     atomic.Pointer[string]
	gate     chan struct{}
	rest     []hash // what remainingWork returns
}

func (f *fakeHash) matchesPassword(password string) bool {
	f.computed.Add(1)
	f.last.Store(&password)
	f.active.Add(1)
	defer f.active.Add(-1)
	if f.gate != nil {
		<-f.gate
	}
	return false
}

func (f *fakeHash) encodePassword(password string) (string, error) {
	f.matchesPassword(password)
	return "fake", nil
}

func (f *fakeHash) listCosts(limits) []cost { return nil }

func (f *fakeHash) isCurrent(hash) bool { return true }

func (f *fakeHash) remainingWork(hash) []hash { return f.rest }

// cheapHashes has a preferred hash of each format with low costs.
func cheapHashes() []hash {
	return []hash{
		argon2Hash{"argon2id", 256, 3, 4, []byte(randomText(saltChars)), randomBytes(32)},
		argon2Hash{"argon2i", 256, 3, 4, []byte(randomText(saltChars)), randomBytes(32)},
		pbkdf2Hash{"pbkdf2_sha256", 1000, randomText(saltChars), randomBytes(32)},
		pbkdf2Hash{"pbkdf2_sha1", 1000, randomText(saltChars), randomBytes(20)},
		randomBcrypt("bcrypt", 4),
		randomBcrypt("bcrypt_sha256", 4),
		scryptHash{16, 4, 2, randomText(saltChars), randomBytes(scryptSize)},
	}
}

// wantCheck checks what Check returns, and that it returns no error.
func wantCheck(t *testing.T, h *Hashers, password, encoded string, wantOK, wantUpgrade bool) {
	t.Helper()
	ok, upgrade, err := h.Check(t.Context(), password, encoded)
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	if ok != wantOK || upgrade != wantUpgrade {
		t.Errorf("Check: ok %v, upgrade %v; want %v, %v", ok, upgrade, wantOK, wantUpgrade)
	}
}

// wantRejected checks that the error comes before any hashing: no slot is free, and the context has ended, so a call that
// wants to hash anything answers with the error of the context. Nothing of salt and sum may be in it, at any length of password.
func wantRejected(t *testing.T, encoded string, want error, says string) {
	t.Helper()
	preferred := &fakeHash{}
	h := newHashers(preferred, 1, defaultLimits())
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, password := range []string{testPassword, "", strings.Repeat("x", MaxPasswordBytes+1)} {
		ok, upgrade, err := h.Check(ctx, password, encoded)
		if ok || upgrade || !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
			t.Errorf("ok %v, upgrade %v, error %v; want %v with %q", ok, upgrade, err, want, says)
		}
		wantNoHashPart(t, err)
	}
	if got := preferred.computed.Load(); got != 0 {
		t.Errorf("computed %d dummy hashes", got)
	}
}

// wantNoHashPart checks that an error shows neither salt nor sum of the hashes above.
func wantNoHashPart(t *testing.T, err error) {
	t.Helper()
	for _, part := range []string{"Yk3", "WWs", "G4j", "5f4", "plain"} {
		if err != nil && (len(err.Error()) > 200 || strings.Contains(err.Error(), part)) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

// wantWithinLimits checks the costs of a parsed hash.
func wantWithinLimits(t *testing.T, stored hash, l limits) {
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
