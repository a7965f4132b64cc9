package conformance

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	jwtPattern      = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)
	lowerHexPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)
	upperHexPattern = regexp.MustCompile(`^[0-9A-F]{32}$`)
)

// isJWT reports whether v has the shape of a compact JWT.
func isJWT(v any) bool {
	s, ok := v.(string)
	return ok && jwtPattern.MatchString(s)
}

func encodeSegment(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func decodeSegment(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }

// decodeToken returns the header and the payload of a compact JWT. It checks
// nothing, and ignores everything behind the second dot.
func decodeToken(token string) (header map[string]any, payload any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return nil, nil, fmt.Errorf("not a JWT: %s", quoteShort(token))
	}
	first, err := decodeSegmentJSON(parts[0])
	if err != nil {
		return nil, nil, fmt.Errorf("not a JWT (header: %w): %s", err, quoteShort(token))
	}
	header, ok := first.(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("not a JWT (header: %s): %s", kindOf(first), quoteShort(token))
	}
	if payload, err = decodeSegmentJSON(parts[1]); err != nil {
		return nil, nil, fmt.Errorf("not a JWT (payload: %w): %s", err, quoteShort(token))
	}
	return header, payload, nil
}

// decodeSegmentJSON decodes a segment of a token that is JSON.
func decodeSegmentJSON(segment string) (any, error) {
	data, err := decodeSegment(segment)
	if err != nil {
		return nil, err
	}
	return decodeJSON(data)
}

// mintToken makes the token that a mint step describes, which may be wrong in any
// way.
func (v *vars) mintToken(s *step) (string, error) {
	alg := s.Alg
	if alg == "" {
		alg = "HS256"
	}
	header, err := v.mintHeader(s, alg)
	if err != nil {
		return "", err
	}
	payload, err := v.mintPayload(s)
	if err != nil {
		return "", err
	}
	data := encodeSegment(header) + "." + encodeSegment(payload)
	if s.SignAlg != "" { // another algorithm than the header says
		alg = s.SignAlg
	}
	sig, err := v.mintSignature(s, alg, []byte(data))
	if err != nil {
		return "", err
	}
	return v.editToken(data+"."+encodeSegment(sig), s.Edit)
}

// mintHeader returns the header: alg and typ, changed as the step says. A member
// that is null is removed, unless the step keeps it.
func (v *vars) mintHeader(s *step, alg string) ([]byte, error) {
	extra, err := v.fillObject(s.Header)
	if err != nil {
		return nil, err
	}
	header := map[string]any{"alg": alg, "typ": "JWT"}
	maps.Copy(header, extra)
	if !s.KeepNullHeader {
		maps.DeleteFunc(header, func(_ string, value any) bool { return value == nil })
	}
	return encodeJSON(header)
}

// mintPayload returns the payload: a raw text, or claims, which may start from
// those of another token.
func (v *vars) mintPayload(s *step) ([]byte, error) {
	if s.PayloadRaw != nil {
		filled, err := v.fillText(*s.PayloadRaw)
		return []byte(filled), err
	}
	claims := map[string]any{}
	if s.From != "" { // start from the claims of another token
		_, payload, err := v.decodeNamed(s.From)
		if err != nil {
			return nil, err
		}
		object, ok := payload.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the payload of %q is not an object", s.From)
		}
		claims = object
	}
	changes, err := v.fillObject(s.Claims)
	if err != nil {
		return nil, err
	}
	maps.Copy(claims, changes)
	for _, name := range s.Drop {
		delete(claims, name)
	}
	return encodeJSON(claims)
}

// mintSignature signs with a secret of the step, or with a key, by default hs1.
func (v *vars) mintSignature(s *step, alg string, data []byte) ([]byte, error) {
	if s.Secret != nil {
		secret, err := v.fillText(*s.Secret)
		if err != nil {
			return nil, err
		}
		return signHMAC(alg, secret, data)
	}
	key := s.Key
	if key == "" {
		key = "hs1"
	}
	return v.keys.signData(alg, key, data)
}

// editToken applies edits to a token in order. The signature stays as it is.
func (v *vars) editToken(token string, edits []map[string]any) (string, error) {
	for _, e := range edits {
		filled, err := v.fillObject(e)
		if err != nil {
			return "", err
		}
		if token, err = editOnce(token, filled); err != nil {
			return "", fmt.Errorf("edit %s: %w", shorten(e), err)
		}
	}
	return token, nil
}

// editOnce applies the first edit that e names.
func editOnce(token string, e map[string]any) (string, error) {
	for _, op := range []string{"append", "prepend", "segment", "drop_segment", "flip", "set_header", "set_claims"} {
		arg, ok := e[op]
		if !ok {
			continue
		}
		switch op {
		case "append":
			return token + textOf(arg), nil
		case "prepend":
			return textOf(arg) + token, nil
		}
		parts, err := editSegment(strings.Split(token, "."), op, arg, e)
		return strings.Join(parts, "."), err
	}
	return "", errors.New("unknown edit")
}

// editSegment applies an edit of one of the segments, and returns all of them.
func editSegment(parts []string, op string, arg any, e map[string]any) ([]string, error) {
	if op == "set_header" || op == "set_claims" {
		return parts, updateSegment(parts, map[string]int{"set_header": 0, "set_claims": 1}[op], arg)
	}
	n, err := parseInteger(arg)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(parts) {
		return nil, fmt.Errorf("no segment %d", n)
	}
	switch op {
	case "segment":
		parts[n] = textOf(e["set"])
	case "drop_segment":
		parts = slices.Delete(parts, n, n+1)
	case "flip":
		parts[n], err = flipCharacter(parts[n], e["at"])
	}
	return parts, err
}

// flipCharacter changes one character of a segment, by default the one in the
// middle. The last one may have bits that are not used.
func flipCharacter(segment string, position any) (string, error) {
	at := len(segment) / 2
	if position != nil {
		var err error
		if at, err = parseInteger(position); err != nil {
			return "", err
		}
	}
	if at < 0 || at >= len(segment) {
		return "", fmt.Errorf("no character %d", at)
	}
	other := "A"
	if segment[at] == 'A' {
		other = "B"
	}
	return segment[:at] + other + segment[at+1:], nil
}

// updateSegment sets members of the JSON object in segment n.
func updateSegment(parts []string, n int, changes any) error {
	if n >= len(parts) {
		return fmt.Errorf("no segment %d", n)
	}
	value, err := decodeSegmentJSON(parts[n])
	if err != nil {
		return err
	}
	object, ok := value.(map[string]any)
	set, okSet := changes.(map[string]any)
	if !ok || !okSet {
		return errors.New("not an object")
	}
	maps.Copy(object, set)
	out, err := encodeJSON(object)
	parts[n] = encodeSegment(out)
	return err
}
