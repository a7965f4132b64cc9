package strictjson

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth is how deep values may be nested, as in encoding/json.
	maxDepth = 10_000

	// maxDigits is how many digits an integer may have: the limit of Python's int(). The time to convert a longer integer
	// grows faster than its length.
	maxDigits = 4300

	// manyNames is the number of members from which on a map finds repeated names.
	manyNames = 32
)

// A scan function returns the index behind what it scanned, or one of these.
const (
	invalid     = -1 // the text is not JSON
	longInteger = -2 // more than maxDigits
)

// scanError returns the error of an end that is invalid or longInteger.
func scanError(end int) error {
	if end == longInteger {
		return errLongInteger
	}
	return errSyntax
}

// Append appends the members of a JSON object to members, in the order of the text. It reads the text once and decodes no
// values: names without escapes and all values are substrings of text, which they keep in memory. Names are compared
// within this object only. Errors: those of Object, but a syntax error has no position.
func Append(members []Member, text string) ([]Member, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	i := skipSpace(text, 0)
	if byteAt(text, i) != '{' {
		// Valid JSON of another kind has another error than text that is not JSON.
		if end := scanValue(text, i, 0); end < 0 || skipSpace(text, end) != len(text) {
			return nil, scanError(end)
		}
		return nil, ErrNotObject
	}
	names := nameSet{first: len(members)}
	i = skipSpace(text, i+1)
	for more := byteAt(text, i) != '}'; more; {
		nameEnd, escaped := scanString(text, i)
		if nameEnd < 0 {
			return nil, errSyntax
		}
		name := text[i+1 : nameEnd-1]
		if escaped { // so that "a" and "\u0061" are the same name
			name = Text(text[i:nameEnd])
		}
		colon := skipSpace(text, nameEnd)
		if byteAt(text, colon) != ':' {
			return nil, errSyntax
		}
		start := skipSpace(text, colon+1)
		end := scanValue(text, start, 1)
		if end < 0 {
			return nil, scanError(end)
		}
		// After the value: a syntax error within it is reported first.
		if names.addReportingRepeat(members, name) {
			return nil, &repeatedNameError{name}
		}
		members = append(members, Member{Name: name, Raw: text[start:end]})
		switch i = skipSpace(text, end); byteAt(text, i) {
		case ',':
			i = skipSpace(text, i+1)
		case '}':
			more = false
		default:
			return nil, errSyntax
		}
	}
	if skipSpace(text, i+1) != len(text) { // text behind the object
		return nil, errSyntax
	}
	return members, nil
}

// nameSet finds repeated names of an object. Each name is hashed to one of 64 bits, and compared with the others only if
// its bit is set: the names of most objects differ in their bits. From manyNames on a map keeps the cost linear.
type nameSet struct {
	first int // the index of the object's first member
	bits  uint64
	names map[string]struct{} // nil below manyNames
}

// addReportingRepeat adds a name and reports whether the object has it already. members are all members so far.
func (s *nameSet) addReportingRepeat(members []Member, name string) bool {
	members = members[s.first:] // those before belong to the caller
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
	// Length, first and last byte tell nearly all names of claims apart.
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

// byteAt returns the byte at index i, and 0 behind the end of the text: JSON has no NUL, so 0 matches nothing.
func byteAt(text string, i int) byte {
	if i < len(text) {
		return text[i]
	}
	return 0
}

// skipSpace returns the first index from i on that holds no white space (RFC 8259 section 2).
func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// scanValue returns the end of the value at index i, which is nested in depth others; invalid or longInteger if there is
// none.
func scanValue(text string, i, depth int) int {
	switch c := byteAt(text, i); c {
	case '"':
		end, _ := scanString(text, i)
		return end
	case '{', '[':
		if depth >= maxDepth {
			return invalid
		}
		return scanContainer(text, i, depth+1, c == '{')
	case 't':
		return scanWord(text, i, "true")
	case 'f':
		return scanWord(text, i, "false")
	case 'n':
		return scanWord(text, i, "null")
	}
	return scanNumber(text, i)
}

// scanContainer returns the end of the object or array at index i, invalid or longInteger if there is none. depth counts
// it. Repeated names in it are not looked for: only Append does that.
func scanContainer(text string, i, depth int, object bool) int {
	closing := byte(']')
	if object {
		closing = '}'
	}
	if i = skipSpace(text, i+1); byteAt(text, i) == closing {
		return i + 1
	}
	for {
		if object {
			if i, _ = scanString(text, i); i < 0 {
				return invalid
			}
			if i = skipSpace(text, i); byteAt(text, i) != ':' {
				return invalid
			}
			i = skipSpace(text, i+1)
		}
		if i = scanValue(text, i, depth); i < 0 {
			return i
		}
		switch i = skipSpace(text, i); byteAt(text, i) {
		case closing:
			return i + 1
		case ',':
			i = skipSpace(text, i+1)
		default:
			return invalid
		}
	}
}

// scanString returns the end of the string at index i, behind its closing quotation mark, and whether it holds escapes; the
// end is invalid if there is none. Unpaired surrogates are valid here, see LoneSurrogate.
func scanString(text string, i int) (end int, escaped bool) {
	if byteAt(text, i) != '"' {
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
			i++ // to the letter behind the backslash
			if byteAt(text, i) == 'u' {
				if parseEscape(text[i-1:]) < 0 {
					return invalid, false
				}
				i += 4
			} else if strings.IndexByte(`"\/bfnrt`, byteAt(text, i)) < 0 {
				return invalid, false
			}
		}
	}
	return invalid, false
}

// scanWord returns the end of the word w at index i, invalid if it is not there.
func scanWord(text string, i int, w string) int {
	if strings.HasPrefix(text[i:], w) {
		return i + len(w)
	}
	return invalid
}

// scanNumber returns the end of the number at index i (RFC 8259 section 6), invalid or longInteger if there is none. A
// number with a fraction or an exponent may have any number of digits: programs read it as a float.
func scanNumber(text string, i int) int {
	if byteAt(text, i) == '-' {
		i++
	}
	start := i
	switch { // no zeros ahead
	case byteAt(text, i) == '0':
		i++
	case skipDigits(text, i) == i:
		return invalid
	default:
		i = skipDigits(text, i)
	}
	integer := i // the end of the digits before the point
	if byteAt(text, i) == '.' {
		end := skipDigits(text, i+1)
		if end == i+1 {
			return invalid
		}
		i = end
	}
	if c := byteAt(text, i); c == 'e' || c == 'E' {
		if c := byteAt(text, i+1); c == '+' || c == '-' {
			i++
		}
		end := skipDigits(text, i+1)
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

// skipDigits returns the first index from i on that holds no digit.
func skipDigits(text string, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}
