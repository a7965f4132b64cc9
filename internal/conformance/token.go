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
	jwtShape   = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)
	lowerHex32 = regexp.MustCompile(`^[0-9a-f]{32}$`)
	upperHex32 = regexp.MustCompile(`^[0-9A-F]{32}$`)
)

func isJWT(v any) bool {
	s, ok := v.(string)
	return ok && jwtShape.MatchString(s)
}

func encodeSegment(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func decodeSegment(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }

// decodeToken is the header and the payload of a compact JWT, without any check.
func decodeToken(token string) (header map[string]any, payload any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return nil, nil, fmt.Errorf("not a JWT: %s", quoted(token))
	}
	first, err := decodeSegmentJSON(parts[0])
	if err != nil {
		return nil, nil, fmt.Errorf("not a JWT (header: %w): %s", err, quoted(token))
	}
	header, ok := first.(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("not a JWT (header: %s): %s", kind(first), quoted(token))
	}
	if payload, err = decodeSegmentJSON(parts[1]); err != nil {
		return nil, nil, fmt.Errorf("not a JWT (payload: %w): %s", err, quoted(token))
	}
	return header, payload, nil
}

func decodeSegmentJSON(segment string) (any, error) {
	data, err := decodeSegment(segment)
	if err != nil {
		return nil, err
	}
	return decodeJSON(data)
}

// mint makes the token a mint step describes. Nothing keeps it from being
// wrong on purpose.
func (v *vars) mint(s *step) (string, error) {
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
	if s.SignAlg != "" {
		alg = s.SignAlg
	}
	sig, err := v.mintSignature(s, alg, []byte(data))
	if err != nil {
		return "", err
	}
	return v.edit(data+"."+encodeSegment(sig), s.Edit)
}

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

func (v *vars) mintPayload(s *step) ([]byte, error) {
	if s.PayloadRaw != nil {
		filled, err := v.fillText(*s.PayloadRaw)
		return []byte(filled), err
	}
	claims := map[string]any{}
	if s.From != "" {
		_, payload, err := v.token(s.From)
		if err != nil {
			return nil, err
		}
		object, ok := payload.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the payload of %q is no object", s.From)
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
	return v.keys.sign(alg, key, data)
}

// edit damages a token as told, without a new signature.
func (v *vars) edit(token string, edits []map[string]any) (string, error) {
	for _, e := range edits {
		filled, err := v.fillObject(e)
		if err != nil {
			return "", err
		}
		if token, err = editOnce(token, filled); err != nil {
			return "", fmt.Errorf("edit %s: %w", short(e), err)
		}
	}
	return token, nil
}

func editOnce(token string, e map[string]any) (string, error) {
	for _, op := range []string{"append", "prepend", "segment", "drop_segment", "flip", "set_header", "set_claims"} {
		arg, ok := e[op]
		if !ok {
			continue
		}
		switch op {
		case "append":
			return token + text(arg), nil
		case "prepend":
			return text(arg) + token, nil
		}
		parts, err := editSegment(strings.Split(token, "."), op, arg, e)
		return strings.Join(parts, "."), err
	}
	return "", errors.New("unknown edit")
}

func editSegment(parts []string, op string, arg any, e map[string]any) ([]string, error) {
	if op == "set_header" || op == "set_claims" {
		return parts, updateSegment(parts, map[string]int{"set_header": 0, "set_claims": 1}[op], arg)
	}
	n, err := integer(arg)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(parts) {
		return nil, fmt.Errorf("no segment %d", n)
	}
	switch op {
	case "segment":
		parts[n] = text(e["set"])
	case "drop_segment":
		parts = slices.Delete(parts, n, n+1)
	case "flip":
		parts[n], err = flip(parts[n], e["at"])
	}
	return parts, err
}

// flip changes one character of a segment, by default the middle one.
func flip(segment string, position any) (string, error) {
	at := len(segment) / 2
	if position != nil {
		var err error
		if at, err = integer(position); err != nil {
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

// updateSegment sets members of the JSON object in one segment.
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
