package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON values are nil, bool, string, json.Number, []any and map[string]any.
// Numbers stay text because 1 and 1.0 differ where an integer is asked for.

// decodeJSON decodes data, which must be one JSON value in UTF-8 and nothing else.
func decodeJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("invalid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("text after the JSON value")
	}
	return v, nil
}

// encodeJSON encodes v in ASCII, with \u escapes for everything else, as Python
// sent the requests that were recorded.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	var out []byte
	for _, r := range strings.TrimSuffix(buf.String(), "\n") {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out, nil
}

var escapePattern = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// hasLoneSurrogate reports whether JSON text has an escape like \ud800 that is
// not half of a pair.
func hasLoneSurrogate(data []byte) bool {
	end := -1 // where a high surrogate that waits for its low one ended
	for _, at := range escapePattern.FindAllIndex(data, -1) {
		r := rune(-1)
		if at[1]-at[0] == 6 {
			n, _ := strconv.ParseUint(string(data[at[0]+2:at[1]]), 16, 16)
			r = rune(n)
		}
		isLow := r >= 0xDC00 && r <= 0xDFFF
		switch {
		case isLow != (end >= 0), isLow && end != at[0]:
			return true
		case isLow:
			end = -1
		case r >= 0xD800 && r < 0xDC00:
			end = at[1]
		}
	}
	return end >= 0
}

// textOf returns a value as part of a longer text: a string is itself, other
// scalars are spelled as in Python, which the vectors come from.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return v
	case json.Number:
		return v.String()
	}
	out, err := encodeJSON(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(out)
}

// shorten returns a value for a message, truncated to about 160 characters.
func shorten(v any) string {
	s, ok := v.(string)
	if !ok {
		out, err := json.Marshal(v)
		if err != nil {
			out = fmt.Append(nil, v)
		}
		s = string(out)
	}
	if runes := []rune(s); len(runes) > 160 {
		return fmt.Sprintf("%s...(%d)", string(runes[:150]), len(runes))
	}
	return s
}

// quoteShort is shorten, but quotes a string.
func quoteShort(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(shorten(s))
	}
	return shorten(v)
}

// kindOf returns the name of the JSON type of a value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case json.Number:
		return "number"
	case string:
		return "string"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return fmt.Sprintf("%T", v)
}

// isSame reports whether two values are equal. 1 equals 1.0; true does not equal 1.
func isSame(want, got any) bool {
	a, okA := want.(json.Number)
	b, okB := got.(json.Number)
	if okA && okB {
		x, y := exactFloat(a), exactFloat(b)
		return x != nil && y != nil && x.Cmp(y) == 0
	}
	return reflect.DeepEqual(want, got)
}

// exactFloat returns a number without rounding an integer. A fraction is rounded
// to float64; one out of its range is nil.
func exactFloat(n json.Number) *big.Float {
	if isInteger(n) {
		i, _ := new(big.Int).SetString(n.String(), 10)
		return new(big.Float).SetInt(i)
	}
	f, err := n.Float64()
	if err != nil {
		return nil
	}
	return big.NewFloat(f)
}

// isInteger reports whether a value is a number written without a fraction or
// an exponent.
func isInteger(v any) bool {
	n, ok := v.(json.Number)
	return ok && !strings.ContainsAny(n.String(), ".eE")
}

// intNumber returns n as a JSON number.
func intNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// floatNumber returns f as a JSON number that stays a fraction: 2.0, not 2.
func floatNumber(f float64) json.Number {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return json.Number(s)
}

// parseInteger returns a JSON integer as an int, for indexes.
func parseInteger(v any) (int, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("want an integer, got %s", kindOf(v))
	}
	return strconv.Atoi(n.String())
}

// valueAt returns the value at a path like "a.b" through objects, nil if there is
// none.
func valueAt(doc any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		object, _ := doc.(map[string]any)
		doc = object[part]
	}
	return doc
}
