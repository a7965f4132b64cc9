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
	// maxEncodedBytes is the length of the longest hash that is read. Django's column has 128 characters.
	maxEncodedBytes = 1024

	// saltChars is the length of a new salt. A character of saltAlphabet carries 5.95 bits, so 22 is the smallest number of
	// characters with 128 bits. Django uses the same length and treats a shorter salt as outdated.
	saltChars    = 22
	saltAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// parsers has the parser of each format by Django's name of it. A parser gets that name and the text after it, and returns
// errUnreadable for a text that it does not accept.
var parsers = map[string]func(algorithm, rest string) (hash, error){
	"argon2":        parseArgon2,
	"pbkdf2_sha256": parsePBKDF2,
	"pbkdf2_sha1":   parsePBKDF2,
	"bcrypt":        parseBcrypt,
	"bcrypt_sha256": parseBcrypt,
	"scrypt":        parseScrypt,
}

// olderFormats are formats of Django that this package does not check. Their names may appear in errors.
var olderFormats = []string{"md5", "sha1", "unsalted_md5", "unsalted_sha1", "crypt"}

// formatName returns the name of a stored hash's format, or "unknown" for a name that Django never had: that text may be a part of
// the hash.
func formatName(encoded string) string {
	name, _, _ := strings.Cut(encoded, "$")
	if parsers[name] != nil || slices.Contains(olderFormats, name) {
		return name
	}
	return "unknown"
}

// Readable returns an error that says why no password can match a stored hash: its format is unknown, its text is damaged, a cost
// is impossible, or it is longer than 1,024 bytes. Check treats such a hash like a wrong password, so the operator should be
// notified. The error is nil for a hash that Check can read, even if it is over a limit, for an unusable password ("!...") and
// for "". The format is Django's name of it, or "unknown". Neither the format nor the error contains any other part of the hash.
func Readable(encoded string) (format string, err error) {
	format = formatName(encoded)
	if encoded == "" || strings.HasPrefix(encoded, "!") {
		return format, nil
	}
	if _, err = parseHash(encoded, defaultLimits()); errors.Is(err, ErrTooExpensive) {
		err = nil
	}
	return format, err
}

// parseHash parses a stored hash without computing anything. It returns ErrTooExpensive for a hash over a limit, and errUnreadable
// for one that no password matches.
func parseHash(encoded string, l limits) (hash, error) {
	algorithm, rest, _ := strings.Cut(encoded, "$")
	parseFormat, known := parsers[algorithm]
	if !known {
		return nil, unreadableError("the format is not known")
	}
	if len(encoded) > maxEncodedBytes {
		return nil, unreadableError(algorithm + " of " + strconv.Itoa(len(encoded)) + " bytes")
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

// newPreferred returns a hash of a format with the costs that Options.Preferred documents and a random salt and sum, or false for
// an unknown format.
func newPreferred(algorithm string) (hash, bool) {
	switch algorithm {
	case "argon2":
		return newArgon2(), true
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return newPBKDF2(algorithm), true
	case "bcrypt", "bcrypt_sha256":
		return randomBcrypt(algorithm, bcryptCost), true
	case "scrypt":
		return newScrypt(), true
	}
	return nil, false
}

// parseNumber reads a positive decimal number as Django writes it: without sign, space, underscore or leading zero. A number over
// maxNumber counts as maxNumber. The error starts with name.
func parseNumber(text, name string) (int, error) {
	if text == "" || text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return 0, unreadableError(name + " is not a positive number")
	}
	n, _ := strconv.Atoi(text) // digits only: the only error is that it is too large, and then n is the largest int
	return min(n, maxNumber), nil
}

// decodeBase64 reads base64 of low to high bytes, in exactly the form that the encoder writes: Go's decoder skips line breaks
// and, unless strict, ignores trailing bits.
func decodeBase64(encoding *base64.Encoding, text string, low, high int) ([]byte, bool) {
	data, err := encoding.DecodeString(text)
	if err != nil || len(data) < low || len(data) > high || encoding.EncodeToString(data) != text {
		return nil, false
	}
	return data, true
}

// randomText returns n letters and digits of saltAlphabet, each equally likely.
func randomText(n int) string {
	text := make([]byte, 0, n)
	pool := make([]byte, 2*n)
	for len(text) < n {
		_, _ = rand.Read(pool) // never fails: the program ends if the system has no randomness
		for _, b := range pool {
			// 248 is the highest multiple of 62 in a byte. Higher bytes would make the first letters more likely.
			if b < 248 && len(text) < n {
				text = append(text, saltAlphabet[b%62])
			}
		}
	}
	return string(text)
}

// randomBytes returns n random bytes.
func randomBytes(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails, see randomText
	return data
}
