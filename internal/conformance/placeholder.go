package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxClockSkew is how many seconds a Unix time may be before the request or after
// its answer.
const maxClockSkew = 2

// Placeholders: a word, or a word and an argument behind a colon or a sign.
var (
	placeholderPattern = regexp.MustCompile(`(?s)^<[a-zA-Z0-9-]+(?:[:+-].*)?>$`)
	shiftedNowPattern  = regexp.MustCompile(`^now[+-][0-9]+$`)
)

// matchPlaceholder compares got with a placeholder like <any> or <now+300>, and
// reports whether s is one. Other texts in angle brackets are plain text.
func (m *matcher) matchPlaceholder(path, s string, got any) bool {
	if !placeholderPattern.MatchString(s) {
		return false
	}
	body := s[1 : len(s)-1]
	want, ok, known := m.matchWord(body, got)
	if !known {
		var err error
		name, arg, _ := strings.Cut(body, ":")
		if want, ok, known, err = m.matchWithArgument(name, arg, body, got); err != nil {
			m.addDiff("%s: %v", path, err)
			return true
		}
	}
	if known && !ok {
		m.addDiff("%s: want %s, got %s %s", path, want, kindOf(got), shorten(got))
	}
	return known
}

// matchWord compares got with a placeholder that is a single word. want describes
// it, ok is the result, and known reports whether there is such a placeholder.
func (m *matcher) matchWord(body string, got any) (want string, ok, known bool) {
	str, isString := got.(string)
	switch body {
	case "any":
		return "", true, true
	case "str":
		return "a string", isString, true
	case "int":
		return "an integer", isInteger(got), true
	case "not-null":
		return "something other than null", got != nil, true
	case "any-jwt":
		return "a JWT", isJWT(got), true
	case "hex32":
		return "32 lower-case hex digits", isString && lowerHexPattern.MatchString(str), true
	case "HEX32":
		return "32 upper-case hex digits", isString && upperHexPattern.MatchString(str), true
	case "new-jti":
		if m.vars.seenJTIs[str] {
			return "an id not used before in this scenario", false, true
		}
		return "32 lower-case hex digits", isString && lowerHexPattern.MatchString(str), true
	}
	return "", false, false
}

// matchWithArgument compares got with <now...> or a placeholder that has a colon.
// The results are those of matchWord; err is a placeholder without its variable.
func (m *matcher) matchWithArgument(name, arg, body string, got any) (want string, ok, known bool, err error) {
	str, isString := got.(string)
	switch name {
	case "var", "not-var":
		value, err := m.vars.expand(arg)
		if name == "var" {
			return "the value of " + arg, isSame(value, got), true, err
		}
		return "something other than the value of " + arg, !isSame(value, got), true, err
	case "claim":
		value, err := m.vars.expand(body)
		return fmt.Sprintf("claim %s = %s", arg, shorten(value)), isSame(value, got), true, err
	case "prefix":
		return fmt.Sprintf("a string starting with %q", arg), isString && strings.HasPrefix(str, arg), true, nil
	case "contains":
		return fmt.Sprintf("a string containing %q", arg), isString && strings.Contains(str, arg), true, nil
	case "regex":
		re, err := regexp.Compile(arg)
		return "a match of " + arg, err == nil && isString && re.MatchString(str), true, err
	case "time":
		want, ok, err = m.matchTime(arg, got)
		return want, ok, true, err
	}
	if name == "now" || shiftedNowPattern.MatchString(body) {
		want, ok, err = m.matchNow(body, got)
		return want, ok, true, err
	}
	return "", false, false, nil
}

// matchNow compares an integer with the Unix time of the request plus the seconds
// of the placeholder.
func (m *matcher) matchNow(body string, got any) (want string, ok bool, err error) {
	shift, err := parseShift(strings.TrimPrefix(body, "now"))
	if err != nil {
		return "", false, fmt.Errorf("bad placeholder <%s>", body)
	}
	want = fmt.Sprintf("about %d (%s)", m.vars.requestedAt.Unix()+shift, body)
	n, _ := got.(json.Number) // "" for any other value, which is not an integer
	if t, notInteger := strconv.ParseInt(n.String(), 10, 64); notInteger == nil {
		ok = m.isBetween(float64(t-shift), m.vars.requestedAt)
	}
	return want, ok, nil
}

// matchTime compares a timestamp column with a claim of a token, to the second,
// or with the time since the scenario began.
func (m *matcher) matchTime(arg string, got any) (want string, ok bool, err error) {
	t, err := parseTime(got)
	if err != nil {
		return "", false, err
	}
	if !strings.HasPrefix(arg, "claim:") {
		return "a time during this scenario", m.isBetween(t, m.vars.startedAt), nil
	}
	value, err := m.vars.expand(arg)
	if err != nil {
		return "", false, err
	}
	n, _ := value.(json.Number)
	claim, err := n.Float64()
	if err != nil {
		return "", false, fmt.Errorf("%s is not a time: %s", arg, shorten(value))
	}
	return fmt.Sprintf("the time of %s (%s)", arg, n), t > claim-1 && t < claim+1, nil
}

// isBetween reports whether a Unix time is between since and now, give or take
// maxClockSkew.
func (m *matcher) isBetween(t float64, since time.Time) bool {
	return unixSeconds(since)-maxClockSkew <= t && t <= unixSeconds(m.vars.clock())+maxClockSkew
}

// unixSeconds returns t as Unix time with microseconds.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
