package views_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

// firstSession logs alice in by a request and returns the one session that the list shows.
func firstSession(t *testing.T, f *fixture, body string, change func(*http.Request)) core.Session {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	change(r)
	if w := serve(views.ObtainPair(f.Auth), r); w.Code != 200 {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	all, err := f.Sessions(t.Context(), "1")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d sessions, error %v, want one", len(all), err)
	}
	return all[0]
}

func TestALoginRecordsItsDevice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies     int
		remote      string
		forwarded   []string
		agent, body string
		want        core.Device
	}{
		"the connection's address":        {0, "192.0.2.1:1234", []string{"198.51.100.1"}, "app/1", "phone", core.Device{Name: "phone", IP: "192.0.2.1", UserAgent: "app/1"}},
		"IPv6":                            {0, "[2001:db8::1%eth0]:1", nil, "", "", core.Device{IP: "2001:db8::1"}},
		"IPv4 in IPv6":                    {0, "[::ffff:192.0.2.1]:1", nil, "", "", core.Device{IP: "192.0.2.1"}},
		"no address":                      {0, "@", nil, "", "", core.Device{}},
		"one proxy":                       {1, "192.0.2.1:1", []string{"203.0.113.9, 198.51.100.1"}, "", "", core.Device{IP: "198.51.100.1"}},
		"two proxies, two fields":         {2, "192.0.2.1:1", []string{"203.0.113.9,198.51.100.1", "198.51.100.2"}, "", "", core.Device{IP: "198.51.100.1"}},
		"more proxies than there are":     {5, "192.0.2.1:1", []string{"198.51.100.1"}, "", "", core.Device{IP: "198.51.100.1"}},
		"a proxy that writes ports":       {1, "192.0.2.1:1", []string{"[2001:db8::2]:443"}, "", "", core.Device{IP: "2001:db8::2"}},
		"a proxy that writes brackets":    {1, "192.0.2.1:1", []string{"[2001:db8::2]"}, "", "", core.Device{IP: "2001:db8::2"}},
		"a proxy that writes no address":  {1, "192.0.2.1:1", []string{"unknown"}, "", "", core.Device{IP: "192.0.2.1"}},
		"a proxy that writes nothing":     {1, "192.0.2.1:1", nil, "", "", core.Device{IP: "192.0.2.1"}},
		"what would disturb a terminal":   {0, "@", nil, "a\x1b[31m\u202eb\xff", " x\u0007y ", core.Device{Name: "xy", UserAgent: "a[31mb"}},
		"a user agent that is too long":   {0, "@", nil, strings.Repeat("é", 400), "", core.Device{UserAgent: strings.Repeat("é", 400)}},
		"a user agent that is longer":     {0, "@", nil, strings.Repeat("é", 600), "", core.Device{UserAgent: strings.Repeat("é", 512)}},
		"a name as long as it may be":     {0, "@", nil, "", strings.Repeat("n", 150), core.Device{Name: strings.Repeat("n", 150)}},
		"a name of characters, not bytes": {0, "@", nil, "", strings.Repeat("é", 150), core.Device{Name: strings.Repeat("é", 150)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = c.proxies })
			body := object("username", "alice", "password", password, "device_name", c.body)
			got := firstSession(t, f, body, func(r *http.Request) {
				r.RemoteAddr = c.remote
				r.Header["X-Forwarded-For"] = c.forwarded
				r.Header.Set("User-Agent", c.agent)
			})
			if diff := cmp.Diff(c.want, got.Device); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADeviceNameIsOptionalAndChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value string
		want  answer
	}{
		"null":                {`null`, answer{200, ""}},
		"blank":               {`"  "`, answer{200, ""}},
		"no text":             {`["x"]`, answer{400, `{"device_name":["Not a valid string."]}`}},
		"too long":            {`"` + strings.Repeat("n", 151) + `"`, answer{400, `{"device_name":["Ensure this field has no more than 150 characters."]}`}},
		"with a NUL":          {`"a\u0000"`, answer{400, `{"device_name":["Null characters are not allowed."]}`}},
		"half of a surrogate": {`"\ud800"`, answer{400, `{"device_name":["Surrogate characters are not allowed: U+D800."]}`}},
	} {
		f := newFixture(t)
		for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(`{"username": "alice", "password": "`+password+`", "device_name": `+c.value+`}`))
			r.Header.Set("Content-Type", jsonType)
			w := serve(view, r)
			if w.Code != c.want.status || c.want.body != "" && strings.TrimSpace(w.Body.String()) != c.want.body {
				t.Errorf("%s: answer %d %s, want %d %s", name, w.Code, w.Body, c.want.status, c.want.body)
			}
		}
	}
}

func TestAnEmptyListOfSessionsIsAList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for method, want := range map[string]answer{"GET": {200, "[]"}, "DELETE": {404, `{"detail":"Not found."}`}} {
		token, err := f.ForUser(t.Context(), core.AccessToken, &memstore.Account{ID: "1"}) // it names no session
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := token.Sign()
		r := httptest.NewRequest(method, "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+raw)
		view := map[string]http.Handler{"GET": views.Sessions(f.Auth), "DELETE": views.OtherSessions(f.Auth)}[method]
		wantAnswer(t, serve(view, r), want.status, want.body)
	}
}

func TestWithoutAStoreNothingIsSaidToBeEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = nil }, func(s *simplejwt.Settings, _ *core.Deps) { s.BlacklistAfterRotation = false })
	for _, view := range []http.Handler{views.Sessions(f.Auth), views.OtherSessions(f.Auth), views.Session(f.Auth)} {
		r := httptest.NewRequest("DELETE", "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+f.login(t).Access)
		wantAnswer(t, serve(view, r), 404, `{"detail":"Not found."}`)
	}
}

func TestAnEventTellsFromWhereSessionsWereEnded(t *testing.T) {
	t.Parallel()
	var from []core.Device
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) {
		d.OnEvent = func(ctx context.Context, e core.Event) {
			if e.Type == core.EventRevoke {
				from = append(from, core.DeviceFrom(ctx))
			}
		}
	})
	r := httptest.NewRequest("DELETE", "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+f.login(t).Access)
	r.Header.Set("User-Agent", "browser/1")
	wantAnswer(t, serve(views.Sessions(f.Auth), r), 204, "")
	if diff := cmp.Diff([]core.Device{{IP: "192.0.2.1", UserAgent: "browser/1"}}, from); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

func TestTimesThatAreNotOnRecordAreLeftOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pair := f.login(t)
	if err := f.store.Outstand(t.Context(), core.OutstandingToken{JTI: "x", SessionID: "y", UserID: "1", ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+pair.Access)
	var list []map[string]any
	if err := json.Unmarshal(serve(views.Sessions(f.Auth), r).Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v, error %v", list, err)
	}
	if list[1]["started_at"] != nil || list[1]["last_refreshed_at"] != nil || list[0]["started_at"] == nil {
		t.Errorf("sessions %v", list)
	}
}

func TestTroubleInTheViewsOfSessionsIs503(t *testing.T) {
	t.Parallel()
	good := newFixture(t)
	f := newFixture(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Store = brokenStore{errors.New("down")} })
	for name, view := range map[string]http.Handler{
		"the list": views.Sessions(f.Auth), "the others": views.OtherSessions(f.Auth), "one": views.Session(f.Auth),
	} {
		for _, method := range []string{"GET", "DELETE"} {
			r := httptest.NewRequest(method, "/", http.NoBody)
			r.Header.Set("Authorization", "Bearer "+good.login(t).Access)
			r.SetPathValue("id", "x")
			if w := serve(view, r); w.Code != 503 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %s, want 503", name, method, w.Code, w.Body)
			}
		}
	}
}

// What a client is told must fit into a header, whatever a hook says.
func TestAnErrorDescriptionFitsIntoAHeader(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.OAuthErrors = true })
	h := http.Header{}
	status, _ := views.Refuse(h, f.Auth, &core.Error{Status: 401, Detail: "no \"way\"\r\nSet-Cookie: x=\\1 ünd"})
	want := `Bearer realm="api", error="invalid_token", error_description="no waySet-Cookie: x=1 nd"`
	if got := h.Get("WWW-Authenticate"); got != want || status != 401 {
		t.Errorf("WWW-Authenticate is %q, want %q", got, want)
	}
}

func TestEveryRefusalHasItsOAuthError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.OAuthErrors = true })
	plain := newFixture(t)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"403":                        {core.ErrPermissionDenied, `{"detail":"You do not have permission to perform this action.","error":"insufficient_scope","error_description":"You do not have permission to perform this action."}`},
		"503":                        {core.ErrServiceUnavailable, `{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable","error":"temporarily_unavailable","error_description":"Service temporarily unavailable, try again later."}`},
		"500":                        {errors.New("secret"), `{"detail":"A server error occurred.","code":"error","error":"server_error"}`},
		"404":                        {core.ErrSessionNotFound, `{"detail":"Not found."}`},
		"a bad header":               {core.ErrBadHeader, `{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header","error":"invalid_request","error_description":"Authorization header must contain two space-delimited values"}`},
		"no credentials":             {core.ErrNotAuthenticated, `{"detail":"Authentication credentials were not provided."}`},
		"a field named error":        {core.ValidationError{"error": {"No."}}, `{"error":["No."],"error_description":"error: No."}`},
		"several fields":             {core.ValidationError{"b": {"2."}, "a": {"1.", "1b."}}, `{"a":["1.","1b."],"b":["2."],"error":"invalid_request","error_description":"a: 1. 1b. b: 2."}`},
		"a password that is another": {core.ErrPasswordChanged, `{"detail":"The user's password has been changed.","code":"password_changed","error":"invalid_token","error_description":"The user's password has been changed.","reason":"password_changed"}`},
	} {
		_, body := views.Refuse(http.Header{}, f.Auth, c.err)
		if got, _ := json.Marshal(body); string(got) != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		_, body = views.Refuse(http.Header{}, plain.Auth, c.err)
		if got, _ := json.Marshal(body); strings.Contains(string(got), "error_description") {
			t.Errorf("%s without OAUTH_ERRORS: %s", name, got)
		}
	}
}
