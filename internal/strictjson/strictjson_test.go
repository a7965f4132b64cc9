package strictjson

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want []Member
		err  string
	}{
		"members keep their order and their text": {` { "b" : 1.50 , "a":"x,}" , "c":[{"d":[]}] } `,
			[]Member{{"b", json.RawMessage("1.50")}, {"a", json.RawMessage(`"x,}"`)}, {"c", json.RawMessage(`[{"d":[]}]`)}}, ""},
		"an empty object has no members":      {"{}", []Member{}, ""},
		"a name written with escapes is read": {`{"\u0061":1}`, []Member{{"a", json.RawMessage("1")}}, ""},
		"names that differ in case are two":   {`{"a":1,"A":2}`, []Member{{"a", json.RawMessage("1")}, {"A", json.RawMessage("2")}}, ""},
		"a name may not stand twice":          {`{"a":1,"\u0061":2}`, nil, "stands twice"},
		"a list is no object":                 {"[]", nil, "not an object"},
		"nothing may follow":                  {"{} x", nil, "invalid character"},
		"text must be UTF-8":                  {"{\"a\":\"\xff\"}", nil, "UTF-8"},
		"an empty text is an error":           {"", nil, "unexpected end"},
		"a trailing comma is an error":        {`{"a":1,}`, nil, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Object([]byte(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValueKeepsNumbers(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]any{
		"12345678901234567890": json.Number("12345678901234567890"), "1e2": json.Number("1e2"), "true": true, "false": false,
		"null": nil, `"a\nb"`: "a\nb", `{"x":[1]}`: map[string]any{"x": []any{json.Number("1")}},
	} {
		got, err := Value(json.RawMessage(in))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestLoneSurrogate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]rune{
		`"\ud83d\ude00"`: 0, `"\ud83d"`: 0xd83d, `"\ud83dx"`: 0xd83d, `"\ude00\ud83d"`: 0xde00, `"\\ud83d"`: 0,
		`"\ud83d\u0041"`: 0xd83d, `"\u0041\udfff"`: 0xdfff, `"\ud83d\ude00\ud800"`: 0xd800, `"a"`: 0,
	} {
		got, _ := LoneSurrogate([]byte(in))
		if got != want {
			t.Errorf("%s: %x, want %x", in, got, want)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":[1,"x"]},"c":null}`, `{"\ud800":"\"}"}`, `[]`, `{"a":1 , "b":-0.5e3}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := Object(data)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if len(want) != len(members) {
			t.Fatalf("%d members, encoding/json found %d in %q", len(members), len(want), data)
		}
		for _, m := range members {
			if string(want[m.Name]) != string(m.Raw) {
				t.Fatalf("%q is %q, encoding/json found %q", m.Name, m.Raw, want[m.Name])
			}
			LoneSurrogate(m.Raw)
			if _, err := Value(m.Raw); err != nil {
				t.Fatal(err)
			}
		}
	})
}
