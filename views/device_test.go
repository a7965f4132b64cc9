package views_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// loginSession logs alice in by a request and returns the one session that the list shows.
func loginSession(t *testing.T, f *fixture, body string, change func(*http.Request)) core.Session {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	change(r)
	if w := serveRequest(views.ObtainPair(f.Auth), r); w.Code != 200 {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	all, err := f.Sessions(t.Context(), "1")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d sessions, error %v, want one", len(all), err)
	}
	return all[0]
}

func TestDevice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies     int
		remote      string
		forwarded   []string
		agent, body string
		want        core.Device
	}{
		"without proxies the address is that of the connection":           {0, "192.0.2.1:1234", []string{"198.51.100.1"}, "app/1", "phone", core.Device{Name: "phone", IP: "192.0.2.1", UserAgent: "app/1"}},
		"an IPv6 address loses its zone":                                  {0, "[2001:db8::1%eth0]:1", nil, "", "", core.Device{IP: "2001:db8::1"}},
		"an IPv4 address within IPv6 is an IPv4 address":                  {0, "[::ffff:192.0.2.1]:1", nil, "", "", core.Device{IP: "192.0.2.1"}},
		"a connection without an address has none":                        {0, "@", nil, "", "", core.Device{}},
		"behind one proxy the last entry counts":                          {1, "192.0.2.1:1", []string{"203.0.113.9, 198.51.100.1"}, "", "", core.Device{IP: "198.51.100.1"}},
		"behind two proxies the last but one counts, across fields":       {2, "192.0.2.1:1", []string{"203.0.113.9,198.51.100.1", "198.51.100.2"}, "", "", core.Device{IP: "198.51.100.1"}},
		"behind three proxies each may write a field":                     {3, "192.0.2.1:1", []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}, "", "", core.Device{IP: "198.51.100.1"}},
		"a proxy may write ports":                                         {1, "192.0.2.1:1", []string{"[2001:db8::2]:443"}, "", "", core.Device{IP: "2001:db8::2"}},
		"a proxy may write brackets":                                      {1, "192.0.2.1:1", []string{"[2001:db8::2]"}, "", "", core.Device{IP: "2001:db8::2"}},
		"without an address from the proxy that of the connection counts": {1, "192.0.2.1:1", []string{"unknown"}, "", "", core.Device{IP: "192.0.2.1"}},
		"without the header the address of the connection counts":         {1, "192.0.2.1:1", nil, "", "", core.Device{IP: "192.0.2.1"}},
		"control and format characters are removed":                       {0, "@", nil, "a\x1b[31m\u202eb\xff", " x\u0007y ", core.Device{Name: "xy", UserAgent: "a[31mb"}},
		"a user agent of 400 characters is kept":                          {0, "@", nil, strings.Repeat("é", 400), "", core.Device{UserAgent: strings.Repeat("é", 400)}},
		"a user agent is truncated to 512 characters":                     {0, "@", nil, strings.Repeat("é", 600), "", core.Device{UserAgent: strings.Repeat("é", 512)}},
		"a name may have 150 characters":                                  {0, "@", nil, "", strings.Repeat("n", 150), core.Device{Name: strings.Repeat("n", 150)}},
		"a name is measured in characters, not bytes":                     {0, "@", nil, "", strings.Repeat("é", 150), core.Device{Name: strings.Repeat("é", 150)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = c.proxies })
			body := encodeObject("username", "alice", "password", password, "device_name", c.body)
			got := loginSession(t, f, body, func(r *http.Request) {
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

func TestDevice_InvalidName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value string
		want  answer
	}{
		"null leaves the name empty":           {`null`, answer{200, ""}},
		"a blank name leaves the name empty":   {`"  "`, answer{200, ""}},
		"a list is not a string":               {`["x"]`, answer{400, `{"device_name":["Not a valid string."]}`}},
		"a name of 151 characters is too long": {`"` + strings.Repeat("n", 151) + `"`, answer{400, `{"device_name":["Ensure this field has no more than 150 characters."]}`}},
		"NUL is not allowed":                   {`"a\u0000"`, answer{400, `{"device_name":["Null characters are not allowed."]}`}},
		"a lone surrogate is not allowed":      {`"\ud800"`, answer{400, `{"device_name":["Surrogate characters are not allowed: U+D800."]}`}},
	} {
		f := newFixture(t)
		for _, view := range []http.Handler{views.ObtainPair(f.Auth), views.ObtainSliding(f.Auth)} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(`{"username": "alice", "password": "`+password+`", "device_name": `+c.value+`}`))
			r.Header.Set("Content-Type", jsonType)
			w := serveRequest(view, r)
			if w.Code != c.want.status || c.want.body != "" && strings.TrimSpace(w.Body.String()) != c.want.body {
				t.Errorf("%s: answer %d %s, want %d %s", name, w.Code, w.Body, c.want.status, c.want.body)
			}
		}
	}
}

// A client that does not come through all proxies, or writes the header itself, must not choose its address.
func TestDevice_ForgedAddress(t *testing.T) {
	t.Parallel()
	const connection, client = "192.0.2.1", "198.51.100.1"
	for name, c := range map[string]struct {
		proxies   int
		forwarded []string
		want      string
	}{
		"a list that is shorter":                       {2, []string{"203.0.113.9"}, connection},
		"a list that is much shorter":                  {5, []string{"203.0.113.9, 203.0.113.8"}, connection},
		"a list that an empty field makes longer":      {2, []string{"", "203.0.113.9"}, connection},
		"a list that an empty entry makes longer":      {2, []string{",203.0.113.9"}, connection},
		"a list that ends in a comma":                  {1, []string{"203.0.113.9,"}, connection},
		"a list that a last comma makes longer":        {2, []string{"203.0.113.9,"}, connection},
		"an empty entry among those of proxies":        {3, []string{"203.0.113.9,,198.51.100.2"}, connection},
		"an empty field among those of proxies":        {3, []string{"203.0.113.9", " ", "198.51.100.2"}, connection},
		"garbage in the place of the outermost proxy":  {2, []string{"203.0.113.9, unknown, 198.51.100.2"}, connection},
		"garbage in the place of an inner proxy":       {2, []string{"203.0.113.9, unknown"}, connection},
		"two addresses without a comma":                {1, []string{"203.0.113.9 203.0.113.8"}, connection},
		"an address and much white space":              {1, []string{"203.0.113.9" + strings.Repeat(" ", 1000) + "203.0.113.8"}, connection},
		"brackets that do not match":                   {1, []string{"[2001:db8::2"}, connection},
		"garbage before what the proxies wrote":        {2, []string{"x,,203.0.113.9, " + client + ", 198.51.100.2"}, client},
		"fields before what the proxies wrote":         {2, []string{"203.0.113.9", "", "x", client, "198.51.100.2"}, client},
		"a megabyte of commas before what they wrote":  {2, []string{strings.Repeat(",", 1<<20) + client + ",198.51.100.2"}, client},
		"a megabyte in one entry before what it wrote": {1, []string{strings.Repeat("x", 1<<20) + "," + client}, client},
		"a megabyte in one entry":                      {1, []string{strings.Repeat("1", 1<<20)}, connection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = c.proxies })
			got := loginSession(t, f, encodeObject("username", "alice", "password", password), func(r *http.Request) {
				r.RemoteAddr = connection + ":1"
				r.Header["X-Forwarded-For"] = c.forwarded
			})
			if got.IP != c.want {
				t.Errorf("the address is %q, want %q", got.IP, c.want)
			}
		})
	}
}

// The cost of a request must not grow with a header that the client writes. The test is not parallel: it counts bytes.
func TestDevice_LongForwardedFor(t *testing.T) {
	f := newFixture(t, func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = 2 })
	lists := map[string][]string{
		"commas": {strings.Repeat(",", 1<<20)}, "entries": {strings.Repeat("203.0.113.9,", 1<<16) + "203.0.113.9"},
		"one entry": {strings.Repeat("x", 1<<20)}, "fields": slices.Repeat([]string{"203.0.113.9"}, 1<<16),
	}
	for name, list := range lists {
		r := httptest.NewRequest("POST", "/", strings.NewReader(encodeObject("username", "alice", "password", "wrong")))
		r.Header.Set("Content-Type", jsonType)
		r.Header["X-Forwarded-For"] = list
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		serveRequest(views.ObtainPair(f.Auth), r)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<18 {
			t.Errorf("%s: the request took %d bytes", name, n)
		}
	}
}
