package hashers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

func TestNew_InvalidOptions(t *testing.T) {
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

func TestOptions_MaxConcurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred := &fakeHash{gate: make(chan struct{})}
		h := newHashers(preferred, 3, defaultLimits())
		var done atomic.Int64
		for range 4 {
			go func() { _ = h.Dummy(t.Context(), testPassword); done.Add(1) }()
			go func() { _, _ = h.Make(t.Context(), testPassword); done.Add(1) }()
			go func() { _, _, _ = h.Check(t.Context(), testPassword, "!"); done.Add(1) }()
		}
		for finished := int64(0); finished < 12; finished++ {
			synctest.Wait()
			if want := min(3, 12-finished); preferred.active.Load() != want || done.Load() != finished {
				t.Errorf("%d at once with %d done, want %d with %d", preferred.active.Load(), done.Load(), want, finished)
			}
			preferred.gate <- struct{}{}
		}
	})
}

func TestMake_DjangoFormats(t *testing.T) {
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
		t.Run(fmt.Sprintf("Preferred %q is written as Django writes it", preferred), func(t *testing.T) {
			if preferred != "" {
				testlevel.SkipUnlessFull(t)
			}
			t.Parallel()
			h, err := New(Options{Preferred: preferred})
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := h.Make(t.Context(), testPassword)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(form).MatchString(encoded) {
				t.Errorf("made %s", encoded)
			}
			if len(encoded) > 128 {
				t.Errorf("%d characters do not fit Django's column", len(encoded))
			}
			// TestMake_NewSalt checks with low costs that it also matches.
			if made, err := parseHash(encoded, defaultLimits()); err != nil || made == nil || !made.isCurrent(h.preferred) {
				t.Errorf("made %s, which is not of the preferred format and costs: error %v", encoded, err)
			}
		})
	}
}

func TestMake_NewSalt(t *testing.T) {
	t.Parallel()
	for _, preferred := range cheapHashes() {
		h := newHashers(preferred, 1, defaultLimits())
		first, err1 := h.Make(t.Context(), testPassword)
		second, err2 := h.Make(t.Context(), testPassword)
		if err1 != nil || err2 != nil || first == second {
			t.Errorf("%T: made %q and %q, errors %v and %v", preferred, first, second, err1, err2)
		}
		wantCheck(t, h, testPassword, second, true, false)
		wantCheck(t, h, testPassword+"!", second, false, false)
	}
}

func TestCheck_DjangoHashes(t *testing.T) {
	t.Parallel()
	for _, v := range djangoHashes {
		t.Run(v.name+" matches its password only", func(t *testing.T) {
			if strings.Contains(v.name, "Django") {
				testlevel.SkipUnlessFull(t)
			}
			t.Parallel()
			h := newHashers(&fakeHash{}, 1, defaultLimits())
			if ok, _, err := h.Check(t.Context(), v.password, v.encoded); !ok || err != nil {
				t.Errorf("the right password: ok %v, error %v", ok, err)
			}
			if strings.Contains(v.name, "cost") || strings.Contains(v.name, "iterations") {
				return // one computation is enough for the expensive ones
			}
			for _, wrong := range []string{v.password + " ", " " + v.password, strings.ToUpper(v.password) + "!"} {
				if ok, upgrade, err := h.Check(t.Context(), wrong, v.encoded); ok || upgrade || err != nil {
					t.Errorf("password %.40q: ok %v, upgrade %v, error %v", wrong, ok, upgrade, err)
				}
			}
		})
	}
}

func TestCheck_UnmatchableHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range unmatchableHashes {
		t.Run(tt.name+" matches no password", func(t *testing.T) {
			t.Parallel()
			// A real hash under the name of the other bcrypt can be read, and its own work is done.
			if tt.name == "bcrypt under the name of bcrypt_sha256" {
				wantCheck(t, newHashers(&fakeHash{}, 1, defaultLimits()), testPassword, tt.encoded, false, false)
				return
			}
			preferred := &fakeHash{}
			wantCheck(t, newHashers(preferred, 1, defaultLimits()), testPassword, tt.encoded, false, false)
			if got := preferred.computed.Load(); got != 1 {
				t.Errorf("computed %d dummy hashes, want 1", got)
			}
		})
	}
}

func TestCheck_Upgrade(t *testing.T) {
	t.Parallel()
	const pbkdf2Row = "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="
	const argon2Row = "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog"
	const bcryptRow = "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"
	const scryptRow = "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="
	argon2With := func(memory, passes, lanes, size int) hash {
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
		{"pbkdf2 with more iterations", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 999}, false},
		{"pbkdf2 of another digest", pbkdf2Row, pbkdf2Hash{algorithm: "pbkdf2_sha1", iterations: 1000}, true},
		{"pbkdf2 with a short salt", "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=", pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000}, true},
		{"pbkdf2 where argon2 is preferred", pbkdf2Row, newArgon2(), true},
		{"argon2 with the same costs", argon2Row, argon2With(256, 3, 4, 16), false},
		{"argon2 with less memory", argon2Row, argon2With(512, 3, 4, 16), true},
		{"argon2 with fewer passes", argon2Row, argon2With(256, 4, 4, 16), true},
		{"argon2 with more memory and passes", argon2Row, argon2With(128, 2, 4, 16), false},
		{"argon2 with other lanes", argon2Row, argon2With(256, 3, 2, 16), false},
		{"argon2 with a shorter sum", argon2Row, argon2With(256, 3, 4, 32), true},
		{"argon2 with a short salt", "argon2$argon2id$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$MI6ryYRwMCcF1mm/CkxPIp74xyGLtt30+tj0SMxQ5b4", argon2With(256, 3, 2, 32), true},
		{"argon2i where argon2id is preferred", "argon2$argon2i$v=19$m=256,t=3,p=2$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$+EOb1ONljxKaq0CyXWwXuQ", argon2With(256, 3, 2, 16), true},
		{"bcrypt with the same cost", bcryptRow, bcryptHash{algorithm: "bcrypt", cost: 4}, false},
		{"bcrypt with a lower cost", bcryptRow, bcryptHash{algorithm: "bcrypt", cost: 5}, true},
		{"bcrypt where bcrypt_sha256 is preferred", bcryptRow, bcryptHash{algorithm: "bcrypt_sha256", cost: 4}, true},
		{"scrypt with the same costs", scryptRow, scryptHash{n: 16, r: 4, p: 2}, false},
		{"scrypt with a lower N", scryptRow, scryptHash{n: 32, r: 4, p: 2}, true},
		{"scrypt with a lower r", scryptRow, scryptHash{n: 16, r: 8, p: 2}, true},
		{"scrypt with a lower p", scryptRow, scryptHash{n: 16, r: 4, p: 3}, true},
		{"scrypt with a higher p", scryptRow, scryptHash{n: 16, r: 4, p: 1}, false},
	} {
		upgraded := map[bool]string{true: " is upgraded", false: " is not upgraded"}[tt.want]
		t.Run(tt.name+upgraded, func(t *testing.T) {
			t.Parallel()
			wantCheck(t, newHashers(tt.preferred, 1, defaultLimits()), testPassword, tt.encoded, true, tt.want)
		})
	}
}

func TestCheck_TruncatedPassword(t *testing.T) {
	t.Parallel()
	// Django stored this for 73 bytes, of which bcrypt saw 72.
	const row = "bcrypt$$2b$04$yH9ZYvyB.6v7CMgpk6N0h.0Pt9RAzZKc0RFQT1JBAk1GErlPY.IHm"
	h := newHashers(randomBcrypt("bcrypt", 4), 1, defaultLimits())
	wantCheck(t, h, strings.Repeat("y", 73), row, false, false)
	wantCheck(t, h, strings.Repeat("y", 72)+"z", row, false, false)
	wantCheck(t, h, strings.Repeat("y", 72), row, true, false)

	short, err := h.Make(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	wantCheck(t, h, "a\x00a", short, false, false) // the same password to bcrypt
	wantCheck(t, h, "a", short, true, false)

	// The password that is hashed in place of a rejected one must not match for it.
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

func TestCheck_PasswordTooLong(t *testing.T) {
	t.Parallel()
	preferred := &fakeHash{}
	h := newHashers(preferred, 1, defaultLimits())
	longest, tooLong := strings.Repeat("x", MaxPasswordBytes), strings.Repeat("x", MaxPasswordBytes+1)
	stored, err := cheapHashes()[2].encodePassword(tooLong)
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

func TestCheck_CheaperRow(t *testing.T) {
	t.Parallel()
	old := bcryptHash{algorithm: "bcrypt", cost: 4}
	var costs []int
	for _, step := range old.remainingWork(bcryptHash{algorithm: "bcrypt", cost: 8}) {
		costs = append(costs, step.(bcryptHash).cost)
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7}, costs); diff != "" { // 2^4 + (2^4+2^5+2^6+2^7) = 2^8
		t.Error(diff)
	}
	if steps := old.remainingWork(randomBcrypt("bcrypt_sha256", 8)); steps != nil {
		t.Errorf("work for another format: %v", steps)
	}

	rest := pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 300}.remainingWork(pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000})
	if len(rest) != 1 || rest[0].(pbkdf2Hash).iterations != 700 {
		t.Errorf("the work from 300 to 1000 iterations: %v", rest)
	}
	if rest := (pbkdf2Hash{algorithm: "pbkdf2_sha256", iterations: 1000}).remainingWork(newPBKDF2("pbkdf2_sha1")); rest != nil {
		t.Errorf("work for another digest: %v", rest)
	}

	row, step1, step2 := &fakeHash{}, &fakeHash{}, &fakeHash{}
	row.rest = []hash{step1, step2}
	if newHashers(&fakeHash{}, 1, defaultLimits()).verifyPassword(row, "wrong") {
		t.Error("a wrong password matched")
	}
	if diff := cmp.Diff([]int64{1, 1, 1}, []int64{row.computed.Load(), step1.computed.Load(), step2.computed.Load()}); diff != "" {
		t.Errorf("computations of the row and of each step that remains: %s", diff)
	}
}

func TestCheck_ContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred := &fakeHash{gate: make(chan struct{})}
		h := newHashers(preferred, 1, defaultLimits())
		go func() { _ = h.Dummy(t.Context(), testPassword) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		failures := make(chan error, 4)
		go func() { failures <- h.Dummy(ctx, testPassword) }()
		go func() { _, err := h.Make(ctx, testPassword); failures <- err }()
		for _, encoded := range []string{"", djangoHashes[1].encoded} {
			go func() {
				ok, upgrade, err := h.Check(ctx, testPassword, encoded)
				if ok || upgrade {
					t.Error("a check that never got a slot returned true")
				}
				failures <- err
			}()
		}
		synctest.Wait()
		if len(failures) != 0 {
			t.Errorf("%d calls did not wait: %v", len(failures), <-failures)
		}
		cancel()
		synctest.Wait()
		if len(failures) != 4 {
			t.Errorf("%d of 4 calls ended with the context", len(failures))
		}
		for range len(failures) {
			if err := <-failures; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v", err)
			}
		}
		close(preferred.gate)
		synctest.Wait()
		if err := h.Dummy(ctx, testPassword); !errors.Is(err, context.Canceled) {
			t.Errorf("with a free slot and a context that has ended: error %v", err)
		}
		if got := preferred.computed.Load(); got != 1 {
			t.Errorf("computed %d hashes, want 1", got)
		}
	})
}

func TestDummy(t *testing.T) {
	preferred := &fakeHash{}
	h := newHashers(preferred, 1, defaultLimits())
	if err := h.Dummy(t.Context(), testPassword); err != nil {
		t.Fatal(err)
	}
	if got := preferred.computed.Load(); got != 1 || *preferred.last.Load() != testPassword {
		t.Errorf("computed %d hashes, last of %q", got, *preferred.last.Load())
	}
	// With real formats, a dummy allocates about as often as a failed check. A shortcut would allocate next to nothing.
	for _, preferred := range cheapHashes() {
		h := newHashers(preferred, 1, defaultLimits())
		stored, err := h.Make(t.Context(), testPassword)
		if err != nil {
			t.Fatal(err)
		}
		check := testing.AllocsPerRun(5, func() { wantCheck(t, h, "wrong", stored, false, false) })
		parsing := testing.AllocsPerRun(5, func() { _, _ = parseHash(stored, h.limits) })
		dummy := testing.AllocsPerRun(5, func() { _ = h.Dummy(t.Context(), "wrong") })
		if 2*dummy < check-parsing {
			t.Errorf("%T: a dummy allocates %v times, a check %v", preferred, dummy, check)
		}
		rejected := testing.AllocsPerRun(5, func() { _ = h.Dummy(t.Context(), strings.Repeat("y", 73)) })
		if 2*rejected < dummy {
			t.Errorf("%T: a dummy of 73 bytes allocates %v times, of 5 bytes %v", preferred, rejected, dummy)
		}
	}
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	first, second := Unusable(), Unusable()
	form := regexp.MustCompile(`^![A-Za-z0-9]{40}$`)
	if !form.MatchString(first) || !form.MatchString(second) || first == second {
		t.Errorf("got %q and %q", first, second)
	}
	for _, password := range []string{"", "!", first, first[1:]} {
		wantCheck(t, newHashers(&fakeHash{}, 1, defaultLimits()), password, first, false, false)
	}
}
