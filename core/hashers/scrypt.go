package hashers

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const scryptSize = 64 // bytes of the sum

// scryptHash is a stored "scrypt$N$salt$r$p$sum". The salt is plain text, the sum is base64 with padding. RFC 7914 names the costs:
// N is for time and memory, r is the block size, p the number of lanes.
type scryptHash struct {
	n, r, p int
	salt    string
	sum     []byte
}

// newScrypt uses the costs of Django 5.2, which are those of OWASP.
func newScrypt() scryptHash {
	return scryptHash{1 << 14, 8, 5, randomText(saltChars), randomBytes(scryptSize)}
}

func parseScrypt(_, rest string) (hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] == "" {
		return nil, unreadableError("scrypt: it is not of N, salt, r, p and sum")
	}
	sum, okSum := decodeBase64(base64.StdEncoding, parts[4], scryptSize, scryptSize)
	if !okSum {
		return nil, unreadableError("scrypt: the sum is damaged")
	}
	n, errN := parseNumber(parts[0], "scrypt: N")
	r, errR := parseNumber(parts[2], "scrypt: r")
	p, errP := parseNumber(parts[3], "scrypt: p")
	err := cmp.Or(errN, errR, errP)
	if err == nil && (n < 2 || n&(n-1) != 0) { // RFC 7914, section 2
		err = unreadableError("scrypt: N is not a power of two above 1")
	}
	return scryptHash{n, r, p, parts[1], sum}, err
}

// listCosts counts everything that scrypt of golang.org/x/crypto allocates: N blocks of 128*r bytes, p blocks for the lanes and 2
// to work in. The product of three numbers could overflow, so the product of two is clamped.
func (h scryptHash) listCosts(l limits) []cost {
	n, r, p := int64(h.n), int64(h.r), int64(h.p)
	return []cost{
		{"scrypt: 128*r*(N+p+2) in MiB", r * (n + p + 2) >> 13, l.memoryMiB, "MaxMemoryMiB"},
		{"scrypt: N*r*p", min(n*r, maxNumber) * p, l.scryptWork, "MaxScryptWork"},
	}
}

func (h scryptHash) matchesPassword(password string) bool {
	sum, err := scrypt.Key([]byte(password), []byte(h.salt), h.n, h.r, h.p, scryptSize)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

func (h scryptHash) encodePassword(password string) (string, error) {
	salt := randomText(saltChars)
	sum, err := scrypt.Key([]byte(password), []byte(salt), h.n, h.r, h.p, scryptSize)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", h.n, salt, h.r, h.p, base64.StdEncoding.EncodeToString(sum)), nil
}

func (h scryptHash) isCurrent(preferred hash) bool {
	p, same := preferred.(scryptHash)
	return same && h.n >= p.n && h.r >= p.r && h.p >= p.p && len(h.salt) >= saltChars
}

// remainingWork returns nil: Django's hasher does nothing here either.
func (h scryptHash) remainingWork(hash) []hash { return nil }
