package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// browsers are those of these tests, one for each engine and color scheme. They outlive each test.
var browsers sharedBrowsers

// sharedBrowsers starts each browser at the first need.
type sharedBrowsers struct {
	mu      sync.Mutex
	started map[string]*browsertest.Browser
}

// browserSlots limits how many tests use a browser at once: more pages only wait for each other.
var browserSlots = make(chan struct{}, 3)

// inBrowsers runs a test in each browser, side by side. At the quick level, and where a browser is missing, it is skipped.
func inBrowsers(t *testing.T, test func(t *testing.T, engine browsertest.Engine)) {
	t.Helper()
	testlevel.SkipUnlessFull(t)
	for _, engine := range browsertest.Engines() {
		t.Run("in "+string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// useBrowser returns a browser until t ends.
func useBrowser(t *testing.T, engine browsertest.Engine, options ...browsertest.Option) *browsertest.Browser {
	t.Helper()
	if testlevel.Race {
		t.Skip("a browser takes two cores for itself: it is used without the race detector")
	}
	if missing := browsertest.Missing(engine); missing != "" {
		testlevel.SkipMissing(t, missing)
	}
	browser, err := browsers.start(engine, options...)
	if err != nil {
		t.Fatal(err)
	}
	browserSlots <- struct{}{}
	t.Cleanup(func() { <-browserSlots })
	return browser
}

func (s *sharedBrowsers) start(engine browsertest.Engine, options ...browsertest.Option) (*browsertest.Browser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprint(engine, len(options)) // Dark is the only option
	if s.started[key] != nil {
		return s.started[key], nil
	}
	browser, err := browsertest.Launch(engine, options...)
	if err != nil {
		return nil, err
	}
	if s.started == nil {
		s.started = map[string]*browsertest.Browser{}
	}
	s.started[key] = browser
	return browser, nil
}

// stop ends the browsers. No test may run any more.
func (s *sharedBrowsers) stop() {
	for _, browser := range s.started {
		browser.Close()
	}
}

// tab is a tab at a site. Tabs of one profile share cookies and storage.
type tab struct {
	*browsertest.Tab
	s *site
}

// openProfile opens the first tab of a new profile, which has no cookies and no storage.
func (s *site) openProfile(path string) *tab {
	s.backend.t.Helper()
	return &tab{s.browser.NewProfile(s.backend.t, s.base+path), s}
}

// openTab opens one more tab of the same profile, at a path of the site.
func (b *tab) openTab(path string) *tab { return &tab{b.Another(b.s.base + path), b.s} }

// openHiddenTab is openTab behind the other tabs.
func (b *tab) openHiddenTab(path string) *tab { return &tab{b.AnotherHidden(b.s.base + path), b.s} }

// visit goes to a path of the site.
func (b *tab) visit(path string) { b.Visit(b.s.base + path) }

const (
	atLogin = `!document.getElementById('login').hidden && document.getElementById('sessions').hidden`
	atHome  = `document.getElementById('login').hidden && !document.getElementById('sessions').hidden && document.getElementById('name').textContent === 'alice'`
)

// shows is the condition that a message of the page contains a text.
func shows(text string) string {
	return `[...document.querySelectorAll('.message, .field-error')].some((part) => part.textContent.includes('` + text + `'))`
}

// login logs alice in on the page.
func (b *tab) login() { b.loginAs("alice") }

func (b *tab) loginAs(name string) {
	b.Until(atLogin)
	b.Fill("username", name)
	b.Fill("password", "correct horse")
	b.Click("#login-form button")
	b.Until(`document.getElementById('login').hidden && !document.getElementById('sessions').hidden && document.getElementById('name').textContent === '` + name + `'`)
}

// dropAccess has the browser forget the access token, as it does when its cookie expires.
func (b *tab) dropAccess() { b.DropCookie("access") }
