package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// TestBrowser looks at the page and the client for browsers in a real one.
func TestBrowser(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("a browser takes two cores for itself: it is used without the race detector")
	}
	browser := newChromium(t)
	slots := make(chan struct{}, 3)     // more pages at once only wait for each other
	t.Run("tests", func(t *testing.T) { // Chromium ends when all of them have
		for name, test := range map[string]func(*testing.T, context.Context){
			"a user does all that the page offers, on gin":  func(t *testing.T, b context.Context) { walk(t, newSite(t, b, "gin", `, "CHECK_REVOKE_TOKEN": true`)) },
			"a user does all that the page offers, on echo": func(t *testing.T, b context.Context) { walk(t, newSite(t, b, "echo", "")) },
			"a user does all that the page offers, on std":  func(t *testing.T, b context.Context) { walk(t, newSite(t, b, "std", "")) },
			"he logs in by keyboard":                        loginByKeyboard,
			"rapid reloads keep him logged in":              rapidReloads,
			"tabs that wake at once refresh once":           wakingTabs,
			"a lost answer keeps him logged in":             lostAnswer,
			"a login and a logout reach other tabs":         otherTabs,
			"a session that was ended elsewhere":            endedElsewhere,
			"other origins change nothing":                  attacks,
			"a narrow path of the refresh cookie":           narrowPath,
			"texts are readable and controls have names":    readable,
			"the client in header mode":                     headerMode,
			"the module":                                    module,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				t.Cleanup(func() { <-slots })
				test(t, browser)
			})
		}
	})
}

func walk(t *testing.T, s *site) {
	b := s.newProfile(pagePath)
	b.until(atLogin)
	b.fill("username", "alice")
	b.fill("password", "wrong")
	b.click("#login-form button")
	b.until(shows("No active account found"))
	b.fill("device", "her <b>laptop</b>")
	b.fill("password", "correct horse")
	b.click("#login-form button")
	b.until(atHome + ` && document.querySelector('#list .device').textContent === 'her <b>laptop</b>'`)
	b.until(`document.querySelectorAll('#list li').length === 1 && document.getElementById('others').hidden && document.activeElement.id === 'sessions-title'`)

	_, phone := s.loginOn("phone")
	_, tablet := s.loginOn("tablet")
	_, watch := s.loginOn("watch")
	b.visit(s.base + pagePath)
	b.until(atHome + ` && document.querySelectorAll('#list li').length === 4 && document.querySelectorAll('#list li button:not([hidden])').length === 3`)
	b.dropAccess()
	b.click(`#list button[aria-label="End the session: tablet"]`)
	b.until(shows("The session has ended: tablet.") + ` && document.querySelectorAll('#list li').length === 3`)
	s.want(s.refresh(tablet), http.StatusUnauthorized, "")
	s.want(s.refresh(watch), http.StatusOK, "")
	b.click("#others")
	b.until(shows("All other sessions have ended.") + ` && document.querySelectorAll('#list li').length === 1`)
	s.want(s.refresh(phone), http.StatusUnauthorized, "")

	_, phone = s.loginOn("phone")
	b.fill("old-password", "wrong")
	b.fill("new-password", "battery staple")
	b.click("#change-form button")
	b.until(shows("This is not your password."))
	b.fill("old-password", "correct horse")
	b.click("#change-form button")
	b.until(shows("The password was changed.") + ` && document.getElementById('new-password').value === ''`)
	s.want(s.refresh(phone), http.StatusUnauthorized, "")
	s.want(s.post("/api/token/", `{"username": "alice", "password": "battery staple"}`), http.StatusOK, "")
	b.dropAccess()
	b.visit(s.base + pagePath)
	b.until(atHome)

	b.click("#logout")
	b.until(atLogin + ` && document.cookie === '' && ` + shows("You have logged out."))
	if got := s.live(); got != "1" { // that of the login above
		t.Errorf("after the logout %s tokens are live, want 1", got)
	}
}

func loginByKeyboard(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	b := s.newProfile(pagePath)
	b.until(atLogin + ` && document.activeElement.id === 'username'`)
	must(b, chromedp.KeyEvent("alice\tcorrect horse"+kb.Enter))
	b.until(atHome)

	var order []string
	for range 5 {
		must(b, chromedp.KeyEvent("\t"))
		order = append(order, value[string](b, `document.activeElement === document.body ? "" : document.activeElement.id || document.activeElement.textContent`))
	}
	if diff := cmp.Diff([]string{"old-password", "new-password", "Change the password", "logout"}, slices.DeleteFunc(order, func(at string) bool { return at == "" })[:4]); diff != "" {
		t.Errorf("the order of the tab key (-want +got):\n%s", diff)
	}

	readable := value[string](b, `document.cookie`)
	stored := value[string](b, `JSON.stringify([{...localStorage}, {...sessionStorage}])`)
	if name, text, _ := strings.Cut(readable, "="); name != "csrftoken" || strings.Contains(text, ";") || strings.Contains(readable+stored, "eyJ") {
		t.Errorf("scripts can read the cookies %s and storage %s, want the CSRF token only", readable, stored)
	}
	got := map[string]bool{}
	for _, c := range devtools(b, network.GetCookies, network.GetCookiesParams{URLs: []string{s.base + pagePath}}).Cookies {
		got[c.Name] = c.HTTPOnly
		if c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "localhost" || c.Session {
			t.Errorf("the cookie %s is %+v", c.Name, c)
		}
	}
	if diff := cmp.Diff(map[string]bool{"access": true, "refresh": true, "csrftoken": false}, got); diff != "" {
		t.Errorf("cookies that are http-only (-want +got):\n%s", diff)
	}
	if name := s.one(`SELECT device_name FROM token_blacklist_outstandingtoken`); name != "Chrome on Linux" {
		t.Errorf("the device is called %q", name)
	}
}

func rapidReloads(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	b := s.newProfile(pagePath)
	b.login()
	before := s.count("/account/token/refresh/", http.StatusUnauthorized)
	for range 10 {
		b.dropAccess()
		b.eval(`void location.reload()`)
		time.Sleep(40 * time.Millisecond) // a page gets so far and no further
	}
	b.until(atHome)
	b.dropAccess()
	b.visit(s.base + pagePath)
	b.until(atHome)
	if s.count("/account/token/refresh/", http.StatusOK) == 0 || s.count("/account/token/refresh/", http.StatusUnauthorized) > before {
		t.Errorf("refreshes: %v", s.seen)
	}
	if s.live() != "1" || s.reasons() != "rotated" {
		t.Errorf("%s tokens are live, others were consumed for %q; want 1, all rotated", s.live(), s.reasons())
	}
}

// wake tells a page that its user looks at it again.
const wake = `document.dispatchEvent(new Event("visibilitychange"))`

func wakingTabs(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	first := s.newProfile(pagePath)
	first.login()
	tabs := []*tab{first, first.another(s.base + pagePath), first.another(s.base + pagePath)}
	for _, b := range tabs {
		b.until(atHome)
	}
	first.dropAccess()
	refreshes := s.count("/account/token/refresh/", 0)
	before := s.one(`SELECT count(*) FROM token_blacklist_outstandingtoken`)
	var all sync.WaitGroup
	for _, b := range tabs {
		all.Go(func() {
			if _, err := do(b, chromedp.Evaluate[bool](wake)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, b := range tabs {
		b.until(atHome + ` && !document.querySelector('[aria-disabled]')`)
	}
	if n := s.count("/account/me/", http.StatusUnauthorized); n < 3 {
		t.Fatalf("%d tabs were refused, want each", n)
	}
	if n := s.count("/account/token/refresh/", 0) - refreshes; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	if after := s.one(`SELECT count(*) FROM token_blacklist_outstandingtoken`); before != "1" || after != "2" {
		t.Errorf("%s tokens before and %s after, want one more", before, after)
	}
}

func lostAnswer(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	b := s.newProfile(pagePath)
	b.login()
	b.dropAccess()
	s.loseAnswers(3)
	b.visit(s.base + pagePath)
	b.until(atHome)
	if n := s.count("/account/token/refresh/", http.StatusOK); n != 4 {
		t.Errorf("%d refreshes, want three that were lost and one that was not", n)
	}
	if s.live() != "1" || s.reasons() != "rotated" {
		t.Errorf("%s tokens are live, others were consumed for %q; want 1, all rotated", s.live(), s.reasons())
	}
}

func otherTabs(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	one := s.newProfile(pagePath)
	one.until(atLogin)
	two := one.another(s.base + pagePath)
	two.until(atLogin)
	one.login()
	two.until(atHome + " && " + shows("You have logged in, in another tab."))
	two.click("#logout")
	one.until(atLogin + " && " + shows("You have logged out, in another tab."))
	one.visit(s.base + pagePath)
	one.until(atLogin)
	if s.live() != "0" || s.reasons() != "logout" {
		t.Errorf("%s tokens are live, others were consumed for %q; want 0 and a logout", s.live(), s.reasons())
	}
}

func endedElsewhere(t *testing.T, browser context.Context) {
	s := newSite(t, browser, "std", "")
	one := s.newProfile(pagePath)
	one.login()
	two := one.another(s.base + pagePath)
	two.until(atHome)
	refreshes := s.count("/account/token/refresh/", 0)
	phone, _ := s.loginOn("phone")
	s.want(s.as(phone, http.MethodDelete, "/api/token/sessions/others/", ""), http.StatusNoContent, "")
	one.eval(wake)
	for _, b := range []*tab{one, two} {
		b.until(atLogin + " && " + shows("Your session has ended. Log in again.") + ` && !document.body.innerText.includes('alice')`)
	}
	if n := s.count("/account/token/refresh/", 0) - refreshes; n != 1 {
		t.Errorf("%d refreshes, want one refusal to be enough for all tabs", n)
	}
	one.login()
	two.until(atHome)
}

// narrowPath is AUTH_COOKIE_REFRESH_PATH: another host may set the refresh cookie, so the CSRF cookie must be beside it.
func narrowPath(t *testing.T, browser context.Context) {
	const refreshing = "/account/token/refresh/"
	s := newSiteWith(t, browser, "std", `, "AUTH_COOKIE_REFRESH_PATH": "/account/token/"`)
	b := s.newProfile(pagePath)
	b.login()
	before := s.count(refreshing, http.StatusOK)
	for range 3 {
		b.dropCookie("__Host-access", "/")
		b.visit(s.base + pagePath)
		b.until(atHome)
	}
	if n := s.count(refreshing, http.StatusOK) - before; n != 3 {
		t.Errorf("%d refreshes, want three: %v", n, s.seen)
	}
	b.dropCookie("__Host-access", "/")
	b.dropCookie("__Host-csrftoken", "/") // the refresh cookie alone is what another host can set
	b.visit(s.base + pagePath)
	b.until("document.getElementById('sessions').hidden && " + shows("be reached. Load the page again."))
	if n := s.count(refreshing, http.StatusForbidden); n != 1 || s.live() != "1" {
		t.Errorf("%d refreshes were refused, want one, and %s tokens are live", n, s.live())
	}
}
