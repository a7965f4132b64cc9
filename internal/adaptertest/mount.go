package adaptertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

func mountCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "mounted views answer with and without the trailing slash",
		rule: "Django's routes end in a slash, and clients forget it: a redirect would lose the body of a POST",
		run:  (*env[H, M]).checkMountedViews,
	}, {
		name: "views may be mounted below a prefix that ends in a slash",
		rule: "Django's prefixes end in one: it must neither panic nor put the views where nobody finds them",
		run:  (*env[H, M]).checkPrefixWithSlash,
	}, {
		name: "mounted views leave other paths alone",
		rule: "the application may have routes of its own below the prefix, and must get its own 404 for what is nobody's",
		run:  (*env[H, M]).checkOtherPaths,
	}, {
		name: "mounted views answer POST only",
		rule: "other methods get DRF's 405 and not the framework's own, OPTIONS gets 204, HEAD no body",
		run:  (*env[H, M]).checkPostOnly,
	}}
}

// mount is Mount or MountSliding, with the views it mounts.
type mount struct {
	name  string
	app   func(prefix string, a *core.Auth) http.Handler
	views []mounted
}

// mounted is a mounted view: where it is below the prefix, and a body it answers with 200.
type mounted struct {
	path string
	good func() string
}

// listMounts returns the functions under test.
func (e *env[H, M]) listMounts() []mount {
	credentials := func() string { return encodeObject("username", "alice", "password", password) }
	refresh := func() string { return encodeObject("refresh", e.loginPair(e.alice).Refresh) }
	return []mount{
		{"Mount", e.Mount, []mounted{
			{"", credentials},
			{"refresh/", refresh},
			{"verify/", func() string { return encodeObject("token", e.loginPair(e.alice).Access) }},
			{"blacklist/", refresh},
		}},
		{"MountSliding", e.MountSliding, []mounted{
			{"sliding/", credentials},
			{"sliding/refresh/", func() string { return encodeObject("token", e.loginSliding()) }},
		}},
	}
}

// startServer mounts the views below a prefix and serves them. A panic of the mount fails the case.
func (e *env[H, M]) startServer(m mount, prefix string) *httptest.Server {
	e.Helper()
	defer func() {
		if r := recover(); r != nil {
			e.Fatalf("%s below %q panics: %v", m.name, prefix, r)
		}
	}()
	server := httptest.NewServer(m.app(prefix, e.auth))
	e.Cleanup(server.Close)
	return server
}

// forEachView calls check for every view and path, with a server on which the view is mounted: at the root and below a prefix.
func (e *env[H, M]) forEachView(check func(v mounted, server *httptest.Server, path string)) {
	e.Helper()
	for _, m := range e.listMounts() {
		for _, prefix := range []string{"", "/api/token"} {
			server := e.startServer(m, prefix)
			for _, v := range m.views {
				path := prefix + "/" + v.path
				check(v, server, path)
				if path != "/" {
					check(v, server, strings.TrimSuffix(path, "/"))
				}
			}
		}
	}
}

func (e *env[H, M]) checkMountedViews() {
	e.forEachView(func(v mounted, server *httptest.Server, path string) { e.wantView(v, server, path) })
}

// wantView checks that the view answers at a path.
func (e *env[H, M]) wantView(v mounted, server *httptest.Server, path string) {
	e.Helper()
	if got := e.sendRequest(server, http.MethodPost, path, v.good()); got.Status != http.StatusOK {
		e.Errorf("POST %s: %d %s, want 200", path, got.Status, got.Body)
	}
}

func (e *env[H, M]) checkPrefixWithSlash() {
	for _, m := range e.listMounts() {
		for _, prefix := range []string{"/", "/api/token/"} {
			server := e.startServer(m, prefix)
			for _, v := range m.views {
				e.wantView(v, server, prefix+v.path)
				if v.path != "" { // the bare prefix lies outside of what the application named
					e.wantView(v, server, prefix+strings.TrimSuffix(v.path, "/"))
				}
			}
		}
	}
}

// checkOtherPaths mounts either set of views and sends requests to the paths of the other, and to paths beside them.
func (e *env[H, M]) checkOtherPaths() {
	for _, m := range e.listMounts() {
		server := e.startServer(m, "/api/token")
		others := []string{"/", "/api/", "/api/tokens", "/api/token/x", "/api/token/x/", "/refresh/", "/verify/"}
		for _, v := range m.views {
			others = append(others, "/api/token/"+v.path+"x/")
		}
		for _, other := range e.listMounts() {
			for _, v := range other.views {
				if other.name != m.name {
					others = append(others, "/api/token/"+v.path)
				}
			}
		}
		for _, path := range others {
			if got := e.sendRequest(server, http.MethodPost, path, "{}"); got.Status != http.StatusNotFound {
				e.Errorf("%s: POST %s: %d %s, want 404", m.name, path, got.Status, got.Body)
			}
		}
	}
}

// checkPostOnly uses a real server, as a recorder does not show what net/http does with HEAD.
func (e *env[H, M]) checkPostOnly() {
	headers := map[string]string{"Allow": "POST, OPTIONS", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	// A framework may not know these and have another list of what is allowed.
	unknown := []string{"PROPFIND", "LOCK", "FOO"}
	methods := append([]string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"}, unknown...)
	e.forEachView(func(v mounted, server *httptest.Server, path string) {
		for _, method := range methods {
			body := ""
			if method != http.MethodTrace { // the client sends none
				body = v.good()
			}
			got := e.sendRequest(server, method, path, body)
			if e.PlainUnknownMethods && slices.Contains(unknown, method) {
				if got.Status != http.StatusMethodNotAllowed || !strings.Contains(got.Headers["Allow"], http.MethodPost) {
					e.Errorf("%s %s: %d, Allow %q, want 405 and POST", method, path, got.Status, got.Headers["Allow"])
				}
				continue
			}
			want := answer{http.StatusMethodNotAllowed, `{"detail":"Method \"` + method + `\" not allowed."}`, headers}
			switch method {
			case http.MethodOptions:
				want.Status, want.Body = http.StatusNoContent, ""
			case http.MethodHead:
				want.Body = ""
			}
			if slices.Contains(unknown, method) && strings.Contains(got.Headers["Allow"], http.MethodPost) {
				got.Headers["Allow"] = headers["Allow"]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				e.Errorf("%s %s (-want +got):\n%s", method, path, diff)
			}
		}
	})
}

// sendRequest sends a request over the network and follows no redirect.
func (e *env[H, M]) sendRequest(server *httptest.Server, method, path, body string) answer {
	e.Helper()
	r, err := http.NewRequestWithContext(e.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		e.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	resp, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		e.Fatal(err)
	}
	got := answer{resp.StatusCode, strings.TrimSuffix(string(data), "\n"), map[string]string{}}
	for _, name := range []string{"Allow", "Cache-Control", "X-Content-Type-Options"} {
		got.Headers[name] = strings.Join(resp.Header.Values(name), "|")
	}
	return got
}
