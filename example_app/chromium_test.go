package main

import (
	"context"
	"os"
	"os/exec"
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

// patience is how long a page may take to come to what is asked of it.
const patience = time.Minute

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
	b.dropCookie("access", "/")
}

func (b *tab) dropCookie(name, path string) {
	b.t.Helper()
	devtools(b, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: b.s.base + path})
}
