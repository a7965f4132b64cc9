package hashers

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Hash is "argon2$argon2id$v=19$m=KiB,t=passes,p=lanes$salt$sum" with salt and sum in base64 without padding.
type argon2Hash struct {
	variant string // "argon2id" or "argon2i"
	memory  int    // KiB
	passes  int
	lanes   int
	salt    []byte
	sum     []byte
}

// newArgon2 has the parameters of OWASP's password storage cheat sheet. The salt is text, though the format could hold
// any bytes: Django reads it as text and calls one of 16 random bytes too short.
func newArgon2() argon2Hash {
	return argon2Hash{"argon2id", 19456, 2, 1, []byte(randomText(saltChars)), randomBytes(32)}
}

func parseArgon2(rest string, l limits) (hash, bool) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] != "v=19" {
		return nil, false
	}
	if parts[0] != "argon2id" && parts[0] != "argon2i" {
		return nil, false
	}
	h, okCosts := parseArgon2Costs(parts[2], l)
	salt, okSalt := decode(base64.RawStdEncoding, parts[3], 8, maxEncodedBytes)
	sum, okSum := decode(base64.RawStdEncoding, parts[4], 16, 64)
	if !okCosts || !okSalt || !okSum {
		return nil, false
	}
	h.variant, h.salt, h.sum = parts[0], salt, sum
	return h, true
}

// parseArgon2Costs reads "m=KiB,t=passes,p=lanes", in this order as the reference implementation does. Less memory
// than 8 KiB a lane is no valid hash (RFC 9106, section 3.1).
func parseArgon2Costs(text string, l limits) (argon2Hash, bool) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return argon2Hash{}, false
	}
	memory, okMemory := parameter(parts[0], "m", l.argon2KiB)
	passes, okPasses := parameter(parts[1], "t", l.argon2Work)
	lanes, okLanes := parameter(parts[2], "p", 255)
	if !okMemory || !okPasses || !okLanes || memory < 8*lanes {
		return argon2Hash{}, false
	}
	if uint64(memory)*uint64(passes) > l.argon2Work {
		return argon2Hash{}, false
	}
	return argon2Hash{memory: memory, passes: passes, lanes: lanes}, true
}

func (h argon2Hash) derive(password string, salt []byte) []byte {
	key := argon2.IDKey
	if h.variant == "argon2i" {
		key = argon2.Key
	}
	return key([]byte(password), salt, uint32(h.passes), uint32(h.memory), uint8(h.lanes), uint32(len(h.sum)))
}

func (h argon2Hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, h.salt), h.sum) == 1
}

func (h argon2Hash) renewed(password string) (string, error) {
	salt := []byte(randomText(saltChars))
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("argon2$%s$v=%d$m=%d,t=%d,p=%d$%s$%s", h.variant, argon2.Version,
		h.memory, h.passes, h.lanes, text(salt), text(h.derive(password, salt))), nil
}

func (h argon2Hash) current(preferred hash) bool {
	p, same := preferred.(argon2Hash)
	return same && h.variant == p.variant && h.memory >= p.memory && h.passes >= p.passes &&
		len(h.sum) >= len(p.sum) && len(h.salt) >= saltChars
}

// gap is empty: memory and lanes leave no remainder that could be computed on its own. Django does the same.
func (h argon2Hash) gap(hash) []hash { return nil }
