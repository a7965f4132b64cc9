package e2e

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// TestBrowser_BlockedTab has one tab stand still in a dialog: the others continue, within bounds.
func TestBrowser_BlockedTab(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		t.Run("a confirm() during a refresh", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, engine, "gin", "")
			blocked := s.openClient(cookiePage)
			blocked.logIn("alice")
			other := blocked.openClient(cookiePage)
			blocked.dropAccess()
			release := s.hold("/account/token/refresh/")
			blocked.start("me", "/account/me/", "{}")
			s.waitForHeld(1)
			blocked.Begin(`confirm("Really?")`)
			time.Sleep(500 * time.Millisecond) // the dialog is open
			release()
			s.waitForRequests("/account/token/refresh/", http.StatusOK, 1)
			time.Sleep(500 * time.Millisecond) // the new cookies have arrived
			other.dropAccess()
			other.start("me", "/account/me/", "{}")
			if got := other.result("me"); got.Status != http.StatusOK || got.Took > 8000 {
				t.Errorf("the other tab: %+v, want its answer within 8 s", got)
			}
			other.logIn("alice")
			blocked.AnswerPrompt()
			if got := blocked.result("me"); got.Status != http.StatusOK && got.Error != "AbortError" && got.Status != http.StatusUnauthorized {
				t.Errorf("the tab that stood still: %+v", got)
			}
		})
		t.Run("an alert() in a listener of ended", func(t *testing.T) {
			t.Parallel()
			s := newSite(t, engine, "echo", "")
			blocked := s.openClient(cookiePage)
			blocked.logIn("alice")
			other := blocked.openClient(cookiePage)
			blocked.Eval(`client.addEventListener("ended", () => alert("Ended!"))`)
			phone, _ := s.loginOn("phone")
			s.want(s.sendAs(phone, http.MethodDelete, "/api/token/sessions/others/", ""), http.StatusNoContent, "")
			blocked.dropAccess()
			blocked.start("me", "/account/me/", "{}")
			other.Until(`events.includes("ended remote")`)
			began := time.Now()
			other.logIn("alice")
			other.start("me", "/account/me/", "{}")
			if got := other.result("me"); got.Status != http.StatusOK || time.Since(began) > 8*time.Second {
				t.Errorf("the other tab logs in: %+v after %v, want its answer within 8 s", got, time.Since(began))
			}
			blocked.AnswerPrompt()
		})
	})
}

// TestBrowser_LogoutDuringARefresh clicks "Log out" in one tab while another one refreshes, and closes it at once.
func TestBrowser_LogoutDuringARefresh(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openClient(cookiePage)
		b.logIn("alice")
		leaving := b.openClient(cookiePage)
		b.dropAccess()
		release := s.hold("/account/token/refresh/")
		b.start("me", "/account/me/", "{}")
		s.waitForHeld(1)
		leaving.Eval(`void client.logout()`)
		leaving.Close()
		s.waitForRequests("/account/token/blacklist/", http.StatusOK, 1)
		release()
		b.result("me")
		if n := s.countActive(); n != "0" {
			t.Errorf("%s tokens are active after the logout", n)
		}
	})
}

// TestBrowser_LateRefresh has the answer to a refresh arrive after the logout: the tokens in it must not log the user in again.
func TestBrowser_LateRefresh(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for _, where := range []string{"this tab", "another tab"} {
			t.Run("a logout in "+where, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, "std", "")
				b := s.openClient(cookiePage)
				b.logIn("alice")
				leaving := b
				if where == "another tab" {
					leaving = b.openClient(cookiePage)
				}
				b.dropAccess()
				release := s.holdAnswers("/account/token/refresh/")
				b.start("me", "/account/me/", "{}")
				s.waitForRequests("/account/token/refresh/", http.StatusOK, 1)
				leaving.Eval(`client.logout()`)
				b.Until(`events.at(-1).startsWith("logout")`)
				release()
				b.result("me")
				b.start("after", "/account/me/", "{}")
				if got := b.result("after"); got.Status != http.StatusUnauthorized || s.countActive() != "0" {
					t.Errorf("after the logout: %+v, and %s tokens are active", got, s.countActive())
				}
				b.Until(`document.cookie === ""`)
			})
		}
	})
}

// TestBrowser_KeepAlive leaves the page while a refresh is under way: its answer still brings the tokens.
func TestBrowser_KeepAlive(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for name, path := range map[string]string{"a refresh": "/account/token/refresh/", "a logout": "/account/token/blacklist/", "a request that asks for it": "/account/me/password/"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, "std", "")
				b := s.openClient(cookiePage)
				b.logIn("alice")
				release := s.hold(path)
				status := http.StatusOK
				switch name {
				case "a refresh":
					b.dropAccess()
					b.start("me", "/account/me/", "{}")
				case "a logout":
					b.Eval(`void client.logout()`)
				default:
					status = http.StatusNoContent
					b.start("change", path, `{keepalive: true, `+newPassword[1:])
				}
				s.waitForHeld(1)
				b.visit("/test/module.js")
				time.Sleep(300 * time.Millisecond) // a request that ends with its page has ended by now
				release()
				s.waitForRequests(path, status, 1)
				if name == "a refresh" {
					b.visit(cookiePage)
					b.Until(`window.client`)
					b.start("me", "/account/me/", "{}")
					if got := b.result("me"); got.Status != http.StatusOK {
						t.Errorf("after the reload: %+v", got)
					}
					if n := s.countRequests(path, 0); n != 1 {
						t.Errorf("%d refreshes, want the one of the page that went", n)
					}
				}
			})
		}
	})
}

// TestBrowser_HiddenTabs wakes eight hidden tabs at once, whose timers run once a second: all are answered within a second of the
// first, after one refresh.
func TestBrowser_HiddenTabs(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		s.browser = browsertest.Start(t, engine) // in a shared one the end of another test may show a hidden tab
		front := s.openClient(cookiePage)
		front.logIn("alice")
		var hidden []*tab
		for range 8 {
			b := front.openHiddenTab(cookiePage)
			b.Until(`window.client`)
			if !browsertest.Value[bool](b.Tab, `document.hidden`) {
				t.Error("the tab is not hidden")
			}
			hidden = append(hidden, b)
		}
		time.Sleep(time.Second) // the browser slows down their timers
		front.dropAccess()
		release := s.hold("/account/token/refresh/")
		front.Eval(`new BroadcastChannel("all").postMessage("go")`)
		s.waitForRequests("/account/me/", http.StatusUnauthorized, len(hidden)) // all but the front tab, which does not hear itself
		release()
		var took []float64
		for _, b := range hidden {
			got := b.result("all")
			if got.Status != http.StatusOK {
				t.Errorf("a hidden tab: %+v", got)
			}
			took = append(took, got.Took)
		}
		spread := slices.Max(took) - slices.Min(took)
		t.Logf("%s: the last of %d hidden tabs was answered %s ms after the first", engine, len(hidden), strconv.Itoa(int(spread)))
		if spread > 1000 {
			t.Errorf("the last tab was answered %.0f ms after the first, want at most 1000", spread)
		}
		if n := s.countRequests("/account/token/refresh/", http.StatusOK); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// TestBrowser_BackAfterLogout goes back to what alice saw, after she has logged out.
func TestBrowser_BackAfterLogout(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for framework, path := range map[string]string{"gin": "/account/me/", "echo": "/account/token/sessions/", "std": accountPath} {
			t.Run("to "+path+", on "+framework, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, framework, "")
				b := s.openProfile(accountPath)
				b.login()
				b.visit(path)
				b.Until(`document.documentElement.textContent.match(/alice|on Linux/)`)
				b.visit(cookiePage)
				b.Until(`window.client`)
				b.Eval(`client.logout()`)
				b.Back()
				b.Until(`location.pathname === "` + path + `"`)
				time.Sleep(200 * time.Millisecond)
				if shown := browsertest.Value[string](b.Tab, `document.documentElement.innerText`); path != accountPath && !containsAny(shown, "not provided", "token_not_valid") || containsAny(shown, "alice", "on Linux") {
					t.Errorf("Back shows %q", shown)
				}
			})
		}
	})
}
