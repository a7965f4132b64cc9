package hashers

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const scryptSize = 64 // bytes of the sum

// scryptHash is "scrypt$N$salt$r$p$sum": the salt is plain text, the sum is padded base64.
type scryptHash struct {
	n, r, p int
	salt    string
	sum     []byte
}

// newScrypt has the costs of Django 5.2, which are OWASP's.
func newScrypt() scryptHash {
	return scryptHash{1 << 14, 8, 5, randomText(saltChars), randomBytes(scryptSize)}
}

func parseScrypt(rest string, l limits) (hash, bool) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] == "" {
		return nil, false
	}
	n, okN := number(parts[0], l.scryptWork)
	r, okR := number(parts[2], l.scryptWork)
	p, okP := number(parts[3], l.scryptWork)
	sum, okSum := decode(base64.StdEncoding, parts[4], scryptSize, scryptSize)
	if !okN || !okR || !okP || !okSum {
		return nil, false
	}
	// N is a power of two above 1 (RFC 7914, section 2). The products cannot overflow: of three factors up to
	// 8<<20, the third comes in only when the first two stay within the limit together.
	if n < 2 || n&(n-1) != 0 || uint64(n)*uint64(r) > l.scryptWork || uint64(n)*uint64(r)*uint64(p) > l.scryptWork {
		return nil, false
	}
	return scryptHash{n, r, p, parts[1], sum}, true
}

func (h scryptHash) matches(password string) bool {
	sum, err := scrypt.Key([]byte(password), []byte(h.salt), h.n, h.r, h.p, scryptSize)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

func (h scryptHash) renewed(password string) (string, error) {
	salt := randomText(saltChars)
	sum, err := scrypt.Key([]byte(password), []byte(salt), h.n, h.r, h.p, scryptSize)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", h.n, salt, h.r, h.p, base64.StdEncoding.EncodeToString(sum)), nil
}

func (h scryptHash) current(preferred hash) bool {
	p, same := preferred.(scryptHash)
	return same && h.n >= p.n && h.r >= p.r && h.p >= p.p && len(h.salt) >= saltChars
}

// gap is empty: Django's hasher bridges nothing here either.
func (h scryptHash) gap(hash) []hash { return nil }
