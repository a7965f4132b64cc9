// Package strictjson reads JSON objects that come from outside without encoding/json's leniencies: names are matched
// exactly and may not stand twice, the text must be valid UTF-8, numbers keep their digits, and a lone surrogate is
// noticed instead of replaced. It depends on the standard library only.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNotObject is answered for valid JSON that is no object.
var ErrNotObject = errors.New("not an object")

// Member is a name of an object and its value as it is written.
type Member struct {
	Name string
	Raw  json.RawMessage
}

// Object takes a JSON object apart, in the order of the text. Errors: a syntax error, a name that stands twice,
// ErrNotObject.
func Object(data []byte) ([]Member, error) {
	if err := Check(data); err != nil {
		return nil, err
	}
	data = bytes.TrimLeft(data, blanks)
	if data[0] != '{' {
		return nil, ErrNotObject
	}
	members, seen := make([]Member, 0, 8), make(map[string]bool, 8)
	for data = after(data[1:]); data[0] != '}'; data = after(data) {
		if data[0] == ',' {
			data = after(data[1:])
		}
		name := data[:end(data)]
		data = after(data[len(name):])
		data = after(data[1:]) // the colon
		raw := data[:end(data)]
		data = data[len(raw):]
		text, err := unquote(name)
		if err != nil {
			return nil, err
		}
		if seen[text] {
			return nil, fmt.Errorf("the name %q stands twice", text)
		}
		seen[text] = true
		members = append(members, Member{Name: text, Raw: json.RawMessage(raw)})
	}
	return members, nil
}

// Check reports the syntax error of a JSON text, or that it is not UTF-8.
func Check(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("not valid UTF-8")
	}
	if json.Valid(data) {
		return nil
	}
	var discard any
	if err := json.Unmarshal(data, &discard); err != nil {
		return err
	}
	return errors.New("not valid JSON")
}

// Value decodes a member's value: nil, bool, string, json.Number, []any or map[string]any.
func Value(raw json.RawMessage) (any, error) {
	switch raw[0] {
	case '"':
		return unquote(raw)
	case 't', 'f':
		return raw[0] == 't', nil
	case 'n':
		return nil, nil
	case '{', '[':
		var v any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		err := dec.Decode(&v)
		return v, err
	}
	return json.Number(raw), nil
}

// LoneSurrogate finds the first \u escape in a JSON text that is half of a surrogate pair, which no valid text holds.
func LoneSurrogate(raw []byte) (rune, bool) {
	for i := 0; i+1 < len(raw); i++ {
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
func escape(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(string(raw[2:6]), 16, 32)
	if err != nil {
		return -1
	}
	return rune(v)
}

const blanks = " \t\r\n"

func after(data []byte) []byte { return bytes.TrimLeft(data, blanks) }

// end is the length of the value at the start of data, which is known to be valid JSON.
func end(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i += stringEnd(data[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the enclosing object ends, and with it a number or word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(data)
}

func stringEnd(data []byte) int {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}
