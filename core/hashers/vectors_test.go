package hashers

import (
	"strings"
	"testing"
)

const (
	secret  = "correct horse battery staple"
	unicode = "pässwörd ☃ 🔑"
)

// vectors were made by Django 3.2.25 with argon2-cffi 21.1.0 and bcrypt 3.2.2; scrypt, which came with Django 4.0, by
// Python's hashlib in Django's format. Django's formats have not changed since.
var vectors = []struct{ name, password, encoded string }{
	{"pbkdf2_sha256 with Django 5.2's iterations", secret, "pbkdf2_sha256$1000000$Yk3nq0XvTz81sPbLmWcD7a$1nfr78U8VfWAsgFd1abO/VdMx8DHiKG9+5y/KgiLS00="},
	{"pbkdf2_sha256 with few iterations", secret, "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"pbkdf2_sha256 of a password beyond ASCII", unicode, "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$evoBcWveSAM7rjqoo4kfPLoq79FYVlp0TCFy1xHeJNw="},
	{"pbkdf2_sha256 of an empty password", "", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$LqKeQGG3k7jbhtvehvmr5aWnsze1JDnV8wXlxGl1YE4="},
	{"pbkdf2_sha256 with a short salt", secret, "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA="},
	{"pbkdf2_sha256 of the longest password", strings.Repeat("x", 4096), "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$FuqSsm6lYQDHS+oFqDj6Ybah/+naR2gvt08RSGNBJcw="},
	{"pbkdf2_sha1", secret, "pbkdf2_sha1$1000$Yk3nq0XvTz81sPbLmWcD7a$73fQBaZOiayWHrh/c7uoBAD39Qk="},
	{"argon2id with Django's default costs", secret, "argon2$argon2id$v=19$m=102400,t=2,p=8$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$qmsIXCWFzswBKc+YXhA/+g"},
	{"argon2id with OWASP's costs", secret, "argon2$argon2id$v=19$m=19456,t=2,p=1$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$0KaOMKQ3rGEz3sqULa7kKQ"},
	{"argon2id with low costs", secret, "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog"},
	{"argon2id of a password beyond ASCII", unicode, "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$0K0xHt9jPbfiJQaotPoSAg"},
	{"argon2id with a sum of 32 bytes", secret, "argon2$argon2id$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$MI6ryYRwMCcF1mm/CkxPIp74xyGLtt30+tj0SMxQ5b4"},
	{"argon2i", secret, "argon2$argon2i$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$UcR6JY7To9l5Rw0MvqwoBQ"},
	{"argon2i with a sum of 32 bytes", secret, "argon2$argon2i$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$UA/MuYlZVe2KTjnHGRnBjkYhthn3tQSD1jtLSgeaer4"},
	{"bcrypt with Django's cost", secret, "bcrypt$$2b$12$R/Idj/lIwVCC8nvpzoH4puMbgPk3rkwPadLT1a.Sxd194YHXGpwEO"},
	{"bcrypt with a low cost", secret, "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt of 72 bytes", strings.Repeat("y", 72), "bcrypt$$2b$04$tbuKvxUoR.egQPPPsk.iwO0pIXmpVDbtta1.ilgjTC8ajuItoia6C"},
	{"bcrypt of version 2a", secret, "bcrypt$$2a$04$IPjOS2z/bgbeGadv71rqROu.AsdRMKbzUjMIc2xY3GanlNR98WTG6"},
	{"bcrypt of version 2y", secret, "bcrypt$$2y$04$IPjOS2z/bgbeGadv71rqROu.AsdRMKbzUjMIc2xY3GanlNR98WTG6"},
	{"bcrypt_sha256", secret, "bcrypt_sha256$$2b$04$EnJvodHJV7d6.ykUb0IyyuLhmovM0gz9UWbECuaZP3hNpbZUvV2HO"},
	{"bcrypt_sha256 of 200 bytes", strings.Repeat("y", 200), "bcrypt_sha256$$2b$04$usQXvDvtxsNr7xQ9hOaRVeh19t47FS30v5yPxcLmiqcW18H9rEvh2"},
	{"scrypt with Django 5.2's costs", secret, "scrypt$16384$Yk3nq0XvTz81sPbLmWcD7a$8$5$Z49JuhsqMxVKyfj1ks8QLrxEoyW7x5qFOaE3wn9Pz+ypMvzyAaDyqUdLAwDTtMLKvg8P16PUE5vlgEvpjWe9YA=="},
	{"scrypt with low costs", secret, "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="},
	{"scrypt of a password beyond ASCII", unicode, "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$sU+jlSb/EpczixrOez4zRkgKuBuD694BsbRPPxCIZzhK5aQSMXHCYPOXNc+iukcReoTUjMI6cuo8V2/qExnKWw=="},
}

func TestCheckAcceptsWhatDjangoStored(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			h := newHashers(&fake{}, 1, defaultLimits())
			if ok, _, err := h.Check(t.Context(), v.password, v.encoded); !ok || err != nil {
				t.Errorf("the right password: ok %v, error %v", ok, err)
			}
			if strings.Contains(v.name, "cost") || strings.Contains(v.name, "iterations") {
				return // one computation of the expensive ones is enough
			}
			for _, wrong := range []string{v.password + " ", " " + v.password, strings.ToUpper(v.password) + "!"} {
				if ok, upgrade, err := h.Check(t.Context(), wrong, v.encoded); ok || upgrade || err != nil {
					t.Errorf("password %.40q: ok %v, upgrade %v, error %v", wrong, ok, upgrade, err)
				}
			}
		})
	}
}

// refused are stored values that no password matches. Each stands for one rule of a parser, and where it can, it is
// otherwise the true hash of secret.
var refused = []struct{ name, encoded string }{
	{"empty", ""},
	{"an unusable password", "!jviUltMIxOqjo0HDkk0z1CelOczDBU3tJ4yTT0xf"},
	{"an unusable mark before a true hash", "!pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"the password itself", secret},
	{"only dollars", "$$$$$$$"},
	{"an unknown format", "md5$Yk3nq0XvTz81sPbLmWcD7a$9e107d9d372bb6826bd81d3542a419d6"},
	{"a format in capitals", "PBKDF2_SHA256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},

	{"pbkdf2: only the name", "pbkdf2_sha256"},
	{"pbkdf2: no salt", "pbkdf2_sha256$1000$$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"pbkdf2: no sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$"},
	{"pbkdf2: a cut sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZR"},
	{"pbkdf2: a sum of SHA-1's length", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$73fQBaZOiayWHrh/c7uoBAD39Qk="},
	{"pbkdf2: a line break in the sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6O\npEn0q1ROYvp51+ZRrH0="},
	{"pbkdf2: trailing bits in the sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH1="},
	{"pbkdf2: one part more", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0=$"},

	{"argon2d", "argon2$argon2d$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$MvvMdRcNmChh2LaVFrB6hA"},
	{"argon2 of version 16", "argon2$argon2i$v=16$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$cGNuskg3TfeHDW0EZtxEOUwvSJB5YfmRtwdcJYH8lIY"},
	{"argon2 without a version", "argon2$argon2i$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$UcR6JY7To9l5Rw0MvqwoBQ"},
	{"argon2: a salt under 8 bytes", "argon2$argon2id$v=19$m=256,t=3,p=4$MDEyMzQ1Ng$OKEWKFCr0z8NudPqITMrog"},
	{"argon2: no sum", "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$"},
	{"argon2: a sum under 16 bytes", "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMr"},
	{"argon2: a sum over 64 bytes", "argon2$argon2id$v=19$m=256,t=3,p=2$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$hP2LiUW1gukxgYZoihk7TRqVyCzLkOTIWM3I3RYqjx2EnRiuxSyaqM355pmaoRxLfo+PFGq3Q3c5NwTi4QgbiQ8"},
	{"argon2: one part more", "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog$"},
	{"argon2: a padded sum", "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog=="},

	{"bcrypt: only the name", "bcrypt$"},
	{"bcrypt: an unknown version", "bcrypt$$2x$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt: something behind the sum", "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iyeA"},
	{"bcrypt: a cut sum", "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iy"},
	{"bcrypt: a character outside the alphabet", "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUn+Pho4jvgO9MvyfiJJ4iye"},
	{"bcrypt: one dollar missing", "bcrypt$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt: no dollar before the salt", "bcrypt$$2b$04.G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt under the name of bcrypt_sha256", "bcrypt_sha256$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},

	{"scrypt: no salt", "scrypt$16$$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="},
	{"scrypt: no sum", "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$"},
}

func TestCheckOfWhatNoPasswordMatchesCostsADummy(t *testing.T) {
	t.Parallel()
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// A true hash under the name of the other bcrypt is read well, and does its own work.
			if tt.name == "bcrypt under the name of bcrypt_sha256" {
				wantCheck(t, newHashers(&fake{}, 1, defaultLimits()), secret, tt.encoded, false, false)
				return
			}
			preferred := &fake{}
			wantCheck(t, newHashers(preferred, 1, defaultLimits()), secret, tt.encoded, false, false)
			if got := preferred.computed.Load(); got != 1 {
				t.Errorf("computed %d dummy hashes, want 1", got)
			}
		})
	}
}
