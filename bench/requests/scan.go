package requests

// maxDepth is how deep the JSON of a token may nest.
const maxDepth = 64

// foundMembers are the members that the floor looks for, as they are written; text without its quotes. Names with escapes in
// them are not recognized.
type foundMembers struct{ alg, exp, kind []byte }

// scanObject reads a JSON object in one pass. It reports false for what is none.
func scanObject(data []byte) (out foundMembers, ok bool) {
	s := scanner{data: data}
	s.skipSpace()
	if !s.readObject(0, &out) {
		return foundMembers{}, false
	}
	s.skipSpace()
	return out, s.at == len(data)
}

// scanner is at a place of a JSON text. Its methods read something from there on and report whether it was there.
type scanner struct {
	data []byte
	at   int
}

// readObject reads an object. What of it is looked for goes to out, if there is one.
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
		if out != nil {
			out.setMember(name, s.data[start:s.at])
		}
		s.skipSpace()
		if !s.takeByte(',') {
			return s.takeByte('}')
		}
	}
}

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

func trimQuotes(value []byte) []byte {
	if value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

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

func (s *scanner) readDigits() bool {
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

func (s *scanner) readWord(w string) bool {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) takeByte(c byte) bool {
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

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
