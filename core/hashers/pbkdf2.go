package hashers

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

const pbkdf2Iterations = 1_000_000 // of Django 5.2, for both digests

// pbkdf2Hash is a stored "pbkdf2_sha256$iterations$salt$sum" or "pbkdf2_sha1$...". The salt is plain text, the sum is base64 with
// padding.
type pbkdf2Hash struct {
	algorithm  string
	iterations int
	salt       string
	sum        []byte
}

// newPBKDF2 returns a hash with a random salt and a random sum, which no password matches.
func newPBKDF2(algorithm string) pbkdf2Hash {
	return pbkdf2Hash{algorithm, pbkdf2Iterations, randomText(saltChars), randomBytes(pbkdf2Size(algorithm))}
}

// pbkdf2Size returns the length of a sum in bytes: that of the digest, as in Django.
func pbkdf2Size(algorithm string) int {
	if algorithm == "pbkdf2_sha1" {
		return sha1.Size
	}
	return sha256.Size
}

func parsePBKDF2(algorithm, rest string) (hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 || parts[1] == "" {
		return nil, unreadableError(algorithm + ": it is not of iterations, salt and sum")
	}
	size := pbkdf2Size(algorithm)
	sum, okSum := decodeBase64(base64.StdEncoding, parts[2], size, size)
	if !okSum {
		return nil, unreadableError(algorithm + ": the sum is damaged")
	}
	iterations, err := parseNumber(parts[0], algorithm+": the number of iterations")
	return pbkdf2Hash{algorithm, iterations, parts[1], sum}, err
}

func (h pbkdf2Hash) listCosts(l limits) []cost {
	return []cost{{h.algorithm + ": the number of iterations", int64(h.iterations), l.pbkdf2Iterations, "MaxPBKDF2Iterations"}}
}

// deriveKey computes the sum of a password. Its only error is that of a program in FIPS 140 mode, for SHA-1 or a short salt.
func (h pbkdf2Hash) deriveKey(password, salt string) ([]byte, error) {
	if h.algorithm == "pbkdf2_sha1" {
		return pbkdf2.Key(sha1.New, password, []byte(salt), h.iterations, sha1.Size)
	}
	return pbkdf2.Key(sha256.New, password, []byte(salt), h.iterations, sha256.Size)
}

func (h pbkdf2Hash) matchesPassword(password string) bool {
	sum, err := h.deriveKey(password, h.salt)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

func (h pbkdf2Hash) encodePassword(password string) (string, error) {
	salt := randomText(saltChars)
	sum, err := h.deriveKey(password, salt)
	if err != nil {
		return "", err
	}
	iterations := strconv.Itoa(h.iterations)
	return strings.Join([]string{h.algorithm, iterations, salt, base64.StdEncoding.EncodeToString(sum)}, "$"), nil
}

func (h pbkdf2Hash) isCurrent(preferred hash) bool {
	p, same := preferred.(pbkdf2Hash)
	return same && h.algorithm == p.algorithm && h.iterations >= p.iterations && len(h.salt) >= saltChars
}

// remainingWork returns one hash with the iterations that h lacks.
func (h pbkdf2Hash) remainingWork(preferred hash) []hash {
	p, same := preferred.(pbkdf2Hash)
	if !same || h.algorithm != p.algorithm || h.iterations >= p.iterations {
		return nil
	}
	h.iterations = p.iterations - h.iterations
	return []hash{h}
}
