package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// isTooWide is the condition that a page scrolls sideways.
const isTooWide = `document.documentElement.scrollWidth > innerWidth`

// findViolations is what axe-core finds on a page: each rule, what breaks it and why.
const findViolations = `axe.run(document, {resultTypes: ["violations"]}).then((found) =>
	found.violations.map((v) => v.id + ": " + v.nodes.map((node) => node.html.slice(0, 100) + " " + node.failureSummary).join("; ")))`

// TestBrowser_Readability looks at each state of the page, in light and dark, as narrow as a phone and as wide as a desk. axe-core finds
// what keeps people from reading or using it. With TEST_PICTURES the pictures are kept in that folder.
func TestBrowser_Readability(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for scheme, options := range map[string][]browsertest.Option{"light": nil, "dark": {browsertest.Dark()}} {
			t.Run("in "+scheme, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, "std", "", options...)
				look := &look{t: t, axe: readAxe(t), name: string(engine) + "-" + scheme}
				walkStates(s, look)
			})
		}
	})
}

// walkStates brings the page to each of its states.
func walkStates(s *site, look *look) {
	release := s.hold("/account/token/refresh/")
	b := s.openProfile(accountPath)
	b.Until(`!document.getElementById('loading').hidden`)
	look.at(b, "loading")
	release()
	b.Until(atLogin)
	look.at(b, "login")
	s.breakDown(true)
	b.visitBroken()
	b.Until(`!document.getElementById('unreachable').hidden`)
	look.at(b, "unreachable")
	s.breakDown(false)
	b.Click("#retry")
	b.Until(atLogin)

	b.Fill("username", "alice")
	b.Fill("password", "wrong")
	b.Click("#login-form button")
	b.Until(shows("No active account found"))
	look.at(b, "login-rejected")
	s.loginOn("phone")
	s.loginOn("a television with quite a long name, in the living room of the house by the lake, " + "x0123456789x0123456789x0123456789x0123456789")
	release = s.hold("/account/token/")
	b.Fill("password", "correct horse")
	b.Click("#login-form button")
	b.Until(shows("Logging in …") + " && !" + shows("No active account found"))
	look.at(b, "login-slow")
	release()
	b.Until(atHome)
	look.at(b, "home")
	b.Fill("old-password", "wrong")
	b.Fill("new-password", "battery staple")
	b.Click("#change-form button")
	b.Until(shows("This is not your password."))
	look.at(b, "home-rejected")
	b.Click("#others")
	b.Until(`document.getElementById('question').open`)
	look.at(b, "question")
	b.Click("#yes")
	b.Until(shows("All other sessions have ended."))
	look.at(b, "home-ended")
	b.Click("#logout")
	b.Until(shows("You have logged out."))
	look.at(b, "logged-out")
}

// look is a look at the states of a page in one browser.
type look struct {
	t    *testing.T
	axe  string // the source of axe-core
	name string
}

func (l *look) at(b *tab, state string) {
	l.t.Helper()
	b.Eval(`void (window.axe ?? (0, eval)(` + string(mustEncode(l.t, l.axe)) + `))`)
	for _, width := range []int{320, 390, 1280} {
		b.Resize(width, 800)
		if browsertest.Value[bool](b.Tab, isTooWide) {
			l.t.Errorf("%s is wider than %d pixels", state, width)
		}
		if found := browsertest.Value[[]string](b.Tab, findViolations); len(found) > 0 {
			l.t.Errorf("%s, %d pixels wide: %q", state, width, found)
		}
		if folder := os.Getenv("TEST_PICTURES"); folder != "" {
			name := fmt.Sprintf("%s-%s-%d.png", state, l.name, width)
			if err := os.WriteFile(filepath.Join(folder, name), b.Picture(), 0o600); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

func mustEncode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// visitBroken loads the page where its files arrive, but nothing else.
func (b *tab) visitBroken() { b.visit(accountPath) }

// breakDown has all requests but those for the files of the page fail, as if the server were away.
func (s *site) breakDown(broken bool) {
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if broken && (r.Method != http.MethodGet || r.URL.Path == "/account/me/") {
			panic(http.ErrAbortHandler)
		}
		return false
	})
}

// npmFolder has what the tests take from npm: axe-core and the compiler of TypeScript.
var npmFolder = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "simplejwt-tests")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder, "axe-core@4.11.0", "typescript@5.9.3")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install: %w: %s", err, out)
	}
	return filepath.Join(folder, "node_modules"), nil
})

// useNPM returns the folder of npm's packages. Where there is no npm the test is skipped.
func useNPM(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		testlevel.SkipMissing(t, "npm")
	}
	folder, err := npmFolder()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func readAxe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(useNPM(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
