package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// Engine is a browser.
type Engine string

// The engines that tests run in.
const (
	Chromium Engine = "chromium"
	Firefox  Engine = "firefox"
)

// Engines returns all engines.
func Engines() []Engine { return []Engine{Chromium, Firefox} }

// startTimeout is how long a browser may take to start, or to end.
const startTimeout = time.Minute

// find returns the path of the first program that the machine has, "" for none.
func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Missing returns what the machine lacks to run an engine, "" for nothing.
func Missing(engine Engine) string {
	switch {
	case engine.program() == "":
		return string(engine)
	case engine == Chromium && find("chromedriver") == "":
		return "chromedriver"
	}
	return ""
}

func (e Engine) program() string {
	if e == Firefox {
		return find("firefox-esr", "firefox")
	}
	return find("chromium", "chromium-browser", "google-chrome")
}

// Browser is a running browser.
type Browser struct {
	Engine Engine
	bidi   *connection
	tabs   sync.Mutex // Firefox fails to open a tab while it closes another one
	folder string     // its profile and home
	ended  []func()   // end the programs, the last first
}

// Option changes how a browser starts.
type Option func(*options)

type options struct{ dark bool }

// Dark makes pages see a dark color scheme.
func Dark() Option { return func(o *options) { o.dark = true } }

// Start starts a browser, which ends with the test. If the program is missing it skips the test; with TEST_FULL=1 the test fails.
func Start(t testing.TB, engine Engine, opts ...Option) *Browser {
	t.Helper()
	if missing := Missing(engine); missing != "" {
		testlevel.SkipMissing(t, missing)
	}
	b, err := Launch(engine, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// Launch starts a browser. Close ends it.
func Launch(engine Engine, opts ...Option) (*Browser, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	folder, err := os.MkdirTemp("", "browser-")
	if err != nil {
		return nil, err
	}
	b := &Browser{Engine: engine, folder: folder}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	start := b.startChromium
	if engine == Firefox {
		start = b.startFirefox
	}
	url, err := start(ctx, o)
	if err == nil {
		b.bidi, err = dial(ctx, url)
	}
	if err == nil && engine == Firefox {
		capabilities := map[string]any{"alwaysMatch": map[string]any{"unhandledPromptBehavior": map[string]any{"default": "ignore"}}}
		err = b.bidi.call(ctx, "session.new", map[string]any{"capabilities": capabilities}, nil)
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", engine, err)
	}
	return b, nil
}

// Close ends the browser and removes its files.
func (b *Browser) Close() {
	if b.bidi != nil {
		b.bidi.close()
	}
	for _, end := range slices.Backward(b.ended) {
		end()
	}
	_ = os.RemoveAll(b.folder)
}

var errNotStarted = errors.New("it ended at once, or did not say where it listens")

// run starts a program, which ends with the browser, and returns the first text in its output that matches.
func (b *Browser) run(ctx context.Context, match *regexp.Regexp, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...) //nolint:noctx,gosec // it outlives ctx; the programs are browsers
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = in, in
	cmd.Env = append(os.Environ(), "HOME="+b.folder)
	setGroup(cmd)
	err = cmd.Start()
	_ = in.Close()
	if err != nil {
		_ = out.Close()
		return "", err
	}
	b.ended = append(b.ended, func() {
		killGroup(cmd)
		_ = cmd.Wait()
		_ = out.Close()
	})
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := match.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case text, ok := <-found:
		if !ok {
			return "", fmt.Errorf("%s: %w", program, errNotStarted)
		}
		return text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("%s: %w", program, ctx.Err())
	}
}

var (
	bidiURL = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)
	onPort  = regexp.MustCompile(`started successfully on port (\d+)`)
)

// firefoxPreferences keep Firefox from asking its user, and from calling its makers.
const firefoxPreferences = `user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
`

func (b *Browser) startFirefox(ctx context.Context, o options) (url string, err error) {
	preferences := firefoxPreferences
	if o.dark {
		preferences += `user_pref("layout.css.prefers-color-scheme.content-override", 0);` + "\n"
	}
	if err := os.WriteFile(filepath.Join(b.folder, "user.js"), []byte(preferences), 0o600); err != nil {
		return "", err
	}
	url, err = b.run(ctx, bidiURL, b.Engine.program(), "--headless", "--no-remote", "--profile", b.folder, "--remote-debugging-port", "0")
	return url + "/session", err
}

// startChromium starts Chromium by chromedriver, which speaks BiDi for it.
func (b *Browser) startChromium(ctx context.Context, o options) (url string, err error) {
	port, err := b.run(ctx, onPort, find("chromedriver"), "--port=0")
	if err != nil {
		return "", err
	}
	args := []string{"--headless=new", "--user-data-dir=" + b.folder, "--disable-features=Translate", "--no-first-run"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	if o.dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	body, err := json.Marshal(map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "webSocketUrl": true, "unhandledPromptBehavior": "ignore",
		"goog:chromeOptions": map[string]any{"binary": b.Engine.program(), "args": args},
	}}})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+port+"/session", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Value struct {
			Capabilities struct {
				URL string `json:"webSocketUrl"`
			} `json:"capabilities"`
			Message string `json:"message"`
		} `json:"value"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Value.Capabilities.URL == "" {
		return "", fmt.Errorf("chromedriver: %s: %s", resp.Status, answer.Value.Message) //nolint:err113 // its own text
	}
	return answer.Value.Capabilities.URL, nil
}
