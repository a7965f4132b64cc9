// Package browsertest drives Chromium and Firefox in tests, headless, by WebDriver BiDi: one protocol for both.
//
//	browser := browsertest.Start(t, browsertest.Firefox)
//	tab := browser.NewProfile(t, "http://localhost:8000/")
//	tab.Until(`document.readyState === "complete"`)
//
// A test whose browser is missing is skipped; with TEST_FULL=1 it fails.
package browsertest
