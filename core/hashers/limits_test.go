package hashers

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The tails of hashes, salt and sum, for costs that are put in front of them.
const (
	pbkdf2Tail     = "$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="
	pbkdf2SHA1Tail = "$Yk3nq0XvTz81sPbLmWcD7a$73fQBaZOiayWHrh/c7uoBAD39Qk="
	argon2Tail     = "$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog"
	bcryptTail     = "$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"
	scryptSalt     = "$Yk3nq0XvTz81sPbLmWcD7a$"
	scryptSum      = "$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="
)

// absurd is a number that no integer type holds.
var absurd = strings.Repeat("9", 500)

// expensiveHashes are over one of the default limits, by as little as can be where they are not absurd.
var expensiveHashes = []struct{ name, encoded, says string }{
	{"pbkdf2_sha256 with one iteration too many", "pbkdf2_sha256$5000001" + pbkdf2Tail, "pbkdf2_sha256: the number of iterations is 5000001, the limit is 5000000: hashers.Options.MaxPBKDF2Iterations raises it"},
	{"pbkdf2_sha256 with iterations beyond any integer", "pbkdf2_sha256$" + absurd + pbkdf2Tail, "iterations is 1073741824 or more, the limit is 5000000"},
	{"pbkdf2_sha256 with iterations that would overflow to one", "pbkdf2_sha256$18446744073709551617" + pbkdf2Tail, "iterations is 1073741824 or more"},
	{"pbkdf2_sha1 with one iteration too many", "pbkdf2_sha1$5000001" + pbkdf2SHA1Tail, "pbkdf2_sha1: the number of iterations is 5000001, the limit is 5000000: hashers.Options.MaxPBKDF2Iterations raises it"},
	{"argon2id of 257 MiB", "argon2$argon2id$v=19$m=263168,t=1,p=4" + argon2Tail, "argon2: m in MiB is 257, the limit is 256: hashers.Options.MaxMemoryMiB raises it"},
	{"argon2id of 4 GiB", "argon2$argon2id$v=19$m=4194304,t=1,p=4" + argon2Tail, "m in MiB is 4096, the limit is 256"},
	{"argon2id with memory beyond any integer", "argon2$argon2id$v=19$m=" + absurd + ",t=1,p=4" + argon2Tail, "m in MiB is 1048576, the limit is 256"},
	{"argon2id with too many passes for its memory", "argon2$argon2id$v=19$m=262144,t=9,p=4" + argon2Tail, "argon2: m*t in MiB is 2304, the limit is 2048: hashers.Options.MaxArgon2Work raises it"},
	{"argon2id of little memory with very many passes", "argon2$argon2id$v=19$m=8,t=4294967295,p=1" + argon2Tail, "m*t in MiB is 8388608, the limit is 2048"},
	{"argon2i with too many passes for its memory", "argon2$argon2i$v=19$m=262144,t=9,p=4" + argon2Tail, "m*t in MiB is 2304, the limit is 2048"},
	{"bcrypt of cost 16", "bcrypt$$2b$16" + bcryptTail, "bcrypt: the cost is 16, the limit is 15: hashers.Options.MaxBcryptCost raises it"},
	{"bcrypt of cost 31", "bcrypt$$2y$31" + bcryptTail, "the cost is 31, the limit is 15"},
	{"bcrypt_sha256 of cost 16", "bcrypt_sha256$$2b$16" + bcryptTail, "bcrypt_sha256: the cost is 16, the limit is 15: hashers.Options.MaxBcryptCost raises it"},
	{"scrypt with one lane too many", "scrypt$131072" + scryptSalt + "8$5" + scryptSum, "scrypt: N*r*p is 5242880, the limit is 4194304: hashers.Options.MaxScryptWork raises it"},
	{"scrypt of 512 MiB", "scrypt$524288" + scryptSalt + "8$1" + scryptSum, "scrypt: 128*r*(N+p+2) in MiB is 512, the limit is 256: hashers.Options.MaxMemoryMiB raises it"},
	{"scrypt with its memory in the lanes", "scrypt$2" + scryptSalt + "1$2200000" + scryptSum, "(N+p+2) in MiB is 268, the limit is 256"},
	{"scrypt with its memory in wide blocks", "scrypt$2" + scryptSalt + "524288$2" + scryptSum, "(N+p+2) in MiB is 384, the limit is 256"},
	{"scrypt with products beyond 64 bits", "scrypt$1073741824" + scryptSalt + "4294967296$4294967296" + scryptSum, "(N+p+2) in MiB is 1073741824 or more"},
	{"scrypt with a lane count beyond any integer", "scrypt$16" + scryptSalt + "1$" + absurd + scryptSum, "(N+p+2) in MiB is 131072, the limit is 256"},
}

// malformedHashes have costs that their format does not allow, or are too long to be read.
var malformedHashes = []struct{ name, encoded, says string }{
	{"pbkdf2 without iterations", "pbkdf2_sha256$0" + pbkdf2Tail, "pbkdf2_sha256: the number of iterations is not a positive number"},
	{"pbkdf2 with an empty number of iterations", "pbkdf2_sha256$" + pbkdf2Tail, "not a positive number"},
	{"pbkdf2 with negative iterations", "pbkdf2_sha1$-1000" + pbkdf2SHA1Tail, "pbkdf2_sha1: the number of iterations is not a positive number"},
	{"pbkdf2 with iterations below any integer", "pbkdf2_sha256$-" + absurd + pbkdf2Tail, "not a positive number"},
	{"pbkdf2 with a signed number", "pbkdf2_sha256$+1000" + pbkdf2Tail, "not a positive number"},
	{"pbkdf2 with a leading zero", "pbkdf2_sha256$01000" + pbkdf2Tail, "not a positive number"},
	{"pbkdf2 with a salt of a megabyte", "pbkdf2_sha256$1000$" + strings.Repeat("s", 1<<20) + "$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0=", "pbkdf2_sha256 of 1048640 bytes"},
	{"pbkdf2 with a sum of a megabyte", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$" + strings.Repeat("s", 1<<20), "pbkdf2_sha256 of 1048618 bytes"},
	{"argon2 without passes", "argon2$argon2id$v=19$m=256,t=0,p=4" + argon2Tail, "argon2: t is not a positive number"},
	{"argon2 with negative memory", "argon2$argon2id$v=19$m=-256,t=3,p=4" + argon2Tail, "argon2: m is not a positive number"},
	{"argon2 without lanes", "argon2$argon2id$v=19$m=256,t=3,p=0" + argon2Tail, "argon2: p is not a positive number"},
	{"argon2 with 256 lanes", "argon2$argon2id$v=19$m=4096,t=3,p=256" + argon2Tail, "argon2: p is more than 255"},
	{"argon2 with lanes beyond any integer", "argon2$argon2id$v=19$m=4096,t=3,p=" + absurd + argon2Tail, "argon2: p is more than 255"},
	{"argon2 with less memory than 8 KiB a lane", "argon2$argon2id$v=19$m=31,t=3,p=4" + argon2Tail, "than an eighth of m"},
	{"argon2 with costs in another order", "argon2$argon2id$v=19$t=3,m=256,p=4" + argon2Tail, "argon2: the costs are not m, t and p"},
	{"argon2 with a further cost", "argon2$argon2id$v=19$m=256,t=3,p=4,q=1" + argon2Tail, "argon2: the costs are not m, t and p"},
	{"argon2 with a salt of a megabyte", "argon2$argon2id$v=19$m=256,t=3,p=4$" + strings.Repeat("s", 1<<20) + "$OKEWKFCr0z8NudPqITMrog", "argon2 of 1048634 bytes"},
	{"bcrypt of cost 0", "bcrypt$$2b$00" + bcryptTail, "bcrypt: the cost is not a positive number"},
	{"bcrypt of cost 3", "bcrypt$$2b$03" + bcryptTail, "bcrypt: the cost is not between 4 and 31"},
	{"bcrypt of cost 32", "bcrypt_sha256$$2b$32" + bcryptTail, "bcrypt_sha256: the cost is not between 4 and 31"},
	{"bcrypt of a negative cost", "bcrypt$$2b$-4" + bcryptTail, "bcrypt: the cost is not a positive number"},
	{"bcrypt of a cost that is not a number", "bcrypt$$2b$xx" + bcryptTail, "bcrypt: the cost is not a positive number"},
	{"bcrypt with a sum of a megabyte", "bcrypt$$2b$04" + bcryptTail + strings.Repeat("s", 1<<20), "bcrypt of 1048643 bytes"},
	{"scrypt with an N that is not a power of two", "scrypt$17" + scryptSalt + "4$2" + scryptSum, "scrypt: N is not a power of two"},
	{"scrypt with an N of one", "scrypt$1" + scryptSalt + "4$2" + scryptSum, "scrypt: N is not a power of two"},
	{"scrypt with an r of zero", "scrypt$16" + scryptSalt + "0$2" + scryptSum, "scrypt: r is not a positive number"},
	{"scrypt with a negative p", "scrypt$16" + scryptSalt + "4$-2" + scryptSum, "scrypt: p is not a positive number"},
	{"scrypt with a salt of a megabyte", "scrypt$16$" + strings.Repeat("s", 1<<20) + "$4$2" + scryptSum, "scrypt of 1048679 bytes"},
}

func TestCheck_OverALimit(t *testing.T) {
	t.Parallel()
	for _, tt := range expensiveHashes {
		t.Run(tt.name+" is ErrTooExpensive without any hashing", func(t *testing.T) {
			t.Parallel()
			wantRejected(t, tt.encoded, ErrTooExpensive, tt.says)
		})
	}
}

func TestCheck_ImpossibleCosts(t *testing.T) {
	t.Parallel()
	for _, tt := range malformedHashes {
		t.Run(tt.name+" is a wrong password after a dummy", func(t *testing.T) {
			t.Parallel()
			preferred := &fake{}
			wantCheck(t, newHashers(preferred, 1, defaultLimits()), secret, tt.encoded, false, false)
			if got := preferred.computed.Load(); got != 1 {
				t.Errorf("computed %d dummy hashes, want 1", got)
			}
		})
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for _, tt := range malformedHashes {
		t.Run(tt.name+" is said to be unreadable", func(t *testing.T) {
			t.Parallel()
			format, err := Readable(tt.encoded)
			if want, _, _ := strings.Cut(tt.encoded, "$"); format != want || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("format %q, error %v; want %q and %q", format, err, want, tt.says)
			}
			wantNothingOfTheHash(t, err)
		})
	}
	for _, tt := range refused {
		t.Run(tt.name+" is said to be unreadable, unless it is not meant to match", func(t *testing.T) {
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
		wantNothingOfTheHash(t, err)
	}
}

// wantNothingOfTheHash checks that an error shows neither salt nor sum of the hashes above.
func wantNothingOfTheHash(t *testing.T, err error) {
	t.Helper()
	for _, part := range []string{"Yk3", "WWs", "G4j", "5f4", "plain"} {
		if err != nil && (len(err.Error()) > 200 || strings.Contains(err.Error(), part)) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

// wantRejected checks that the error comes before any hashing: no slot is free, and the context has ended, so a call that
// wants to hash anything answers with the error of the context. Nothing of salt and sum may be in it, at any length of password.
func wantRejected(t *testing.T, encoded string, want error, says string) {
	t.Helper()
	preferred := &fake{}
	h := newHashers(preferred, 1, defaultLimits())
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, password := range []string{secret, "", strings.Repeat("x", MaxPasswordBytes+1)} {
		ok, upgrade, err := h.Check(ctx, password, encoded)
		if ok || upgrade || !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
			t.Errorf("ok %v, upgrade %v, error %v; want %v with %q", ok, upgrade, err, want, says)
		}
		wantNothingOfTheHash(t, err)
	}
	if got := preferred.computed.Load(); got != 0 {
		t.Errorf("computed %d dummy hashes", got)
	}
}

func TestCheck_AtALimit(t *testing.T) {
	t.Parallel()
	for _, encoded := range []string{
		"pbkdf2_sha256$5000000" + pbkdf2Tail,
		"pbkdf2_sha1$5000000" + pbkdf2SHA1Tail,
		"argon2$argon2id$v=19$m=262144,t=8,p=4" + argon2Tail,
		"argon2$argon2i$v=19$m=8,t=262144,p=1" + argon2Tail,
		"bcrypt$$2b$15" + bcryptTail,
		"bcrypt_sha256$$2b$15" + bcryptTail,
		"scrypt$262144" + scryptSalt + "8$2" + scryptSum,
		"scrypt$131072" + scryptSalt + "8$4" + scryptSum,
	} {
		if stored, err := parse(encoded, defaultLimits()); err != nil || stored == nil {
			t.Errorf("%s: got %v, error %v; want it to be computed", encoded, stored, err)
		}
	}
}

func TestOptions_LimitsAreRaisedAndLowered(t *testing.T) {
	t.Parallel()
	raised := Options{MaxPBKDF2Iterations: 5_000_001, MaxArgon2Work: 8<<20 - 1, MaxBcryptCost: 31, MaxScryptWork: 1<<30 - 1, MaxMemoryMiB: 4096}
	h, err := New(raised)
	if err != nil {
		t.Fatal(err)
	}
	for _, encoded := range []string{
		"pbkdf2_sha256$5000001" + pbkdf2Tail, "argon2$argon2id$v=19$m=4194304,t=9,p=4" + argon2Tail, "bcrypt$$2b$31" + bcryptTail,
		"scrypt$524288" + scryptSalt + "8$2" + scryptSum,
	} {
		if stored, err := parse(encoded, h.limits); err != nil || stored == nil {
			t.Errorf("%s with raised limits: got %v, error %v; want it to be computed", encoded, stored, err)
		}
	}
	for _, absurdly := range []string{
		"pbkdf2_sha256$" + absurd + pbkdf2Tail, "argon2$argon2id$v=19$m=8,t=" + absurd + ",p=1" + argon2Tail,
		"argon2$argon2id$v=19$m=" + absurd + ",t=1,p=1" + argon2Tail, "scrypt$2" + scryptSalt + "1$" + absurd + scryptSum,
		"scrypt$2" + scryptSalt + absurd + "$1" + scryptSum,
	} {
		highest, err := Options{MaxPBKDF2Iterations: 1<<30 - 1, MaxArgon2Work: 1<<23 - 1, MaxScryptWork: 1<<30 - 1, MaxMemoryMiB: 1<<20 - 1}.limits()
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := parse(absurdly, highest); !errors.Is(err, ErrTooExpensive) {
			t.Errorf("%.60s with the highest limits: got %v, error %v; want ErrTooExpensive", absurdly, stored, err)
		}
	}
	lowered := Options{MaxPBKDF2Iterations: 999, MaxArgon2Work: 100, MaxBcryptCost: 4, MaxScryptWork: 127, MaxMemoryMiB: 99}
	if h, err = New(lowered); err != nil {
		t.Fatal(err)
	}
	for _, encoded := range []string{
		"pbkdf2_sha256$1000" + pbkdf2Tail, "argon2$argon2id$v=19$m=102400,t=1,p=8" + argon2Tail,
		"argon2$argon2id$v=19$m=51712,t=2,p=8" + argon2Tail, "bcrypt$$2b$05" + bcryptTail, "scrypt$16" + scryptSalt + "4$2" + scryptSum,
	} {
		if stored, err := parse(encoded, h.limits); !errors.Is(err, ErrTooExpensive) {
			t.Errorf("%s with lowered limits: got %v, error %v; want ErrTooExpensive", encoded, stored, err)
		}
	}
}

func TestNew_RejectsLimitsOutOfRange(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"MaxPBKDF2Iterations is -1":         {MaxPBKDF2Iterations: -1},
		"MaxPBKDF2Iterations is 1073741824": {MaxPBKDF2Iterations: 1 << 30},
		"MaxArgon2Work is -1":               {MaxArgon2Work: -1},
		"MaxArgon2Work is 8388608":          {MaxArgon2Work: 1 << 23},
		"MaxBcryptCost is 3":                {MaxBcryptCost: 3},
		"MaxBcryptCost is 32":               {MaxBcryptCost: 32},
		"MaxScryptWork is -1":               {MaxScryptWork: -1},
		"MaxScryptWork is 1073741824":       {MaxScryptWork: 1 << 30},
		"MaxMemoryMiB is -1":                {MaxMemoryMiB: -1},
		"MaxMemoryMiB is 1048576":           {MaxMemoryMiB: 1 << 20},
	} {
		if h, err := New(o); h != nil || err == nil || !strings.Contains(err.Error(), "Options."+name+": it must be between") {
			t.Errorf("%s: got %v, error %v", name, h, err)
		}
	}
}

func TestNew_RejectsAPreferredFormatOverALimit(t *testing.T) {
	t.Parallel()
	for option, o := range map[string]Options{
		"MaxPBKDF2Iterations": {Preferred: "pbkdf2_sha256", MaxPBKDF2Iterations: 999_999},
		"MaxArgon2Work":       {MaxArgon2Work: 37},
		"MaxBcryptCost":       {Preferred: "bcrypt_sha256", MaxBcryptCost: 11},
		"MaxScryptWork":       {Preferred: "scrypt", MaxScryptWork: 655_359},
		"MaxMemoryMiB":        {Preferred: "argon2", MaxMemoryMiB: 18},
	} {
		h, err := New(o)
		if h != nil || !errors.Is(err, ErrTooExpensive) || !strings.Contains(err.Error(), "Options.Preferred") || !strings.Contains(err.Error(), "Options."+option+" raises it") {
			t.Errorf("%+v: got %v, error %v; want ErrTooExpensive that names %s", o, h, err, option)
		}
	}
	atTheLimits := Options{MaxPBKDF2Iterations: 1_000_000, MaxArgon2Work: 38, MaxBcryptCost: 12, MaxScryptWork: 655_360, MaxMemoryMiB: 19}
	for _, atTheLimits.Preferred = range formats {
		if _, err := New(atTheLimits); err != nil {
			t.Errorf("%s with costs at the limits: %v", atTheLimits.Preferred, err)
		}
	}
}
