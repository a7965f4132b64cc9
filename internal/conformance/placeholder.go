package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// slack is how far a Unix time may lie before the request or behind its answer,
// in seconds.
const slack = 2

var (
	placeholderShape = regexp.MustCompile(`(?s)^<[a-zA-Z0-9-]+(?:[:+-].*)?>$`)
	shiftedNow       = regexp.MustCompile(`^now[+-][0-9]+$`)
)

// placeholder compares got with an expectation like <any> or <now+300>. It
// reports whether s is one; any other text in angle brackets is just text.
func (m *matcher) placeholder(path, s string, got any) bool {
	if !placeholderShape.MatchString(s) {
		return false
	}
	body := s[1 : len(s)-1]
	want, ok, known := m.plain(body, got)
	if !known {
		var err error
		name, arg, _ := strings.Cut(body, ":")
		if want, ok, known, err = m.withArgument(name, arg, body, got); err != nil {
			m.fail("%s: %v", path, err)
			return true
		}
	}
	if known && !ok {
		m.fail("%s: want %s, got %s %s", path, want, kind(got), short(got))
	}
	return known
}

// plain knows the placeholders that are a single word.
func (m *matcher) plain(body string, got any) (want string, ok, known bool) {
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
		return "32 lower-case hex digits", isString && lowerHex32.MatchString(str), true
	case "HEX32":
		return "32 upper-case hex digits", isString && upperHex32.MatchString(str), true
	case "new-jti":
		if m.vars.seenJTIs[str] {
			return "an id not used before in this scenario", false, true
		}
		return "32 lower-case hex digits", isString && lowerHex32.MatchString(str), true
	}
	return "", false, false
}

// withArgument knows <now...> and those with a colon.
func (m *matcher) withArgument(name, arg, body string, got any) (want string, ok, known bool, err error) {
	str, isString := got.(string)
	switch name {
	case "var", "not-var":
		value, err := m.vars.value(arg)
		if name == "var" {
			return "the value of " + arg, same(value, got), true, err
		}
		return "something other than the value of " + arg, !same(value, got), true, err
	case "claim":
		value, err := m.vars.value(body)
		return fmt.Sprintf("claim %s = %s", arg, short(value)), same(value, got), true, err
	case "prefix":
		return fmt.Sprintf("a string starting with %q", arg), isString && strings.HasPrefix(str, arg), true, nil
	case "contains":
		return fmt.Sprintf("a string containing %q", arg), isString && strings.Contains(str, arg), true, nil
	case "regex":
		re, err := regexp.Compile(arg)
		return "a match of " + arg, err == nil && isString && re.MatchString(str), true, err
	case "time":
		want, ok, err = m.time(arg, got)
		return want, ok, true, err
	}
	if name == "now" || shiftedNow.MatchString(body) {
		want, ok, err = m.now(body, got)
		return want, ok, true, err
	}
	return "", false, false, nil
}

// now compares an integer with the Unix time of the request, shifted.
func (m *matcher) now(body string, got any) (want string, ok bool, err error) {
	shift, err := parseShift(strings.TrimPrefix(body, "now"))
	if err != nil {
		return "", false, fmt.Errorf("bad placeholder <%s>", body)
	}
	want = fmt.Sprintf("about %d (%s)", m.vars.asked.Unix()+shift, body)
	n, _ := got.(json.Number)
	if t, notInteger := strconv.ParseInt(n.String(), 10, 64); notInteger == nil {
		ok = m.within(float64(t-shift), m.vars.asked)
	}
	return want, ok, nil
}

// time compares a timestamp column with the claim of a token (to the second), or
// with the time since the scenario began.
func (m *matcher) time(arg string, got any) (want string, ok bool, err error) {
	t, err := parseTime(got)
	if err != nil {
		return "", false, err
	}
	if !strings.HasPrefix(arg, "claim:") {
		return "a time during this scenario", m.within(t, m.vars.started), nil
	}
	value, err := m.vars.value(arg)
	if err != nil {
		return "", false, err
	}
	n, _ := value.(json.Number)
	claim, err := n.Float64()
	if err != nil {
		return "", false, fmt.Errorf("%s is no time: %s", arg, short(value))
	}
	return fmt.Sprintf("the time of %s (%s)", arg, n), t > claim-1 && t < claim+1, nil
}

// within reports whether a Unix time lies between since and now.
func (m *matcher) within(t float64, since time.Time) bool {
	return unixSeconds(since)-slack <= t && t <= unixSeconds(m.vars.clock())+slack
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
