package jose

import (
	"encoding/json"
	"math"
	"strings"
)

// UserID returns the claim as the text of a user's id: a string, or an integer as it is written; "" for any other value.
// present reports whether Python would call the value true: without that the token belongs to nobody.
func (c *Claim) UserID() (id string, present bool) {
	if id, ok := c.Text(); ok {
		return id, id != ""
	}
	switch v := c.Value().(type) {
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

// IsUnusableUserID reports whether the value is of a kind that no field of a user has: Django crashes when it looks for it.
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
