package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// matcher compares values with expectations and collects all differences.
type matcher struct {
	vars  *vars
	loose bool // a value equals its text: for columns, whose types a driver chooses
	diffs []string
}

// addDiff adds a difference; format is that of package fmt.
func (m *matcher) addDiff(format string, args ...any) {
	m.diffs = append(m.diffs, fmt.Sprintf(format, args...))
}

// matchValue compares a value with its expectation. An object must have exactly
// the named members, except that one whose name ends in "?" may be missing. A
// string may be a placeholder like <any>, or hold variables like ${a.id}. path
// says where the value is, for messages.
func (m *matcher) matchValue(path string, want, got any) {
	if s, ok := want.(string); ok {
		if m.matchPlaceholder(path, s, got) { // it has added its difference
			return
		}
		filled, err := m.vars.fillValue(s)
		if err != nil {
			m.addDiff("%s: %v", path, err)
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
	if m.loose && got != nil && want != nil && textOf(want) == textOf(got) {
		return
	}
	if !isSame(want, got) {
		m.addDiff("%s: want %s, got %s", path, quoteShort(want), quoteShort(got))
	}
}

// matchObject compares the members of an object, in the order of their names.
func (m *matcher) matchObject(path string, want map[string]any, got any) {
	object, ok := got.(map[string]any)
	if !ok {
		m.addDiff("%s: want an object, got %s %s", path, kindOf(got), shorten(got))
		return
	}
	named := map[string]bool{} // members that are expected, present or not
	for _, key := range slices.Sorted(maps.Keys(want)) {
		base, optional := strings.CutSuffix(key, "?")
		name, err := m.vars.fillText(base)
		if err != nil {
			m.addDiff("%s: %v", path, err)
			continue
		}
		named[name] = true
		value, has := object[name]
		switch {
		case has:
			m.matchValue(path+"."+name, want[key], value)
		case !optional:
			m.addDiff("%s: missing %q (has %q)", path, name, slices.Sorted(maps.Keys(object)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !named[name] {
			m.addDiff("%s: unexpected %q = %s", path, name, shorten(object[name]))
		}
	}
}

// matchList compares the items of a list. Length and order must agree.
func (m *matcher) matchList(path string, want []any, got any) {
	list, ok := got.([]any)
	if !ok {
		m.addDiff("%s: want a list, got %s %s", path, kindOf(got), shorten(got))
		return
	}
	if len(want) != len(list) {
		m.addDiff("%s: want %d items, got %d: %s", path, len(want), len(list), shorten(got))
		return
	}
	for i := range want {
		m.matchValue(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
	}
}

// matchToken compares the header and the claims of a JWT, and verifies its
// signature if spec names a key.
func (m *matcher) matchToken(path string, spec tokenSpec, got any) {
	raw, _ := got.(string)
	if !isJWT(raw) {
		m.addDiff("%s: want a JWT, got %s", path, shorten(got))
		return
	}
	header, payload, err := decodeToken(raw)
	if err != nil {
		m.addDiff("%s: %v", path, err)
		return
	}
	m.matchValue(path+"(header)", spec.Header, header)
	m.matchValue(path+"(claims)", spec.Payload, payload)
	if spec.Key == "" {
		return
	}
	dot := strings.LastIndex(raw, ".") // the signature covers what is before it
	sig, err := decodeSegment(raw[dot+1:])
	if err == nil {
		err = m.vars.keys.verifySignature(textOf(spec.Header["alg"]), spec.Key, []byte(raw[:dot]), sig)
	}
	if err != nil {
		m.addDiff("%s: the signature does not verify with key %s: %v", path, spec.Key, err)
	}
}
