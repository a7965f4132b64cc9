package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// unreadable are the texts of a page with less contrast than WCAG 2 asks for (4.5 to 1), the controls without a name, and the
// page itself where it is wider than its window.
const unreadable = `(() => {
	const rgb = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
	const luminance = (color) => rgb(color).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((rgb(c)[3] ?? 1) > 0) return c; } return "rgb(255, 255, 255)"; };
	const out = [];
	for (const e of document.querySelectorAll("body *")) {
		const says = e.matches("input") || [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
		if (!e.checkVisibility() || !says) continue;
		const [a, b] = [getComputedStyle(e).color, ground(e)].map(luminance).sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) out.push(e.outerHTML.slice(0, 80) + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
		if (e.matches("input") && !e.labels.length || e.matches("button") && !e.textContent.trim()) out.push("no name: " + e.outerHTML);
	}
	if (document.documentElement.scrollWidth > innerWidth) out.push("wider than the window: " + document.documentElement.scrollWidth);
	return out;
})()`

// TestBrowser_Readability looks at each state of the page in light and dark, in a wide window and in that of a phone.
func TestBrowser_Readability(t *testing.T) {
	t.Parallel()
	s := newSite(t, "std", "")
	b := s.openProfile(accountPath)
	look := func(state string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			callDevTools(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			for _, width := range []int64{1280, 390} {
				runAction(b, chromedp.EmulateViewport(width, 800))
				if got := evaluate[[]string](b, unreadable); len(got) > 0 {
					t.Errorf("%s in %s, %d pixels wide: %q", state, scheme, width, got)
				}
			}
		}
	}
	b.waitUntil(atLogin)
	look("login")
	b.fill("username", "alice")
	b.fill("password", "wrong")
	b.click("#login-form button")
	b.waitUntil(shows("No active account found"))
	look("login-rejected")
	s.loginOn("phone")
	s.loginOn("a television with quite a long name, in the living room of the house by the lake, " + "x0123456789x0123456789x0123456789x0123456789")
	b.fill("password", "correct horse")
	b.click("#login-form button")
	b.waitUntil(atHome)
	look("home")
	b.fill("old-password", "wrong")
	b.fill("new-password", "battery staple")
	b.click("#change-form button")
	b.waitUntil(shows("This is not your password."))
	look("home-rejected")
	b.click("#others")
	b.waitUntil(shows("All other sessions have ended."))
	look("home-ended")
}
