// Package hashers makes and checks password hashes in the formats that Django stores: argon2, pbkdf2_sha256, pbkdf2_sha1,
// bcrypt, bcrypt_sha256 and scrypt. It checks rows that Django wrote, and Django checks rows that it wrote if the algorithm
// is among Django's PASSWORD_HASHERS.
//
// # Making and checking
//
// [New] returns a [Hashers]. [Hashers.Make] returns what to store for a password, and [Hashers.Check] compares a password with
// a stored hash. If Check asks for an upgrade, store what Make returns for the same password. [Unusable] returns a value for
// users who have no password.
//
// # Hashes that no password matches
//
// Check returns false, after as much work as for a hash of the preferred format, for
//
//   - an unusable password ("!...") and an empty value,
//   - every format not named above, argon2d, and argon2 of a version other than 19,
//   - a hash whose parts are missing, unreadable or too many, or whose cost its format does not allow,
//   - a value longer than 1,024 bytes.
//
// [Readable] says what is wrong with such a value.
//
// # Limits
//
// A stored hash names its own cost, and a computation cannot be stopped once it has started: neither crypto/pbkdf2 nor argon2,
// bcrypt and scrypt of golang.org/x/crypto take a context. A context ends only the wait for a slot. The limits of [Options]
// make up for that: for a hash over a limit, Check returns [ErrTooExpensive] without any hashing and without waiting for a slot.
// With the default limits a check computes for at most three seconds and uses at most 256 MiB. New returns the same error for a
// preferred format over a limit, so the limits hold for Make and Dummy too.
//
// # Timing
//
// The time of a failed login must not show whether the user exists: call [Hashers.Dummy] for an unknown user. The times are
// alike only if the stored hashes have the preferred format, so set Options.Preferred to the format of most rows.
package hashers
