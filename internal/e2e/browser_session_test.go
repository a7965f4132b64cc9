package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// cookiePage is a page with a client over cookies, and headerPage one with a client over the header.
const (
	cookiePage = "/test/cookie.html"
	headerPage = "/test/header.html"
)

// fetched is what became of a request that a page sent by client.fetch.
type fetched struct {
	Status int
	Text   string
	Error  string
	Took   float64 // milliseconds
}

// openClient opens a page with a client.
func (s *site) openClient(path string) *tab {
	b := s.openProfile(path)
	b.Until(`window.client`)
	return b
}

func (b *tab) openClient(path string) *tab {
	two := b.openTab(path)
	two.Until(`window.client`)
	return two
}

// logIn logs a user in by the client of a page.
func (b *tab) logIn(name string) {
	b.s.backend.t.Helper()
	if got := browsertest.Value[int](b.Tab, `logIn("`+name+`")`); got != http.StatusOK {
		b.s.backend.t.Fatalf("the login of %s: %d", name, got)
	}
}

// logInByForm logs a user in as a form of the application does, without the client.
func (b *tab) logInByForm(name string) {
	b.s.backend.t.Helper()
	b.Eval(`(async () => { const r = await fetch("/account/token/", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"username": "` + name + `", "password": "correct horse"}'}); if (!r.ok) throw r.status })()`)
}

// start has the page send a request.
func (b *tab) start(name, url, init string) {
	b.Eval(`start("` + name + `", "` + url + `", ` + init + `)`)
}

// result waits for the outcome of a request.
func (b *tab) result(name string) fetched {
	b.Until(`results["` + name + `"]`)
	return browsertest.Value[fetched](b.Tab, `results["`+name+`"]`)
}

func (s *site) wantAborted(what string, got fetched) {
	s.backend.t.Helper()
	if got.Error != "AbortError" {
		s.backend.t.Errorf("%s: %+v, want an AbortError", what, got)
	}
}

const newPassword = `{method: "POST", headers: {"Content-Type": "application/json"}, body: '{"old_password": "correct horse", "new_password": "battery staple"}'}`

// TestBrowser_RepeatInAnotherSession has the access cookie of alice expired, and the 401 of her request on the way, when bob logs in.
// Her request must not be repeated in the session of bob.
func TestBrowser_RepeatInAnotherSession(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for framework, where := range map[string]string{"gin": "another tab", "echo": "the same tab", "std": "another tab"} {
			t.Run("bob logs in in "+where+", on "+framework, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, framework, "")
				s.addUser("bob")
				b := s.openClient(cookiePage)
				b.logIn("alice")
				b.dropAccess()
				release := s.holdAnswers("/account/me/password/")
				b.start("change", "/account/me/password/", newPassword)
				s.waitForRequests("/account/me/password/", http.StatusUnauthorized, 1)
				other := b
				if where == "another tab" {
					other = b.openClient(cookiePage)
				} else {
					b.Eval(`client.logout()`)
				}
				other.logIn("bob")
				release()
				if got := b.result("change"); got.Status != http.StatusUnauthorized && got.Error != "AbortError" {
					t.Errorf("the request of alice: %+v, want its 401 or an AbortError", got)
				}
				if n := s.countRequests("/account/me/password/", 0); n != 1 {
					t.Errorf("the request was sent %d times", n)
				}
				for _, name := range []string{"alice", "bob"} {
					s.want(s.post("/api/token/", `{"username": "`+name+`", "password": "correct horse"}`), http.StatusOK, "")
				}
			})
		}
	})
}

// TestBrowser_RepeatInAnotherSession_HeaderMode is the same for tokens that tabs share.
func TestBrowser_RepeatInAnotherSession_HeaderMode(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		s.addUser("bob")
		b := s.openClient(headerPage)
		b.logIn("alice")
		b.start("before", "/api/me/", "{}")
		b.result("before")
		s.expireTokens()
		release := s.holdAnswers("/api/me/")
		b.start("me", "/api/me/", "{}")
		s.waitForRequests("/api/me/", http.StatusUnauthorized, 1)
		other := b.openClient(headerPage)
		other.logIn("bob")
		release()
		if got := b.result("me"); strings.Contains(got.Text, "bob") || got.Status == http.StatusOK {
			t.Errorf("the request of alice: %+v", got)
		}
		b.start("after", "/api/me/", "{}")
		if got := b.result("after"); !strings.Contains(got.Text, "bob") {
			t.Errorf("a request after the login of bob: %+v", got)
		}
	})
}

// TestBrowser_LateAnswers has an answer to alice under way when she logs out, or bob logs in, or her session is ended.
func TestBrowser_LateAnswers(t *testing.T) {
	t.Parallel()
	endings := map[string]func(*site, *tab){
		"a logout in this tab":    func(_ *site, b *tab) { b.Eval(`client.logout()`) },
		"a logout in another tab": func(_ *site, b *tab) { b.openClient(cookiePage).Eval(`client.logout()`); b.Until(`events.length > 1`) },
		"a login in this tab":     func(_ *site, b *tab) { b.logIn("bob") },
		"a login in another tab":  func(_ *site, b *tab) { b.openClient(cookiePage).logIn("bob") },
		"a login by a form":       func(_ *site, b *tab) { b.logInByForm("bob") },
		"an end by the server": func(s *site, b *tab) {
			phone, _ := s.loginOn("phone")
			s.want(s.sendAs(phone, http.MethodDelete, "/api/token/sessions/others/", ""), http.StatusNoContent, "")
			b.dropAccess()
			b.start("denied", "/account/token/sessions/", "{}")
			if got := b.result("denied"); got.Status != http.StatusUnauthorized || !json.Valid([]byte(got.Text)) {
				s.backend.t.Errorf("the request that met the end: %+v, want its 401", got)
			}
		},
	}
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		for name, end := range endings {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, engine, "std", "")
				s.addUser("bob")
				b := s.openClient(cookiePage)
				b.logIn("alice")
				b.Eval(`void (window.signal = client.signal, window.session = client.session)`)
				release := s.holdAnswers("/account/me/")
				b.start("me", "/account/me/", "{}")
				s.waitForRequests("/account/me/", http.StatusOK, 1)
				end(s, b)
				release()
				s.wantAborted("alice's answer after "+name, b.result("me"))
				b.Until(`signal.aborted && session && session !== client.session || events.includes("ended")`)
			})
		}
	})
}

// TestBrowser_BodyUnderWay has the first half of an answer delivered when the user logs out.
func TestBrowser_BodyUnderWay(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openClient(cookiePage)
		b.logIn("alice")
		half := make(chan struct{})
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/slow" {
				return false
			}
			_, _ = w.Write([]byte("alice's "))
			_ = http.NewResponseController(w).Flush()
			close(half)
			<-r.Context().Done()
			return true
		})
		b.start("slow", "/slow", "{}")
		<-half
		b.Eval(`client.logout()`)
		if got := b.result("slow"); strings.Contains(got.Text, "alice") {
			t.Errorf("the body after the logout: %+v", got)
		}
	})
}

// TestBrowser_NewPasswordInItsSession changes the password: the answer that brings the new session is not aborted.
func TestBrowser_NewPasswordInItsSession(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openClient(cookiePage)
		b.logIn("alice")
		two := b.openClient(cookiePage)
		before := browsertest.Value[string](two.Tab, `client.session`)
		b.start("change", "/account/me/password/", newPassword)
		if got := b.result("change"); got.Status != http.StatusNoContent {
			t.Errorf("the change: %+v", got)
		}
		two.Until(`client.session !== "` + before + `" && events.join() === "login remote"`)
		for _, b := range []*tab{b, two} {
			b.start("me", "/account/me/", "{}")
			if got := b.result("me"); got.Status != http.StatusOK {
				t.Errorf("after the change: %+v", got)
			}
		}
	})
}

// TestBrowser_FormLoginDuringAPost has bob log in by a form while the answer to a request of alice is on the way: the page hears of him.
func TestBrowser_FormLoginDuringAPost(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		s.addUser("bob")
		b := s.openClient(cookiePage)
		b.logIn("alice")
		release := s.holdAnswers("/account/token/sessions/others/")
		b.start("end", "/account/token/sessions/others/", `{method: "DELETE"}`)
		s.waitForRequests("/account/token/sessions/others/", http.StatusNoContent, 1)
		b.logInByForm("bob")
		release()
		if got := b.result("end"); got.Status != http.StatusNoContent {
			t.Errorf("the request of alice: %+v", got)
		}
		if got := browsertest.Value[string](b.Tab, `events.join()`); got != "login,login" {
			t.Errorf("events: %s", got)
		}
	})
}

// TestBrowser_FormLoginDuringARefresh has bob log in by a form while the answer to a refresh of alice's session is on the way, which puts her
// cookies in the place of his: his tab must not believe for long that they are his.
func TestBrowser_FormLoginDuringARefresh(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		s.addUser("bob")
		alices := s.openClient(cookiePage)
		alices.logIn("alice")
		bobs := alices.openClient(cookiePage)
		alices.dropAccess()
		release := s.holdAnswers("/account/token/refresh/")
		alices.start("me", "/account/me/", "{}")
		s.waitForRequests("/account/token/refresh/", http.StatusOK, 1)
		bobs.logInByForm("bob")
		bobs.start("first", "/account/me/", "{}")
		s.wantAborted("the request that met the login of bob", bobs.result("first"))
		release()
		alices.result("me")
		bobs.start("early", "/account/me/", "{}")
		s.wantAborted("a request of bob with the cookies of alice", bobs.result("early"))
		bobs.Until(`(client.fetch("/account/me/").catch(() => {}), events.join() === "login remote,login remote" && client.session === document.cookie.split("=")[1])`)
	})
}
