package jose

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	maxTokenBytes = 16 << 10 // longer tokens are rejected unread
	maxSignature  = 256      // the bytes of most signatures at most; longer ones cost an allocation
)

var encoding = base64.RawURLEncoding.Strict()

var errNotBase64 = errors.New("not base64url")

// tokenParts are the parts of a compact JWS as they were sent. signed is the header and the payload.
type tokenParts struct{ header, payload, signature, signed string }

// splitToken splits a compact JWS; false where it is too long or has not three parts.
func splitToken(raw string) (tokenParts, bool) {
	if len(raw) > maxTokenBytes || strings.Count(raw, ".") != 2 {
		return tokenParts{}, false
	}
	end := strings.LastIndexByte(raw, '.')
	p := tokenParts{signed: raw[:end], signature: raw[end+1:]}
	p.header, p.payload, _ = strings.Cut(p.signed, ".")
	return p, true
}

// decodeClaims decodes a part of a token that is a JSON object.
func decodeClaims(part string) (Claims, error) {
	var buf [1024]byte
	data, err := decodeBase64(buf[:0], part)
	if err != nil {
		return Claims{}, err
	}
	return parseClaims(string(data))
}

// decodeBase64 appends the bytes of a strict base64url text to b. It rejects line breaks, which Go's decoder skips.
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
