package views_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

func TestReadJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.DataUploadMaxMemorySize = 200 })
	route := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		texts, err := views.ReadJSON(w, r, f.Auth, "old", "new")
		if err != nil {
			views.WriteError(w, r, f.Auth, err)
			return
		}
		fmt.Fprintf(w, "%q", texts)
	})
	const good, required = `{"new":" b ","old":"a"}`, `{"new":["This field is required."],"old":["This field is required."]}`
	for name, c := range map[string]struct {
		contentType, body string
		status            int
		answer            string
	}{
		"JSON is read as it is sent":               {jsonType, good, 200, `["a" " b "]`},
		"JSON with a charset is read":              {"Application/JSON; charset=utf-8", good, 200, `["a" " b "]`},
		"other fields are ignored":                 {jsonType, `{"old":"a","new":"b","x":[{}]}`, 200, `["a" "b"]`},
		"a form is 415":                            {formType, "old=a&new=b", 415, `{"detail":"Unsupported media type \"application/x-www-form-urlencoded\" in request."}`},
		"multipart is 415":                         {multipartType, joinParts(encodePart("old", "a"), encodePart("new", "b")), 415, `{"detail":"Unsupported media type \"multipart/form-data; boundary=b\" in request."}`},
		"JSON under the name of text is 415":       {"text/plain", good, 415, `{"detail":"Unsupported media type \"text/plain\" in request."}`},
		"JSON with a type like JSON's is 415":      {"application/json5", good, 415, `{"detail":"Unsupported media type \"application/json5\" in request."}`},
		"JSON without a type is 415":               {"", good, 415, `{"detail":"Unsupported media type \"\" in request."}`},
		"no body and another type is 415":          {formType, "", 415, `{"detail":"Unsupported media type \"application/x-www-form-urlencoded\" in request."}`},
		"no body has no fields":                    {"", "", 400, required},
		"an empty object has no fields":            {jsonType, `{}`, 400, required},
		"names in other letters are other fields":  {jsonType, `{"Old":"a","NEW":"b"}`, 400, required},
		"data behind the object is 400":            {jsonType, good + `{}`, 400, `{"detail":"JSON parse error - invalid character '{' after top-level value"}`},
		"a name that stands twice is 400":          {jsonType, `{"old":"a","old":"b","new":"c"}`, 400, `{"detail":"JSON parse error - the name \"old\" stands twice"}`},
		"another name that stands twice is 400":    {jsonType, `{"old":"a","new":"c","x":1,"x":2}`, 400, `{"detail":"JSON parse error - the name \"x\" stands twice"}`},
		"a list is 400":                            {jsonType, `[]`, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
		"an object as text and null are 400":       {jsonType, `{"old":{},"new":null}`, 400, `{"new":["This field may not be null."],"old":["Not a valid string."]}`},
		"blank and NUL are 400":                    {jsonType, `{"old":" ","new":"a\u0000"}`, 400, `{"new":["Null characters are not allowed."],"old":["This field may not be blank."]}`},
		"half a character is 400":                  {jsonType, `{"old":"a","new":"\ud800"}`, 400, `{"new":["Surrogate characters are not allowed: U+D800."]}`},
		"a body over the limit is 413":             {jsonType, `{"old":"` + strings.Repeat("a", 200) + `"}`, 413, `{"detail":"The request body is larger than 200 bytes."}`},
		"a body over the limit of a form is a 415": {formType, strings.Repeat("a", 201), 415, `{"detail":"Unsupported media type \"application/x-www-form-urlencoded\" in request."}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(route, c.contentType, c.body), c.status, c.answer)
		})
	}
}

func TestWithDevice(t *testing.T) {
	t.Parallel()
	for proxies, ip := range map[int]string{0: "192.0.2.1", 1: "198.51.100.1"} {
		t.Run(fmt.Sprintf("a login of a custom route records the same device behind %d proxies", proxies), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = proxies })
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encodeObject("username", "alice", "password", password)))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("User-Agent", "app/1")
			r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.1")
			user, err := f.users.ByUsername(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Login(views.WithDevice(r, f.Auth), user); err != nil {
				t.Fatal(err)
			}
			if w := serveRequest(views.ObtainPair(f.Auth), r); w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			sessions, err := f.Sessions(t.Context(), "1")
			if err != nil || len(sessions) != 2 {
				t.Fatalf("sessions %v, error %v", sessions, err)
			}
			for _, s := range sessions {
				if diff := cmp.Diff(core.Device{IP: ip, UserAgent: "app/1"}, s.Device); diff != "" {
					t.Errorf("device (-want +got):\n%s", diff)
				}
			}
		})
	}
}
