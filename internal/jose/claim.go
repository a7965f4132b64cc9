package jose

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// Claim is one claim: as it stands in a token's text, or as it was set. Its methods take nil for a claim that is not there.
type Claim struct {
	name  string
	raw   string // JSON; "" for a claim that was set
	value any
}

// Name returns the name.
func (c *Claim) Name() string { return c.name }

// Value returns the decoded value, nil for none. A number that was read is a json.Number; half a surrogate pair becomes the
// replacement character.
func (c *Claim) Value() any {
	if c == nil {
		return nil
	}
	if c.raw == "" {
		return c.value
	}
	value, _ := strictjson.Value(c.raw) // never fails: it was scanned
	return value
}

// Text returns the value of a claim that is a string. One with half a surrogate pair is not a string.
func (c *Claim) Text() (string, bool) {
	if c == nil {
		return "", false
	}
	if c.raw == "" {
		s, ok := c.value.(string)
		return s, ok
	}
	if c.raw[0] != '"' || c.hasHalfPair() {
		return "", false
	}
	return strictjson.Text(c.raw), true
}

// IsText reports whether Text returns a string.
func (c *Claim) IsText() bool { _, ok := c.Text(); return ok }

// Is reports whether the claim is this string.
func (c *Claim) Is(text string) bool { s, ok := c.Text(); return ok && s == text }

// hasHalfPair reports whether the value that was read has half a surrogate pair in it.
func (c *Claim) hasHalfPair() bool { _, lone := strictjson.LoneSurrogate(c.raw); return lone }

// maxDate is the last second of the year 9999, the last one that PostgreSQL, SQLite and Python's datetime share.
const maxDate = 253402300799

// Time returns the time in a claim: a JSON number of seconds, in range, its fraction cut off as PyJWT does.
func (c *Claim) Time() (time.Time, bool) {
	if c == nil {
		return time.Time{}, false
	}
	if c.raw != "" {
		return parseTime(c.raw)
	}
	switch n := c.value.(type) {
	case int64:
		return timeOf(n)
	case int: // set by a hook
		return timeOf(int64(n))
	case json.Number: // returned by Value, set again
		return parseTime(n.String())
	}
	return time.Time{}, false
}

func parseTime(number string) (time.Time, bool) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return timeOf(n)
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(math.Abs(f) <= maxDate) {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

func timeOf(seconds int64) (time.Time, bool) {
	if seconds > maxDate || seconds < -maxDate {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// appendJSON appends the name and the value to b.
func (c *Claim) appendJSON(b []byte) ([]byte, error) {
	b, err := appendText(b, c.name)
	if err != nil {
		return nil, err
	}
	b = append(b, ':')
	if c.raw != "" {
		return append(b, c.raw...), nil
	}
	switch v := c.value.(type) {
	case string:
		return appendText(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	}
	return appendEncoded(b, c.value)
}

// appendText appends a JSON string. One that needs no escapes is copied.
func appendText(b []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendEncoded(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

func appendEncoded(b []byte, value any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), nil
}
