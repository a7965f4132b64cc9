package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// accountPath is where the example's page is.
const accountPath = "/account/"

func TestBrowser_Page(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for framework, settings := range map[string]string{"gin": `, "CHECK_REVOKE_TOKEN": true`, "echo": "", "std": ""} {
			t.Run("the user does all that the page offers, on "+framework, func(t *testing.T) {
				t.Parallel()
				usePage(t, newSite(t, engine, framework, settings))
			})
		}
	})
}

func usePage(t *testing.T, s *site) {
	b := s.openProfile(accountPath)
	b.Until(atLogin)
	b.Fill("username", "alice")
	b.Fill("password", "wrong")
	b.Click("#login-form button")
	b.Until(shows("No active account found"))
	b.Fill("device", "her <b>laptop</b>")
	b.Fill("password", "correct horse")
	b.Click("#login-form button")
	b.Until(atHome + ` && document.querySelector('#list .device').textContent === 'her <b>laptop</b>'`)
	b.Until(`document.querySelectorAll('#list li').length === 1 && document.getElementById('others').hidden && document.activeElement.id === 'sessions-title'`)

	_, phone := s.loginOn("phone")
	_, tablet := s.loginOn("tablet")
	_, watch := s.loginOn("watch")
	b.visit(accountPath)
	b.Until(atHome + ` && document.querySelectorAll('#list li').length === 4 && document.querySelectorAll('#list li button:not([hidden])').length === 3`)
	b.dropAccess()
	b.Click(`#list button[aria-label="End the session: tablet"]`)
	b.Click("#no")
	b.Click(`#list button[aria-label="End the session: tablet"]`)
	b.Click("#yes")
	b.Until(shows("The session has ended: tablet.") + ` && document.querySelectorAll('#list li').length === 3`)
	s.want(s.refresh(tablet), http.StatusUnauthorized, "")
	s.want(s.refresh(watch), http.StatusOK, "")
	b.Click("#others")
	b.Click("#yes")
	b.Until(shows("All other sessions have ended.") + ` && document.querySelectorAll('#list li').length === 1`)
	s.want(s.refresh(phone), http.StatusUnauthorized, "")

	_, phone = s.loginOn("phone")
	b.Fill("old-password", "wrong")
	b.Fill("new-password", "battery staple")
	b.Click("#change-form button")
	b.Until(shows("This is not your password.") + ` && document.activeElement.id === 'old-password' && document.activeElement.ariaInvalid === 'true'`)
	b.Fill("old-password", "correct horse")
	b.Click("#change-form button")
	b.Until(shows("The password was changed.") + ` && document.getElementById('new-password').value === ''`)
	s.want(s.refresh(phone), http.StatusUnauthorized, "")
	s.want(s.post("/api/token/", `{"username": "alice", "password": "battery staple"}`), http.StatusOK, "")
	b.dropAccess()
	b.visit(accountPath)
	b.Until(atHome)

	b.Click("#logout")
	b.Until(atLogin + ` && document.cookie === '' && ` + shows("You have logged out."))
	if got := s.countActive(); got != "1" { // that of the login above
		t.Errorf("after the logout %s tokens are active, want 1", got)
	}
}

// TestBrowser_Keyboard logs in by keyboard, and looks at what scripts can read then.
func TestBrowser_Keyboard(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openProfile(accountPath)
		b.Until(atLogin + ` && document.activeElement.id === 'username'`)
		b.Press("alice\tcorrect horse\n")
		b.Until(atHome)

		var order []string
		for range 5 {
			b.Press("\t")
			order = append(order, browsertest.Value[string](b.Tab, `document.activeElement === document.body ? "" : document.activeElement.id || document.activeElement.textContent`))
		}
		if diff := cmp.Diff([]string{"old-password", "new-password", "Change the password", "logout"}, slices.DeleteFunc(order, func(at string) bool { return at == "" })[:4]); diff != "" {
			t.Errorf("the order of the tab key (-want +got):\n%s", diff)
		}

		cookies := browsertest.Value[string](b.Tab, `document.cookie`)
		stored := browsertest.Value[string](b.Tab, `JSON.stringify([{...localStorage}, {...sessionStorage}])`)
		if name, text, _ := strings.Cut(cookies, "="); name != "csrftoken" || strings.Contains(text, ";") || strings.Contains(cookies+stored, "eyJ") {
			t.Errorf("scripts can read the cookies %s and storage %s, want the CSRF token only", cookies, stored)
		}
		got := map[string]bool{}
		for _, c := range b.Cookies() {
			got[c.Name] = c.HTTPOnly
			if c.SameSite != "lax" || c.Path != "/" || c.Domain != "localhost" || c.Expiry == 0 {
				t.Errorf("the cookie %s is %+v", c.Name, c)
			}
		}
		if diff := cmp.Diff(map[string]bool{"access": true, "refresh": true, "csrftoken": false}, got); diff != "" {
			t.Errorf("cookies that are http-only (-want +got):\n%s", diff)
		}
		if name := s.queryValue(`SELECT device_name FROM token_blacklist_outstandingtoken`); name != map[browsertest.Engine]string{browsertest.Chromium: "Chrome on Linux", browsertest.Firefox: "Firefox on Linux"}[engine] {
			t.Errorf("the name of the device is %q", name)
		}
	})
}

// TestBrowser_RapidReloads reloads the page so fast that refreshes are aborted: the user stays logged in.
func TestBrowser_RapidReloads(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openProfile(accountPath)
		b.login()
		before := s.countRequests("/account/token/refresh/", http.StatusUnauthorized)
		for range 10 {
			b.dropAccess()
			b.Reload()
			time.Sleep(40 * time.Millisecond) // the page has begun to refresh
		}
		b.Until(atHome)
		b.dropAccess()
		b.visit(accountPath)
		b.Until(atHome)
		if s.countRequests("/account/token/refresh/", http.StatusOK) == 0 || s.countRequests("/account/token/refresh/", http.StatusUnauthorized) > before {
			t.Errorf("refreshes: %v", s.seen)
		}
		if s.countActive() != "1" || s.readReasons() != "rotated" {
			t.Errorf("%s tokens are active, others are blacklisted for %q; want 1, all rotated", s.countActive(), s.readReasons())
		}
	})
}

// wake is the event by which a page learns that its user looks at it again.
const wake = `(Object.defineProperty(document, "hidden", {value: false}), document.dispatchEvent(new Event("visibilitychange")))`

// TestBrowser_WakingTabs has three tabs wake at once: they refresh once.
func TestBrowser_WakingTabs(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		first := s.openProfile(accountPath)
		first.login()
		tabs := []*tab{first, first.openTab(accountPath), first.openTab(accountPath)}
		for _, b := range tabs {
			b.Until(atHome)
		}
		first.dropAccess()
		refreshes := s.countRequests("/account/token/refresh/", 0)
		before := s.queryValue(`SELECT count(*) FROM token_blacklist_outstandingtoken`)
		shown, rejected := s.countRequests("/account/me/", http.StatusOK), s.countRequests("/account/me/", http.StatusUnauthorized)
		s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			for r.URL.Path == "/account/token/refresh/" && s.countRequests("/account/me/", http.StatusUnauthorized) < rejected+3 && r.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return false
		})
		var all sync.WaitGroup
		for _, b := range tabs {
			all.Go(func() {
				if _, err := browsertest.Try[bool](b.Tab, wake); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, b := range tabs {
			b.Until(atHome)
		}
		s.waitForRequests("/account/me/", http.StatusOK, shown+3)
		if n := s.countRequests("/account/token/refresh/", 0) - refreshes; n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		if after := s.queryValue(`SELECT count(*) FROM token_blacklist_outstandingtoken`); before != "1" || after != "2" {
			t.Errorf("%s tokens before and %s after, want one more", before, after)
		}
	})
}

// TestBrowser_LostAnswers loses three answers to a refresh: the user stays logged in.
func TestBrowser_LostAnswers(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openProfile(accountPath)
		b.login()
		b.dropAccess()
		s.loseAnswers(3)
		b.visit(accountPath)
		b.Until(atHome)
		if n := s.countRequests("/account/token/refresh/", http.StatusOK); n != 4 {
			t.Errorf("%d refreshes, want three that were lost and one that was not", n)
		}
		if s.countActive() != "1" || s.readReasons() != "rotated" {
			t.Errorf("%s tokens are active, others are blacklisted for %q; want 1, all rotated", s.countActive(), s.readReasons())
		}
	})
}

// TestBrowser_OtherTabs logs in in one tab and out in another: each reaches the other tab.
func TestBrowser_OtherTabs(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		one := s.openProfile(accountPath)
		one.Until(atLogin)
		two := one.openTab(accountPath)
		two.Until(atLogin)
		one.login()
		two.Until(atHome + " && " + shows("You have logged in, in another tab."))
		two.Click("#logout")
		one.Until(atLogin + " && " + shows("You have logged out, in another tab."))
		one.visit(accountPath)
		one.Until(atLogin)
		if s.countActive() != "0" || s.readReasons() != "logout" {
			t.Errorf("%s tokens are active, others are blacklisted for %q; want 0 and a logout", s.countActive(), s.readReasons())
		}
	})
}

// TestBrowser_LateRejection has a page that was opened by a visitor get its 401 after a login in another tab.
func TestBrowser_LateRejection(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		release := s.hold("/account/token/refresh/")
		b := s.openProfile(accountPath)
		s.waitForHeld(1)
		b.openClient(cookiePage).logIn("alice")
		b.Until(atHome)
		b.Eval(`void (window.states = [], new MutationObserver(() => states.push(` + atLogin + `)).observe(document.body, {subtree: true, attributeFilter: ["hidden"]}))`)
		release()
		time.Sleep(500 * time.Millisecond)
		if browsertest.Value[bool](b.Tab, `states.includes(true) || `+atLogin) {
			t.Error("the page asks for a login after the login")
		}
	})
}

// TestBrowser_SessionEndedElsewhere ends the session from another device: one rejection is enough for all tabs.
func TestBrowser_SessionEndedElsewhere(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		one := s.openProfile(accountPath)
		one.login()
		two := one.openTab(accountPath)
		two.Until(atHome)
		refreshes := s.countRequests("/account/token/refresh/", 0)
		phone, _ := s.loginOn("phone")
		s.want(s.sendAs(phone, http.MethodDelete, "/api/token/sessions/others/", ""), http.StatusNoContent, "")
		one.Eval(wake)
		for _, b := range []*tab{one, two} {
			b.Until(atLogin + " && " + shows("Your session has ended. Log in again.") + ` && !document.body.innerText.includes('alice')`)
		}
		if n := s.countRequests("/account/token/refresh/", 0) - refreshes; n != 1 {
			t.Errorf("%d refreshes, want one rejection to be enough for all tabs", n)
		}
		one.login()
		two.Until(atHome)
	})
}

// TestBrowser_NarrowRefreshPath sets AUTH_COOKIE_REFRESH_PATH: another host may set the refresh cookie then, so the CSRF cookie must
// be beside it.
func TestBrowser_NarrowRefreshPath(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		const refreshing = "/account/token/refresh/"
		const otherPage = "/test/module.js" // the account's page may refresh at any time, when another test shows its tab
		s := newSiteWith(t, engine, "std", `, "AUTH_COOKIE_INSECURE": false, "AUTH_COOKIE_REFRESH_PATH": "/account/token/"`)
		b := s.openProfile(accountPath)
		b.login()
		before := s.countRequests(refreshing, http.StatusOK)
		for range 3 {
			b.visit(otherPage)
			b.DropCookie("__Host-access")
			b.visit(accountPath)
			b.Until(atHome)
		}
		if n := s.countRequests(refreshing, http.StatusOK) - before; n != 3 {
			t.Errorf("%d refreshes, want three: %v", n, s.seen)
		}
		b.visit(otherPage)
		b.DropCookie("__Host-access")
		b.DropCookie("__Host-csrftoken") // the refresh cookie alone is what another host can set
		b.visit(accountPath)
		b.Until("document.getElementById('sessions').hidden && !document.getElementById('unreachable').hidden")
		if n := s.countRequests(refreshing, http.StatusForbidden); n != 1 || s.countActive() != "1" {
			t.Errorf("%d refreshes were rejected, want one, and %s tokens are active", n, s.countActive())
		}
	})
}
