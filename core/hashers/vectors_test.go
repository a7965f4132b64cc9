package hashers

import (
	"strings"
)

// djangoHashes were made by Django 3.2.25 with argon2-cffi 21.1.0 and bcrypt 3.2.2; those of scrypt, which came with Django 4.0, by
// Python's hashlib in Django's format. Django's formats have not changed since. Names with "Django" have the costs of today.
var djangoHashes = []struct{ name, password, encoded string }{
	{"pbkdf2_sha256 with Django 5.2's iterations", testPassword, "pbkdf2_sha256$1000000$Yk3nq0XvTz81sPbLmWcD7a$1nfr78U8VfWAsgFd1abO/VdMx8DHiKG9+5y/KgiLS00="},
	{"pbkdf2_sha256 with few iterations", testPassword, "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"pbkdf2_sha256 of a password beyond ASCII", unicodePassword, "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$evoBcWveSAM7rjqoo4kfPLoq79FYVlp0TCFy1xHeJNw="},
	{"pbkdf2_sha256 of an empty password", "", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$LqKeQGG3k7jbhtvehvmr5aWnsze1JDnV8wXlxGl1YE4="},
	{"pbkdf2_sha256 with a short salt", testPassword, "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA="},
	{"pbkdf2_sha256 of the longest password", strings.Repeat("x", 4096), "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$FuqSsm6lYQDHS+oFqDj6Ybah/+naR2gvt08RSGNBJcw="},
	{"pbkdf2_sha1", testPassword, "pbkdf2_sha1$1000$Yk3nq0XvTz81sPbLmWcD7a$73fQBaZOiayWHrh/c7uoBAD39Qk="},
	{"argon2id with Django's default costs", testPassword, "argon2$argon2id$v=19$m=102400,t=2,p=8$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$qmsIXCWFzswBKc+YXhA/+g"},
	{"argon2id with OWASP's costs", testPassword, "argon2$argon2id$v=19$m=19456,t=2,p=1$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$0KaOMKQ3rGEz3sqULa7kKQ"},
	{"argon2id with low costs", testPassword, "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$OKEWKFCr0z8NudPqITMrog"},
	{"argon2id of a password beyond ASCII", unicodePassword, "argon2$argon2id$v=19$m=256,t=3,p=4$WWszbnEwWHZUejgxc1BiTG1XY0Q3YQ$0K0xHt9jPbfiJQaotPoSAg"},
	{"argon2id with a sum of 32 bytes", testPassword, "argon2$argon2id$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$MI6ryYRwMCcF1mm/CkxPIp74xyGLtt30+tj0SMxQ5b4"},
	{"argon2i", testPassword, "argon2$argon2i$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$UcR6JY7To9l5Rw0MvqwoBQ"},
	{"argon2i with a sum of 32 bytes", testPassword, "argon2$argon2i$v=19$m=256,t=3,p=2$MDEyMzQ1Njc4OWFiY2RlZg$UA/MuYlZVe2KTjnHGRnBjkYhthn3tQSD1jtLSgeaer4"},
	{"bcrypt with Django's cost", testPassword, "bcrypt$$2b$12$R/Idj/lIwVCC8nvpzoH4puMbgPk3rkwPadLT1a.Sxd194YHXGpwEO"},
	{"bcrypt with a low cost", testPassword, "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt of 72 bytes", strings.Repeat("y", 72), "bcrypt$$2b$04$tbuKvxUoR.egQPPPsk.iwO0pIXmpVDbtta1.ilgjTC8ajuItoia6C"},
	{"bcrypt of version 2a", testPassword, "bcrypt$$2a$04$IPjOS2z/bgbeGadv71rqROu.AsdRMKbzUjMIc2xY3GanlNR98WTG6"},
	{"bcrypt of version 2y", testPassword, "bcrypt$$2y$04$IPjOS2z/bgbeGadv71rqROu.AsdRMKbzUjMIc2xY3GanlNR98WTG6"},
	{"bcrypt_sha256", testPassword, "bcrypt_sha256$$2b$04$EnJvodHJV7d6.ykUb0IyyuLhmovM0gz9UWbECuaZP3hNpbZUvV2HO"},
	{"bcrypt_sha256 of 200 bytes", strings.Repeat("y", 200), "bcrypt_sha256$$2b$04$usQXvDvtxsNr7xQ9hOaRVeh19t47FS30v5yPxcLmiqcW18H9rEvh2"},
	{"scrypt with Django 5.2's costs", testPassword, "scrypt$16384$Yk3nq0XvTz81sPbLmWcD7a$8$5$Z49JuhsqMxVKyfj1ks8QLrxEoyW7x5qFOaE3wn9Pz+ypMvzyAaDyqUdLAwDTtMLKvg8P16PUE5vlgEvpjWe9YA=="},
	{"scrypt with low costs", testPassword, "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="},
	{"scrypt of a password beyond ASCII", unicodePassword, "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$sU+jlSb/EpczixrOez4zRkgKuBuD694BsbRPPxCIZzhK5aQSMXHCYPOXNc+iukcReoTUjMI6cuo8V2/qExnKWw=="},
}

// unmatchableHashes are stored values that no password matches. Each stands for one rule of a parser. Where possible it is the real
// hash of testPassword apart from that.
var unmatchableHashes = []struct{ name, encoded string }{
	{"empty", ""},
	{"an unusable password", "!jviUltMIxOqjo0HDkk0z1CelOczDBU3tJ4yTT0xf"},
	{"an unusable mark before a real hash", "!pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"the password itself", testPassword},
	{"only dollars", "$$$$$$$"},
	{"an unknown format", "md5$Yk3nq0XvTz81sPbLmWcD7a$9e107d9d372bb6826bd81d3542a419d6"},
	{"a format in capitals", "PBKDF2_SHA256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},

	{"pbkdf2: only the name", "pbkdf2_sha256"},
	{"pbkdf2: no salt", "pbkdf2_sha256$1000$$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="},
	{"pbkdf2: no sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$"},
	{"pbkdf2: a truncated sum", "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZR"},
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
	{"bcrypt: a truncated sum", "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iy"},
	{"bcrypt: a character outside the alphabet", "bcrypt$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUn+Pho4jvgO9MvyfiJJ4iye"},
	{"bcrypt: one dollar missing", "bcrypt$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt: no dollar before the salt", "bcrypt$$2b$04.G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},
	{"bcrypt under the name of bcrypt_sha256", "bcrypt_sha256$$2b$04$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"},

	{"scrypt: no salt", "scrypt$16$$4$2$P3Le7TmCOHpO1/JM7pYx23LQbhcdR8virtVO6QPPtMWIsJMO8Hrzx+4H3RW4Ycp7AzfkIA1y+VmXJB7+bO4AFw=="},
	{"scrypt: no sum", "scrypt$16$Yk3nq0XvTz81sPbLmWcD7a$4$2$"},
}

// The salts and sums of hashes, to be put behind their costs.
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

// expensiveHashes are over one of the default limits: as little as possible, or absurdly far.
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

// malformedHashes have costs that their format does not allow, or are too long.
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
