package e2e

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
)

// TestBrowser_HeaderMode uses the client without cookies, in two tabs.
func TestBrowser_HeaderMode(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openProfile("/test/header.html")
		b.Until(`window.client`)
		var got, want any
		ask := func(b *tab, script string) any {
			t.Helper()
			return browsertest.Value[any](b.Tab, `(async () => {`+script+`; return null})()`)
		}
		const me = `const r = await client.fetch("/api/me/"); return [r.status, (await r.json()).username ?? ""];`
		want = []any{401.0, ""}
		if got = ask(b, me); !cmp.Equal(want, got) {
			t.Errorf("before the login: %v", got)
		}
		if got = ask(b, `return (await client.login({username: "alice", password: "correct horse"})).status`); got != 200.0 {
			t.Fatalf("login: %v", got)
		}
		two := b.openTab("/test/header.html")
		two.Until(`window.client`)
		want = []any{200.0, "alice"}
		for _, b := range []*tab{b, two} {
			if got = ask(b, me); !cmp.Equal(want, got) {
				t.Errorf("after the login: %v", got)
			}
		}
		before := s.countRequests("/api/token/refresh/", 0) // by the new tab, which had no access token
		s.expireTokens()
		var all sync.WaitGroup
		for _, b := range []*tab{b, two} {
			all.Go(func() {
				got, err := browsertest.Try[any](b.Tab, `(async () => {`+me+`})()`)
				if err != nil || !cmp.Equal(want, got) {
					t.Errorf("with an expired token: %v (%v)", got, err)
				}
			})
		}
		all.Wait()
		if n := s.countRequests("/api/token/refresh/", 0) - before; n != 1 {
			t.Errorf("%d refreshes, want 1 for both tabs", n)
		}
		if got = ask(b, `return [document.cookie, events.join()]`); !cmp.Equal([]any{"", "login"}, got) {
			t.Errorf("cookies and events: %v", got)
		}
		ask(b, `await client.logout()`)
		two.Until(`events.join() === "logout remote" && localStorage.length === 0`)
		want = []any{401.0, ""}
		if got = ask(two, me); !cmp.Equal(want, got) || s.countActive() != "0" {
			t.Errorf("after the logout: %v, and %s tokens are active", got, s.countActive())
		}
	})
}

// TestBrowser_Module runs the tests of the module that need no server, in testdata/browser/module.js.
func TestBrowser_Module(t *testing.T) {
	t.Parallel()
	inBrowsers(t, func(t *testing.T, engine browsertest.Engine) {
		s := newSite(t, engine, "std", "")
		b := s.openProfile("/test/module.html")
		b.Until(`window.outcome`)
		outcome := browsertest.Value[[]struct{ Name, Error string }](b.Tab, `outcome`)
		if len(outcome) < 10 {
			t.Errorf("%d tests ran", len(outcome))
		}
		for _, o := range outcome {
			if o.Error != "" {
				t.Errorf("%s: %s", o.Name, o.Error)
			}
		}
	})
}
