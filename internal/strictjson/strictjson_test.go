package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

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
			[]Member{{"b", "1.50"}, {"a", `"x,}"`}, {"c", `[{"d":[]}]`}}, ""},
		"an empty object has no members":          {"{}", []Member{}, ""},
		"a name written with escapes is read":     {`{"\u0061":1}`, []Member{{"a", "1"}}, ""},
		"names that differ in case are different": {`{"a":1,"A":2}`, []Member{{"a", "1"}, {"A", "2"}}, ""},
		"a repeated name is an error":             {`{"a":1,"\u0061":2}`, nil, "stands twice"},
		"a list is an error":                      {"[]", nil, "not an object"},
		"text behind the object is an error":      {"{} x", nil, "invalid character"},
		"text that is not UTF-8 is an error":      {"{\"a\":\"\xff\"}", nil, "UTF-8"},
		"an empty text is an error":               {"", nil, "unexpected end"},
		"a trailing comma is an error":            {`{"a":1,}`, nil, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Object(c.in)
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

func TestValue(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]any{
		"12345678901234567890": json.Number("12345678901234567890"), "1e2": json.Number("1e2"), "true": true, "false": false,
		"null": nil, `"a\nb"`: "a\nb", `{"x":[1]}`: map[string]any{"x": []any{json.Number("1")}},
	} {
		got, err := Value(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`""`, `"a"`, `"é€😀"`, `"a\nb"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000\u00e9\u20ac\u0041x"`, `"\ud83d\ude00"`, `"x\ud83d\ude00x"`, `"\ud83d"`, `"\ud83dx"`,
		`"\ude00\ud83d"`, `"\ud83d\ud83d\ude00x"`, `"\ud83d\u0041"`, `"\ud83d\n"`, `"\\ud83d"`, `"\uD83D\uDE00"`,
	} {
		compareText(t, raw)
	}
}

// compareText fails unless Text reads a string as encoding/json does.
func compareText(t *testing.T, raw string) {
	t.Helper()
	var want string
	if raw[0] != '"' {
		return
	}
	if err := json.Unmarshal([]byte(raw), &want); err != nil {
		t.Fatal(err)
	}
	if got := Text(raw); got != want {
		t.Errorf("%s: read %q, want %q", raw, got, want)
	}
}

func TestLoneSurrogate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]rune{
		`"\ud83d\ude00"`: 0, `"\ud83d"`: 0xd83d, `"\ud83dx"`: 0xd83d, `"\ude00\ud83d"`: 0xde00, `"\\ud83d"`: 0,
		`"\ud83d\u0041"`: 0xd83d, `"\u0041\udfff"`: 0xdfff, `"\ud83d\ude00\ud800"`: 0xd800, `"a"`: 0,
	} {
		got, _ := LoneSurrogate(in)
		if got != want {
			t.Errorf("%s: %x, want %x", in, got, want)
		}
	}
}

func TestObject_LongIntegers(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("9", maxDigits)
	for name, c := range map[string]struct {
		in   string
		good bool
	}{
		"the longest integer":                 {`{"a":` + longest + `}`, true},
		"with a sign":                         {`{"a":-` + longest + `}`, true},
		"a digit more":                        {`{"a":` + longest + `0}`, false},
		"a digit more with a sign":            {`{"a":-` + longest + `0}`, false},
		"a digit more in an array":            {`{"a":[1,[` + longest + `0]]}`, false},
		"a digit more in an object":           {`{"a":{"b":{"c":` + longest + `0}}}`, false},
		"a digit more before a broken object": {`{"a":` + longest + `0,`, false},
		"a fraction, which is a float":        {`{"a":` + longest + `0.5}`, true},
		"digits behind the point":             {`{"a":0.` + longest + longest + `}`, true},
		"an exponent, which makes a float":    {`{"a":` + longest + `0e1}`, true},
		"digits in a text":                    {`{"a":"` + longest + `0"}`, true},
		"a digit more, alone":                 {longest + "0", false},
		"a digit more in an array alone":      {"[" + longest + "0]", false},
	} {
		validity := " is rejected"
		if c.good {
			validity = " is read"
		}
		t.Run(name+validity, func(t *testing.T) {
			t.Parallel()
			_, err := Object(c.in)
			if (err == nil) != c.good || !c.good && !errors.Is(err, errLongInteger) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestObject_RepeatedLongName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\U000e0001", 1000)
	_, err := Object(`{"` + long + `":0,"` + long + `":0}`)
	var twice *repeatedNameError
	if !errors.As(err, &twice) || len(err.Error()) > 500 {
		t.Errorf("error %.600v", err)
	}
}

func TestObject_ManyMembers(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, `,"name %d":%d`, i, i)
	}
	members, err := Object("{" + text.String()[1:] + "}")
	if err != nil || len(members) != 1000 {
		t.Fatalf("%d members, error %v", len(members), err)
	}
	for _, again := range []string{"name 0", "name 31", "name 32", "name 999"} {
		var twice *repeatedNameError
		if _, err := Object(`{"x":0` + text.String() + `,"` + again + `":1}`); !errors.As(err, &twice) || twice.name != again {
			t.Errorf("%s: error %v", again, err)
		}
	}
}

func TestObject_MaxDepth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		deep int
		good bool
	}{{maxDepth - 1, true}, {maxDepth, false}} {
		text := `{"a":` + strings.Repeat("[", c.deep) + strings.Repeat("]", c.deep) + "}"
		if json.Valid([]byte(text)) != c.good {
			t.Fatalf("encoding/json has another limit than %d", c.deep)
		}
		if _, err := Object(text); (err == nil) != c.good {
			t.Errorf("%d deep: error %v", c.deep, err)
		}
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	got, err := Append([]Member{{"a", "1"}}, `{"a":2}`)
	if diff := cmp.Diff([]Member{{"a", "1"}, {"a", "2"}}, got); diff != "" || err != nil {
		t.Errorf("error %v, %s", err, diff)
	}
}

// FuzzObject compares Object with encoding/json: both read the same members, and what Object rejects, encoding/json rejects too,
// unless it does not check for the reason.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{"a":1}`, `{"a":{"b":[1,"x"]},"c":null}`, `{"\ud800":"\"}"}`, `[]`, `{"a":1 , "b":-0.5e3}`, `{"a":01}`, `{"a":1.}`,
		`{"a":tru}`, `{"a":"\u12g4"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":{,}}`, `{"a":[[],{},"\ud83d\ude00\ud83d\n\/",{"b":1,"b":[null,true]}]}`, `{"a":[}`, `{"a":"b"`, `{"a":-}`, `{"a":1}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := Object(text)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal([]byte(text), &want)
		if err != nil {
			var twice *repeatedNameError
			null := errors.Is(err, ErrNotObject) && strings.TrimSpace(text) == "null" // into a map it is an empty one
			if wantErr == nil && utf8.ValidString(text) && !errors.As(err, &twice) && !errors.Is(err, errLongInteger) && !null {
				t.Fatalf("rejected what encoding/json accepts: %v", err)
			}
			return
		}
		if wantErr != nil {
			t.Fatalf("accepted what encoding/json rejects: %v", wantErr)
		}
		if len(want) != len(members) {
			t.Fatalf("%d members, encoding/json found %d in %q", len(members), len(want), text)
		}
		for _, m := range members {
			if string(want[m.Name]) != m.Raw {
				t.Fatalf("%q is %q, encoding/json found %q", m.Name, m.Raw, want[m.Name])
			}
			LoneSurrogate(m.Raw)
			compareText(t, m.Raw)
			if _, err := Value(m.Raw); err != nil {
				t.Fatal(err)
			}
		}
	})
}
