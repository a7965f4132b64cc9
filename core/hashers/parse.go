package hashers

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
)

const (
	// maxEncodedBytes is far beyond the 128 characters of Django's column.
	maxEncodedBytes = 1024

	// saltChars is the length of a new salt. A character of saltAlphabet carries 5.95 bits, so 22 are the fewest that
	// carry 128; Django asks for the same length and calls a shorter salt outdated.
	saltChars    = 22
	saltAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// limits are the highest costs of a stored hash that are still computed. Whoever logs in does not choose them; they
// keep one corrupt row from taking the process down.
type limits struct {
	pbkdf2Iterations uint64
	argon2KiB        uint64 // memory
	argon2Work       uint64 // memory in KiB times passes
	bcryptCost       uint64
	scryptWork       uint64 // N*r*p, in blocks of 128 bytes; bounds the memory too
}

func defaultLimits() limits {
	return limits{
		pbkdf2Iterations: 10_000_000,
		argon2KiB:        4 << 20,  // 4 GiB
		argon2Work:       16 << 20, // 16 GiB written in all
		bcryptCost:       20,
		scryptWork:       8 << 20, // 1 GiB
	}
}

// parse takes a stored hash apart. It answers false for whatever can match no password.
func parse(encoded string, l limits) (hash, bool) {
	if len(encoded) > maxEncodedBytes {
		return nil, false
	}
	algorithm, rest, _ := strings.Cut(encoded, "$")
	switch algorithm {
	case "argon2":
		return parseArgon2(rest, l)
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return parsePBKDF2(algorithm, rest, l)
	case "bcrypt", "bcrypt_sha256":
		return parseBcrypt(algorithm, rest, l)
	case "scrypt":
		return parseScrypt(rest, l)
	}
	return nil, false
}

// newPreferred returns a hash with the costs of today for the format, and a random salt and sum.
func newPreferred(algorithm string) (hash, bool) {
	switch algorithm {
	case "argon2":
		return newArgon2(), true
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return newPBKDF2(algorithm), true
	case "bcrypt", "bcrypt_sha256":
		return newBcrypt(algorithm, bcryptCost), true
	case "scrypt":
		return newScrypt(), true
	}
	return nil, false
}

// number reads a decimal number between 1 and limit as Django writes it: no sign, space, underscore or leading zero.
func number(text string, limit uint64) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n < 1 || n > limit || strconv.FormatUint(n, 10) != text {
		return 0, false
	}
	return int(n), true
}

// parameter reads a number behind its name, as in "m=19456".
func parameter(text, name string, limit uint64) (int, bool) {
	value, found := strings.CutPrefix(text, name+"=")
	if !found {
		return 0, false
	}
	return number(value, limit)
}

// decode reads base64 of between low and high bytes, in exactly the form that the encoder writes. Go's decoder skips
// line breaks and, unless strict, ignores trailing bits.
func decode(encoding *base64.Encoding, text string, low, high int) ([]byte, bool) {
	data, err := encoding.DecodeString(text)
	if err != nil || len(data) < low || len(data) > high || encoding.EncodeToString(data) != text {
		return nil, false
	}
	return data, true
}

// randomText returns n letters and digits, every one equally likely.
func randomText(n int) string {
	text := make([]byte, 0, n)
	pool := make([]byte, 2*n)
	for len(text) < n {
		_, _ = rand.Read(pool) // never fails: the program ends if the system has no randomness
		for _, b := range pool {
			// Bytes from the highest multiple of 62 on would favour the first letters.
			if b < 248 && len(text) < n {
				text = append(text, saltAlphabet[b%62])
			}
		}
	}
	return string(text)
}

func randomBytes(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails, see randomText
	return data
}
