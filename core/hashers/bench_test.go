package hashers

import "testing"

var formats = []string{"argon2", "pbkdf2_sha256", "pbkdf2_sha1", "bcrypt", "bcrypt_sha256", "scrypt"}

func BenchmarkMake(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := mustNew(b, format)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Make(b.Context(), secret); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := mustNew(b, format)
			encoded, err := h.Make(b.Context(), secret)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkCheck(b, h, encoded)
		})
	}
	b.Run("argon2 of Django", func(b *testing.B) {
		benchmarkCheck(b, mustNew(b, "argon2"), "argon2$argon2id$v=19$m=102400,t=2,p=8$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$qmsIXCWFzswBKc+YXhA/+g")
	})
}

// BenchmarkDummy is to be read beside BenchmarkCheck: the two should cost the same.
func BenchmarkDummy(b *testing.B) {
	for _, format := range formats {
		b.Run(format, func(b *testing.B) {
			h := mustNew(b, format)
			for b.Loop() {
				if err := h.Dummy(b.Context(), secret); err != nil {
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
		if ok, _, err := h.Check(b.Context(), secret, encoded); !ok || err != nil {
			b.Fatalf("ok %v, error %v", ok, err)
		}
	}
}

func mustNew(b *testing.B, format string) *Hashers {
	b.Helper()
	h, err := New(Options{Preferred: format})
	if err != nil {
		b.Fatal(err)
	}
	return h
}
