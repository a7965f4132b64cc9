package views_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// In the values $ stands for a valid token. An empty answer means that the request is authenticated.
func TestAuthenticate_AuthorizationHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthHeaderTypes = []string{"Bearer", "JWT"} })
	access := f.loginAlice(t).Access
	for _, c := range []struct {
		name   string
		values []string
		want   string
	}{
		{"a missing header is anonymous", nil, notProvided},
		{"an empty header is anonymous", []string{""}, notProvided},
		{"a header of blanks is anonymous", []string{" \t "}, notProvided},
		{"a valid token is accepted", []string{"Bearer $"}, ""},
		{"each scheme of AUTH_HEADER_TYPES is accepted", []string{"JWT $"}, ""},
		{"blanks and tabs around the words are ignored", []string{"\t Bearer \t $ \t"}, ""},
		{"line feeds, form feeds and vertical tabs separate words", []string{"Bearer\v\f\r\n$"}, ""},
		{"another scheme is anonymous", []string{"Basic $"}, notProvided},
		{"the scheme in another case is another scheme", []string{"bearer $"}, notProvided},
		{"a token without a scheme is anonymous", []string{"$"}, notProvided},
		{"a token before the scheme is anonymous", []string{"$ Bearer"}, notProvided},
		{"a scheme with more letters is another scheme", []string{"Bearers $"}, notProvided},
		{"a scheme without a token is a bad header", []string{"Bearer"}, badHeader},
		{"a third word is a bad header", []string{"Bearer $ $"}, badHeader},
		{"a second scheme behind a comma is a bad header", []string{"Bearer $, Bearer $"}, badHeader},
		{"a comma behind the token belongs to the token", []string{"Bearer $,"}, badToken},
		{"quotes belong to the token", []string{`Bearer "$"`}, badToken},
		{"garbage is an invalid token", []string{"Bearer x"}, badToken},
		{"a no-break space separates nothing", []string{"Bearer\u00a0$"}, notProvided},
		{"a no-break space of Latin-1 separates nothing", []string{"Bearer\xa0$"}, notProvided},
		{"a next line control separates nothing", []string{"Bearer \u0085 $"}, badHeader},
		{"an information separator separates nothing", []string{"Bearer\x1c$"}, notProvided},
		{"a scheme with other letters is another scheme", []string{"Béarer $"}, notProvided},
		{"other letters belong to the token", []string{"Bearer $é"}, badToken},
		{"bytes that are not UTF-8 belong to the token", []string{"Bearer $\xff"}, badToken},
		{"NUL belongs to the token", []string{"Bearer $\x00"}, badToken},
		{"two header fields are a bad header", []string{"Bearer $", "Bearer $"}, badHeader},
		{"two fields are a bad header though the first has another scheme", []string{"Basic x", "Bearer $"}, badHeader},
		{"two fields are a bad header though the second is empty", []string{"Bearer $", ""}, badHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for _, v := range c.values {
				r.Header["Authorization"] = append(r.Header["Authorization"], strings.ReplaceAll(v, "$", access))
			}
			got := serveRoute(f.Auth, r)
			if got.Code == http.StatusOK {
				got.Body.Reset()
			}
			if diff := cmp.Diff(c.want, got.Body.String()); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
			if c.want != "" && (got.Code != 401 || got.Header().Get("WWW-Authenticate") != `Bearer realm="api"`) {
				t.Errorf("status %d, headers %v", got.Code, got.Header())
			}
		})
	}
}

func TestAuthenticate_AuthHeaderName(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.AuthHeaderName = "HTTP_X_ACCESS_TOKEN" })
	access := f.loginAlice(t).Access
	request := func(header string) *http.Request {
		r := httptest.NewRequest("GET", "/?access_token="+access+"&token="+access, nil)
		r.Header.Set(header, "Bearer "+access)
		r.Header.Set("Cookie", "access="+access)
		return r
	}
	if w := serveRoute(f.Auth, request("x-access-token")); w.Code != 200 {
		t.Errorf("in its header the token was answered %d %s", w.Code, w.Body)
	}
	for _, header := range []string{"Authorization", "X_access_token", "Proxy-Authorization", "X-Http-Authorization"} {
		wantAnswer(t, serveRoute(f.Auth, request(header)), 401, notProvided)
	}
}

func TestAuthenticate_UserAndToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+f.loginAlice(t).Access)
	out, err := views.Authenticate(f.Auth, r)
	if err != nil {
		t.Fatal(err)
	}
	ctx := out.Context()
	if user, ok := views.User[*memstore.Account](ctx); !ok || user.Username != "alice" {
		t.Errorf("user %+v, %v; want alice", user, ok)
	}
	if user, ok := views.User[simplejwt.User](ctx); !ok || user.AuthID() != "1" {
		t.Errorf("user by interface %+v, %v; want alice", user, ok)
	}
	if user, ok := views.User[*core.TokenUser](ctx); ok || user != nil {
		t.Errorf("user of another type %+v, %v; want none", user, ok)
	}
	if token, ok := views.Token(ctx); !ok || token.UserID() != "1" || token.Class().Name != core.AccessToken {
		t.Errorf("token %+v, %v", token, ok)
	}
	if _, ok := views.User[*memstore.Account](r.Context()); ok {
		t.Error("the request as it came has a user")
	}
	if token, ok := views.Token(r.Context()); ok || token != nil {
		t.Errorf("the request as it came has a token")
	}
}

func TestCheckPermission(t *testing.T) {
	t.Parallel()
	user := &memstore.Account{ID: "1", Username: "alice"}
	only := func(name string) views.Permission {
		return func(_ context.Context, u simplejwt.User, _ *core.Token) bool {
			a, ok := u.(*memstore.Account)
			return ok && a.Username == name
		}
	}
	ctx := core.NewContext(t.Context(), user, nil)
	if err := views.CheckPermission(ctx, only("alice")); err != nil {
		t.Errorf("alice is denied: %v", err)
	}
	if err := views.CheckPermission(ctx, only("bob")); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("alice gets %v for bob's", err)
	}
	if err := views.CheckPermission(t.Context(), only("alice")); !errors.Is(err, core.ErrNotAuthenticated) {
		t.Errorf("an anonymous request gets %v", err)
	}
	for err, want := range map[error]bool{core.ErrNotAuthenticated: true, core.ErrBadHeader: false, core.ErrTokenNotAllowed: false, core.ErrServiceUnavailable: false, nil: false} {
		if views.IsAnonymous(err) != want {
			t.Errorf("IsAnonymous(%v) is %v", err, !want)
		}
	}
}

// machines is a custom Authenticator. It answers every key with its error.
type machines struct {
	transport core.Transport
	err       error
}

// newMachines returns machines that read keys of the scheme "Key" and have no logger.
func newMachines(err error) machines {
	return machines{core.Transport{Header: "Authorization", Schemes: []string{"Key", "Old"}}, err}
}

func (m machines) AuthenticateToken(context.Context, string) (simplejwt.User, *core.Token, error) {
	return nil, nil, m.err
}

func (m machines) Transport() core.Transport { return m.transport }

func TestAuthenticate_CustomAuthenticator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header string
		err          error
		status       int
		body         string
		challenge    string
	}{
		{"a request without credentials gets the challenge", "Bearer x", nil, 401, notProvided, `Key realm="api"`},
		{"a denial is answered as it is", "Key x", &core.Error{Status: 401, Code: "revoked", Detail: "Key is revoked."}, 401, `{"detail":"Key is revoked.","code":"revoked"}`, `Key realm="api"`},
		{"any other error is a 500", "Key x", errDatabase, 500, serverError, ""},
		{"a valid key is accepted", "Key x", nil, 200, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", c.header)
			w := serveRoute(newMachines(c.err), r)
			wantAnswer(t, w, c.status, c.body)
			if got := w.Header().Get("WWW-Authenticate"); got != c.challenge {
				t.Errorf("WWW-Authenticate is %q, want %q", got, c.challenge)
			}
		})
	}
}

func TestAuthenticate_CustomAuthenticatorWithoutTransport(t *testing.T) {
	t.Parallel()
	keys := http.Header{"Authorization": {"Key x"}, "": {"Key x"}}
	for name, c := range map[string]struct {
		transport core.Transport
		header    http.Header
		challenge string
	}{
		"the zero value reads no header":                  {core.Transport{}, keys, ""},
		"without the name of a header none is read":       {core.Transport{Schemes: []string{"Key"}}, keys, `Key realm="api"`},
		"without schemes no header is read":               {core.Transport{Header: "Authorization"}, keys, ""},
		"without schemes two headers are not read either": {core.Transport{Header: "Authorization"}, http.Header{"Authorization": {"Key x", "Key y"}}, ""},
		"an empty scheme matches no request":              {core.Transport{Header: "Authorization", Schemes: []string{""}}, http.Header{"Authorization": {" x"}}, ` realm="api"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, on := range []bool{false, true} {
				c.transport.OAuthErrors = on
				a := machines{c.transport, nil}
				r := httptest.NewRequest("GET", "/", nil)
				r.Header = c.header.Clone()
				w := serveRoute(a, r)
				wantAnswer(t, w, 401, notProvided)
				if got := w.Header().Get("WWW-Authenticate"); got != c.challenge {
					t.Errorf("WWW-Authenticate is %q, want %q", got, c.challenge)
				}
				if _, err := views.Guard(http.Header{}, a, r, true); err != nil {
					t.Errorf("an optional route answers %v", err)
				}
			}
		})
	}
}

// An Authenticator reads cookies only if its Transport is that of an Auth.
func TestAuthenticate_CustomAuthenticatorReadsNoCookies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCookies)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", access+"="+f.loginAlice(t).Access)
	wantAnswer(t, serveRoute(newMachines(nil), r), 401, notProvided)
	wantAnswer(t, serveRoute(f.Auth, r), 200, "")
	for _, a := range []core.Authenticator{f.Stateless(), f.CheckingSession()} {
		out, err := views.Authenticate(a, r)
		if err != nil {
			t.Fatal(err)
		}
		if token, ok := views.Token(out.Context()); !ok || token.UserID() != "1" {
			t.Errorf("%T: token %v", a, token)
		}
		r2 := r.Clone(r.Context())
		r2.Method = "POST"
		if w := serveRoute(a, r2); w.Code != 403 {
			t.Errorf("%T lets a request pass that says nothing: %d", a, w.Code)
		}
	}
	if _, ok := views.User[*memstore.Account](r.Context()); ok {
		t.Error("the request as it came has a user")
	}
}
