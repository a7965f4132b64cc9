package adaptertest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// withCookies sets AUTH_COOKIE and discards the log.
func withCookies(change ...func(*simplejwt.Settings, *core.Deps)) func(*simplejwt.Settings, *core.Deps) {
	return func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthCookie, d.Logger = true, slog.New(slog.DiscardHandler)
		for _, c := range change {
			c(s, d)
		}
	}
}

// withStoppedClock is withCookies with a clock that stands still just before the next second, so that ages of cookies are exact.
func withStoppedClock(change ...func(*simplejwt.Settings, *core.Deps)) func(*simplejwt.Settings, *core.Deps) {
	now := time.Now().Truncate(time.Second).Add(990 * time.Millisecond)
	return withCookies(append(change, func(_ *simplejwt.Settings, d *core.Deps) { d.Now = func() time.Time { return now } })...)
}

// csrfToken returns the CSRF token of a token's session.
func csrfToken(a *core.Auth, t *core.Token) string {
	return a.Transport().Cookies.CSRFToken(t.SessionID(), t.UserID())
}

// newApp returns an application with all views below /api/token and a route of its own, behind Required, at "/".
func (e *env[H, M]) newApp(a *core.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/token/", e.Mount("/api/token", a))
	mux.Handle("/api/token/sliding/", e.MountSliding("/api/token", a))
	mux.Handle("/api/token/sessions/", e.MountSessions("/api/token", a))
	mux.Handle("/", e.Serve(e.Handler(func(Seen) {}), e.Required(a)))
	return mux
}

// browser is a client with a cookie jar. Its pages are those of the application.
type browser[H, M any] struct {
	*env[H, M]
	server *httptest.Server
	client *http.Client
}

// newBrowser starts the application over TLS and returns a browser without cookies.
func (e *env[H, M]) newBrowser(a *core.Auth) *browser[H, M] {
	e.Helper()
	server := httptest.NewTLSServer(e.newApp(a))
	e.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.Fatal(err)
	}
	client := server.Client()
	client.Jar = jar
	return &browser[H, M]{e, server, client}
}

// page is an answer, with its Set-Cookie lines.
type page struct {
	Status int
	Body   string
	Set    []string
}

// doRequest sends a request as a page of the application does. In the Set-Cookie lines of the answer it replaces values by "...". A
// token in the body fails the case.
func (b *browser[H, M]) doRequest(method, path, body string, header ...string) page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if strings.Contains(string(data), "eyJ") {
		b.Errorf("%s %s: a token is in the body: %s", method, path, data)
	}
	out := page{Status: resp.StatusCode, Body: strings.TrimSpace(string(data))}
	for _, line := range resp.Header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			b.Fatal(err)
		}
		if cookie.Value != "" {
			cookie.Value = "..."
		}
		out.Set = append(out.Set, cookie.String())
	}
	return out
}

// wantPage compares status, body and Set-Cookie lines.
func (b *browser[H, M]) wantPage(what string, got page, status int, body string, set ...string) {
	b.Helper()
	if diff := cmp.Diff(page{status, body, set}, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// readJar returns the names and values of the cookies that the browser sends to a path.
func (b *browser[H, M]) readJar(path string) map[string]string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.server.URL+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]string{}
	for _, cookie := range b.client.Jar.Cookies(r.URL) {
		out[cookie.Name] = cookie.Value
	}
	return out
}
