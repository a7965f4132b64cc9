package views_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

func TestViews_StoreUnavailable(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	broken := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = brokenStore{errDatabase} })
	for _, e := range listEndpoints() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			wantAnswer(t, postBody(e.view(broken.Auth), jsonType, e.good(t, good)), http.StatusServiceUnavailable, unavailable)
		})
	}
	t.Cleanup(func() {
		if log := broken.log.String(); !strings.Contains(log, "connection refused") {
			t.Errorf("the log does not name the cause: %q", log)
		}
	})
}

func TestViews_UsersUnavailable(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	broken := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Users, d.Authenticate, d.Store = brokenUsers{good.users}, nil, good.store
	})
	for _, e := range listEndpoints() {
		if e.name == "verify" || e.name == "blacklist" {
			continue // they ask no user
		}
		wantAnswer(t, postBody(e.view(broken.Auth), jsonType, e.good(t, good)), http.StatusServiceUnavailable, unavailable)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+good.loginAlice(t).Access)
	w := serveRoute(broken.Auth, r)
	wantAnswer(t, w, http.StatusServiceUnavailable, unavailable)
	if got := w.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	if w := serveRoute(broken.Stateless(), r); w.Code != http.StatusOK {
		t.Errorf("stateless authentication asked: %d %s", w.Code, w.Body)
	}
}

func TestObtainPair_ClientGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate = nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("POST", "/", strings.NewReader(encodeObject("username", "alice", "password", password))).WithContext(ctx)
	r.Header.Set("Content-Type", jsonType)
	wantAnswer(t, serveRequest(views.ObtainPair(f.Auth), r), http.StatusServiceUnavailable, unavailable)
}

// emailUsers have USERNAME_FIELD "email".
type emailUsers struct{ *memstore.Users }

func (emailUsers) UsernameField() string { return "email" }

func TestObtainPair_UsernameField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f = newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Users, d.Authenticate = emailUsers{f.users}, f.checkPassword
	})
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		if w := postBody(view, jsonType, encodeObject("email", " alice ", "password", password)); w.Code != http.StatusOK {
			t.Errorf("a login by email: %d %s", w.Code, w.Body)
		}
		wantAnswer(t, postBody(view, jsonType, encodeObject("username", "alice", "password", password)), 400, `{"email":["This field is required."]}`)
		wantAnswer(t, postBody(view, formType, "email=&password="), 400, `{"email":["This field may not be blank."],"password":["This field may not be blank."]}`)
	}
}

// A password is checked as it was sent, blanks included.
func TestObtainPair_PasswordAsSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const denied = `{"detail":"No active account found with the given credentials"}`
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"a password fits with its blanks", jsonType, encodeObject("username", " alice ", "password", password), 200},
		{"a password without its blanks does not fit", jsonType, encodeObject("username", "alice", "password", strings.TrimSpace(password)), 401},
		{"a password with more blanks does not fit", jsonType, encodeObject("username", "alice", "password", password+"\n"), 401},
		{"a password in a form keeps its blanks", formType, "username=alice&password=+correct+horse+", 200},
		{"a password in multipart keeps its blanks", multipartType, joinParts(encodePart("username", "alice"), encodePart("password", password)), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
				w := postBody(view, c.contentType, c.body)
				if w.Code != c.status || (c.status == 401 && w.Body.String() != denied) {
					t.Errorf("answer %d %s, want %d", w.Code, w.Body, c.status)
				}
			}
		})
	}
}

// With a stored hash 4,096 bytes are the longest password, and each of them counts.
func TestObtainPair_LongPassword(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	longest := strings.Repeat("x", hashers.MaxPasswordBytes)
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate, d.PasswordHashers = nil, h })
	encoded, err := h.Make(t.Context(), longest)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.users.Update(memstore.Account{ID: "1", Username: "alice", Password: encoded}); err != nil {
		t.Fatal(err)
	}
	const denied = `{"detail":"No active account found with the given credentials"}`
	view := views.ObtainPair(f.Auth)
	if w := postBody(view, jsonType, encodeObject("username", "alice", "password", longest)); w.Code != http.StatusOK {
		t.Errorf("the longest password was answered %d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{longest[:len(longest)-1] + "y", longest[:72], longest + "x", strings.Repeat("é", 2049)} {
		wantAnswer(t, postBody(view, jsonType, encodeObject("username", "alice", "password", wrong)), http.StatusUnauthorized, denied)
		wantAnswer(t, postBody(view, jsonType, encodeObject("username", "nobody", "password", wrong)), http.StatusUnauthorized, denied)
	}
}

func TestObtainPair_HashOverLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Authenticate = nil })
	const stored = "bcrypt$$2b$16$G4j1ml83viCYK0wg9qO6BOHgpJ4KxhUnpPho4jvgO9MvyfiJJ4iye"
	if err := f.users.Update(memstore.Account{ID: "1", Username: "alice", Password: stored}); err != nil {
		t.Fatal(err)
	}
	for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
		wantAnswer(t, postBody(view, jsonType, encodeObject("username", "alice", "password", "secret")), http.StatusServiceUnavailable, unavailable)
	}
}

func TestViews_PostOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, e := range listEndpoints() {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "post", "PROPFIND"} {
			t.Run(e.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequest("POST", "/", strings.NewReader(e.good(t, f)))
				r.Method = method
				r.Header.Set("Content-Type", jsonType)
				r.Header.Set("X-HTTP-Method-Override", "POST")
				w := serveRequest(e.view(f.Auth), r)
				wantAnswer(t, w, http.StatusMethodNotAllowed, `{"detail":"Method \"`+method+`\" not allowed."}`)
				if diff := cmp.Diff(addHeaders(map[string]string{"Allow": "POST, OPTIONS"}), readHeaders(w)); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
			})
		}
		t.Run(e.name+"/OPTIONS", func(t *testing.T) {
			t.Parallel()
			w := serveRequest(e.view(f.Auth), httptest.NewRequest("OPTIONS", "/", nil))
			wantAnswer(t, w, http.StatusNoContent, "")
			want := map[string]string{"Allow": "POST, OPTIONS", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
			if diff := cmp.Diff(want, readHeaders(w)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// The headers are right for each status of each view.
func TestViews_Headers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withLimit(4096))
	down := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Store, d.Authenticate = brokenStore{errDatabase}, nil
		d.Users = brokenUsers{f.users}
	})
	for _, e := range listEndpoints() {
		for _, c := range []struct {
			name, contentType string
			body              func() string
			on                *fixture
			status            int
		}{
			{"good", jsonType, func() string { return e.good(t, f) }, f, 200},
			{"bad fields", jsonType, func() string { return "{}" }, f, 400},
			{"denied", jsonType, func() string {
				return encodeObject("username", "a", "password", "b", "token", "x", "refresh", "x")
			}, f, 401},
			{"too large", jsonType, func() string { return padBody(4097) }, f, 413},
			{"unsupported", "text/plain", func() string { return "x" }, f, 415},
			{"database down", jsonType, func() string { return e.good(t, f) }, down, 503},
		} {
			t.Run(e.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequest("POST", "/", strings.NewReader(c.body()))
				r.Header.Set("Content-Type", c.contentType)
				r.Header.Set("Origin", "https://elsewhere.example")
				w := serveRequest(e.view(c.on.Auth), r)
				if w.Code != c.status {
					t.Fatalf("answer %d %s, want %d", w.Code, w.Body, c.status)
				}
				want := addHeaders(nil)
				if c.status == http.StatusUnauthorized {
					want["Www-Authenticate"] = `Bearer realm="api"`
				}
				if diff := cmp.Diff(want, readHeaders(w)); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Tokens and credentials count in the body only, though the request has valid ones everywhere else.
func TestViews_TokensInBodyOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pair, sliding := f.loginAlice(t), f.loginSliding(t)
	query := "?username=alice&password=+correct+horse+&refresh=" + pair.Refresh + "&token=" + sliding
	for _, e := range listEndpoints() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/"+query, strings.NewReader("{}"))
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Authorization", "Bearer "+pair.Access)
			r.Header.Set("X-Access-Token", pair.Access)
			r.Header.Set("Cookie", "refresh="+pair.Refresh+"; token="+sliding)
			if w := serveRequest(e.view(f.Auth), r); w.Code != 400 || !strings.Contains(w.Body.String(), "This field is required.") {
				t.Errorf("answer %d %s, want 400", w.Code, w.Body)
			}
			form := httptest.NewRequest("POST", "/"+query, strings.NewReader("other=1"))
			form.Header.Set("Content-Type", formType)
			if w := serveRequest(e.view(f.Auth), form); w.Code != 400 {
				t.Errorf("a form's answer %d %s, want 400", w.Code, w.Body)
			}
		})
	}
}
