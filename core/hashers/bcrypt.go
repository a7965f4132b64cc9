package hashers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	bcryptCost     = 12 // Django's
	bcryptMaxBytes = 72 // bcrypt ignores the rest of a password
	bcryptLength   = 60 // "$2b$12$", the salt in 22 characters and the sum in 31
	bcryptAlphabet = "./" + saltAlphabet
)

// errBcryptPassword is the error of Make for a password that plain bcrypt would not hash as a whole.
var errBcryptPassword = fmt.Errorf("bcrypt: password must be at most %d bytes and contain no NUL", bcryptMaxBytes)

// bcryptHash is a stored "bcrypt$$2b$cost$" or "bcrypt_sha256$$2b$cost$", followed by salt and sum without a separator.
type bcryptHash struct {
	algorithm string
	cost      int
	text      string // "$2b$12$..."
}

// randomBcrypt returns a hash of the given cost with a random salt and digest; no known password matches it. It needs no
// computation, because every text of the alphabet is a valid salt and digest.
func randomBcrypt(algorithm string, cost int) bcryptHash {
	return bcryptHash{algorithm, cost, fmt.Sprintf("$2b$%02d$%s", cost, randomText(53))}
}

// parseBcrypt parses text such as "$2b$12$…". It validates every byte, because the bcrypt package ignores trailing bytes and most of
// the prefix.
func parseBcrypt(algorithm, text string) (hash, error) {
	if len(text) != bcryptLength || text[6] != '$' || strings.Trim(text[7:], bcryptAlphabet) != "" {
		return nil, unreadableError(algorithm + ": malformed hash: want 60 characters, $2b$NN$ and 53 of the bcrypt alphabet")
	}
	// 2a, 2b and 2y give the same result for every password prepareKey accepts.
	if prefix := text[:4]; prefix != "$2b$" && prefix != "$2a$" && prefix != "$2y$" {
		return nil, unreadableError(algorithm + ": the version is not 2a, 2b or 2y")
	}
	cost, err := parseNumber(strings.TrimPrefix(text[4:6], "0"), algorithm+": the cost")
	if err == nil && (cost < bcrypt.MinCost || cost > bcrypt.MaxCost) {
		err = unreadableError(algorithm + ": the cost is not between 4 and 31")
	}
	return bcryptHash{algorithm, cost, text}, err
}

func (h bcryptHash) listCosts(l limits) []cost {
	return []cost{{h.algorithm + ": the cost", int64(h.cost), l.bcryptCost, "MaxBcryptCost"}}
}

// prepareKey returns the input of bcrypt for a password, or errBcryptPassword. For bcrypt_sha256 that is the SHA-256 of the password
// in hex, which accepts every password. Plain bcrypt ignores everything from the 73rd byte on. It repeats a shorter password,
// followed by a NUL byte, up to 72 bytes: so "a" and "a\x00a" are the same password to it. Passwords over 72 bytes and those with
// a NUL byte are therefore rejected.
func (h bcryptHash) prepareKey(password string) ([]byte, error) {
	if h.algorithm == "bcrypt_sha256" {
		sum := sha256.Sum256([]byte(password))
		return []byte(hex.EncodeToString(sum[:])), nil
	}
	if len(password) > bcryptMaxBytes || strings.Contains(password, "\x00") {
		return nil, errBcryptPassword
	}
	return []byte(password), nil
}

// matchesPassword hashes dummyPassword in place of a password that is rejected, so that it takes as long.
func (h bcryptHash) matchesPassword(password string) bool {
	key, rejected := h.prepareKey(password)
	if rejected != nil {
		key = []byte(dummyPassword)
	}
	err := bcrypt.CompareHashAndPassword([]byte(h.text), key) // compares in constant time
	return err == nil && rejected == nil
}

func (h bcryptHash) encodePassword(password string) (string, error) {
	key, err := h.prepareKey(password)
	if err != nil {
		return "", err
	}
	text, err := bcrypt.GenerateFromPassword(key, h.cost)
	if err != nil {
		return "", err
	}
	// Django writes 2b. For the passwords accepted here 2a is the same algorithm.
	rest, found := strings.CutPrefix(string(text), "$2a$")
	if !found {
		return "", errors.New("bcrypt returned a hash without the prefix $2a$")
	}
	return h.algorithm + "$$2b$" + rest, nil
}

// isCurrent does not check the salt: bcrypt salts always have 128 bits.
func (h bcryptHash) isCurrent(preferred hash) bool {
	p, same := preferred.(bcryptHash)
	return same && h.algorithm == p.algorithm && h.cost >= p.cost
}

// remainingWork returns one hash of every cost from that of h to the one below the preferred. Each step doubles the work, so together
// with h itself they do as much work as the preferred hash: 2^4 + (2^4 + 2^5) = 2^6.
func (h bcryptHash) remainingWork(preferred hash) []hash {
	p, same := preferred.(bcryptHash)
	if !same || h.algorithm != p.algorithm {
		return nil
	}
	var steps []hash
	for cost := h.cost; cost < p.cost; cost++ {
		steps = append(steps, randomBcrypt(h.algorithm, cost))
	}
	return steps
}
