package hashers

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck_OverLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range expensiveHashes {
		t.Run(tt.name+" is ErrTooExpensive without any hashing", func(t *testing.T) {
			t.Parallel()
			wantRejected(t, tt.encoded, ErrTooExpensive, tt.says)
		})
	}
}

func TestCheck_AtLimit(t *testing.T) {
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
		if stored, err := parseHash(encoded, defaultLimits()); err != nil || stored == nil {
			t.Errorf("%s: got %v, error %v; want it to be computed", encoded, stored, err)
		}
	}
}

func TestCheck_MalformedHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range malformedHashes {
		t.Run(tt.name+" is a wrong password, after a dummy", func(t *testing.T) {
			t.Parallel()
			preferred := &fakeHash{}
			wantCheck(t, newHashers(preferred, 1, defaultLimits()), testPassword, tt.encoded, false, false)
			if got := preferred.computed.Load(); got != 1 {
				t.Errorf("computed %d dummy hashes, want 1", got)
			}
		})
	}
}

func TestOptions_Limits(t *testing.T) {
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
		if stored, err := parseHash(encoded, h.limits); err != nil || stored == nil {
			t.Errorf("%s with raised limits: got %v, error %v; want it to be computed", encoded, stored, err)
		}
	}
	for _, absurdly := range []string{
		"pbkdf2_sha256$" + absurd + pbkdf2Tail, "argon2$argon2id$v=19$m=8,t=" + absurd + ",p=1" + argon2Tail,
		"argon2$argon2id$v=19$m=" + absurd + ",t=1,p=1" + argon2Tail, "scrypt$2" + scryptSalt + "1$" + absurd + scryptSum,
		"scrypt$2" + scryptSalt + absurd + "$1" + scryptSum,
	} {
		highest, err := Options{MaxPBKDF2Iterations: 1<<30 - 1, MaxArgon2Work: 1<<23 - 1, MaxScryptWork: 1<<30 - 1, MaxMemoryMiB: 1<<20 - 1}.resolveLimits()
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := parseHash(absurdly, highest); !errors.Is(err, ErrTooExpensive) {
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
		if stored, err := parseHash(encoded, h.limits); !errors.Is(err, ErrTooExpensive) {
			t.Errorf("%s with lowered limits: got %v, error %v; want ErrTooExpensive", encoded, stored, err)
		}
	}
}

func TestNew_LimitOutOfRange(t *testing.T) {
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

func TestNew_PreferredOverALimit(t *testing.T) {
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
