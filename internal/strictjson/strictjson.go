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
	errNotUTF8 = errors.New("not valid UTF-8")
	errSyntax  = errors.New("not valid JSON")
)

type twiceError struct{ name string }

func (e *twiceError) Error() string { return fmt.Sprintf("the name %q stands twice", e.name) }

// Member is a name of an object and its value as it is written.
type Member struct{ Name, Raw string }

// Object takes a JSON object apart, in the order of the text. Errors: a syntax error with its place, text that is not
// UTF-8, a name that stands twice, ErrNotObject.
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
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return unescape(raw)
}

// unescape decodes a valid string.
func unescape(raw string) string {
	var s string
	_ = json.Unmarshal([]byte(raw), &s) // never fails: it was scanned
	return s
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
		i += 5
		if !utf16.IsSurrogate(r) {
			continue
		}
		if low := escape(raw[i+1:]); low < 0 || utf16.DecodeRune(r, low) == utf8.RuneError {
			return r, true
		}
		i += 6
	}
	return 0, false
}

// escape reads \uXXXX at the start of raw, or answers -1.
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
