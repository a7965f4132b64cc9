package requests

// maxDepth is how deep the JSON of a token may be nested.
const maxDepth = 64

// The scanner below checks the syntax of JSON (RFC 8259) and decodes nothing, so that the floor does no more than it must.

// foundMembers are the members that the floor needs, as they are written; strings without their quotes. Names with escapes
// are not recognized.
type foundMembers struct{ alg, exp, kind []byte }

// scanObject reads a JSON object in one pass. It reports false for any other text.
func scanObject(data []byte) (out foundMembers, ok bool) {
	s := scanner{data: data}
	s.skipSpace()
	if !s.readObject(0, &out) {
		return foundMembers{}, false
	}
	s.skipSpace()
	return out, s.at == len(data)
}

// scanner is a position in a JSON text. Its methods read something from there on, advance, and report whether it was there.
type scanner struct {
	data []byte
	at   int
}

// readObject reads an object, nested in depth others. It sets the members of out, unless out is nil.
func (s *scanner) readObject(depth int, out *foundMembers) bool {
	if depth == maxDepth || !s.takeByte('{') {
		return false
	}
	s.skipSpace()
	if s.takeByte('}') {
		return true
	}
	for {
		s.skipSpace()
		start := s.at
		if !s.readString() {
			return false
		}
		name := s.data[start+1 : s.at-1]
		s.skipSpace()
		if !s.takeByte(':') {
			return false
		}
		s.skipSpace()
		if start = s.at; !s.readValue(depth + 1) {
			return false
		}
		if out != nil { // only the members of the outer object
			out.setMember(name, s.data[start:s.at])
		}
		s.skipSpace()
		if !s.takeByte(',') {
			return s.takeByte('}')
		}
	}
}

// setMember keeps the value of a name that the floor needs.
func (f *foundMembers) setMember(name, value []byte) {
	switch string(name) {
	case "exp":
		f.exp = value
	case "alg":
		f.alg = trimQuotes(value)
	case "token_type":
		f.kind = trimQuotes(value)
	}
}

// trimQuotes returns a string without its quotes, nil for any other value.
func trimQuotes(value []byte) []byte {
	if value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// readList reads an array, nested in depth others.
func (s *scanner) readList(depth int) bool {
	if depth == maxDepth || !s.takeByte('[') {
		return false
	}
	s.skipSpace()
	if s.takeByte(']') {
		return true
	}
	for {
		s.skipSpace()
		if !s.readValue(depth + 1) {
			return false
		}
		s.skipSpace()
		if !s.takeByte(',') {
			return s.takeByte(']')
		}
	}
}

// readValue reads any value, nested in depth others.
func (s *scanner) readValue(depth int) bool {
	if s.at == len(s.data) {
		return false
	}
	switch s.data[s.at] {
	case '"':
		return s.readString()
	case '{':
		return s.readObject(depth, nil)
	case '[':
		return s.readList(depth)
	case 't':
		return s.readWord("true")
	case 'f':
		return s.readWord("false")
	case 'n':
		return s.readWord("null")
	}
	return s.readNumber()
}

// readString reads a string with its quotes.
func (s *scanner) readString() bool {
	if !s.takeByte('"') {
		return false
	}
	for s.at < len(s.data) {
		c := s.data[s.at]
		s.at++
		switch {
		case c == '"':
			return true
		case c < ' ':
			return false
		case c == '\\' && !s.readEscape():
			return false
		}
	}
	return false
}

// readEscape reads what follows a backslash.
func (s *scanner) readEscape() bool {
	if s.at == len(s.data) {
		return false
	}
	c := s.data[s.at]
	s.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.at == len(s.data) || !isHex(s.data[s.at]) {
				return false
			}
			s.at++
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// readNumber reads a number (RFC 8259 section 6).
func (s *scanner) readNumber() bool {
	s.takeByte('-')
	if !s.takeByte('0') && !s.readDigits() {
		return false
	}
	if s.takeByte('.') && !s.readDigits() {
		return false
	}
	if s.takeByte('e') || s.takeByte('E') {
		if !s.takeByte('+') {
			s.takeByte('-')
		}
		return s.readDigits()
	}
	return true
}

// readDigits reads one or more digits.
func (s *scanner) readDigits() bool {
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// readWord reads the word w.
func (s *scanner) readWord(w string) bool {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// takeByte reads the byte c.
func (s *scanner) takeByte(c byte) bool {
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

// skipSpace advances over white space.
func (s *scanner) skipSpace() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}
