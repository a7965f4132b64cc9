package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// user is a user that a scenario created, with the current password.
type user struct{ id, username, password string }

// vars are the variables of a scenario: its users, and the values that its steps
// captured or minted so far.
type vars struct {
	keys        keyring
	number      int
	values      map[string]any
	users       map[string]*user
	seenJTIs    map[string]bool
	clock       func() time.Time
	startedAt   time.Time // of the scenario
	requestedAt time.Time // of the last request
}

// newVars returns the variables of the scenario with this number, which starts now.
func newVars(keys keyring, number int) *vars {
	now := time.Now()
	return &vars{
		keys: keys, number: number, clock: time.Now, startedAt: now, requestedAt: now,
		values: map[string]any{}, users: map[string]*user{}, seenJTIs: map[string]bool{},
	}
}

var (
	variablePattern      = regexp.MustCompile(`\$\{([^}]+)\}`)
	wholeVariablePattern = regexp.MustCompile(`^\$\{([^}]+)\}$`)
)

// fillValue returns a JSON value with every ${...} replaced. A string that is only
// a ${...} becomes a value of the variable's type.
func (v *vars) fillValue(thing any) (any, error) {
	switch thing := thing.(type) {
	case map[string]any:
		return v.fillObject(thing)
	case []any:
		out := make([]any, len(thing))
		for i, item := range thing {
			filled, err := v.fillValue(item)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case string:
		if m := wholeVariablePattern.FindStringSubmatch(thing); m != nil {
			return v.expand(m[1])
		}
		return v.fillText(thing)
	}
	return thing, nil
}

// fillObject is fillValue for an object, whose names may hold variables too.
func (v *vars) fillObject(object map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(object))
	for name, value := range object {
		filledName, err := v.fillText(name)
		if err != nil {
			return nil, err
		}
		if out[filledName], err = v.fillValue(value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fillText is fillValue where only text is possible. It returns the first error.
func (v *vars) fillText(s string) (string, error) {
	var first error
	out := variablePattern.ReplaceAllStringFunc(s, func(m string) string {
		value, err := v.expand(m[2 : len(m)-1])
		if err != nil && first == nil {
			first = err
		}
		return textOf(value)
	})
	return out, first
}

// expand returns the value of ${expr}: uuid, now+60, key:hs1, repeat:x:100,
// claim:token.jti, or a name, which may end in :int.
func (v *vars) expand(expr string) (any, error) {
	if expr == "uuid" {
		id := make([]byte, 16)
		rand.Read(id) // never fails
		return hex.EncodeToString(id), nil
	}
	if rest, ok := strings.CutPrefix(expr, "now"); ok {
		return nowValue(v.clock(), rest)
	}
	if name, ok := strings.CutPrefix(expr, "key:"); ok {
		return v.keys.keyText(name)
	}
	if rest, ok := strings.CutPrefix(expr, "repeat:"); ok {
		piece, count, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("bad variable ${%s}", expr)
		}
		return strings.Repeat(piece, n), nil
	}
	if rest, ok := strings.CutPrefix(expr, "claim:"); ok {
		name, claim, _ := strings.Cut(rest, ".")
		_, payload, err := v.decodeNamed(name)
		if err != nil {
			return nil, err
		}
		claims, _ := payload.(map[string]any)
		return claims[claim], nil
	}
	// A user's id is text, but some claims and columns have it as a number.
	name, asInt := strings.CutSuffix(expr, ":int")
	out, err := v.namedValue(name)
	if err != nil || !asInt {
		return out, err
	}
	n, err := strconv.ParseInt(textOf(out), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("${%s}: %w", expr, err)
	}
	return intNumber(n), nil
}

// nowValue returns the Unix time plus the seconds that follow the word now: "",
// "+60", "-5.5f". With an f the number has a fraction.
func nowValue(now time.Time, shift string) (any, error) {
	if seconds, ok := strings.CutSuffix(shift, "f"); ok {
		f := 0.0
		if seconds != "" {
			var err error
			if f, err = strconv.ParseFloat(seconds, 64); err != nil {
				return nil, fmt.Errorf("bad variable ${now%s}", shift)
			}
		}
		return floatNumber(float64(now.UnixMicro())/1e6 + f), nil
	}
	n, err := parseShift(shift)
	if err != nil {
		return nil, fmt.Errorf("bad variable ${now%s}", shift)
	}
	return intNumber(now.Unix() + n), nil
}

// parseShift parses a signed number of seconds; "" is 0.
func parseShift(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// namedValue returns a stored value, or a field of a user, such as alice.id.
func (v *vars) namedValue(name string) (any, error) {
	if value, ok := v.values[name]; ok {
		return value, nil
	}
	alias, field, _ := strings.Cut(name, ".")
	if u := v.users[alias]; u != nil {
		switch field {
		case "id":
			return u.id, nil
		case "username":
			return u.username, nil
		case "password":
			return u.password, nil
		}
	}
	return nil, fmt.Errorf("unknown variable ${%s}", name)
}

// decodeNamed returns the header and the payload of a stored token.
func (v *vars) decodeNamed(name string) (header map[string]any, payload any, err error) {
	value, ok := v.values[name].(string)
	if !ok {
		return nil, nil, fmt.Errorf("no token named %q", name)
	}
	return decodeToken(value)
}

// storeValue stores a value under a name. The ids in a token count as seen from
// now on, see <new-jti>.
func (v *vars) storeValue(name string, value any) {
	v.values[name] = value
	raw, _ := value.(string)
	if !isJWT(raw) {
		return
	}
	_, payload, err := decodeToken(raw)
	claims, _ := payload.(map[string]any)
	if err != nil {
		return
	}
	for _, claim := range claims {
		if id, ok := claim.(string); ok && lowerHexPattern.MatchString(id) {
			v.seenJTIs[id] = true
		}
	}
}
