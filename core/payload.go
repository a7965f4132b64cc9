package core

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// claim is one claim of a token: as it stands in the token's text, or as it was set. Its methods take nil for a claim that
// is not there.
type claim struct {
	name  string
	raw   string // JSON; "" for a claim that was set
	value any
}

// payload are the claims of a token, in order. What was read is decoded only where somebody asks for it.
type payload []claim

// readPayload reads a JSON object. The error says what is wrong with it.
func readPayload(text string) (payload, error) {
	var few [16]strictjson.Member
	members, err := strictjson.Append(few[:0], text)
	if err != nil {
		return nil, err
	}
	p := make(payload, len(members), len(members)+1)
	for i, m := range members {
		p[i] = claim{name: m.Name, raw: m.Raw}
	}
	return p, nil
}

// at is the claim of a name, nil for none.
func (p payload) at(name string) *claim {
	for i := range p {
		if p[i].name == name {
			return &p[i]
		}
	}
	return nil
}

// put sets a claim, in its place or at the end.
func (p *payload) put(c claim) {
	if old := p.at(c.name); old != nil {
		*old = c
		return
	}
	*p = append(*p, c)
}

// drop removes a claim.
func (p *payload) drop(name string) {
	*p = slices.DeleteFunc(*p, func(c claim) bool { return c.name == name })
}

// claims are the claims as an application sees them.
func (p payload) claims() simplejwt.Claims {
	out := make(simplejwt.Claims, len(p))
	for i := range p {
		out[p[i].name] = p[i].get()
	}
	return out
}

// get is the value; nil for none. A number that was read is a json.Number.
func (c *claim) get() any {
	if c == nil {
		return nil
	}
	if c.raw == "" {
		return c.value
	}
	value, _ := strictjson.Value(c.raw) // never fails: it was scanned
	return value
}

// text is the value of a claim that is a text. One with half a surrogate pair is none.
func (c *claim) text() (string, bool) {
	if c == nil {
		return "", false
	}
	if c.raw == "" {
		s, ok := c.value.(string)
		return s, ok
	}
	if c.raw[0] != '"' || c.hasHalf() {
		return "", false
	}
	return strictjson.Text(c.raw), true
}

// hasHalf reports whether the value has half a surrogate pair in it. An application gets the replacement character then.
func (c *claim) hasHalf() bool { _, lone := strictjson.LoneSurrogate(c.raw); return lone }

// is reports whether the claim is this text.
func (c *claim) is(text string) bool { s, ok := c.text(); return ok && s == text }

// maxDate is the last second of the year 9999, the last one that PostgreSQL, SQLite and Python's datetime share.
const maxDate = 253402300799

// date reads a time: a JSON number in range, its fraction cut off as PyJWT does.
func (c *claim) date() (time.Time, bool) {
	if c == nil {
		return time.Time{}, false
	}
	if c.raw != "" {
		return numericDate(c.raw)
	}
	switch n := c.value.(type) {
	case int64:
		return dateOf(n)
	case int: // a hook's
		return dateOf(int64(n))
	case json.Number: // what Get gave, set again
		return numericDate(n.String())
	}
	return time.Time{}, false
}

func numericDate(number string) (time.Time, bool) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return dateOf(n)
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(math.Abs(f) <= maxDate) {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

func dateOf(seconds int64) (time.Time, bool) {
	if seconds > maxDate || seconds < -maxDate {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// userID is a user id claim as text: a string, or an integer literal. present tells whether the claim holds anything that
// Python would call true: without it the token belongs to nobody.
func (c *claim) userID() (id string, present bool) {
	if id, ok := c.text(); ok {
		return id, id != ""
	}
	switch v := c.get().(type) {
	case nil:
		return "", false
	case json.Number:
		if f, err := v.Float64(); err == nil && f == 0 {
			return "", false
		}
		if strings.ContainsAny(v.String(), ".eE") {
			return "", true
		}
		return v.String(), true
	case bool:
		return "", v
	case []any:
		return "", len(v) > 0
	case map[string]any:
		return "", len(v) > 0
	}
	return "", true
}

// unusableUserID reports whether a user id claim is of a kind that no field has: Django crashes when it looks for it.
func (c *claim) unusableUserID() bool {
	switch v := c.get().(type) {
	case string:
		_, ok := c.text()
		return v == "" || !ok
	case json.Number:
		f, _ := v.Float64()
		return math.IsInf(f, 0) && strings.ContainsAny(v.String(), ".eE")
	case []any, map[string]any:
		return true
	}
	return false
}

// appendJSON writes the claims. What was read is written as it stood. Errors: a value that JSON can't hold.
func (p payload) appendJSON(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i := range p {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, p[i].name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if p[i].raw != "" {
			b = append(b, p[i].raw...)
		} else if b, err = appendValue(b, p[i].value); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendText(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	}
	return appendEncoded(b, value)
}

// appendText writes a string; one that needs no escapes as it is.
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
