package requests

// maxDepth is how deep the JSON of a token may nest.
const maxDepth = 64

// found are the members that the floor looks for, as they are written; text without its quotes. Names with escapes in
// them are not recognized.
type found struct{ alg, exp, kind []byte }

// scan reads a JSON object in one pass. It reports false for what is none.
func scan(data []byte) (out found, ok bool) {
	s := scanner{data: data}
	s.blanks()
	if !s.object(0, &out) {
		return found{}, false
	}
	s.blanks()
	return out, s.at == len(data)
}

// scanner is at a place of a JSON text. Its methods read something from there on and report whether it was there.
type scanner struct {
	data []byte
	at   int
}

// object reads an object. What of it is looked for goes to out, if there is one.
func (s *scanner) object(depth int, out *found) bool {
	if depth == maxDepth || !s.take('{') {
		return false
	}
	s.blanks()
	if s.take('}') {
		return true
	}
	for {
		s.blanks()
		start := s.at
		if !s.text() {
			return false
		}
		name := s.data[start+1 : s.at-1]
		s.blanks()
		if !s.take(':') {
			return false
		}
		s.blanks()
		if start = s.at; !s.value(depth + 1) {
			return false
		}
		if out != nil {
			out.note(name, s.data[start:s.at])
		}
		s.blanks()
		if !s.take(',') {
			return s.take('}')
		}
	}
}

func (f *found) note(name, value []byte) {
	switch string(name) {
	case "exp":
		f.exp = value
	case "alg":
		f.alg = unquoted(value)
	case "token_type":
		f.kind = unquoted(value)
	}
}

func unquoted(value []byte) []byte {
	if value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

func (s *scanner) list(depth int) bool {
	if depth == maxDepth || !s.take('[') {
		return false
	}
	s.blanks()
	if s.take(']') {
		return true
	}
	for {
		s.blanks()
		if !s.value(depth + 1) {
			return false
		}
		s.blanks()
		if !s.take(',') {
			return s.take(']')
		}
	}
}

func (s *scanner) value(depth int) bool {
	if s.at == len(s.data) {
		return false
	}
	switch s.data[s.at] {
	case '"':
		return s.text()
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.list(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) text() bool {
	if !s.take('"') {
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
		case c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

// escape reads what follows a backslash.
func (s *scanner) escape() bool {
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

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) take(c byte) bool {
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) blanks() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}
