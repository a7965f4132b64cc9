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

// user is a user a scenario made, and the password it has now.
type user struct{ id, username, password string }

// vars is what a scenario knows at a step: its users and the values captured or
// minted so far.
type vars struct {
	keys     keyring
	number   int
	values   map[string]any
	users    map[string]*user
	seenJTIs map[string]bool
	clock    func() time.Time
	started  time.Time // of the scenario
	asked    time.Time // of the last request
}

func newVars(keys keyring, number int) *vars {
	now := time.Now()
	return &vars{
		keys: keys, number: number, clock: time.Now, started: now, asked: now,
		values: map[string]any{}, users: map[string]*user{}, seenJTIs: map[string]bool{},
	}
}

var (
	variable      = regexp.MustCompile(`\$\{([^}]+)\}`)
	wholeVariable = regexp.MustCompile(`^\$\{([^}]+)\}$`)
)

// fill replaces every ${...} in a JSON value. A string that is nothing but
// ${...} takes the type of what it stands for.
func (v *vars) fill(thing any) (any, error) {
	switch thing := thing.(type) {
	case map[string]any:
		return v.fillObject(thing)
	case []any:
		out := make([]any, len(thing))
		for i, item := range thing {
			filled, err := v.fill(item)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case string:
		if m := wholeVariable.FindStringSubmatch(thing); m != nil {
			return v.value(m[1])
		}
		return v.fillText(thing)
	}
	return thing, nil
}

func (v *vars) fillObject(object map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(object))
	for name, value := range object {
		filledName, err := v.fillText(name)
		if err != nil {
			return nil, err
		}
		if out[filledName], err = v.fill(value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fillText is fill for a place that takes only text.
func (v *vars) fillText(s string) (string, error) {
	var first error
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		value, err := v.value(m[2 : len(m)-1])
		if err != nil && first == nil {
			first = err
		}
		return text(value)
	})
	return out, first
}

// value is what ${expr} stands for.
func (v *vars) value(expr string) (any, error) {
	if expr == "uuid" {
		id := make([]byte, 16)
		rand.Read(id) // never fails
		return hex.EncodeToString(id), nil
	}
	if rest, ok := strings.CutPrefix(expr, "now"); ok {
		return nowValue(v.clock(), rest)
	}
	if name, ok := strings.CutPrefix(expr, "key:"); ok {
		return v.keys.text(name)
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
		_, payload, err := v.token(name)
		if err != nil {
			return nil, err
		}
		claims, _ := payload.(map[string]any)
		return claims[claim], nil
	}
	name, asInt := strings.CutSuffix(expr, ":int")
	out, err := v.named(name)
	if err != nil || !asInt {
		return out, err
	}
	n, err := strconv.ParseInt(text(out), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("${%s}: %w", expr, err)
	}
	return intNumber(n), nil
}

// nowValue is the Unix time, shifted by what follows now: "", "+60", "-5.5f".
// With an f it has a fraction.
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

// parseShift reads a number of seconds with a sign; an empty text is 0.
func parseShift(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// named is a captured value, or a field of a user: alice.id.
func (v *vars) named(name string) (any, error) {
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

// token is the header and the payload of a captured or minted token.
func (v *vars) token(name string) (header map[string]any, payload any, err error) {
	value, ok := v.values[name].(string)
	if !ok {
		return nil, nil, fmt.Errorf("no token named %q", name)
	}
	return decodeToken(value)
}

// keep stores a value, and remembers the ids in it if it is a token.
func (v *vars) keep(name string, value any) {
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
		if id, ok := claim.(string); ok && lowerHex32.MatchString(id) {
			v.seenJTIs[id] = true
		}
	}
}
