package views

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// field is a text field of a view: a CharField of DRF.
type field struct {
	name string
	// trim removes white space at both ends, as trim_whitespace does.
	trim bool
	// optional allows a field to be missing, null or blank. A missing field stays missing, and null becomes "".
	optional bool
	// max is the largest number of characters (code points), 0 for no limit. Trimmed white space does not count.
	max int
}

// DRF's messages, verbatim.
const (
	msgRequired  = "This field is required."
	msgNull      = "This field may not be null."
	msgBlank     = "This field may not be blank."
	msgInvalid   = "Not a valid string."
	msgTooLong   = "Ensure this field has no more than %d characters."
	msgNullChar  = "Null characters are not allowed."
	msgSurrogate = "Surrogate characters are not allowed: U+%X."
)

// validateFields checks the fields and returns the body, with the fields as text and everything else as it was sent. It changes b in
// place, also if it fails. It returns a core.ValidationError that names all invalid fields at once. Lone surrogates are replaced by
// U+FFFD, and files are removed, because hooks can't use them.
func (b body) validateFields(fields []field) (simplejwt.Attrs, error) {
	invalid := core.ValidationError{}
	for _, f := range fields {
		value, present := b[f.name]
		if !present && f.optional {
			continue
		}
		if value == nil && f.optional {
			value = ""
		}
		text, messages := f.readText(value, present)
		if len(messages) > 0 {
			invalid[f.name] = messages
		}
		b[f.name] = text
	}
	if len(invalid) > 0 {
		return nil, invalid
	}
	for name, value := range b {
		switch v := value.(type) {
		case surrogate:
			b[name] = v.text
		case file:
			delete(b, name)
		}
	}
	return simplejwt.Attrs(b), nil
}

// readText converts a value to text as DRF's CharField does, and returns DRF's messages for one that is not valid. Numbers become
// their text in Python; true, false, lists, objects and files are not valid. Without trim only the check for blank ignores white space.
func (f field) readText(value any, present bool) (string, []string) {
	var text string
	var half rune
	switch v := value.(type) {
	case nil:
		if present {
			return "", []string{msgNull}
		}
		return "", []string{msgRequired}
	case string:
		text = v
	case surrogate:
		text, half = v.text, v.half
	case json.Number:
		text = pythonNumber(v.String())
	default:
		return "", []string{msgInvalid}
	}
	stripped := strings.TrimFunc(text, isPythonSpace)
	if stripped == "" && !f.optional {
		return "", []string{msgBlank}
	}
	if f.trim {
		text = stripped
	}
	var messages []string
	if f.max > 0 && utf8.RuneCountInString(text) > f.max {
		messages = append(messages, fmt.Sprintf(msgTooLong, f.max))
	}
	if strings.ContainsRune(text, 0) {
		messages = append(messages, msgNullChar)
	}
	if half != 0 {
		messages = append(messages, fmt.Sprintf(msgSurrogate, half))
	}
	return text, messages
}

// isPythonSpace reports whether Python's str.strip removes a character: Go's white space and the four information separators.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f) }

// pythonNumber formats a JSON number as Python's str does: an integer unchanged ("-0" as "0"), a float with the fewest digits that
// round-trip, in exponent form below 1e-4 and from 1e16, "inf" or "-inf" on overflow.
func pythonNumber(literal string) string {
	if literal == "-0" {
		return "0"
	}
	if !strings.ContainsAny(literal, ".eE") {
		return literal
	}
	f, err := strconv.ParseFloat(literal, 64)
	switch {
	case err != nil && f < 0:
		return "-inf"
	case err != nil:
		return "inf"
	}
	shortest := strconv.FormatFloat(f, 'e', -1, 64)
	_, exp, _ := strings.Cut(shortest, "e")
	if n, _ := strconv.Atoi(exp); n < -4 || n >= 16 {
		return shortest
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
