package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// chromium is the one browser of these tests. It is a package variable because it outlives each test.
var chromium sharedChromium

// sharedChromium starts a browser at the first need.
type sharedChromium struct {
	once  sync.Once
	ctx   context.Context //nolint:containedctx // chromedp names its browser by one
	err   error
	close []func()
}

// browserSlots limits how many tests use the browser at once: more pages only wait for each other.
var browserSlots = make(chan struct{}, 3)

// useChromium returns the browser until t ends. At the quick level, and where there is no browser, t is skipped.
func useChromium(t *testing.T) context.Context {
	t.Helper()
	testlevel.SkipUnlessFull(t)
	if testlevel.Race {
		t.Skip("a browser takes two cores for itself: it is used without the race detector")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		testlevel.SkipMissing(t, "chromium")
	}
	chromium.once.Do(func() { chromium.start(path) })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	browserSlots <- struct{}{}
	t.Cleanup(func() { <-browserSlots })
	return chromium.ctx
}

func (c *sharedChromium) start(path string) {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.Flag("headless", "new"), chromedp.Flag("disable-features", "Translate"),
		chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(allocator)
	c.ctx, c.close = browser, []func(){end, stop}
	c.err = chromedp.Do(browser)
}

// stop ends the browser, if it was started. No test may run any more.
func (c *sharedChromium) stop() {
	for _, end := range c.close {
		end()
	}
}

// pageTimeout is how long a page may take to do what a test waits for.
const pageTimeout = time.Minute

// tab is a tab of a browser. Tabs of one profile share cookies and storage.
type tab struct {
	t   *testing.T
	s   *site
	ctx context.Context //nolint:containedctx // chromedp names a tab by one
}

// openProfile opens the first tab of a new profile, which has no cookies and no storage.
func (s *site) openProfile(path string) *tab {
	s.backend.t.Helper()
	return s.openTab(s.browser, s.base+path, chromedp.WithNewBrowserContext())
}

// openTab opens one more tab of the same profile.
func (b *tab) openTab(url string) *tab {
	b.t.Helper()
	return b.s.openTab(b.ctx, url)
}

func (s *site) openTab(parent context.Context, url string, options ...chromedp.ContextOption) *tab {
	s.backend.t.Helper()
	ctx, end := chromedp.NewContext(parent, options...)
	s.backend.t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // without a deadline: it would be the tab's
		s.backend.t.Fatal(err)
	}
	b := &tab{t: s.backend.t, s: s, ctx: ctx}
	callDevTools(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.visit(url)
	return b
}

// tryAction runs an action in a tab.
func tryAction[T any](b *tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, pageTimeout)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// runAction runs an action in a tab; an error ends the test.
func runAction[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	out, err := tryAction(b, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// callDevTools sends a command of the DevTools protocol.
func callDevTools[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	return runAction(b, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) })
}

// evaluate returns the value of a script, or of the promise that it returns.
func evaluate[T any](b *tab, script string) T {
	b.t.Helper()
	return runAction(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

func (b *tab) visit(url string) {
	b.t.Helper()
	runAction(b, chromedp.Navigate(url))
}

func (b *tab) runScript(script string) {
	b.t.Helper()
	evaluate[chromedp.Void](b, script)
}

// waitUntil waits until a condition holds, also across pages.
func (b *tab) waitUntil(condition string) {
	b.t.Helper()
	for end := time.Now().Add(pageTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok, err := tryAction(b, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+condition+")")); err == nil && ok {
			return
		}
	}
	text, err := tryAction(b, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
	b.t.Fatalf("the page never came to %s; it shows: %s (%v)", condition, text, err)
}

// click clicks the first element of a selector, as a script does.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.runScript(`document.querySelector('` + selector + `').click()`)
}

func (b *tab) fill(id, value string) {
	b.t.Helper()
	b.runScript(`document.getElementById('` + id + `').value = '` + value + `'`)
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
	b.waitUntil(atLogin)
	b.fill("username", "alice")
	b.fill("password", "correct horse")
	b.click("#login-form button")
	b.waitUntil(atHome)
}

// dropAccess has the browser forget the access token, as it does when its cookie expires.
func (b *tab) dropAccess() {
	b.t.Helper()
	b.dropCookie("access", "/")
}

func (b *tab) dropCookie(name, path string) {
	b.t.Helper()
	callDevTools(b, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: b.s.base + path})
}
