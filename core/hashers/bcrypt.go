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
	bcryptCost     = 12
	bcryptMaxBytes = 72
	bcryptLength   = 60 // of "$2b$12$", the salt in 22 characters and the sum in 31
	bcryptAlphabet = "./" + saltAlphabet
)

var errBcryptPassword = fmt.Errorf("bcrypt takes passwords of at most %d bytes without a NUL byte", bcryptMaxBytes)

// bcryptHash is "bcrypt$$2b$cost$" or "bcrypt_sha256$$2b$cost$", then salt and sum in one piece.
type bcryptHash struct {
	algorithm string
	cost      int
	text      string // "$2b$12$..."
}

func newBcrypt(algorithm string, cost int) bcryptHash {
	// Any text in the alphabet is a salt and a sum.
	return bcryptHash{algorithm, cost, fmt.Sprintf("$2b$%02d$%s", cost, randomText(53))}
}

// parseBcrypt checks all of the text itself: the bcrypt package ignores what follows the sum, and most of the prefix.
func parseBcrypt(algorithm, text string) (hash, error) {
	if len(text) != bcryptLength || text[6] != '$' || strings.Trim(text[7:], bcryptAlphabet) != "" {
		return nil, unreadable(algorithm + ": the salt or the sum is damaged")
	}
	// The three differ in how old libraries treated passwords that none of them accepts today.
	if prefix := text[:4]; prefix != "$2b$" && prefix != "$2a$" && prefix != "$2y$" {
		return nil, unreadable(algorithm + ": the version is not 2a, 2b or 2y")
	}
	cost, err := number(strings.TrimPrefix(text[4:6], "0"), algorithm+": the cost")
	if err == nil && (cost < bcrypt.MinCost || cost > bcrypt.MaxCost) {
		err = unreadable(algorithm + ": the cost is not between 4 and 31")
	}
	return bcryptHash{algorithm, cost, text}, err
}

func (h bcryptHash) costs(l limits) []cost {
	return []cost{{h.algorithm + ": the cost", int64(h.cost), l.bcryptCost, "MaxBcryptCost"}}
}

// key returns what bcrypt gets to see. Plain bcrypt ignores everything from the 73rd byte on and repeats a short
// password, with a NUL byte behind it, up to 72: so "a" and "a\x00a" are one password to it. Both are refused.
func (h bcryptHash) key(password string) ([]byte, error) {
	if h.algorithm == "bcrypt_sha256" {
		sum := sha256.Sum256([]byte(password))
		return []byte(hex.EncodeToString(sum[:])), nil
	}
	if len(password) > bcryptMaxBytes || strings.Contains(password, "\x00") {
		return nil, errBcryptPassword
	}
	return []byte(password), nil
}

func (h bcryptHash) matches(password string) bool {
	key, refused := h.key(password)
	if refused != nil {
		key = []byte(dummyPassword)
	}
	err := bcrypt.CompareHashAndPassword([]byte(h.text), key) // compares in constant time
	return err == nil && refused == nil
}

func (h bcryptHash) renewed(password string) (string, error) {
	key, err := h.key(password)
	if err != nil {
		return "", err
	}
	text, err := bcrypt.GenerateFromPassword(key, h.cost)
	if err != nil {
		return "", err
	}
	// Django writes 2b; for the passwords accepted here 2a is the same algorithm.
	rest, found := strings.CutPrefix(string(text), "$2a$")
	if !found {
		return "", errors.New("bcrypt wrote an unknown version")
	}
	return h.algorithm + "$$2b$" + rest, nil
}

func (h bcryptHash) current(preferred hash) bool {
	p, same := preferred.(bcryptHash)
	return same && h.algorithm == p.algorithm && h.cost >= p.cost
}

// gap has one hash of every cost from this one's to below the preferred: each step doubles the work, so together with
// the hash itself they come to the work of the preferred.
func (h bcryptHash) gap(preferred hash) []hash {
	p, same := preferred.(bcryptHash)
	if !same || h.algorithm != p.algorithm {
		return nil
	}
	var steps []hash
	for cost := h.cost; cost < p.cost; cost++ {
		steps = append(steps, newBcrypt(h.algorithm, cost))
	}
	return steps
}
