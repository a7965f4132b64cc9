package conformance

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMatchValue(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	now := testNow.Unix()
	hex := strings.Repeat("0b", 16)
	tests := []struct {
		name  string
		want  string // JSON
		got   any    // a string is JSON, anything else is taken as it is
		diffs int
	}{
		{"equal scalars match", `[1, "a", true, null]`, `[1, "a", true, null]`, 0},
		{"true is not 1", `true`, `1`, 1},
		{"false is not 0", `0`, `false`, 1},
		{"false is not null", `null`, `false`, 1},
		{"a number is not its text", `1`, `"1"`, 1},
		{"1 equals 1.0", `1`, `1.0`, 0},
		{"large integers are not rounded", `9007199254740993`, `9007199254740992`, 1},
		{"the members must be exactly the named ones", `{"a": 1}`, `{"a": 1, "b": 2}`, 1},
		{"a missing member is a difference", `{"a": 1, "b": 2}`, `{"a": 1}`, 1},
		{"each difference is reported", `{"a": 1, "b": 2}`, `{"a": 2, "c": 1}`, 3},
		{"an optional member may be missing", `{"a?": 1}`, `{}`, 0},
		{"an optional member must match if present", `{"a?": 1}`, `{"a": 2}`, 1},
		{"a member's name may be a variable", `{"${word}": 1}`, `{"x": 1}`, 0},
		{"an object is not a list", `{}`, `[]`, 1},
		{"a list is not an object", `[]`, `{}`, 1},
		{"lists must be of one length", `[1]`, `[1, 1]`, 1},
		{"list items are compared in order", `[1, 2]`, `[2, 1]`, 2},
		{"a variable is replaced", `"${alice.id}"`, `"7"`, 0},
		{"a variable as an integer", `"${alice.id:int}"`, `7`, 0},
		{"a variable as an integer is no text", `"${alice.id:int}"`, `"7"`, 1},
		{"an unknown variable is a difference", `"${nobody.id}"`, `"7"`, 1},
		{"any matches null", `"<any>"`, `null`, 0},
		{"str wants a string", `["<str>", "<str>"]`, `["", 1]`, 1},
		{"int wants an integer, no fraction", `["<int>", "<int>", "<int>"]`, `[1, 1.0, true]`, 2},
		{"not-null", `["<not-null>", "<not-null>"]`, `[false, null]`, 1},
		{"any-jwt", `["<any-jwt>", "<any-jwt>", "<any-jwt>"]`, `["a.b.c", "a.b.", "a.b"]`, 1},
		{"any-jwt may not end in a line break", `"<any-jwt>"`, `"a.b.c\n"`, 1},
		{"hex32 and HEX32", `["<hex32>", "<HEX32>"]`, `["` + hex + `", "` + strings.ToUpper(hex) + `"]`, 0},
		{"hex32 and HEX32 mind the case", `["<HEX32>", "<hex32>"]`, `["` + hex + `", "` + strings.ToUpper(hex) + `"]`, 2},
		{"new-jti was not seen before", `["<new-jti>", "<new-jti>", "<new-jti>"]`,
			`["` + hex + `", "` + strings.Repeat("a", 32) + `", "x"]`, 2},
		{"var and not-var", `["<var:word>", "<not-var:word>", "<var:word>", "<not-var:word>"]`, `["x", "y", "y", "x"]`, 2},
		{"claim has the type of the claim", `["<claim:tok.exp>", "<claim:tok.exp>"]`, `[1700000000, "1700000000"]`, 1},
		{"claim of an unknown token", `"<claim:nix.exp>"`, `1`, 1},
		{"a claim that is absent is null", `"<claim:tok.none>"`, `null`, 0},
		{"prefix and contains", `["<prefix:ab>", "<contains:bc>", "<prefix:b>", "<contains:d>"]`,
			`["abc", "abc", "abc", "abc"]`, 2},
		{"contains spans lines", `"<contains:a\nb>"`, `"a\nb"`, 0},
		{"regex", `["<regex:^a.c$>", "<regex:^b>"]`, `["abc", "abc"]`, 1},
		{"other text in angle brackets is text", `["<a/>", "<html>", "<html>"]`, `["<a/>", "<html>", "x"]`, 1},
		{"now within two seconds", `["<now>", "<now>"]`, []any{intNumber(now - 1), intNumber(now + 2)}, 0},
		{"now too early and too late", `["<now>", "<now>"]`, []any{intNumber(now - 2), intNumber(now + 3)}, 2},
		{"now is an integer", `["<now>", "<now>", "<now>"]`, []any{floatNumber(float64(now)), true, textOf(intNumber(now))}, 3},
		{"now with a shift", `["<now+300>", "<now-60>", "<now+301>"]`,
			[]any{intNumber(now + 300), intNumber(now - 60), intNumber(now + 310)}, 1},
		{"time of a claim", `"<time:claim:tok.exp>"`, `"2023-11-14 22:13:20.5"`, 0},
		{"time a second off a claim", `"<time:claim:tok.exp>"`, `"2023-11-14 22:13:21"`, 1},
		{"time during the scenario", `"<time:now>"`, testNow.Format(time.RFC3339Nano), 0},
		{"time before the scenario", `"<time:now>"`, testNow.Add(-3 * time.Second).Format(time.RFC3339Nano), 1},
		{"time that is none", `["<time:now>", "<time:claim:tok.exp>"]`, `["soon", null]`, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.got
			if s, ok := got.(string); ok && json.Valid([]byte(s)) {
				got = parseAs[any](t, s)
			}
			m := &matcher{vars: v}
			m.matchValue("body", parseAs[any](t, test.want), got)
			if len(m.diffs) != test.diffs {
				t.Errorf("got %d differences, want %d:\n%s", len(m.diffs), test.diffs, strings.Join(m.diffs, "\n"))
			}
		})
	}
}

func TestMatchValue_Loose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		want, got any
		diffs     int
	}{
		{"text and number", "7", json.Number("7"), 0},
		{"number and text", json.Number("7"), "7", 0},
		{"null is not its text", nil, "None", 1},
		{"true is not 1", true, json.Number("1"), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &matcher{vars: newVars(nil, 1), loose: true}
			m.matchValue("column", test.want, test.got)
			if len(m.diffs) != test.diffs {
				t.Errorf("got differences %q, want %d", m.diffs, test.diffs)
			}
		})
	}
}

func TestFillValue(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"a whole variable keeps its type", `["${alice.id}", "${alice.id:int}", "${claim:tok.ok}", "${claim:tok.half}"]`,
			`["7", 7, true, 1.5]`},
		{"variables inside a text", `"Bearer ${word}/${alice.id:int}"`, `"Bearer x/7"`},
		{"objects, keys too", `{"${word}": {"b": ["${alice.username}"]}}`, `{"x": {"b": ["alice_5"]}}`},
		{"a text repeated", `"${repeat:ab:3}"`, `"ababab"`},
		{"a key's secret", `"${key:hsshort}"`, `"short"`},
		{"numbers stay as they are", `[1, 1.0, 1e3, 123456789012345678901]`, `[1, 1.0, 1e3, 123456789012345678901]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := v.fillValue(parseAs[any](t, test.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parseAs[any](t, test.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFillValue_UnknownVariables(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	for _, in := range []string{"${nobody}", "a ${nobody} b", "${alice.age}", "${word:int}", "${key:nix}", "${key:hs1.private}",
		"${now+x}", "${now+xf}", "${repeat:a:b}", "${claim:nix.exp}"} {
		if got, err := v.fillValue(in); err == nil {
			t.Errorf("%s: got %v, want an error", in, got)
		}
	}
}

func TestFillValue_TimesAndIDs(t *testing.T) {
	t.Parallel()
	got, err := testVars(t).fillValue([]any{"${uuid}", "${uuid}", "${now}", "${now-60}", "${now+5.5f}"})
	if err != nil {
		t.Fatal(err)
	}
	list := got.([]any)
	if id := list[0].(string); !lowerHexPattern.MatchString(id) || id == list[1] {
		t.Errorf("got ids %v and %v, want two of 32 hex digits", id, list[1])
	}
	now := testNow.Unix()
	want := []any{intNumber(now), intNumber(now - 60), json.Number(textOf(intNumber(now+6)) + ".0")}
	if diff := cmp.Diff(want, list[2:]); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
}
