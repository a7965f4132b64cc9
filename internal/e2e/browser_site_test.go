package e2e

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// seenRequest is a request that came to the proxy, and the status of its answer.
type seenRequest struct {
	method, path, origin string
	status               int
}

// site is the program with alice as its user, and a proxy in front that browsers talk to: it keeps a record, may lose
// answers, and has pages of its own below /test/.
type site struct {
	*server
	browser *browsertest.Browser
	base    string // the URL that browsers use

	mu      sync.Mutex
	seen    []seenRequest
	lose    int             // how many answers to refreshes are lost from now on
	expired map[string]bool // values of Authorization that are rejected
	carried map[string]bool // those that were seen
	first   func(http.ResponseWriter, *http.Request) bool
	late    func(*http.Request) // sees each request before its answer goes back
	held    atomic.Int64        // requests that hold held
}

// intercept has a function see each request before the program does, until another one takes its place. If it returns true it has
// answered.
func (s *site) intercept(first func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = first
}

func (s *site) isIntercepted(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	first := s.first
	s.mu.Unlock()
	return first != nil && first(w, r)
}

// newSite serves the recommended profile and more settings to a browser, without TLS.
func newSite(t *testing.T, engine browsertest.Engine, framework, settings string, options ...browsertest.Option) *site {
	t.Helper()
	return newSiteWith(t, engine, framework, `, "AUTH_COOKIE_INSECURE": true`+settings, options...)
}

// newSiteWith is newSite with cookies as the settings have them: browsers keep secure ones on localhost too.
func newSiteWith(t *testing.T, engine browsertest.Engine, framework, settings string, options ...browsertest.Option) *site {
	t.Helper()
	browser := useBrowser(t, engine, options...)
	s := &site{
		server:  startServerOn(t, framework, rotating+recommended+settings, newSQLite(t)),
		browser: browser, expired: map[string]bool{}, carried: map[string]bool{},
	}
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: s.noteResponse,
		ErrorHandler:   loseAnswer,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	mux := http.NewServeMux()
	mux.Handle("/test/", http.StripPrefix("/test/", http.FileServer(http.Dir("testdata/browser"))))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.isIntercepted(w, r) {
			return
		}
		if s.isExpired(r.Header.Get("Authorization")) {
			r.Header.Set("Authorization", "Bearer expired")
		}
		proxy.ServeHTTP(w, r)
	})
	s.base = strings.Replace(startHandler(t, mux), "127.0.0.1", "localhost", 1)
	return s
}

// startHandler serves a handler and returns its URL.
func startHandler(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// noteResponse keeps a record of a request, and may lose its answer.
func (s *site) noteResponse(resp *http.Response) error {
	s.mu.Lock()
	late := s.late
	s.mu.Unlock()
	if late != nil {
		defer late(resp.Request)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := resp.Request
	s.seen = append(s.seen, seenRequest{r.Method, r.URL.Path, r.Header.Get("Origin"), resp.StatusCode})
	if strings.HasSuffix(r.URL.Path, "/refresh/") && s.lose > 0 {
		s.lose--
		return lostError(s.lose)
	}
	return nil
}

// lostError is the number of an answer that the proxy does not forward.
type lostError int

func (lostError) Error() string { return "the answer was lost" }

// loseAnswer loses an answer in one of three ways: nothing arrives, 502 arrives, or the answer breaks off.
func loseAnswer(w http.ResponseWriter, _ *http.Request, err error) {
	n, ok := err.(lostError)
	if ok && n%3 == 1 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if ok && n%3 == 0 {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}

func (s *site) isExpired(authorization string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if authorization != "" {
		s.carried[authorization] = true
	}
	return s.expired[authorization]
}

// expireTokens has all access tokens rejected that were seen in a header so far.
func (s *site) expireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for authorization := range s.carried {
		s.expired[authorization] = true
	}
}

// loseAnswers has the answers to the next refreshes lost on the way.
func (s *site) loseAnswers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// countRequests returns how many requests for a path had a status or, for 0, any.
func (s *site) countRequests(path string, status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.seen {
		if e.path == path && (status == 0 || e.status == status) {
			n++
		}
	}
	return n
}

// readState returns what the tables have of tokens and passwords, as text: a request that changes nothing leaves it as it was.
func (s *site) readState() string {
	s.backend.t.Helper()
	return s.queryValue(`SELECT (SELECT count(*) FROM token_blacklist_outstandingtoken) || ' tokens, ' ||
		(SELECT count(*) FROM token_blacklist_blacklistedtoken) || ' used, ' || (SELECT group_concat(password) FROM auth_user)`)
}

// countActive returns how many tokens are not on the blacklist.
func (s *site) countActive() string {
	s.backend.t.Helper()
	return s.queryValue(`SELECT count(*) FROM token_blacklist_outstandingtoken WHERE id NOT IN (SELECT token_id FROM token_blacklist_blacklistedtoken)`)
}

// readReasons returns the reasons for which tokens are on the blacklist.
func (s *site) readReasons() string {
	s.backend.t.Helper()
	return s.queryValue(`SELECT coalesce(group_concat(DISTINCT reason), '') FROM token_blacklist_blacklistedtoken`)
}

// waitForRequests waits until at least n requests came for a path and were answered with a status.
func (s *site) waitForRequests(path string, status, n int) {
	s.backend.t.Helper()
	for end := time.Now().Add(browsertest.Timeout); s.countRequests(path, status) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.backend.t.Fatalf("%d requests for %s were answered %d, want %d: %v", s.countRequests(path, status), path, status, n, s.seen)
		}
	}
}

// hold has the requests for a path wait until release is called.
func (s *site) hold(path string) (release func()) {
	released := make(chan struct{})
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			s.held.Add(1)
			select {
			case <-released:
			case <-r.Context().Done():
				panic(http.ErrAbortHandler) // the browser has given up
			}
		}
		return false
	})
	return sync.OnceFunc(func() { close(released) })
}

// waitForHeld waits until at least n requests were held.
func (s *site) waitForHeld(n int64) {
	s.backend.t.Helper()
	for end := time.Now().Add(browsertest.Timeout); s.held.Load() < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.backend.t.Fatalf("%d requests were held, want %d", s.held.Load(), n)
		}
	}
}

// holdAnswers has the answers for a path wait until release is called: the program has given them.
func (s *site) holdAnswers(path string) (release func()) {
	released := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = func(r *http.Request) {
		if r.URL.Path == path {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		}
	}
	return sync.OnceFunc(func() { close(released) })
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
