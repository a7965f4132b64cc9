package views_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// headers are what this package sets.
func headers(w *httptest.ResponseRecorder) map[string]string {
	out := map[string]string{}
	for name, values := range w.Header() {
		out[name] = strings.Join(values, "|")
	}
	delete(out, "Content-Length")
	return out
}

func with(more map[string]string) map[string]string {
	out := map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": jsonType}
	for name, value := range more {
		out[name] = value
	}
	return out
}

func TestViewsAnswerPostOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, e := range endpoints() {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "post", "PROPFIND"} {
			t.Run(e.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequest("POST", "/", strings.NewReader(e.good(t, f)))
				r.Method = method
				r.Header.Set("Content-Type", jsonType)
				r.Header.Set("X-HTTP-Method-Override", "POST")
				w := serve(e.view(f.Auth), r)
				wantAnswer(t, w, http.StatusMethodNotAllowed, `{"detail":"Method \"`+method+`\" not allowed."}`)
				if diff := cmp.Diff(with(map[string]string{"Allow": "POST, OPTIONS"}), headers(w)); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
			})
		}
		t.Run(e.name+"/OPTIONS", func(t *testing.T) {
			t.Parallel()
			w := serve(e.view(f.Auth), httptest.NewRequest("OPTIONS", "/", nil))
			wantAnswer(t, w, http.StatusNoContent, "")
			want := map[string]string{"Allow": "POST, OPTIONS", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
			if diff := cmp.Diff(want, headers(w)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMethodNotAllowedLeavesAnAllowHeaderOnlyWithoutMethodsOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		methods []string
		preset  string
		want    string
	}{
		{"its own methods", []string{"GET", "HEAD"}, "", "GET, HEAD, OPTIONS"},
		{"its own methods replace others", []string{"GET"}, "PUT", "GET, OPTIONS"},
		{"no methods leave those that are set", nil, "PUT, GET", "PUT, GET"},
		{"nobody knows a method", nil, "", "OPTIONS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"DELETE", "OPTIONS"} {
				w := httptest.NewRecorder()
				if c.preset != "" {
					w.Header().Set("Allow", c.preset)
				}
				views.MethodNotAllowed(c.methods...).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
				if got := w.Header().Get("Allow"); got != c.want {
					t.Errorf("%s: Allow %q, want %q", method, got, c.want)
				}
			}
		})
	}
}

// TestEveryAnswerHasItsHeaders goes through each status of each view.
func TestEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withLimit(4096))
	down := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Store, d.Authenticate = brokenStore{errDatabase}, nil
		d.Users = brokenUsers{f.users}
	})
	for _, e := range endpoints() {
		for _, c := range []struct {
			name, contentType string
			body              func() string
			on                *fixture
			status            int
		}{
			{"good", jsonType, func() string { return e.good(t, f) }, f, 200},
			{"bad fields", jsonType, func() string { return "{}" }, f, 400},
			{"refused", jsonType, func() string {
				return object("username", "a", "password", "b", "token", "x", "refresh", "x")
			}, f, 401},
			{"too large", jsonType, func() string { return padded(4097) }, f, 413},
			{"unsupported", "text/plain", func() string { return "x" }, f, 415},
			{"database down", jsonType, func() string { return e.good(t, f) }, down, 503},
		} {
			t.Run(e.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequest("POST", "/", strings.NewReader(c.body()))
				r.Header.Set("Content-Type", c.contentType)
				r.Header.Set("Origin", "https://elsewhere.example")
				w := serve(e.view(c.on.Auth), r)
				if w.Code != c.status {
					t.Fatalf("answer %d %s, want %d", w.Code, w.Body, c.status)
				}
				want := with(nil)
				if c.status == http.StatusUnauthorized {
					want["Www-Authenticate"] = `Bearer realm="api"`
				}
				if diff := cmp.Diff(want, headers(w)); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestTokensAndCredentialsCountInTheBodyAlone sends good ones everywhere else.
func TestTokensAndCredentialsCountInTheBodyAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pair, sliding := f.login(t), f.slidingToken(t)
	query := "?username=alice&password=+correct+horse+&refresh=" + pair.Refresh + "&token=" + sliding
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/"+query, strings.NewReader("{}"))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Authorization", "Bearer "+pair.Access)
			r.Header.Set("X-Access-Token", pair.Access)
			r.Header.Set("Cookie", "refresh="+pair.Refresh+"; token="+sliding)
			if w := serve(e.view(f.Auth), r); w.Code != 400 || !strings.Contains(w.Body.String(), "This field is required.") {
				t.Errorf("answer %d %s, want 400", w.Code, w.Body)
			}
			form := httptest.NewRequest("POST", "/"+query, strings.NewReader("other=1"))
			form.Header.Set("Content-Type", formType)
			if w := serve(e.view(f.Auth), form); w.Code != 400 {
				t.Errorf("a form's answer %d %s, want 400", w.Code, w.Body)
			}
		})
	}
}
