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

// TestBodiesOfEveryKindAreRead compares what the view read from the body of a login.
func TestBodiesOfEveryKindAreRead(t *testing.T) {
	t.Parallel()
	view := views.ObtainPair(newFixture(t, withHook(mirror)).Auth)
	for _, c := range []struct{ name, contentType, body, username, password string }{
		{"JSON", jsonType, `{"username":"é","password":"p"}`, "é", "p"},
		{"JSON with white space around", jsonType, " \r\n\t{ \"username\" : \"a\" ,\n\"password\":\"p\" } \n", "a", "p"},
		{"JSON of another case of the type", "Application/JSON", `{"username":"a","password":"p"}`, "a", "p"},
		{"JSON with charset utf-8", jsonType + "; charset=UTF-8", `{"username":"é","password":"p"}`, "é", "p"},
		{"JSON with charset latin-1", jsonType + "; charset=iso-8859-1", "{\"username\":\"\xe9\",\"password\":\"p\"}", "é", "p"},
		{"JSON with charset latin-1 by another name", jsonType + `; charset="Latin-1"`, "{\"username\":\"\xe9\",\"password\":\"\xff\"}", "é", "ÿ"},
		{"JSON with an unknown charset", jsonType + "; charset=klingon", `{"username":"é","password":"p"}`, "é", "p"},
		{"JSON with a parameter that can't be read", jsonType + "; charset", `{"username":"a","password":"p"}`, "a", "p"},
		{"form", formType, "username=a&password=p", "a", "p"},
		{"form with charset", formType + "; charset=utf-8", "username=%C3%A9&password=p", "é", "p"},
		{"form with plus and escapes", formType, "username=a+b%2Bc%26&password=%20p+", "a b+c&", " p "},
		{"form of which the last of equal names counts", formType, "username=a&password=1&username=b&password=2", "b", "2"},
		{"form with empty pairs", formType, "&&username=a&&password=p&", "a", "p"},
		{"form with an equals sign in the value", formType, "username=a=b&password==", "a=b", "="},
		{"form whose semicolon separates nothing", formType, "username=a;b&password=p;", "a;b", "p;"},
		{"form with an escape that ends early", formType, "username=100%&password=%4", "100%", "%4"},
		{"form with an escape of other letters", formType, "username=%zz&password=p", "%zz", "p"},
		{"form whose broken escape leaves the others alone", formType, "username=%41%&password=%20%zz%20", "A%", " %zz "},
		{"form with escaped bytes that are no UTF-8", formType, "username=%ff&password=p", "\uFFFD", "p"},
		{"form with bytes that are no UTF-8", formType, "username=\xff&password=p", "ÿ", "p"},
		{"JSON with a parameter that stands twice", jsonType + "; charset=latin-1; charset=utf-8", `{"username":"é","password":"p"}`, "é", "p"},
		{"JSON with charset latin-1 by its short name", jsonType + "; charset=l1", "{\"username\":\"\xe9\",\"password\":\"p\"}", "é", "p"},
		{"form with an escaped name", formType, "user%6eame=a&password=p", "a", "p"},
		{"multipart", multipartType, parts(part("username", "a"), part("password", " p ")), "a", " p "},
		{"multipart of which the last of equal names counts", multipartType, parts(part("username", "a"), part("password", "p"), part("username", "b")), "b", "p"},
		{"multipart with bytes that are no UTF-8", multipartType, parts(part("username", "\xffa"), part("password", "p")), "\uFFFDa", "p"},
		{"multipart with a boundary without the quotes it needs", "multipart/form-data; boundary=--=_Part 1/x:@", strings.ReplaceAll(parts(part("username", "a"), part("password", "p")), "--b", "----=_Part 1/x:@"), "a", "p"},
		{"multipart with a boundary in quotes", `multipart/form-data; x="a;b\"; boundary=c"; boundary="b"`, parts(part("username", "a"), part("password", "p")), "a", "p"},
		{"multipart with base64", multipartType, parts("Content-Transfer-Encoding: base64\r\n"+part("username", "YWw=\r\n"), part("password", "p")), "al", "p"},
		{"multipart with base64 that is none", multipartType, parts("Content-Transfer-Encoding: base64\r\n"+part("username", "a!"), part("password", "p")), "a!", "p"},
		{"multipart with quoted-printable, which stays as it is", multipartType, parts("Content-Transfer-Encoding: quoted-printable\r\n"+part("username", "a=41"), part("password", "p")), "a=41", "p"},
		{"multipart with parts of another disposition", multipartType, parts("Content-Disposition: attachment; name=username\r\n\r\na", part("password", "p")), "a", "p"},
		{"multipart with a file nobody asks for", multipartType, parts(upload("avatar", "x.png"), part("username", "a"), part("password", "p")), "a", "p"},
		{"multipart with a part without a name", multipartType, parts("Content-Type: text/plain\r\n\r\nx", part("username", "a"), part("password", "p")), "a", "p"},
		{"multipart with 20 headers in a part", multipartType, parts(strings.Repeat("X: y\r\n", 19)+part("username", "a"), part("password", "p")), "a", "p"},
		{"multipart with text before and behind", multipartType, "preamble\r\n" + parts(part("username", "a"), part("password", "p")) + "epilogue", "a", "p"},
		{"multipart without its last boundary", multipartType, strings.TrimSuffix(parts(part("username", "a"), part("password", "p"), part("x", "y")), "--\r\n") + "\r\n", "a", "p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := post(view, c.contentType, c.body)
			want := map[string]any{"username": c.username, "password": c.password}
			if strings.Contains(c.body, `name="x"`) {
				want["x"] = "y"
			}
			wantObject(t, w, http.StatusOK, want)
		})
	}
}

// TestBadBodies compares what comes of bodies that can't be read or hold something else.
func TestBadBodies(t *testing.T) {
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
		{"a list", jsonType, `["refresh"]`, 400, notAnObject("list")},
		{"a text", jsonType, ` "refresh" `, 400, notAnObject("str")},
		{"an integer", jsonType, `-1`, 400, notAnObject("int")},
		{"a fraction", jsonType, `1.0`, 400, notAnObject("float")},
		{"an exponent", jsonType, `1E5`, 400, notAnObject("float")},
		{"true", jsonType, `true`, 400, notAnObject("bool")},
		{"false", jsonType, "\nfalse", 400, notAnObject("bool")},
		{"null", jsonType, ` null`, 400, `{"non_field_errors":["No data provided"]}`},
		{"a body without a content type", "", `{}`, 415, unsupported("")},
		{"plain text", "text/plain", "x", 415, unsupported("text/plain")},
		{"the type is named as it was sent", "Text/X; a=B", "x", 415, unsupported("Text/X; a=B")},
		{"a type that is none", "json", "{}", 415, unsupported("json")},
		{"a type with a quote", `a/"b`, "{}", 415, unsupported(`a/\"b`)},
		{"a type that is no UTF-8", "text/\xff", "{}", 415, unsupported("text/\uFFFD")},
		{"JSON by another name", "application/vnd.api+json", "{}", 415, unsupported("application/vnd.api+json")},
		{"a type as long as it is read", jsonType + ";" + strings.Repeat("x", 10_000-len(jsonType)-1), "{}", 400, required},
		{"a longer type is none, and its start is named", jsonType + ";" + strings.Repeat("x", 10_000), "{}", 415, unsupported(jsonType + ";" + strings.Repeat("x", 10_000-len(jsonType)-1))},
		{"multipart with a disposition that is too long has no name", multipartType, parts("Content-Disposition: form-data; name=refresh; x=" + strings.Repeat("x", 10_000) + "\r\n\r\nx"), 400, required},
		{"a form of a file", multipartType, parts(upload("refresh", "x.txt")), 400, `{"refresh":["Not a valid string."]}`},
		{"a file before a text of its name", multipartType, parts(upload("refresh", "x.txt"), part("refresh", "x")), 400, `{"refresh":["Not a valid string."]}`},
		{"a form with NUL", formType, "refresh=a%00b", 400, `{"refresh":["Null characters are not allowed."]}`},
		{"a form with a blank value", formType, "refresh=+%09", 400, `{"refresh":["This field may not be blank."]}`},
		{"a form with a name alone", formType, "refresh", 400, `{"refresh":["This field may not be blank."]}`},
		{"multipart without a boundary", "multipart/form-data", "x", 400, `{"detail":"Multipart form parse error - Invalid boundary in multipart: None"}`},
		{"multipart with another boundary", "multipart/form-data; boundary=c", parts(part("refresh", "x")), 400, required},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, post(views.Refresh(f.Auth), c.contentType, c.body), c.status, c.want)
		})
	}
}

func TestBodiesOfManyValues(t *testing.T) {
	t.Parallel()
	hooked, plain := views.Refresh(newFixture(t, withHook(mirror)).Auth), views.Refresh(newFixture(t).Auth)
	most, more := `{"x":[0`+strings.Repeat(",0", 9998)+"]}", `{"x":[0`+strings.Repeat(",0", 9999)+"]}"
	const required = `{"refresh":["This field is required."]}`
	for _, c := range []struct {
		name string
		view http.Handler
		body string
		want string
	}{
		{"a hook gets as many as this", hooked, most, required},
		{"and no more", hooked, more, `{"detail":"JSON parse error - more than 10000 values"}`},
		{"nested ones count", hooked, `{"x":[0` + strings.Repeat(`,[0],{"":0}`, 5000) + "]}", `{"detail":"JSON parse error - more than 10000 values"}`},
		{"without a hook nobody reads them", plain, more, required},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, post(c.view, jsonType, c.body), http.StatusBadRequest, c.want)
		})
	}
}

// TestBodiesThatCannotBeReadAreBadRequests asks for 400 and the start of DRF's sentence: the rest is the parser's.
func TestBodiesThatCannotBeReadAreBadRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const parseError = `{"detail":"JSON parse error - `
	const multipartError = `{"detail":"Multipart form parse error - `
	for _, c := range []struct{ name, contentType, body, prefix string }{
		{"half an object", jsonType, `{"refresh":`, parseError},
		{"a part of more than 20 headers", multipartType, parts(strings.Repeat("X: y\r\n", 20) + part("refresh", "x")), multipartError},
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
		{"multipart that breaks off within a part", multipartType, "--b\r\n" + part("refresh", "x"), multipartError},
		{"multipart with a broken part header", multipartType, "--b\r\nbroken\r\n\r\nx\r\n--b--\r\n", multipartError},
		{"1,001 form fields", formType, strings.Repeat("a=1&", 1000) + "refresh=x", `{"detail":"The number of GET/POST parameters exceeded`},
		{"1,200 parts", multipartType, parts(strings.Split(strings.Repeat(part("a", "1")+"|", 1200), "|")[:1200]...), multipartError},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := post(views.Refresh(f.Auth), c.contentType, c.body)
			if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), c.prefix) {
				t.Errorf("answer %d %.200s, want 400 %s...", w.Code, w.Body, c.prefix)
			}
		})
	}
}

func TestFormsOfAThousandFieldsAreRead(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t).Auth)
	const invalid = `{"detail":"Token is invalid","code":"token_not_valid"}`
	wantAnswer(t, post(view, formType, strings.Repeat("a=1&", 999)+"refresh=x"), http.StatusUnauthorized, invalid)
	thousand := append(strings.Split(strings.Repeat(part("a", "1")+"|", 999), "|")[:999], part("refresh", "x"))
	wantAnswer(t, post(view, multipartType, parts(thousand...)), http.StatusUnauthorized, invalid)
}

// TestMultipartHasTheLimitOfForms: the thousand and first part is one too many, as in a form.
func TestMultipartHasTheLimitOfForms(t *testing.T) {
	t.Parallel()
	view := views.Refresh(newFixture(t).Auth)
	tooMany := strings.Split(strings.Repeat(part("a", "1")+"|", 1001), "|")[:1001]
	if w := post(view, multipartType, parts(tooMany...)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "parse error") {
		t.Errorf("1,001 parts were answered %d %s", w.Code, w.Body)
	}
}

func TestBodiesOverTheLimitAreTooLarge(t *testing.T) {
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
		{"1 MiB by default is read", withLimit(0), jsonType, padded(1 << 20), 401, invalid},
		{"a byte more is not", withLimit(0), jsonType, padded(1<<20 + 1), 413, tooLarge(1 << 20)},
		{"the setting's limit is read", withLimit(100), jsonType, padded(100), 401, invalid},
		{"a byte over the setting is not", withLimit(100), jsonType, padded(101), 413, tooLarge(100)},
		{"a form over the limit", withLimit(100), formType, "refresh=" + strings.Repeat("x", 100), 413, tooLarge(100)},
		{"multipart over the limit", withLimit(100), multipartType, parts(part("refresh", strings.Repeat("x", 100))), 413, tooLarge(100)},
		{"a body of an unknown type over the limit", withLimit(100), "text/plain", strings.Repeat("x", 101), 413, tooLarge(100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			view := views.Refresh(newFixture(t, c.change).Auth)
			wantAnswer(t, post(view, c.contentType, c.body), c.status, c.want)
			chunked := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(c.body)))
			chunked.ContentLength, chunked.TransferEncoding = -1, []string{"chunked"}
			chunked.Header.Set("Content-Type", c.contentType)
			wantAnswer(t, serve(view, chunked), c.status, c.want)
		})
	}
}

// TestRequestsAsBytes sends what no client library would.
func TestRequestsAsBytes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(views.Refresh(newFixture(t, withLimit(1000)).Auth))
	t.Cleanup(server.Close)
	const unreadable = `{"detail":"The request body could not be read."}`
	for _, c := range []struct {
		name, head, body string
		status           int
		want             string
	}{
		{"a chunked body", "Transfer-Encoding: chunked\r\n", "f\r\n{\"refresh\":\"x\"}\r\n0\r\n\r\n", 401, `{"detail":"Token is invalid","code":"token_not_valid"}`},
		{"a chunked body over the limit", "Transfer-Encoding: chunked\r\n", strings.Repeat("64\r\n"+strings.Repeat(" ", 100)+"\r\n", 11) + "0\r\n\r\n", 413, `{"detail":"The request body is larger than 1000 bytes."}`},
		{"a chunk size that is no number", "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", 400, unreadable},
		{"a chunk without its line end", "Transfer-Encoding: chunked\r\n", "2\r\n{}x0\r\n\r\n", 400, unreadable},
		{"a chunk size that overflows", "Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}", 400, unreadable},
		{"a body shorter than it says", "Content-Length: 50\r\n", `{"refresh":"x"}`, 400, unreadable},
		{"chunks that break off", "Transfer-Encoding: chunked\r\n", "f\r\n{\"ref", 400, unreadable},
		{"a body longer than it says is cut", "Connection: close\r\nContent-Length: 2\r\n", `{}"refresh":"x"}`, 400, `{"refresh":["This field is required."]}`},
		{"an announced length over the limit", "Content-Length: 9000000000\r\n", strings.Repeat(" ", 1001), 413, `{"detail":"The request body is larger than 1000 bytes."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			request := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + c.head + "\r\n" + c.body
			status, body := exchange(t, server.Listener.Addr().String(), request)
			if status != c.status || body != c.want {
				t.Errorf("answer %d %s, want %d %s", status, body, c.status, c.want)
			}
		})
	}
}

// exchange sends bytes, ends its half of the connection, and reads the answer.
func exchange(t *testing.T, addr, request string) (int, string) {
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

// TestRequestWithoutBody: a client's request of net/http has a nil Body, and tests hand such requests to handlers.
func TestRequestWithoutBody(t *testing.T) {
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
	wantAnswer(t, serve(views.Refresh(newFixture(t).Auth), r), 400, `{"refresh":["This field is required."]}`)
}
