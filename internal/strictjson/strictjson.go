// Package strictjson reads JSON objects from untrusted sources without the leniencies of encoding/json: names match
// exactly and must not repeat, the text must be valid UTF-8, numbers keep their digits, and an unpaired surrogate can be
// detected instead of being replaced. It depends on the standard library only. Start with [Object].
//
// Two programs that read the same text differently are a risk: one checks a name, the other one uses the second value of
// that name (RFC 8259 section 4). So what is ambiguous is rejected.
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

// ErrNotObject is the error of text that is valid JSON, but not an object.
var ErrNotObject = errors.New("not an object")

// What is wrong with a text. errSyntax has no position, see Object.
var (
	errNotUTF8     = errors.New("not valid UTF-8")
	errSyntax      = errors.New("not valid JSON")
	errLongInteger = fmt.Errorf("an integer has more than %d digits", maxDigits)
)

// repeatedNameError is the error of a repeated name. It prints only the start of a long one: quoting it could print ten
// times what was sent.
type repeatedNameError struct{ name string }

// Error is part of response bodies: views returns it with a 400.
func (e *repeatedNameError) Error() string {
	const longest = 100 // bytes
	return fmt.Sprintf("the name %q stands twice", e.name[:min(longest, len(e.name))])
}

// Member is a member of an object: its name, without escapes, and its value as JSON.
type Member struct{ Name, Raw string }

// Object returns the members of a JSON object in the order of the text. Errors: ErrNotObject, a *json.SyntaxError with its
// position, and errors without a type for text that is not UTF-8, a repeated name, and an integer of more than 4,300
// digits.
func Object(text string) ([]Member, error) {
	members, err := Append(make([]Member, 0, 8), text)
	if errors.Is(err, errSyntax) {
		// The scanner is fast because it does not keep positions. encoding/json is asked for the message.
		var discard any
		if err := json.Unmarshal([]byte(text), &discard); err != nil { // says what is wrong, and where
			return nil, err
		}
	}
	return members, err
}

// Value decodes the value of a Member to nil, bool, string, json.Number, []any or map[string]any. raw must be the Raw of a
// Member. Within an object the last of repeated names counts, and unpaired surrogates become the replacement character.
func Value(raw string) (any, error) {
	switch raw[0] { // the first byte tells the kind, as raw is valid JSON
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

// Text decodes the value of a Member that is a string. An unpaired surrogate becomes the replacement character, as in
// encoding/json. Any other text as raw panics.
func Text(raw string) string {
	text := raw[1 : len(raw)-1]
	if strings.IndexByte(text, '\\') < 0 { // the usual case: nothing to decode, nothing to allocate
		return text
	}
	var b strings.Builder
	b.Grow(len(text)) // escapes are never shorter than what they mean
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

// shortEscapes maps the byte behind a backslash to its meaning (RFC 8259 section 7).
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escapedRune decodes the \uXXXX at the start of raw, or the two of a surrogate pair, and returns how many bytes it read.
// An unpaired surrogate is utf8.RuneError.
func escapedRune(raw string) (r rune, n int) {
	r = parseEscape(raw)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, parseEscape(raw[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

// LoneSurrogate returns the first \u escape in raw that is an unpaired surrogate, and whether there is one. raw is the Raw
// of a Member; names within it are searched too. No valid Unicode text holds such an escape.
func LoneSurrogate(raw string) (rune, bool) {
	for i := strings.IndexByte(raw, '\\'); i >= 0 && i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		r := parseEscape(raw[i:])
		if r < 0 {
			i++ // a short escape such as \\ or \n
			continue
		}
		_, n := escapedRune(raw[i:])
		if utf16.IsSurrogate(r) && n == 6 {
			return r, true
		}
		i += n - 1 // over the escape, or both of the pair
	}
	return 0, false
}

// parseEscape decodes \uXXXX at the start of raw, and returns -1 if there is none.
func parseEscape(raw string) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(raw[2:6], 16, 32)
	if err != nil {
		return -1
	}
	return rune(v)
}
