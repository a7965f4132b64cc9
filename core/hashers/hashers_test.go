package hashers

import (
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a preferred hash that counts its computations instead of doing them. With a gate, each one waits for it.
type fake struct {
	computed atomic.Int64
	active   atomic.Int64
	last     atomic.Pointer[string]
	gate     chan struct{}
	rest     []hash // the gap
}

func (f *fake) matches(password string) bool {
	f.computed.Add(1)
	f.last.Store(&password)
	f.active.Add(1)
	defer f.active.Add(-1)
	if f.gate != nil {
		<-f.gate
	}
	return false
}

func (f *fake) renewed(password string) (string, error) {
	f.matches(password)
	return "fake", nil
}

func (f *fake) costs(limits) []cost { return nil }
func (f *fake) current(hash) bool   { return true }
func (f *fake) gap(hash) []hash     { return f.rest }

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

func TestNewRefusesUnusableOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"an unknown format":            {Preferred: "md5"},
		"a variant instead of argon2":  {Preferred: "argon2id"},
		"a format with a space":        {Preferred: "argon2 "},
		"a negative number of at once": {MaxConcurrent: -1},
	} {
		if h, err := New(o); err == nil || h != nil {
			t.Errorf("%s: got %v, error %v", name, h, err)
		}
	}
}

func TestMakeWritesDjangosFormats(t *testing.T) {
	t.Parallel()
	for preferred, form := range map[string]string{
		"":              `^argon2\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{30}\$[A-Za-z0-9+/]{43}$`,
		"argon2":        `^argon2\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{30}\$[A-Za-z0-9+/]{43}$`,
		"pbkdf2_sha256": `^pbkdf2_sha256\$1000000\$[A-Za-z0-9]{22}\$[A-Za-z0-9+/]{43}=$`,
		"pbkdf2_sha1":   `^pbkdf2_sha1\$1000000\$[A-Za-z0-9]{22}\$[A-Za-z0-9+/]{27}=$`,
		"bcrypt":        `^bcrypt\$\$2b\$12\$[A-Za-z0-9./]{53}$`,
		"bcrypt_sha256": `^bcrypt_sha256\$\$2b\$12\$[A-Za-z0-9./]{53}$`,
		"scrypt":        `^scrypt\$16384\$[A-Za-z0-9]{22}\$8\$5\$[A-Za-z0-9+/]{86}==$`,
	} {
		t.Run("preferred "+preferred, func(t *testing.T) {
			t.Parallel()
			h, err := New(Options{Preferred: preferred})
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := h.Make(t.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(form).MatchString(encoded) {
				t.Errorf("made %s", encoded)
			}
			if len(encoded) > 128 {
				t.Errorf("%d characters do not fit Django's column", len(encoded))
			}
			// That it also matches is tested with low costs below.
			if made, err := parse(encoded, defaultLimits()); err != nil || made == nil || !made.current(h.preferred) {
				t.Errorf("made %s, which is not of the preferred format and costs: error %v", encoded, err)
			}
		})
	}
}

func TestCheckAcceptsWhatMakeWroteWithANewSaltEachTime(t *testing.T) {
	t.Parallel()
	for _, preferred := range cheap() {
		h := newHashers(preferred, 1, defaultLimits())
		first, err1 := h.Make(t.Context(), secret)
		second, err2 := h.Make(t.Context(), secret)
		if err1 != nil || err2 != nil || first == second {
			t.Errorf("%T: made %q and %q, errors %v and %v", preferred, first, second, err1, err2)
		}
		wantCheck(t, h, secret, second, true, false)
		wantCheck(t, h, secret+"!", second, false, false)
	}
}

// cheap has a preferred hash of each format with low costs.
func cheap() []hash {
	return []hash{
		argon2Hash{"argon2id", 256, 3, 4, []byte(randomText(saltChars)), randomBytes(32)},
		argon2Hash{"argon2i", 256, 3, 4, []byte(randomText(saltChars)), randomBytes(32)},
		pbkdf2Hash{"pbkdf2_sha256", 1000, randomText(saltChars), randomBytes(32)},
		pbkdf2Hash{"pbkdf2_sha1", 1000, randomText(saltChars), randomBytes(20)},
		newBcrypt("bcrypt", 4),
		newBcrypt("bcrypt_sha256", 4),
		scryptHash{16, 4, 2, randomText(saltChars), randomBytes(scryptSize)},
	}
}

func TestUpgradeIsAskedForWhateverIsWeakerThanThePreferred(t *testing.T) {
	t.Parallel()
	const pbkdf2Row = "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="
	const argon2Row = "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog"
	const bcryptRow = "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"
	const scryptRow = "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="
	likeDjango := func(memory, passes, lanes, size int) hash {
		return argon2Hash{variant: "argon2id", memory: memory, passes: passes, lanes: lanes, sum: make([]byte, size)}
	}
	for _, tt := range []struct {
		name      string
		encoded   string
		preferred hash
		want      bool
	}{
		{"pbkdf2 with the same iterations", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000}, false},
		{"pbkdf2 with fewer iterations", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1001}, true},
		{"pbkdf2 with more iterations is left as it is", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 999}, false},
		{"pbkdf2 of another digest", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha1", iterations: 1000}, true},
		{"pbkdf2 with a short salt", "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=", pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000}, true},
		{"pbkdf2 where argon2 is preferred", pbkdf2Row, newArgon2(), true},
		{"argon2 with the same costs", argon2Row, likeDjango(256, 3, 4, 16), false},
		{"argon2 with less memory", argon2Row, likeDjango(512, 3, 4, 16), true},
		{"argon2 with fewer passes", argon2Row, likeDjango(256, 4, 4, 16), true},
		{"argon2 with more memory and passes is left as it is", argon2Row, likeDjango(128, 2, 4, 16), false},
		{"argon2 with other lanes is left as it is", argon2Row, likeDjango(256, 3, 2, 16), false},
		{"argon2 with a shorter sum", argon2Row, likeDjango(256, 3, 4, 32), true},
		{"argon2 with a short salt", "argon2$argon2id$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$MI6ryYRwMCcF1mm/CkxPIp74xyGLtt30+tj0SMxQ5b4", likeDjango(256, 3, 2, 32), true},
		{"argon2i where argon2id is preferred", "argon2$argon2i$v=19$m=256,t=3,p=2$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$+EOb1ONljxKaq0CyXWwXuQ", likeDjango(256, 3, 2, 16), true},
		{"bcrypt with the same cost", bcryptRow, bcryptHash{algorithm: "bcrypt", cost: 4}, false},
		{"bcrypt with a lower cost", bcryptRow, bcryptHash{algorithm: "bcrypt", cost: 5}, true},
		{"bcrypt where bcrypt_sha256 is preferred", bcryptRow, bcryptHash{algorithm: "bcrypt_sha256", cost: 4}, true},
		{"scrypt with the same costs", scryptRow, scryptHash{n: 16, r: 4, p: 2}, false},
		{"scrypt with a lower N", scryptRow, scryptHash{n: 32, r: 4, p: 2}, true},
		{"scrypt with a lower r", scryptRow, scryptHash{n: 16, r: 8, p: 2}, true},
		{"scrypt with a lower p", scryptRow, scryptHash{n: 16, r: 4, p: 3}, true},
		{"scrypt with a higher p is left as it is", scryptRow, scryptHash{n: 16, r: 4, p: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantCheck(t, newHashers(tt.preferred, 1, defaultLimits()), secret, tt.encoded, true, tt.want)
		})
	}
}

func TestPasswordsAreNeverTruncated(t *testing.T) {
	t.Parallel()
	// Django stored this for 73 bytes, of which bcrypt saw 72.
	const row = "bcrypt$$2b$04$yH9ZYvyB.6v7CMgpk6N0h.0Pt9RAzZKc0RFQT1JBAk1GErlPY.IHm"
	h := newHashers(newBcrypt("bcrypt", 4), 1, defaultLimits())
	wantCheck(t, h, strings.Repeat("y", 73), row, false, false)
	wantCheck(t, h, strings.Repeat("y", 72)+"z", row, false, false)
	wantCheck(t, h, strings.Repeat("y", 72), row, true, false)

	short, err := h.Make(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, h, "a\x00a", short, false, false) // to bcrypt the same password
	wantCheck(t, h, "a", short, true, false)

	// What is computed in place of a refused password must not match for it.
	dummyRow, err := h.Make(t.Context(), dummyPassword)
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, h, strings.Repeat("y", 73), dummyRow, false, false)

	for name, password := range map[string]string{
		"73 bytes": strings.Repeat("y", 73), "a NUL byte": "a\x00a", "4,097 bytes": strings.Repeat("y", 4097),
	} {
		encoded, err := h.Make(t.Context(), password)
		if err == nil || encoded != "" {
			t.Errorf("Make of %s: got %q, error %v", name, encoded, err)
			continue
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("Make of %s: the error holds the password: %v", name, err)
		}
	}
}

func TestPasswordsOverTheLimitAreNotHashed(t *testing.T) {
	t.Parallel()
	preferred := &fake{}
	h := newHashers(preferred, 1, defaultLimits())
	longest, tooLong := strings.Repeat("x", MaxPasswordBytes), strings.Repeat("x", MaxPasswordBytes+1)
	stored, err := cheap()[2].renewed(tooLong)
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, h, tooLong, stored, false, false)
	if got := *preferred.last.Load(); got != dummyPassword {
		t.Errorf("the dummy hashed %d bytes", len(got))
	}
	if err := h.Dummy(t.Context(), longest); err != nil || *preferred.last.Load() != longest {
		t.Errorf("the dummy of the longest password: error %v", err)
	}
	if encoded, err := h.Make(t.Context(), tooLong); err == nil {
		t.Errorf("made %q", encoded)
	}
	if got := preferred.computed.Load(); got != 2 {
		t.Errorf("computed %d hashes, want 2", got)
	}
}

func TestDummyDoesTheWorkOfTheFormat(t *testing.T) {
	preferred := &fake{}
	h := newHashers(preferred, 1, defaultLimits())
	if err := h.Dummy(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if got := preferred.computed.Load(); got != 1 || *preferred.last.Load() != secret {
		t.Errorf("computed %d hashes, last of %q", got, *preferred.last.Load())
	}
	// With the true formats, a dummy allocates about as often as a failed check; a shortcut would next to nothing.
	for _, preferred := range cheap() {
		h := newHashers(preferred, 1, defaultLimits())
		stored, err := h.Make(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		check := testing.AllocsPerRun(5, func() { wantCheck(t, h, "wrong", stored, false, false) })
		parsing := testing.AllocsPerRun(5, func() { _, _ = parse(stored, h.limits) })
		dummy := testing.AllocsPerRun(5, func() { _ = h.Dummy(t.Context(), "wrong") })
		if 2*dummy < check-parsing {
			t.Errorf("%T: a dummy allocates %v times, a check %v", preferred, dummy, check)
		}
		refused := testing.AllocsPerRun(5, func() { _ = h.Dummy(t.Context(), strings.Repeat("y", 73)) })
		if 2*refused < dummy {
			t.Errorf("%T: a dummy of 73 bytes allocates %v times, of 5 bytes %v", preferred, refused, dummy)
		}
	}
}

func TestFailedChecksOfCheaperRowsBridgeTheGap(t *testing.T) {
	t.Parallel()
	old := bcryptHash{algorithm: "bcrypt", cost: 4}
	var costs []int
	for _, step := range old.gap(bcryptHash{algorithm: "bcrypt", cost: 8}) {
		costs = append(costs, step.(bcryptHash).cost)
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7}, costs); diff != "" { // 2^4 + (2^4+2^5+2^6+2^7) = 2^8
		t.Error(diff)
	}
	if steps := old.gap(newBcrypt("bcrypt_sha256", 8)); steps != nil {
		t.Errorf("a gap to another format: %v", steps)
	}

	rest := pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 300}.gap(pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000})
	if len(rest) != 1 || rest[0].(pbkdf2Hash).iterations != 700 {
		t.Errorf("the gap of 300 to 1000 iterations: %v", rest)
	}
	if rest := (pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000}).gap(newPBKDF2("pbkdf2_sha1")); rest != nil {
		t.Errorf("a gap to another digest: %v", rest)
	}

	row, step1, step2 := &fake{}, &fake{}, &fake{}
	row.rest = []hash{step1, step2}
	if newHashers(&fake{}, 1, defaultLimits()).verify(row, "wrong") {
		t.Error("a wrong password matched")
	}
	if diff := cmp.Diff([]int64{1, 1, 1}, []int64{row.computed.Load(), step1.computed.Load(), step2.computed.Load()}); diff != "" {
		t.Errorf("computations of the row and of each step of the gap: %s", diff)
	}
}

func TestUnusableIsRandomAndMatchesNoPassword(t *testing.T) {
	t.Parallel()
	first, second := Unusable(), Unusable()
	form := regexp.MustCompile(`^![A-Za-z0-9]{40}$`)
	if !form.MatchString(first) || !form.MatchString(second) || first == second {
		t.Errorf("got %q and %q", first, second)
	}
	for _, password := range []string{"", "!", first, first[1:]} {
		wantCheck(t, newHashers(&fake{}, 1, defaultLimits()), password, first, false, false)
	}
}

func TestRandomTextUsesTheWholeAlphabetEvenly(t *testing.T) {
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
