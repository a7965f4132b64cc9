package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// exchange is a request that came by, and the status of its answer.
type exchange struct {
	method, path, origin string
	status               int
}

// site is the program with alice as its user, and a proxy in front that browsers talk to: it keeps a record, may lose
// answers, and has pages of its own below /test/.
type site struct {
	*client
	browser context.Context //nolint:containedctx // chromedp names its browser by one
	base    string          // what browsers call it

	mu      sync.Mutex
	seen    []exchange
	lose    int             // how many answers to refreshes are lost from now on
	expired map[string]bool // values of Authorization that are refused
	carried map[string]bool // those that were seen
}

func newSite(t *testing.T, browser context.Context, framework, settings string) *site {
	t.Helper()
	return newSiteWith(t, browser, framework, `, "AUTH_COOKIE_INSECURE": true`+settings)
}

// newSiteWith is newSite with cookies as the settings have them: browsers keep secure ones on localhost.
func newSiteWith(t *testing.T, browser context.Context, framework, settings string) *site {
	t.Helper()
	s := &site{
		client:  startFramework(t, framework, recommendedProfile+settings, "sqlite://"+filepath.Join(t.TempDir(), "db.sqlite3")),
		browser: browser, expired: map[string]bool{}, carried: map[string]bool{},
	}
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: s.record,
		ErrorHandler:   loseAnswer,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	mux := http.NewServeMux()
	mux.Handle("/test/", http.StripPrefix("/test/", http.FileServer(http.Dir("testdata/browser"))))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.isExpired(r.Header.Get("Authorization")) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	s.base = localhost(serveHere(t, mux))
	return s
}

// serveHere serves a handler and returns its URL.
func serveHere(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func localhost(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }

func (s *site) record(resp *http.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := resp.Request
	s.seen = append(s.seen, exchange{r.Method, r.URL.Path, r.Header.Get("Origin"), resp.StatusCode})
	if strings.HasSuffix(r.URL.Path, "/refresh/") && s.lose > 0 {
		s.lose--
		return lost(s.lose)
	}
	return nil
}

// lost is an answer that a proxy does not pass on.
type lost int

func (lost) Error() string { return "the answer was lost" }

// loseAnswer does what becomes of answers on the way: nothing comes, the proxy says so, or it is cut.
func loseAnswer(w http.ResponseWriter, _ *http.Request, err error) {
	n, ok := err.(lost)
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

// expire has all access tokens refused that were seen in a header so far.
func (s *site) expire() {
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

// count is how many requests came for a path, with a status or, for 0, with any.
func (s *site) count(path string, status int) int {
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

// rows is what the tables say about tokens and passwords: nothing that changes may leave it as it was.
func (s *site) rows() string {
	s.t.Helper()
	return s.one(`SELECT (SELECT count(*) FROM token_blacklist_outstandingtoken) || ' tokens, ' ||
		(SELECT count(*) FROM token_blacklist_blacklistedtoken) || ' consumed, ' || (SELECT group_concat(password) FROM auth_user)`)
}

// live is how many tokens are not consumed.
func (s *site) live() string {
	s.t.Helper()
	return s.one(`SELECT count(*) FROM token_blacklist_outstandingtoken WHERE id NOT IN (SELECT token_id FROM token_blacklist_blacklistedtoken)`)
}

// reasons are those for which tokens were consumed.
func (s *site) reasons() string {
	s.t.Helper()
	return s.one(`SELECT coalesce(group_concat(DISTINCT reason), '') FROM token_blacklist_blacklistedtoken`)
}
