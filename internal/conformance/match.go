package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// matcher collects every difference between what is expected and what came.
type matcher struct {
	vars  *vars
	loose bool // a value equals its text: for columns, whose types a driver picks
	diffs []string
}

func (m *matcher) fail(format string, args ...any) {
	m.diffs = append(m.diffs, fmt.Sprintf(format, args...))
}

// match compares a value with its expectation. Objects must have exactly the
// named members, but one whose name ends in "?" may be missing; strings may be
// placeholders like <any>.
func (m *matcher) match(path string, want, got any) {
	if s, ok := want.(string); ok {
		if m.placeholder(path, s, got) {
			return
		}
		filled, err := m.vars.fill(s)
		if err != nil {
			m.fail("%s: %v", path, err)
			return
		}
		want = filled
	}
	switch want := want.(type) {
	case map[string]any:
		m.matchObject(path, want, got)
		return
	case []any:
		m.matchList(path, want, got)
		return
	}
	if m.loose && got != nil && want != nil && text(want) == text(got) {
		return
	}
	if !same(want, got) {
		m.fail("%s: want %s, got %s", path, quoted(want), quoted(got))
	}
}

func (m *matcher) matchObject(path string, want map[string]any, got any) {
	object, ok := got.(map[string]any)
	if !ok {
		m.fail("%s: want an object, got %s %s", path, kind(got), short(got))
		return
	}
	named := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		base, optional := strings.CutSuffix(key, "?")
		name, err := m.vars.fillText(base)
		if err != nil {
			m.fail("%s: %v", path, err)
			continue
		}
		named[name] = true
		value, has := object[name]
		switch {
		case has:
			m.match(path+"."+name, want[key], value)
		case !optional:
			m.fail("%s: missing %q (has %q)", path, name, slices.Sorted(maps.Keys(object)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !named[name] {
			m.fail("%s: unexpected %q = %s", path, name, short(object[name]))
		}
	}
}

func (m *matcher) matchList(path string, want []any, got any) {
	list, ok := got.([]any)
	if !ok {
		m.fail("%s: want a list, got %s %s", path, kind(got), short(got))
		return
	}
	if len(want) != len(list) {
		m.fail("%s: want %d items, got %d: %s", path, len(want), len(list), short(got))
		return
	}
	for i := range want {
		m.match(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
	}
}

// token takes a JWT of an answer apart: header, claims and signature.
func (m *matcher) token(path string, spec tokenSpec, got any) {
	raw, _ := got.(string)
	if !isJWT(raw) {
		m.fail("%s: want a JWT, got %s", path, short(got))
		return
	}
	header, payload, err := decodeToken(raw)
	if err != nil {
		m.fail("%s: %v", path, err)
		return
	}
	m.match(path+"(header)", spec.Header, header)
	m.match(path+"(claims)", spec.Payload, payload)
	if spec.Key == "" {
		return
	}
	dot := strings.LastIndex(raw, ".")
	sig, err := decodeSegment(raw[dot+1:])
	if err == nil {
		err = m.vars.keys.verify(text(spec.Header["alg"]), spec.Key, []byte(raw[:dot]), sig)
	}
	if err != nil {
		m.fail("%s: the signature does not verify with key %s: %v", path, spec.Key, err)
	}
}
