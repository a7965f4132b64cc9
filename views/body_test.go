package views_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// The view reads the fields of a login from bodies of every type.
func TestBody_EveryType(t *testing.T) {
	t.Parallel()
	view := views.ObtainPair(newFixture(t, withHook(answerFields)).Auth)
	for _, c := range []struct{ name, contentType, body, username, password string }{
		{"JSON is read", jsonType, `{"username":"é","password":"p"}`, "é", "p"},
		{"white space around JSON is ignored", jsonType, " \r\n\t{ \"username\" : \"a\" ,\n\"password\":\"p\" } \n", "a", "p"},
		{"the media type has no case", "Application/JSON", `{"username":"a","password":"p"}`, "a", "p"},
		{"the charset utf-8 of JSON is accepted", jsonType + "; charset=UTF-8", `{"username":"é","password":"p"}`, "é", "p"},
		{"the charset iso-8859-1 of JSON is decoded", jsonType + "; charset=iso-8859-1", "{\"username\":\"\xe9\",\"password\":\"p\"}", "é", "p"},
		{"the charset Latin-1 of JSON is decoded by another name", jsonType + `; charset="Latin-1"`, "{\"username\":\"\xe9\",\"password\":\"\xff\"}", "é", "ÿ"},
		{"an unknown charset of JSON counts as UTF-8", jsonType + "; charset=klingon", `{"username":"é","password":"p"}`, "é", "p"},
		{"a parameter without a value is ignored", jsonType + "; charset", `{"username":"a","password":"p"}`, "a", "p"},
		{"a form is read", formType, "username=a&password=p", "a", "p"},
		{"the charset of a form is ignored", formType + "; charset=utf-8", "username=%C3%A9&password=p", "é", "p"},
		{"plus signs and escapes of a form are decoded", formType, "username=a+b%2Bc%26&password=%20p+", "a b+c&", " p "},
		{"the last of equal names of a form counts", formType, "username=a&password=1&username=b&password=2", "b", "2"},
		{"empty pairs of a form are ignored", formType, "&&username=a&&password=p&", "a", "p"},
		{"an equals sign belongs to the value of a form", formType, "username=a=b&password==", "a=b", "="},
		{"a semicolon separates nothing in a form", formType, "username=a;b&password=p;", "a;b", "p;"},
		{"an escape that ends early stays as it is", formType, "username=100%&password=%4", "100%", "%4"},
		{"an escape that is not hexadecimal stays as it is", formType, "username=%zz&password=p", "%zz", "p"},
		{"a broken escape does not affect the others", formType, "username=%41%&password=%20%zz%20", "A%", " %zz "},
		{"escaped bytes that are not UTF-8 are replaced", formType, "username=%ff&password=p", "\uFFFD", "p"},
		{"a form that is not UTF-8 counts as Latin-1", formType, "username=\xff&password=p", "ÿ", "p"},
		{"the last of equal parameters counts", jsonType + "; charset=latin-1; charset=utf-8", `{"username":"é","password":"p"}`, "é", "p"},
		{"the charset l1 of JSON is decoded", jsonType + "; charset=l1", "{\"username\":\"\xe9\",\"password\":\"p\"}", "é", "p"},
		{"an escaped name of a form is decoded", formType, "user%6eame=a&password=p", "a", "p"},
		{"multipart is read", multipartType, joinParts(encodePart("username", "a"), encodePart("password", " p ")), "a", " p "},
		{"the last of equal names of multipart counts", multipartType, joinParts(encodePart("username", "a"), encodePart("password", "p"), encodePart("username", "b")), "b", "p"},
		{"bytes of multipart that are not UTF-8 are replaced", multipartType, joinParts(encodePart("username", "\xffa"), encodePart("password", "p")), "\uFFFDa", "p"},
		{"a boundary may lack the quotes it needs", "multipart/form-data; boundary=--=_Part 1/x:@", strings.ReplaceAll(joinParts(encodePart("username", "a"), encodePart("password", "p")), "--b", "----=_Part 1/x:@"), "a", "p"},
		{"a boundary may be quoted", `multipart/form-data; x="a;b\"; boundary=c"; boundary="b"`, joinParts(encodePart("username", "a"), encodePart("password", "p")), "a", "p"},
		{"a part in base64 is decoded", multipartType, joinParts("Content-Transfer-Encoding: base64\r\n"+encodePart("username", "YWw=\r\n"), encodePart("password", "p")), "al", "p"},
		{"a part in broken base64 stays as it is", multipartType, joinParts("Content-Transfer-Encoding: base64\r\n"+encodePart("username", "a!"), encodePart("password", "p")), "a!", "p"},
		{"a part in quoted-printable stays as it is", multipartType, joinParts("Content-Transfer-Encoding: quoted-printable\r\n"+encodePart("username", "a=41"), encodePart("password", "p")), "a=41", "p"},
		{"a part may have another disposition", multipartType, joinParts("Content-Disposition: attachment; name=username\r\n\r\na", encodePart("password", "p")), "a", "p"},
		{"a file of another field is ignored", multipartType, joinParts(encodeFilePart("avatar", "x.png"), encodePart("username", "a"), encodePart("password", "p")), "a", "p"},
		{"a part without a name is ignored", multipartType, joinParts("Content-Type: text/plain\r\n\r\nx", encodePart("username", "a"), encodePart("password", "p")), "a", "p"},
		{"a part may have 20 headers", multipartType, joinParts(strings.Repeat("X: y\r\n", 19)+encodePart("username", "a"), encodePart("password", "p")), "a", "p"},
		{"text before and behind the parts is ignored", multipartType, "preamble\r\n" + joinParts(encodePart("username", "a"), encodePart("password", "p")) + "epilogue", "a", "p"},
		{"the last boundary may be missing", multipartType, strings.TrimSuffix(joinParts(encodePart("username", "a"), encodePart("password", "p"), encodePart("x", "y")), "--\r\n") + "\r\n", "a", "p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := postBody(view, c.contentType, c.body)
			want := map[string]any{"username": c.username, "password": c.password}
			if strings.Contains(c.body, `name="x"`) {
				want["x"] = "y"
			}
			wantObject(t, w, http.StatusOK, want)
		})
	}
}

// Bodies that can't be read, or hold something else than a token, are answered in DRF's words.
func TestBody_Invalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const required = `{"refresh":["This field is required."]}`
	notAnObject := func(kind string) string {
		return `{"non_field_errors":["Invalid data. Expected a dictionary, but got ` + kind + `."]}`
	}
	unsupported := func(contentType string) string {
		return `{"detail":"Unsupported media type \"` + contentType + `\" in request."}`
	}
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"an empty JSON body has no fields", jsonType, "", 400, required},
		{"an empty form has no fields", formType, "", 400, required},
		{"an empty multipart body has no fields", multipartType, "", 400, required},
		{"an empty body without a type has no fields", "", "", 400, required},
		{"an empty body of an unknown type has no fields", "text/plain", "", 400, required},
		{"a list is not a dictionary", jsonType, `["refresh"]`, 400, notAnObject("list")},
		{"a text is not a dictionary", jsonType, ` "refresh" `, 400, notAnObject("str")},
		{"an integer is not a dictionary", jsonType, `-1`, 400, notAnObject("int")},
		{"a fraction is not a dictionary", jsonType, `1.0`, 400, notAnObject("float")},
		{"a number with an exponent is not a dictionary", jsonType, `1E5`, 400, notAnObject("float")},
		{"true is not a dictionary", jsonType, `true`, 400, notAnObject("bool")},
		{"false is not a dictionary", jsonType, "\nfalse", 400, notAnObject("bool")},
		{"null is no data", jsonType, ` null`, 400, `{"non_field_errors":["No data provided"]}`},
		{"a body without a content type is unsupported", "", `{}`, 415, unsupported("")},
		{"plain text is unsupported", "text/plain", "x", 415, unsupported("text/plain")},
		{"the type is named as it was sent", "Text/X; a=B", "x", 415, unsupported("Text/X; a=B")},
		{"a type without a slash is unsupported", "json", "{}", 415, unsupported("json")},
		{"a type with a quote is unsupported", `a/"b`, "{}", 415, unsupported(`a/\"b`)},
		{"a type that is not UTF-8 is unsupported", "text/\xff", "{}", 415, unsupported("text/\uFFFD")},
		{"another type of JSON is unsupported", "application/vnd.api+json", "{}", 415, unsupported("application/vnd.api+json")},
		{"a type of 10,000 bytes is read", jsonType + ";" + strings.Repeat("x", 10_000-len(jsonType)-1), "{}", 400, required},
		{"a longer type is unsupported, and its start is named", jsonType + ";" + strings.Repeat("x", 10_000), "{}", 415, unsupported(jsonType + ";" + strings.Repeat("x", 10_000-len(jsonType)-1))},
		{"a part whose disposition is too long has no name", multipartType, joinParts("Content-Disposition: form-data; name=refresh; x=" + strings.Repeat("x", 10_000) + "\r\n\r\nx"), 400, required},
		{"a file is not a text", multipartType, joinParts(encodeFilePart("refresh", "x.txt")), 400, `{"refresh":["Not a valid string."]}`},
		{"a file counts before a text of its name", multipartType, joinParts(encodeFilePart("refresh", "x.txt"), encodePart("refresh", "x")), 400, `{"refresh":["Not a valid string."]}`},
		{"NUL in a form is not allowed", formType, "refresh=a%00b", 400, `{"refresh":["Null characters are not allowed."]}`},
		{"a blank value of a form is blank", formType, "refresh=+%09", 400, `{"refresh":["This field may not be blank."]}`},
		{"a name without a value is blank", formType, "refresh", 400, `{"refresh":["This field may not be blank."]}`},
		{"multipart needs a boundary", "multipart/form-data", "x", 400, `{"detail":"Multipart form parse error - Invalid boundary in multipart: None"}`},
		{"multipart with another boundary has no fields", "multipart/form-data; boundary=c", joinParts(encodePart("refresh", "x")), 400, required},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(views.Refresh(f.Auth), c.contentType, c.body), c.status, c.want)
		})
	}
}

func TestBody_ManyValues(t *testing.T) {
	t.Parallel()
	hooked, plain := views.Refresh(newFixture(t, withHook(answerFields)).Auth), views.Refresh(newFixture(t).Auth)
	most, more := `{"x":[0`+strings.Repeat(",0", 9998)+"]}", `{"x":[0`+strings.Repeat(",0", 9999)+"]}"
	const required = `{"refresh":["This field is required."]}`
	for _, c := range []struct {
		name string
		view http.Handler
		body string
		want string
	}{
		{"a hook gets 10,000 values", hooked, most, required},
		{"a hook gets no more than 10,000 values", hooked, more, `{"detail":"JSON parse error - more than 10000 values"}`},
		{"nested values count", hooked, `{"x":[0` + strings.Repeat(`,[0],{"":0}`, 5000) + "]}", `{"detail":"JSON parse error - more than 10000 values"}`},
		{"without a hook values are not limited", plain, more, required},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(c.view, jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}

// The start of each sentence is DRF's; the rest is the parser's.
func TestBody_ParseError(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const parseError = `{"detail":"JSON parse error - `
	const multipartError = `{"detail":"Multipart form parse error - `
	for _, c := range []struct{ name, contentType, body, prefix string }{
		{"half an object", jsonType, `{"refresh":`, parseError},
		{"a part of more than 20 headers", multipartType, joinParts(strings.Repeat("X: y\r\n", 20) + encodePart("refresh", "x")), multipartError},
		{"blanks alone", jsonType, "  ", parseError},
		{"something behind the object", jsonType, `{"refresh":"x"}x`, parseError},
		{"two objects", jsonType, `{"refresh":"x"}{}`, parseError},
		{"a key that stands twice", jsonType, `{"refresh":"x","refresh":"y"}`, parseError},
		{"a key that stands twice in another spelling", jsonType, `{"refresh":"x","refres\u0068":"y"}`, parseError},
		{"a byte order mark", jsonType, "\ufeff{\"refresh\":\"x\"}", parseError},
		{"bytes that are no UTF-8", jsonType, "{\"refresh\":\"\xff\"}", parseError},
		{"an encoded surrogate", jsonType, "{\"refresh\":\"\xed\xa0\xbd\"}", parseError},
		{"NaN", jsonType, `{"refresh":NaN}`, parseError},
		{"Infinity", jsonType, `{"refresh":-Infinity}`, parseError},
		{"a comment", jsonType, `{/**/"refresh":"x"}`, parseError},
		{"single quotes", jsonType, `{'refresh':'x'}`, parseError},
		{"a comma at the end", jsonType, `{"refresh":"x",}`, parseError},
		{"a number with a leading zero", jsonType, `{"refresh":01}`, parseError},
		{"a raw line feed in a text", jsonType, "{\"refresh\":\"a\nb\"}", parseError},
		{"a form sent as JSON", jsonType, "refresh=x", parseError},
		{"nesting without end", jsonType, strings.Repeat("[", 1<<18), parseError},
		{"objects nested without end", jsonType, strings.Repeat(`{"a":`, 1<<17), parseError},
		{"multipart that breaks off within a part", multipartType, "--b\r\n" + encodePart("refresh", "x"), multipartError},
		{"multipart with a broken part header", multipartType, "--b\r\nbroken\r\n\r\nx\r\n--b--\r\n", multipartError},
		{"1,001 form fields", formType, strings.Repeat("a=1&", 1000) + "refresh=x", `{"detail":"The number of GET/POST parameters exceeded`},
		{"1,200 parts", multipartType, joinParts(strings.Split(strings.Repeat(encodePart("a", "1")+"|", 1200), "|")[:1200]...), multipartError},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := postBody(views.Refresh(f.Auth), c.contentType, c.body)
			if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), c.prefix) {
				t.Errorf("answer %d %.200s, want 400 %s...", w.Code, w.Body, c.prefix)
			}
		})
	}
}

func TestBody_ThousandFields(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t).Auth)
	const invalid = `{"detail":"Token is invalid","code":"token_not_valid"}`
	wantAnswer(t, postBody(view, formType, strings.Repeat("a=1&", 999)+"refresh=x"), http.StatusUnauthorized, invalid)
	thousand := append(strings.Split(strings.Repeat(encodePart("a", "1")+"|", 999), "|")[:999], encodePart("refresh", "x"))
	wantAnswer(t, postBody(view, multipartType, joinParts(thousand...)), http.StatusUnauthorized, invalid)
}

// Multipart has the limit of forms: part 1,001 is one too many.
func TestBody_TooManyParts(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t).Auth)
	tooMany := strings.Split(strings.Repeat(encodePart("a", "1")+"|", 1001), "|")[:1001]
	if w := postBody(view, multipartType, joinParts(tooMany...)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "parse error") {
		t.Errorf("1,001 parts were answered %d %s", w.Code, w.Body)
	}
}

func TestBody_OverLimit(t *testing.T) {
	t.Parallel()
	const invalid = `{"detail":"Token is invalid","code":"token_not_valid"}`
	tooLarge := func(limit int) string {
		return fmt.Sprintf(`{"detail":"The request body is larger than %d bytes."}`, limit)
	}
	for _, c := range []struct {
		name        string
		change      func(*simplejwt.Settings, *core.Deps)
		contentType string
		body        string
		status      int
		want        string
	}{
		{"a body of 1 MiB is read by default", withLimit(0), jsonType, padBody(1 << 20), 401, invalid},
		{"a body of a byte more is too large", withLimit(0), jsonType, padBody(1<<20 + 1), 413, tooLarge(1 << 20)},
		{"a body as long as the setting allows is read", withLimit(100), jsonType, padBody(100), 401, invalid},
		{"a body a byte longer than the setting is too large", withLimit(100), jsonType, padBody(101), 413, tooLarge(100)},
		{"a form over the limit is too large", withLimit(100), formType, "refresh=" + strings.Repeat("x", 100), 413, tooLarge(100)},
		{"multipart over the limit is too large", withLimit(100), multipartType, joinParts(encodePart("refresh", strings.Repeat("x", 100))), 413, tooLarge(100)},
		{"a body of an unknown type over the limit is too large", withLimit(100), "text/plain", strings.Repeat("x", 101), 413, tooLarge(100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			view := views.Refresh(newFixture(t, c.change).Auth)
			wantAnswer(t, postBody(view, c.contentType, c.body), c.status, c.want)
			chunked := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(c.body)))
			chunked.ContentLength, chunked.TransferEncoding = -1, []string{"chunked"}
			chunked.Header.Set("Content-Type", c.contentType)
			wantAnswer(t, serveRequest(view, chunked), c.status, c.want)
		})
	}
}

// No client library sends such requests, so the test writes their bytes.
func TestBody_RawRequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(views.Refresh(newFixture(t, withLimit(1000)).Auth))
	t.Cleanup(server.Close)
	const unreadable = `{"detail":"The request body could not be read."}`
	for _, c := range []struct {
		name, head, body string
		status           int
		want             string
	}{
		{"a chunked body is read", "Transfer-Encoding: chunked\r\n", "f\r\n{\"refresh\":\"x\"}\r\n0\r\n\r\n", 401, `{"detail":"Token is invalid","code":"token_not_valid"}`},
		{"a chunked body over the limit is too large", "Transfer-Encoding: chunked\r\n", strings.Repeat("64\r\n"+strings.Repeat(" ", 100)+"\r\n", 11) + "0\r\n\r\n", 413, `{"detail":"The request body is larger than 1000 bytes."}`},
		{"a chunk size that is not a number is unreadable", "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", 400, unreadable},
		{"a chunk without its line end is unreadable", "Transfer-Encoding: chunked\r\n", "2\r\n{}x0\r\n\r\n", 400, unreadable},
		{"a chunk size that overflows is unreadable", "Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}", 400, unreadable},
		{"a body shorter than its Content-Length is unreadable", "Content-Length: 50\r\n", `{"refresh":"x"}`, 400, unreadable},
		{"chunks that break off are unreadable", "Transfer-Encoding: chunked\r\n", "f\r\n{\"ref", 400, unreadable},
		{"a body ends where its Content-Length says", "Connection: close\r\nContent-Length: 2\r\n", `{}"refresh":"x"}`, 400, `{"refresh":["This field is required."]}`},
		{"a Content-Length over the limit is too large", "Content-Length: 9000000000\r\n", strings.Repeat(" ", 1001), 413, `{"detail":"The request body is larger than 1000 bytes."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			request := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + c.head + "\r\n" + c.body
			status, body := exchangeBytes(t, server.Listener.Addr().String(), request)
			if status != c.status || body != c.want {
				t.Errorf("answer %d %s, want %d %s", status, body, c.status, c.want)
			}
		})
	}
}

// exchangeBytes sends bytes, closes its half of the connection and reads the answer.
func exchangeBytes(t *testing.T, addr, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// A client's request of net/http may have a nil Body, and tests pass such requests to handlers.
func TestBody_Nil(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest(http.MethodPost, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("the view panics: %v", p)
		}
	}()
	wantAnswer(t, serveRequest(views.Refresh(newFixture(t).Auth), r), 400, `{"refresh":["This field is required."]}`)
}
