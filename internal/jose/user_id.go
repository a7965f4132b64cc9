package jose

import (
	"encoding/json"
	"math"
	"strings"
)

// UserID returns the claim as the text of a user's id: a string, or an integer as it is written. It returns "" for any
// other value; 1.0 and true are not ids here, although Python would find user 1. present reports whether the value is true
// in Python's sense, which SimpleJWT tests: otherwise the token has no user id, as if the claim were absent. c may be nil.
func (c *Claim) UserID() (id string, present bool) {
	if id, ok := c.Text(); ok {
		return id, id != ""
	}
	switch v := c.Value().(type) {
	case nil:
		return "", false
	case json.Number:
		if f, err := v.Float64(); err == nil && f == 0 { // also -0.0
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

// IsUnusableUserID reports whether no field of a user can have this value: a list, an object, an infinite number, an empty
// text or one with an unpaired surrogate. Django raises an exception when it looks a user up by it.
func (c *Claim) IsUnusableUserID() bool {
	switch v := c.Value().(type) {
	case string:
		return v == "" || !c.IsText()
	case json.Number:
		f, _ := v.Float64()
		return math.IsInf(f, 0) && strings.ContainsAny(v.String(), ".eE")
	case []any, map[string]any:
		return true
	}
	return false
}
