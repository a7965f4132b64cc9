package hashers

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Hash is a stored "argon2$argon2id$v=19$m=KiB,t=passes,p=lanes$salt$sum", with salt and sum in base64 without padding.
type argon2Hash struct {
	variant string // "argon2id" or "argon2i"
	memory  int    // KiB
	passes  int
	lanes   int // at most 255
	salt    []byte
	sum     []byte
}

// newArgon2 uses the parameters of OWASP's password storage cheat sheet. The salt is text, though the format allows any bytes:
// Django reads it as text and would treat 16 random bytes as too short.
func newArgon2() argon2Hash {
	return argon2Hash{"argon2id", 19456, 2, 1, []byte(randomText(saltChars)), randomBytes(32)}
}

// parseArgon2 reads what follows "argon2$". Version 19 (0x13) is the only one of RFC 9106; argon2d is not meant for passwords.
func parseArgon2(_, rest string) (hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] != "v=19" || parts[0] != "argon2id" && parts[0] != "argon2i" {
		return nil, unreadableError("argon2: it is not of argon2id or argon2i of version 19, with costs, salt and sum")
	}
	salt, okSalt := decodeBase64(base64.RawStdEncoding, parts[3], 8, maxEncodedBytes)
	sum, okSum := decodeBase64(base64.RawStdEncoding, parts[4], 16, 64)
	if !okSalt || !okSum {
		return nil, unreadableError("argon2: the salt or the sum is damaged")
	}
	memory, passes, lanes, err := parseArgon2Costs(parts[2])
	return argon2Hash{parts[0], memory, passes, lanes, salt, sum}, err
}

// parseArgon2Costs reads "m=KiB,t=passes,p=lanes" in this order, as the reference implementation does. A hash with less than
// 8 KiB of memory for each lane is not valid (RFC 9106, section 3.1).
func parseArgon2Costs(text string) (memory, passes, lanes int, err error) {
	var costs [3]int
	parts := strings.Split(text, ",")
	for i, name := range []string{"m", "t", "p"} {
		if len(parts) != 3 || !strings.HasPrefix(parts[i], name+"=") {
			return 0, 0, 0, unreadableError("argon2: the costs are not m, t and p")
		}
		if costs[i], err = parseNumber(parts[i][2:], "argon2: "+name); err != nil {
			return 0, 0, 0, err
		}
	}
	memory, passes, lanes = costs[0], costs[1], costs[2]
	if lanes > 255 || memory < 8*lanes {
		return 0, 0, 0, unreadableError("argon2: p is more than 255 or than an eighth of m")
	}
	return memory, passes, lanes, nil
}

// listCosts leaves the lanes out: they share the memory and add nothing to the work.
func (h argon2Hash) listCosts(l limits) []cost {
	return []cost{
		{"argon2: m in MiB", int64(h.memory) >> 10, l.memoryMiB, "MaxMemoryMiB"},
		{"argon2: m*t in MiB", int64(h.memory) * int64(h.passes) >> 10, l.argon2Work, "MaxArgon2Work"},
	}
}

// deriveKey computes the sum of a password. It does the same work for every password.
func (h argon2Hash) deriveKey(password string, salt []byte) []byte {
	key := argon2.IDKey
	if h.variant == "argon2i" {
		key = argon2.Key
	}
	return key([]byte(password), salt, uint32(h.passes), uint32(h.memory), uint8(h.lanes), uint32(len(h.sum)))
}

func (h argon2Hash) matchesPassword(password string) bool {
	return subtle.ConstantTimeCompare(h.deriveKey(password, h.salt), h.sum) == 1
}

func (h argon2Hash) encodePassword(password string) (string, error) {
	salt := []byte(randomText(saltChars))
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("argon2$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", h.variant, argon2.Version,
		h.memory, h.passes, h.lanes, text(salt), text(h.deriveKey(password, salt))), nil
}

// isCurrent leaves the lanes out: they add nothing to the work. Django would renew a hash with other lanes.
func (h argon2Hash) isCurrent(preferred hash) bool {
	p, same := preferred.(argon2Hash)
	return same && h.variant == p.variant && h.memory >= p.memory && h.passes >= p.passes &&
		len(h.sum) >= len(p.sum) && len(h.salt) >= saltChars
}

// remainingWork returns nil: a difference in memory or lanes cannot be computed on its own. Django's hasher does nothing here
// either.
func (h argon2Hash) remainingWork(hash) []hash { return nil }
