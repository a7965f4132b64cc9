package views_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/views"
)

// TestFieldsAreCheckedAsCharFields sends a JSON value as the field of a token and reads what the view made of it.
func TestFieldsAreCheckedAsCharFields(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t, withHook(mirror)).Auth)
	for _, c := range []struct{ name, value, text string }{
		{"a text stays as it is", `"a.b.c"`, "a.b.c"},
		{"ASCII blanks are trimmed", `" \t\n\r\f\u000bx \t\n\r\f\u000b"`, "x"},
		{"information separators are trimmed", `"\u001c\u001d\u001e\u001fx\u001f\u001e\u001d\u001c"`, "x"},
		{"the next line control and no-break spaces are trimmed", `"\u0085\u00a0x\u00a0\u0085"`, "x"},
		{"wide and typographic spaces are trimmed", `"\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000x\u3000"`, "x"},
		{"a zero-width space is no space", `"\u200bx\ufeff"`, "\u200bx\ufeff"},
		{"blanks inside stay", `"a  b"`, "a  b"},
		{"escapes are read", `"\u0041\"\\\/"`, `A"\/`},
		{"a surrogate pair is one character", `"\ud83d\ude00"`, "😀"},
		{"an integer is its digits", `42`, "42"},
		{"an integer keeps all digits", `123456789012345678901234567890`, "123456789012345678901234567890"},
		{"an integer of as many digits as Python reads", strings.Repeat("9", 4300), strings.Repeat("9", 4300)},
		{"and below zero", "-" + strings.Repeat("9", 4300), "-" + strings.Repeat("9", 4300)},
		{"minus zero is the integer 0", `-0`, "0"},
		{"a fraction is a float", `1.50`, "1.5"},
		{"a whole float shows it", `1.0`, "1.0"},
		{"a float minus zero keeps its sign", `-0.0`, "-0.0"},
		{"an exponent makes a float", `1e2`, "100.0"},
		{"the largest float without exponent", `1e15`, "1000000000000000.0"},
		{"a large float has an exponent", `1e16`, "1e+16"},
		{"the smallest float without exponent", `0.0001`, "0.0001"},
		{"a small float has an exponent of two digits", `0.00001`, "1e-05"},
		{"a float has the fewest digits that tell it", `0.1000000000000000055`, "0.1"},
		{"a float with many digits", `123456789012345680.0`, "1.2345678901234568e+17"},
		{"a float out of range is infinite", `1e400`, "inf"},
		{"and so below", `-1E400`, "-inf"},
		{"a float too small is zero", `1e-400`, "0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantObject(t, post(view, jsonType, `{"refresh":`+c.value+`}`), http.StatusOK, map[string]any{"refresh": c.text})
		})
	}
}

// TestLongIntegersAreParseErrors sends what Python does not convert either.
func TestLongIntegersAreParseErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	digits := strings.Repeat("9", 4301)
	for _, body := range []string{
		`{"username":` + digits + `}`, `{"password":-` + digits + `}`, `{"device_name":` + digits + `}`, `{"refresh":` + digits + `}`, `{"token":` + digits + `}`,
		`{"x":` + digits + `}`, `{"x":[{"y":` + digits + `}]}`, `[` + digits + `]`, digits,
	} {
		for _, e := range endpoints() {
			w := post(e.view(f.Auth), jsonType, body)
			if w.Code != http.StatusBadRequest || w.Body.String() != `{"detail":"JSON parse error - an integer has more than 4300 digits"}` {
				t.Errorf("%s, %.20s: answer %d %.100s", e.name, body, w.Code, w.Body)
			}
		}
	}
}

// TestFieldFaults compares DRF's messages letter for letter.
func TestFieldFaults(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t, withHook(mirror)).Auth)
	for _, c := range []struct{ name, body, want string }{
		{"missing", `{}`, `{"refresh":["This field is required."]}`},
		{"null", `{"refresh":null}`, `{"refresh":["This field may not be null."]}`},
		{"empty", `{"refresh":""}`, `{"refresh":["This field may not be blank."]}`},
		{"white space alone", `{"refresh":" \u2003\u001c "}`, `{"refresh":["This field may not be blank."]}`},
		{"true", `{"refresh":true}`, `{"refresh":["Not a valid string."]}`},
		{"false", `{"refresh":false}`, `{"refresh":["Not a valid string."]}`},
		{"a list", `{"refresh":["x"]}`, `{"refresh":["Not a valid string."]}`},
		{"an empty list", `{"refresh":[]}`, `{"refresh":["Not a valid string."]}`},
		{"an object", `{"refresh":{"x":1}}`, `{"refresh":["Not a valid string."]}`},
		{"NUL", `{"refresh":"a\u0000b"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"NUL at an end is no white space", `{"refresh":"\u0000"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"a high surrogate", `{"refresh":"\ud83d"}`, `{"refresh":["Surrogate characters are not allowed: U+D83D."]}`},
		{"a low surrogate", `{"refresh":"x\uDE00"}`, `{"refresh":["Surrogate characters are not allowed: U+DE00."]}`},
		{"two highs before a low", `{"refresh":"\ud83c\ud83d\ude00"}`, `{"refresh":["Surrogate characters are not allowed: U+D83C."]}`},
		{"a pair in the wrong order", `{"refresh":"\ude00\ud83d"}`, `{"refresh":["Surrogate characters are not allowed: U+DE00."]}`},
		{"NUL and surrogate are both named", `{"refresh":"\u0000\udfff"}`, `{"refresh":["Null characters are not allowed.","Surrogate characters are not allowed: U+DFFF."]}`},
		{"an escaped backslash starts no surrogate", `{"refresh":"\\ud83d\u0000"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"another case is another key", `{"Refresh":"x","REFRESH":"y"}`, `{"refresh":["This field is required."]}`},
		{"a letter that folds to ASCII is another key", `{"refre\u017fh":"x"}`, `{"refresh":["This field is required."]}`},
		{"a blank in the key makes another key", `{"refresh ":"x"}`, `{"refresh":["This field is required."]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, post(view, jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}

func TestAllWrongFieldsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range []struct{ name, body, want string }{
		{"both missing", `{}`, `{"password":["This field is required."],"username":["This field is required."]}`},
		{"blank and null", `{"username":"\t","password":null}`, `{"password":["This field may not be null."],"username":["This field may not be blank."]}`},
		{"a password of white space alone is blank", `{"username":"alice","password":" \u3000"}`, `{"password":["This field may not be blank."]}`},
		{"NUL in a password", `{"username":"alice","password":"x\u0000"}`, `{"password":["Null characters are not allowed."]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, post(views.ObtainPair(f.Auth), jsonType, c.body), http.StatusBadRequest, c.want)
			wantAnswer(t, post(views.ObtainSliding(f.Auth), jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}
