package hashers

import "testing"

var formats = []string{"argon2", "pbkdf2_sha256", "pbkdf2_sha1", "bcrypt", "bcrypt_sha256", "scrypt"}

func BenchmarkMake(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := newHashersOf(b, format)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Make(b.Context(), testPassword); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := newHashersOf(b, format)
			encoded, err := h.Make(b.Context(), testPassword)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkCheck(b, h, encoded)
		})
	}
	b.Run("argon2 of Django", func(b *testing.B) {
		benchmarkCheck(b, newHashersOf(b, "argon2"), "argon2$argon2id$v=19$m=102400,t=2,p=8$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$qmsIXCWFzswBKc+YXhA/+g")
	})
}

// BenchmarkCheckAtLimit measures the most expensive logins: stored hashes at the default limits, with the costs that take longest.
// The password is wrong.
func BenchmarkCheckAtLimit(b *testing.B) {
	for _, v := range []struct{ name, encoded string }{
		{"pbkdf2_sha256", "pbkdf2_sha256$5000000" + pbkdf2Tail},
		{"pbkdf2_sha1", "pbkdf2_sha1$5000000" + pbkdf2SHA1Tail},
		{"argon2id of 256 MiB", "argon2$argon2id$v=19$m=262144,t=8,p=1" + argon2Tail},
		{"argon2id of 255 lanes", "argon2$argon2id$v=19$m=2040,t=1028,p=255" + argon2Tail},
		{"argon2i of 8 KiB", "argon2$argon2i$v=19$m=8,t=262144,p=1" + argon2Tail},
		{"bcrypt", "bcrypt$$2b$15" + bcryptTail},
		{"scrypt of 256 MiB", "scrypt$262144" + scryptSalt + "8$2" + scryptSum},
		{"scrypt of 256 MiB in small blocks", "scrypt$2097152" + scryptSalt + "1$2" + scryptSum},
		{"scrypt of 256 MiB in lanes", "scrypt$2" + scryptSalt + "1$2097148" + scryptSum},
	} {
		b.Run(v.name, func(b *testing.B) {
			h := newHashersOf(b, "argon2")
			b.ReportAllocs()
			for b.Loop() {
				if ok, _, err := h.Check(b.Context(), testPassword, v.encoded); ok || err != nil {
					b.Fatalf("ok %v, error %v", ok, err)
				}
			}
		})
	}
}

// BenchmarkDummy should take as long as BenchmarkCheck.
func BenchmarkDummy(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := newHashersOf(b, format)
			for b.Loop() {
				if err := h.Dummy(b.Context(), testPassword); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchmarkCheck(b *testing.B, h *Hashers, encoded string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, err := h.Check(b.Context(), testPassword, encoded); !ok || err != nil {
			b.Fatalf("ok %v, error %v", ok, err)
		}
	}
}

func newHashersOf(b *testing.B, format string) *Hashers {
	b.Helper()
	h, err := New(Options{Preferred: format})
	if err != nil {
		b.Fatal(err)
	}
	return h
}
