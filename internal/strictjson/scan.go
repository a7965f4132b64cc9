package strictjson

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth is how deep values may be nested, as in encoding/json.
	maxDepth = 10_000

	// maxDigits is how many digits an integer may have, as for Python's int(), which most programs make of one: the time to
	// convert a longer one grows faster than its length.
	maxDigits = 4300

	// manyNames is from how many names on a map finds those that stand twice.
	manyNames = 32
)

// What a scan returns in place of an end.
const (
	invalid     = -1
	longInteger = -2 // more than maxDigits
)

// scanError returns the error that such an end stands for.
func scanError(end int) error {
	if end == longInteger {
		return errLongInteger
	}
	return errSyntax
}

// Append takes a JSON object apart, in the order of the text, in one pass, and appends its members to a slice. Names and
// values are parts of the text. Errors: as for Object, but a syntax error without its place.
func Append(members []Member, text string) ([]Member, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	i := blank(text, 0)
	if at(text, i) != '{' {
		if end := value(text, i, 0); end < 0 || blank(text, end) != len(text) {
			return nil, scanError(end)
		}
		return nil, ErrNotObject
	}
	names := seen{first: len(members)}
	i = blank(text, i+1)
	for more := at(text, i) != '}'; more; {
		nameEnd, escaped := quoted(text, i)
		if nameEnd < 0 {
			return nil, errSyntax
		}
		name := text[i+1 : nameEnd-1]
		if escaped {
			name = Text(text[i:nameEnd])
		}
		colon := blank(text, nameEnd)
		if at(text, colon) != ':' {
			return nil, errSyntax
		}
		start := blank(text, colon+1)
		end := value(text, start, 1)
		if end < 0 {
			return nil, scanError(end)
		}
		if names.twice(members, name) {
			return nil, &twiceError{name}
		}
		members = append(members, Member{Name: name, Raw: text[start:end]})
		switch i = blank(text, end); at(text, i) {
		case ',':
			i = blank(text, i+1)
		case '}':
			more = false
		default:
			return nil, errSyntax
		}
	}
	if blank(text, i+1) != len(text) {
		return nil, errSyntax
	}
	return members, nil
}

// seen finds names that stand twice. Nearly all are told apart by one bit each, so that few are compared.
type seen struct {
	first int // where in the members the object begins
	bits  uint64
	names map[string]struct{} // from manyNames on
}

// twice notes a name and reports whether it stood before.
func (s *seen) twice(members []Member, name string) bool {
	members = members[s.first:]
	if len(members) >= manyNames {
		if s.names == nil {
			s.names = make(map[string]struct{}, 2*manyNames)
			for _, m := range members {
				s.names[m.Name] = struct{}{}
			}
		}
		before := len(s.names)
		s.names[name] = struct{}{}
		return len(s.names) == before
	}
	sum := uint(len(name))
	if len(name) > 0 {
		sum += 5*uint(name[0]) + 23*uint(name[len(name)-1])
	}
	bit := uint64(1) << (sum & 63)
	if s.bits&bit == 0 {
		s.bits |= bit
		return false
	}
	for i := range members {
		if members[i].Name == name {
			return true
		}
	}
	return false
}

// at is the byte at a place, 0, which is nowhere in JSON, behind the end.
func at(text string, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}

// blank is the first place from i on that holds no white space.
func blank(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// value is the end of the value that begins at i, inside of depth others; invalid or longInteger for none.
func value(text string, i, depth int) int {
	switch c := at(text, i); c {
	case '"':
		end, _ := quoted(text, i)
		return end
	case '{', '[':
		if depth >= maxDepth {
			return invalid
		}
		return container(text, i, depth+1, c == '{')
	case 't':
		return word(text, i, "true")
	case 'f':
		return word(text, i, "false")
	case 'n':
		return word(text, i, "null")
	}
	return number(text, i)
}

// container is the end of the object or array that begins at i; invalid or longInteger for none.
func container(text string, i, depth int, object bool) int {
	closing := byte(']')
	if object {
		closing = '}'
	}
	if i = blank(text, i+1); at(text, i) == closing {
		return i + 1
	}
	for {
		if object {
			if i, _ = quoted(text, i); i < 0 {
				return invalid
			}
			if i = blank(text, i); at(text, i) != ':' {
				return invalid
			}
			i = blank(text, i+1)
		}
		if i = value(text, i, depth); i < 0 {
			return i
		}
		switch i = blank(text, i); at(text, i) {
		case closing:
			return i + 1
		case ',':
			i = blank(text, i+1)
		default:
			return invalid
		}
	}
}

// quoted is the end of the string that begins at i, behind its quotation mark, invalid for none, and whether it holds escapes.
func quoted(text string, i int) (end int, escaped bool) {
	if at(text, i) != '"' {
		return invalid, false
	}
	for i++; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i + 1, escaped
		case c < ' ':
			return invalid, false
		case c == '\\':
			escaped = true
			i++
			if at(text, i) == 'u' {
				if escape(text[i-1:]) < 0 {
					return invalid, false
				}
				i += 4
			} else if strings.IndexByte(`"\/bfnrt`, at(text, i)) < 0 {
				return invalid, false
			}
		}
	}
	return invalid, false
}

func word(text string, i int, w string) int {
	if strings.HasPrefix(text[i:], w) {
		return i + len(w)
	}
	return invalid
}

// number is the end of the number that begins at i (RFC 8259 section 6); invalid or longInteger for none.
func number(text string, i int) int {
	if at(text, i) == '-' {
		i++
	}
	start := i
	switch {
	case at(text, i) == '0':
		i++
	case digits(text, i) == i:
		return invalid
	default:
		i = digits(text, i)
	}
	integer := i
	if at(text, i) == '.' {
		end := digits(text, i+1)
		if end == i+1 {
			return invalid
		}
		i = end
	}
	if c := at(text, i); c == 'e' || c == 'E' {
		if c := at(text, i+1); c == '+' || c == '-' {
			i++
		}
		end := digits(text, i+1)
		if end == i+1 {
			return invalid
		}
		i = end
	}
	if i == integer && i-start > maxDigits {
		return longInteger
	}
	return i
}

// digits is the first place from i on that holds no digit.
func digits(text string, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}
