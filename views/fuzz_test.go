package views_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// FuzzViews sends anything to every view and to a protected route: none may panic, answer with a 5xx or with anything
// but JSON, or take what was made up for a credential.
func FuzzViews(f *testing.F) {
	fx := newFixture(f, withLimit(1<<16), func(s *simplejwt.Settings, d *core.Deps) {
		d.Authenticate = func(context.Context, string, string) (simplejwt.User, error) { return nil, nil } //nolint:nilnil // nobody
		s.DataUploadMaxMemorySize = 1 << 16
	})
	var handlers []http.Handler
	for _, e := range listEndpoints() {
		handlers = append(handlers, e.view(fx.Auth))
	}
	for _, a := range []core.Authenticator{fx.Auth, fx.Stateless()} {
		handlers = append(handlers, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := views.Authenticate(a, r)
			if err == nil {
				err = core.ValidationError{"fuzz": {"a made-up token was taken for a good one"}}
			}
			views.WriteError(w, r, a, err)
		}))
	}
	seedViews(f)
	f.Fuzz(func(t *testing.T, method, contentType, body, authorization string) {
		for _, h := range handlers {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Method = method
			r.Header["Content-Type"] = []string{contentType}
			r.Header["Authorization"] = []string{authorization}
			checkFuzzed(t, serveRequest(h, r))
		}
	})
}

func checkFuzzed(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= 500 || w.Code < 200 {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if w.Code == http.StatusOK {
		t.Errorf("somebody got in: %s", w.Body)
	}
	if (w.Code == http.StatusNoContent) != (w.Body.Len() == 0) {
		t.Errorf("answer %d with the body %q", w.Code, w.Body)
	}
	if w.Body.Len() > 0 && (!json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != jsonType) {
		t.Errorf("%q of type %q is no JSON", w.Body, w.Header().Get("Content-Type"))
	}
	if strings.Contains(w.Body.String(), `"fuzz"`) {
		t.Error("a made-up token was taken for a good one")
	}
	if (w.Code == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("answer %d with the headers %v", w.Code, w.Header())
	}
}

func seedViews(f *testing.F) {
	const post = http.MethodPost
	credentials := encodeObject("username", "alice", "password", "x", "refresh", "e30.e30.e30", "token", "e30.e30.e30")
	for _, s := range [][4]string{
		{post, jsonType, credentials, "Bearer e30.e30.e30"},
		{post, jsonType, `{"username":1e400,"password":-0.0,"refresh":"\ud83d","token":"\u0000"}`, "Bearer"},
		{post, jsonType, `{"token":"a","token":"b"}`, "bearer x"},
		{post, jsonType, `[[[`, "Bearer x y"},
		{post, jsonType, ` 1`, ""},
		{post, jsonType, `null`, "Bearer eyJhbGciOiJub25lIn0.e30."},
		{post, jsonType, ``, "Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTl9.x"},
		{post, jsonType + "; charset=latin-1", "{\"token\":\"\xe9\"}", "\xa0Bearer x"},
		{post, formType, "username=a&password=%&refresh=%00&token=%zz", "Bearer \x00"},
		{post, multipartType, joinParts(encodePart("username", "a"), encodeFilePart("token", "f"), encodePart("password", "\xff")), "Bearer \u0085"},
		{post, multipartType, "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n" + encodePart("token", "=zz"), "Bearer ."},
		{post, `multipart/form-data; boundary="`, "--", "Bearer .."},
		{post, "multipart/form-data; boundary*0=b; boundary*1=b", joinParts("x"), "Bearer ...."},
		{post, "text/\xff\"", "x", "Basic eDp5"},
		{post, "", "x", strings.Repeat("Bearer ", 100)},
		{"GET", jsonType, credentials, "Bearer " + strings.Repeat("A", 20000)},
		{"OPTIONS", "", "", ""},
		{"\xff\"", jsonType, "{}", "Bearer {}"},
		{"post", jsonType, credentials, "Bearer e30=.e30=.e30="},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
}
