package hashers

import (
	"errors"
	"strings"
	"testing"
)

func TestReadable(t *testing.T) {
	t.Parallel()
	for _, tt := range malformedHashes {
		t.Run(tt.name+" is reported as unreadable", func(t *testing.T) {
			t.Parallel()
			format, err := Readable(tt.encoded)
			if want, _, _ := strings.Cut(tt.encoded, "$"); format != want || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("format %q, error %v; want %q and %q", format, err, want, tt.says)
			}
			wantNoHashPart(t, err)
		})
	}
	for _, tt := range unmatchableHashes {
		t.Run(tt.name+" is reported as unreadable, unless it is not meant to match", func(t *testing.T) {
			t.Parallel()
			meant := tt.encoded != "" && tt.encoded[0] != '!' && tt.name != "bcrypt under the name of bcrypt_sha256"
			if _, err := Readable(tt.encoded); (err != nil) != meant {
				t.Errorf("error %v, want one: %v", err, meant)
			}
		})
	}
	for _, tt := range expensiveHashes {
		if format, err := Readable(tt.encoded); err != nil || !strings.HasPrefix(tt.encoded, format) {
			t.Errorf("%s: format %q, error %v; want none", tt.name, format, err)
		}
	}
	for encoded, want := range map[string]string{
		"5f4dcc3b5aa765d61d8327deb882cf99": "unknown", "5f4dcc3b5aa765d61d8327deb882cf99$salt": "unknown", "plain password": "unknown",
		"$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye": "unknown", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99": "md5",
		"argon2": "argon2",
	} {
		format, err := Readable(encoded)
		if format != want || err == nil {
			t.Errorf("%s: format %q, error %v; want %q and an error", encoded, format, err, want)
		}
		wantNoHashPart(t, err)
	}
}

func TestRandomText(t *testing.T) {
	t.Parallel()
	const each = 2000
	counts := make(map[rune]int)
	for _, c := range randomText(each * len(saltAlphabet)) {
		counts[c]++
	}
	if len(counts) != len(saltAlphabet) {
		t.Errorf("%d different characters, want %d", len(counts), len(saltAlphabet))
	}
	for c, n := range counts {
		if n < each*8/10 || n > each*12/10 { // nine standard deviations: never by chance
			t.Errorf("%q came %d times, want about %d", c, n, each)
		}
	}
}

// FuzzCheck checks stored values of any form. The limits are low, so that a value that can be read is cheap. Everything that is
// computed must be within them.
func FuzzCheck(f *testing.F) {
	for _, v := range djangoHashes {
		f.Add(v.password, v.encoded)
	}
	for _, r := range unmatchableHashes {
		f.Add(testPassword, r.encoded)
	}
	for _, v := range malformedHashes {
		f.Add(testPassword, v.encoded)
	}
	for _, v := range expensiveHashes {
		f.Add(testPassword, v.encoded)
	}
	f.Add(strings.Repeat("y", 73), "bcrypt$$2b$04$yH9ZYvyB.6v7CMgpk6N0h.0Pt9RAzZKc0RFQT1JBAk1GErlPY.IHm")
	l := limits{pbkdf2Iterations: 2000, argon2Work: 2, bcryptCost: 4, scryptWork: 256, memoryMiB: 1}
	f.Fuzz(func(t *testing.T, password, encoded string) {
		stored, why := parseHash(encoded, l)
		if stored != nil {
			wantWithinLimits(t, stored, l)
		}
		preferred := &fakeHash{}
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
