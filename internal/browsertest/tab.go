package browsertest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Timeout is how long a page may take to come to what is asked of it.
const Timeout = time.Minute

// Tab is a tab. Tabs of one profile share cookies and storage.
type Tab struct {
	t       testing.TB
	browser *Browser
	profile string
	id      string
}

// NewProfile opens the first tab of a profile without any history. It ends with the test.
func (b *Browser) NewProfile(t testing.TB, url string) *Tab {
	t.Helper()
	var profile struct{ UserContext string }
	tab := &Tab{t: t, browser: b}
	tab.must(tab.call("browser.createUserContext", map[string]any{}, &profile))
	tab.profile = profile.UserContext
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		b.tabs.Lock()
		defer b.tabs.Unlock()
		_ = b.bidi.call(ctx, "browser.removeUserContext", map[string]any{"userContext": profile.UserContext}, nil)
	})
	return tab.open(url, false)
}

// Another opens one more tab of the same profile, in front.
func (b *Tab) Another(url string) *Tab { b.t.Helper(); return b.open(url, false) }

// AnotherHidden opens one more tab of the same profile, behind: the browser slows down its timers.
func (b *Tab) AnotherHidden(url string) *Tab { b.t.Helper(); return b.open(url, true) }

func (b *Tab) open(url string, background bool) *Tab {
	b.t.Helper()
	var created struct{ Context string }
	b.must(b.callAlone("browsingContext.create", map[string]any{"type": "tab", "userContext": b.profile, "background": background}, &created))
	tab := &Tab{t: b.t, browser: b.browser, profile: b.profile, id: created.Context}
	tab.Visit(url)
	return tab
}

func (b *Tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *Tab) call(method string, params map[string]any, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if b.id != "" {
		params["context"] = b.id
	}
	return b.browser.bidi.call(ctx, method, params, out)
}

// callAlone is call for what opens or closes tabs: one at a time.
func (b *Tab) callAlone(method string, params map[string]any, out any) error {
	b.browser.tabs.Lock()
	defer b.browser.tabs.Unlock()
	return b.call(method, params, out)
}

// Visit goes to a page and waits until it is loaded.
func (b *Tab) Visit(url string) {
	b.t.Helper()
	b.must(b.call("browsingContext.navigate", map[string]any{"url": url, "wait": "complete"}, nil))
}

// Reload loads the page again and does not wait for it.
func (b *Tab) Reload() {
	b.t.Helper()
	b.must(b.call("browsingContext.reload", map[string]any{"wait": "none"}, nil))
}

// Back goes to the page before, as the Back button does.
func (b *Tab) Back() {
	b.t.Helper()
	b.must(b.call("browsingContext.traverseHistory", map[string]any{"delta": -1}, nil))
}

// Close closes the tab as a user does.
func (b *Tab) Close() {
	b.t.Helper()
	b.must(b.callAlone("browsingContext.close", map[string]any{}, nil))
}

// Show brings the tab to the front.
func (b *Tab) Show() {
	b.t.Helper()
	b.must(b.call("browsingContext.activate", map[string]any{}, nil))
}

var errScript = errors.New("the script failed")

// Try evaluates a script in the tab and decodes what it returns, or the promise that it returns, as JSON.
func Try[T any](b *Tab, script string) (T, error) {
	var out T
	var answer struct {
		Type             string
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	expression := "(async () => JSON.stringify(await (" + script + ") ?? null))()"
	params := map[string]any{
		"expression": expression, "awaitPromise": true, "userActivation": true,
		"target": map[string]any{"context": b.id},
	}
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if err := b.browser.bidi.call(ctx, "script.evaluate", params, &answer); err != nil {
		return out, err
	}
	if answer.Type != "success" {
		return out, fmt.Errorf("%w: %s", errScript, answer.ExceptionDetails.Text)
	}
	return out, json.Unmarshal([]byte(answer.Result.Value), &out)
}

// Value is Try, which must succeed.
func Value[T any](b *Tab, script string) T {
	b.t.Helper()
	out, err := Try[T](b, script)
	b.must(err)
	return out
}

// Eval runs a script and waits for the promise that it returns, if any.
func (b *Tab) Eval(script string) { b.t.Helper(); Value[any](b, script) }

// Begin starts a script and does not wait for it: it may block the tab.
func (b *Tab) Begin(script string) {
	b.t.Helper()
	b.Eval("void setTimeout(() => {" + script + "})")
}

// Until waits until a condition holds, also across pages.
func (b *Tab) Until(condition string) {
	b.t.Helper()
	for end := time.Now().Add(Timeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok, err := Try[bool](b, "document.readyState === 'complete' && !!("+condition+")"); err == nil && ok {
			return
		}
	}
	text, err := Try[string](b, "location.href + ' ' + document.body.innerText")
	b.t.Fatalf("it was never true that %s; the page says: %s (%v)", condition, text, err)
}

// Click presses what a selector finds, as a script does.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.Eval(`void document.querySelector(` + quote(selector) + `).click()`)
}

// Fill sets the value of an input.
func (b *Tab) Fill(id, value string) {
	b.t.Helper()
	b.Eval(`void (document.getElementById(` + quote(id) + `).value = ` + quote(value) + `)`)
}

// Press types keys, as a user does.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	var actions []map[string]any
	for _, key := range keys {
		value := string(key)
		switch key {
		case '\t':
			value = "\uE004"
		case '\n':
			value = "\uE007"
		}
		actions = append(actions, map[string]any{"type": "keyDown", "value": value}, map[string]any{"type": "keyUp", "value": value})
	}
	b.must(b.call("input.performActions", map[string]any{"actions": []map[string]any{{"type": "key", "id": "keyboard", "actions": actions}}}, nil))
}

// AnswerPrompt closes the dialog of an alert() or confirm().
func (b *Tab) AnswerPrompt() {
	b.t.Helper()
	var err error
	for end := time.Now().Add(Timeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = b.call("browsingContext.handleUserPrompt", map[string]any{"accept": true}, nil); err == nil {
			return
		}
	}
	b.t.Fatal(err)
}

// Resize sets the size of the page, in CSS pixels.
func (b *Tab) Resize(width, height int) {
	b.t.Helper()
	b.must(b.call("browsingContext.setViewport", map[string]any{"viewport": map[string]any{"width": width, "height": height}}, nil))
}

// Picture returns the page as a PNG, all of it.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.must(b.call("browsingContext.captureScreenshot", map[string]any{"origin": "document"}, &shot))
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	b.must(err)
	return data
}

// Cookie is what a browser knows of a cookie.
type Cookie struct {
	Name     string
	Path     string
	Domain   string
	HTTPOnly bool `json:"httpOnly"`
	Secure   bool
	SameSite string
	Expiry   int64 // zero for a cookie that ends with the browser
}

// Cookies returns all cookies of the profile.
func (b *Tab) Cookies() []Cookie {
	b.t.Helper()
	var got struct{ Cookies []Cookie }
	b.must(b.callStorage("storage.getCookies", "", &got))
	return got.Cookies
}

// DropCookie has the browser forget a cookie of the profile, as it does when the cookie has expired.
func (b *Tab) DropCookie(name string) {
	b.t.Helper()
	b.must(b.callStorage("storage.deleteCookies", name, nil))
}

func (b *Tab) callStorage(method, name string, out any) error {
	params := map[string]any{"partition": map[string]any{"type": "context", "context": b.id}}
	if name != "" {
		params["filter"] = map[string]any{"name": name}
	}
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	return b.browser.bidi.call(ctx, method, params, out)
}

// quote returns a text as a script writes it.
func quote(text string) string {
	data, _ := json.Marshal(text) //nolint:errchkjson // a text can always be encoded
	return strings.ReplaceAll(string(data), "</", `<\/`)
}
