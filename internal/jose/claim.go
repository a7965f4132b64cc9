package jose

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// Claim is one claim of a token: the JSON text that was read, or the Go value that was set. Its methods accept a nil
// *Claim, which stands for a claim that the token does not have; Name is the exception.
type Claim struct {
	name  string
	raw   string // valid JSON as read; "" for a claim that was set
	value any    // as set; unused if raw is not ""
}

// Name returns the name of the claim, without escapes.
func (c *Claim) Name() string { return c.name }

// Value returns the decoded value, nil for null and for a claim that is not there. A number that was read is a
// json.Number, so that it keeps its digits. An unpaired surrogate becomes the replacement character.
func (c *Claim) Value() any {
	if c == nil {
		return nil
	}
	if c.raw == "" {
		return c.value
	}
	value, _ := strictjson.Value(c.raw) // never fails: parseClaims has scanned it
	return value
}

// Text returns the value of a claim that is a string. One with an unpaired surrogate is not: it has no UTF-8 form, so
// different texts would become equal.
func (c *Claim) Text() (string, bool) {
	if c == nil {
		return "", false
	}
	if c.raw == "" {
		s, ok := c.value.(string)
		return s, ok
	}
	if c.raw[0] != '"' || c.hasLoneSurrogate() {
		return "", false
	}
	return strictjson.Text(c.raw), true
}

// IsText reports whether Text returns a string.
func (c *Claim) IsText() bool { _, ok := c.Text(); return ok }

// Is reports whether the claim is a string equal to text.
func (c *Claim) Is(text string) bool { s, ok := c.Text(); return ok && s == text }

// hasLoneSurrogate reports whether the value that was read contains an unpaired surrogate, at any depth.
func (c *Claim) hasLoneSurrogate() bool { _, lone := strictjson.LoneSurrogate(c.raw); return lone }

// maxDate is the last second of the year 9999, the last one that PostgreSQL, SQLite and Python's datetime share.
const maxDate = 253402300799

// Time returns the time of a claim that is a number of seconds since 1970 (RFC 7519 section 2, NumericDate), in UTC.
// Fractions are truncated, as PyJWT does. It reports false for any other value and for times beyond the year 9999.
func (c *Claim) Time() (time.Time, bool) {
	if c == nil {
		return time.Time{}, false
	}
	if c.raw != "" {
		return parseSeconds(c.raw)
	}
	switch n := c.value.(type) {
	case int64:
		return timeInRange(n)
	case int: // set by an application's hook
		return timeInRange(int64(n))
	case json.Number: // returned by Value and set again
		return parseSeconds(n.String())
	}
	return time.Time{}, false
}

// parseSeconds reads a JSON number of seconds. A JSON value that is not a number is rejected by ParseFloat.
func parseSeconds(number string) (time.Time, bool) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return timeInRange(n)
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(math.Abs(f) <= maxDate) { // written so that NaN is rejected
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

// timeInRange returns the time that is so many seconds after 1970, false beyond maxDate in either direction.
func timeInRange(seconds int64) (time.Time, bool) {
	if seconds > maxDate || seconds < -maxDate {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// appendJSON appends the member, its name and its value, to b. A claim that was read is copied verbatim, so its
// digits and escapes survive a refresh.
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

// appendText appends text as a JSON string. Printable ASCII without escapes, the usual case, is copied without encoding
// it.
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

// appendEncoded appends value as encoding/json writes it, but without escaping <, > and &: a token is not HTML.
func appendEncoded(b []byte, value any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), nil
}
