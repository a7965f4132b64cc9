// Package strictjson reads JSON objects that come from outside without encoding/json's leniencies: names are matched
// exactly and may not stand twice, the text must be valid UTF-8, numbers keep their digits, and a lone surrogate is
// noticed instead of replaced. It depends on the standard library only. Start with [Object].
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNotObject is answered for valid JSON that is no object.
var ErrNotObject = errors.New("not an object")

var (
	errNotUTF8     = errors.New("not valid UTF-8")
	errSyntax      = errors.New("not valid JSON")
	errLongInteger = fmt.Errorf("an integer has more than %d digits", maxDigits)
)

// twiceError is the error of a name that stands twice. Of a long one it prints the start, as quoting it could print ten times
// what was sent.
type twiceError struct{ name string }

func (e *twiceError) Error() string {
	const longest = 100 // bytes
	return fmt.Sprintf("the name %q stands twice", e.name[:min(longest, len(e.name))])
}

// Member is a name of an object and its value as it is written.
type Member struct{ Name, Raw string }

// Object takes a JSON object apart, in the order of the text. Errors: a syntax error with its place, text that is not
// UTF-8, a name that stands twice, an integer of more than 4,300 digits, ErrNotObject.
func Object(text string) ([]Member, error) {
	members, err := Append(make([]Member, 0, 8), text)
	if errors.Is(err, errSyntax) {
		var discard any
		if told := json.Unmarshal([]byte(text), &discard); told != nil {
			return nil, told
		}
	}
	return members, err
}

// Value decodes a member's value: nil, bool, string, json.Number, []any or map[string]any.
func Value(raw string) (any, error) {
	switch raw[0] {
	case '"':
		return Text(raw), nil
	case 't', 'f':
		return raw[0] == 't', nil
	case 'n':
		return nil, nil
	case '{', '[':
		var v any
		dec := json.NewDecoder(strings.NewReader(raw))
		dec.UseNumber()
		err := dec.Decode(&v)
		return v, err
	}
	return json.Number(raw), nil
}

// Text decodes a member's value that is a string. A lone surrogate becomes the replacement character.
func Text(raw string) string {
	text := raw[1 : len(raw)-1]
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for {
		before, after, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if after[0] != 'u' {
			b.WriteByte(shortEscapes[after[0]])
			text = after[1:]
			continue
		}
		r, n := escapedRune(text[len(before):])
		b.WriteRune(r)
		text = text[len(before)+n:]
	}
}

// shortEscapes are the bytes that stand behind a backslash, and what they mean.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escapedRune reads the \uXXXX at the start of raw, or the two of a surrogate pair, and returns how many bytes that is. Half of
// a pair is utf8.RuneError.
func escapedRune(raw string) (r rune, n int) {
	r = escape(raw)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, escape(raw[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

// LoneSurrogate finds the first \u escape in a JSON text that is half of a surrogate pair, which no valid text holds.
func LoneSurrogate(raw string) (rune, bool) {
	for i := strings.IndexByte(raw, '\\'); i >= 0 && i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		r := escape(raw[i:])
		if r < 0 {
			i++ // a short escape such as \\ or \n
			continue
		}
		_, n := escapedRune(raw[i:])
		if utf16.IsSurrogate(r) && n == 6 {
			return r, true
		}
		i += n - 1
	}
	return 0, false
}

// escape reads \uXXXX at the start of raw, or returns -1.
func escape(raw string) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(raw[2:6], 16, 32)
	if err != nil {
		return -1
	}
	return rune(v)
}
