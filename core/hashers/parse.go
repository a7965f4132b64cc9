package hashers

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
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

// parsers has the parser of each format. It gets what follows the format's name. Errors: errUnreadable.
var parsers = map[string]func(algorithm, rest string) (hash, error){
	"argon2":        parseArgon2,
	"pbkdf2_sha256": parsePBKDF2,
	"pbkdf2_sha1":   parsePBKDF2,
	"bcrypt":        parseBcrypt,
	"bcrypt_sha256": parseBcrypt,
	"scrypt":        parseScrypt,
}

// olderFormats are those of Django's that are not checked here.
var olderFormats = []string{"md5", "sha1", "unsalted_md5", "unsalted_sha1", "crypt"}

// formatName returns the name of a stored hash's format, "unknown" for one that Django never had: it may be a part of the hash.
func formatName(encoded string) string {
	name, _, _ := strings.Cut(encoded, "$")
	if parsers[name] != nil || slices.Contains(olderFormats, name) {
		return name
	}
	return "unknown"
}

// Readable says why a stored hash that is meant to match a password can't match any: its format is not known, its text is damaged,
// a cost is impossible, or it is longer than 1,024 bytes. Check answers such a hash like a wrong password, so tell the operator.
// The error is nil for one that Check reads, be it over a limit, for an unusable one ("!...") and for "". Format is Django's
// name of the format, "unknown" for any other. Neither it nor the error holds anything else of the hash.
func Readable(encoded string) (format string, err error) {
	format = formatName(encoded)
	if encoded == "" || strings.HasPrefix(encoded, "!") {
		return format, nil
	}
	if _, err = parse(encoded, defaultLimits()); errors.Is(err, ErrTooExpensive) {
		err = nil
	}
	return format, err
}

// parse takes a stored hash apart, without computing anything. Errors: ErrTooExpensive; errUnreadable where no password matches.
func parse(encoded string, l limits) (hash, error) {
	algorithm, rest, _ := strings.Cut(encoded, "$")
	parseFormat, known := parsers[algorithm]
	if !known {
		return nil, unreadable("the format is not known")
	}
	if len(encoded) > maxEncodedBytes {
		return nil, unreadable(algorithm + " of " + strconv.Itoa(len(encoded)) + " bytes")
	}
	h, err := parseFormat(algorithm, rest)
	if err == nil {
		err = checkCosts(h, l)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
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

// number reads a decimal number from 1 on as Django writes it: no sign, space, underscore or leading zero. One over maxNumber
// counts as maxNumber.
func number(text, name string) (int, error) {
	if text == "" || text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return 0, unreadable(name + " is not a positive number")
	}
	n, _ := strconv.Atoi(text) // it has digits only, so the error can only be that it is too large, and n is the largest int
	return min(n, maxNumber), nil
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
