package views_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/views"
)

// The view converts JSON values to text as DRF's CharField does.
func TestFields_CharField(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t, withHook(answerFields)).Auth)
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
		{"a negative integer of as many digits as Python reads", "-" + strings.Repeat("9", 4300), "-" + strings.Repeat("9", 4300)},
		{"minus zero is the integer 0", `-0`, "0"},
		{"a fraction is a float", `1.50`, "1.5"},
		{"a whole float has a fraction of zero", `1.0`, "1.0"},
		{"a float minus zero keeps its sign", `-0.0`, "-0.0"},
		{"an exponent makes a float", `1e2`, "100.0"},
		{"the largest float without exponent", `1e15`, "1000000000000000.0"},
		{"a large float has an exponent", `1e16`, "1e+16"},
		{"the smallest float without exponent", `0.0001`, "0.0001"},
		{"a small float has an exponent of two digits", `0.00001`, "1e-05"},
		{"a float has the fewest digits that identify it", `0.1000000000000000055`, "0.1"},
		{"a float with many digits", `123456789012345680.0`, "1.2345678901234568e+17"},
		{"a float out of range is infinite", `1e400`, "inf"},
		{"a negative float out of range is infinite", `-1E400`, "-inf"},
		{"a float too small is zero", `1e-400`, "0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantObject(t, postBody(view, jsonType, `{"refresh":`+c.value+`}`), http.StatusOK, map[string]any{"refresh": c.text})
		})
	}
}

// Python does not convert integers of more than 4,300 digits either.
func TestFields_LongInteger(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	digits := strings.Repeat("9", 4301)
	for _, body := range []string{
		`{"username":` + digits + `}`, `{"password":-` + digits + `}`, `{"device_name":` + digits + `}`, `{"refresh":` + digits + `}`, `{"token":` + digits + `}`,
		`{"x":` + digits + `}`, `{"x":[{"y":` + digits + `}]}`, `[` + digits + `]`, digits,
	} {
		for _, e := range listEndpoints() {
			w := postBody(e.view(f.Auth), jsonType, body)
			if w.Code != http.StatusBadRequest || w.Body.String() != `{"detail":"JSON parse error - an integer has more than 4300 digits"}` {
				t.Errorf("%s, %.20s: answer %d %.100s", e.name, body, w.Code, w.Body)
			}
		}
	}
}

// The messages are DRF's, letter for letter.
func TestFields_Invalid(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t, withHook(answerFields)).Auth)
	for _, c := range []struct{ name, body, want string }{
		{"a missing field is required", `{}`, `{"refresh":["This field is required."]}`},
		{"null is not allowed", `{"refresh":null}`, `{"refresh":["This field may not be null."]}`},
		{"an empty text is blank", `{"refresh":""}`, `{"refresh":["This field may not be blank."]}`},
		{"white space alone is blank", `{"refresh":" \u2003\u001c "}`, `{"refresh":["This field may not be blank."]}`},
		{"true is not a string", `{"refresh":true}`, `{"refresh":["Not a valid string."]}`},
		{"false is not a string", `{"refresh":false}`, `{"refresh":["Not a valid string."]}`},
		{"a list is not a string", `{"refresh":["x"]}`, `{"refresh":["Not a valid string."]}`},
		{"an empty list is not a string", `{"refresh":[]}`, `{"refresh":["Not a valid string."]}`},
		{"an object is not a string", `{"refresh":{"x":1}}`, `{"refresh":["Not a valid string."]}`},
		{"NUL is not allowed", `{"refresh":"a\u0000b"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"NUL at an end is not white space", `{"refresh":"\u0000"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"a high surrogate is not allowed", `{"refresh":"\ud83d"}`, `{"refresh":["Surrogate characters are not allowed: U+D83D."]}`},
		{"a low surrogate is not allowed", `{"refresh":"x\uDE00"}`, `{"refresh":["Surrogate characters are not allowed: U+DE00."]}`},
		{"the first of two high surrogates is named", `{"refresh":"\ud83c\ud83d\ude00"}`, `{"refresh":["Surrogate characters are not allowed: U+D83C."]}`},
		{"a pair in the wrong order is two surrogates", `{"refresh":"\ude00\ud83d"}`, `{"refresh":["Surrogate characters are not allowed: U+DE00."]}`},
		{"NUL and surrogate are both named", `{"refresh":"\u0000\udfff"}`, `{"refresh":["Null characters are not allowed.","Surrogate characters are not allowed: U+DFFF."]}`},
		{"an escaped backslash starts no surrogate", `{"refresh":"\\ud83d\u0000"}`, `{"refresh":["Null characters are not allowed."]}`},
		{"another case is another key", `{"Refresh":"x","REFRESH":"y"}`, `{"refresh":["This field is required."]}`},
		{"a letter that folds to ASCII is another key", `{"refre\u017fh":"x"}`, `{"refresh":["This field is required."]}`},
		{"a blank in the key makes another key", `{"refresh ":"x"}`, `{"refresh":["This field is required."]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(view, jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}

func TestFields_AllInvalidFieldsAreNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range []struct{ name, body, want string }{
		{"two missing fields are both named", `{}`, `{"password":["This field is required."],"username":["This field is required."]}`},
		{"a blank and a null field are both named", `{"username":"\t","password":null}`, `{"password":["This field may not be null."],"username":["This field may not be blank."]}`},
		{"a password of white space alone is blank", `{"username":"alice","password":" \u3000"}`, `{"password":["This field may not be blank."]}`},
		{"NUL in a password is not allowed", `{"username":"alice","password":"x\u0000"}`, `{"password":["Null characters are not allowed."]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(views.ObtainPair(f.Auth), jsonType, c.body), http.StatusBadRequest, c.want)
			wantAnswer(t, postBody(views.ObtainSliding(f.Auth), jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}
