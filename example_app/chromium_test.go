package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// newChromium starts a browser for the tests below t. Where there is none they are skipped or, with REQUIRE_CHROMIUM=1, fail.
func newChromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	switch {
	case path != "":
	case os.Getenv("REQUIRE_CHROMIUM") == "1":
		t.Fatal("REQUIRE_CHROMIUM=1 is set, and there is no chromium")
	default:
		t.Skip("Chromium tests skipped: there is no chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path), chromedp.Flag("headless", "new"), chromedp.Flag("disable-features", "Translate"),
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

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

// patience is how long a page may take to come to what is asked of it.
const patience = time.Minute

func newSite(t *testing.T, browser context.Context, framework, settings string) *site {
	t.Helper()
	settings = recommendedProfile + `, "AUTH_COOKIE_INSECURE": true` + settings
	s := &site{
		client:  startFramework(t, framework, settings, "sqlite://"+filepath.Join(t.TempDir(), "db.sqlite3")),
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

// tab is a tab of a browser. Tabs of one profile share cookies and storage.
type tab struct {
	t   *testing.T
	s   *site
	ctx context.Context //nolint:containedctx // chromedp names a tab by one
}

// newProfile opens the first tab of a profile without any history.
func (s *site) newProfile(path string) *tab {
	s.t.Helper()
	return s.open(s.browser, s.base+path, chromedp.WithNewBrowserContext())
}

// another opens one more tab of the same profile.
func (b *tab) another(url string) *tab {
	b.t.Helper()
	return b.s.open(b.ctx, url)
}

func (s *site) open(parent context.Context, url string, options ...chromedp.ContextOption) *tab {
	s.t.Helper()
	ctx, end := chromedp.NewContext(parent, options...)
	s.t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // without a deadline: it would be the tab's
		s.t.Fatal(err)
	}
	b := &tab{t: s.t, s: s, ctx: ctx}
	devtools(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.visit(url)
	return b
}

// do runs an action in a tab.
func do[T any](b *tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// must is do for what can't go wrong.
func must[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	out, err := do(b, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// devtools sends a command of the DevTools protocol.
func devtools[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	return must(b, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) })
}

// value is what a script says, or the promise that it returns.
func value[T any](b *tab, script string) T {
	b.t.Helper()
	return must(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

func (b *tab) visit(url string) {
	b.t.Helper()
	must(b, chromedp.Navigate(url))
}

func (b *tab) eval(script string) {
	b.t.Helper()
	value[chromedp.Void](b, script)
}

// until waits until a condition holds, also across pages.
func (b *tab) until(condition string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok, err := do(b, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+condition+")")); err == nil && ok {
			return
		}
	}
	text, err := do(b, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
	b.t.Fatalf("it never was so that %s; the page says: %s (%v)", condition, text, err)
}

// click presses what a selector finds, as a script does.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.eval(`document.querySelector('` + selector + `').click()`)
}

func (b *tab) fill(id, value string) {
	b.t.Helper()
	b.eval(`document.getElementById('` + id + `').value = '` + value + `'`)
}

const (
	atLogin = `!document.getElementById('login').hidden && document.getElementById('sessions').hidden`
	atHome  = `document.getElementById('login').hidden && !document.getElementById('sessions').hidden && document.getElementById('name').textContent === 'alice'`
)

func shows(text string) string {
	return `(document.getElementById('notice').textContent + document.getElementById('error').textContent).includes('` + text + `')`
}

// login logs alice in on the page.
func (b *tab) login() {
	b.t.Helper()
	b.until(atLogin)
	b.fill("username", "alice")
	b.fill("password", "correct horse")
	b.click("#login-form button")
	b.until(atHome)
}

// dropAccess has the browser forget the access token, as it does when its cookie has expired.
func (b *tab) dropAccess() {
	b.t.Helper()
	devtools(b, network.DeleteCookies, network.DeleteCookiesParams{Name: "access", URL: b.s.base + "/"})
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
