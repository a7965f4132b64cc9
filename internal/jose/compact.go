package jose

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	// maxTokenBytes is the length of the longest token that is read: what happens before the signature is checked
	// must cost little.
	maxTokenBytes = 16 << 10

	// maxSignature is the room, in bytes, that signatures get on the stack: that of RSA with 2048 bits. Longer ones cost an
	// allocation.
	maxSignature = 256
)

// encoding is base64url without padding (RFC 7515 section 2). Strict rejects a last letter with bits that are not used:
// else one token would have several spellings.
var encoding = base64.RawURLEncoding.Strict()

var errNotBase64 = errors.New("not base64url")

// tokenParts are the parts of a compact JWS (RFC 7515 section 7.1) in base64url, as they were sent. signed is what the
// signature covers: the header, a dot and the payload.
type tokenParts struct{ header, payload, signature, signed string }

// splitToken splits a compact JWS. It reports false for a text that is longer than maxTokenBytes or does not have exactly
// three parts.
func splitToken(raw string) (tokenParts, bool) {
	if len(raw) > maxTokenBytes || strings.Count(raw, ".") != 2 {
		return tokenParts{}, false
	}
	end := strings.LastIndexByte(raw, '.')
	p := tokenParts{signed: raw[:end], signature: raw[end+1:]}
	p.header, p.payload, _ = strings.Cut(p.signed, ".")
	return p, true
}

// decodeClaims decodes a part of a token, the header or the payload, that must be a JSON object.
func decodeClaims(part string) (Claims, error) {
	var buf [1024]byte // on the stack, enough for most parts
	data, err := decodeBase64(buf[:0], part)
	if err != nil {
		return Claims{}, err
	}
	return parseClaims(string(data))
}

// decodeBase64 appends the bytes of a base64url text to b. It rejects line breaks, which Go's decoder skips. Errors:
// ErrInvalid, errNotBase64.
func decodeBase64(b []byte, text string) ([]byte, error) {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, ErrInvalid
	}
	b, err := encoding.AppendDecode(b, []byte(text))
	if err != nil {
		return nil, errNotBase64
	}
	return b, nil
}
