package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// startTimeout is how long a browser may take to start.
const startTimeout = time.Minute

// programs are the names of an engine's programs, the first that is found.
var programs = map[Engine][]string{
	Chromium: {"chromium", "chromium-browser", "google-chrome"},
	Firefox:  {"firefox-esr", "firefox"},
}

// Browser is a running browser.
type Browser struct {
	Engine Engine
	bidi   *connection
}

// Option changes how a browser starts.
type Option func(*options)

type options struct{ dark bool }

// Dark makes pages see a dark color scheme.
func Dark() Option { return func(o *options) { o.dark = true } }

// Start starts a browser, which ends with the test. If the program is missing it skips the test; with TEST_FULL=1 the test fails.
func Start(t testing.TB, engine Engine, opts ...Option) *Browser {
	t.Helper()
	program := find(programs[engine]...)
	if program == "" {
		testlevel.SkipMissing(t, string(engine))
	}
	var o options
	for _, set := range opts {
		set(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var url string
	if engine == Chromium {
		url = startChromium(ctx, t, program, o)
	} else {
		url = startFirefox(t, program, o)
	}
	bidi, err := dial(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bidi.close)
	if engine == Firefox {
		capabilities := map[string]any{"alwaysMatch": map[string]any{"unhandledPromptBehavior": map[string]any{"default": "ignore"}}}
		if err := bidi.call(ctx, "session.new", map[string]any{"capabilities": capabilities}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return &Browser{Engine: engine, bidi: bidi}
}

func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// run starts a program, which ends with the test, and returns the first text in its output that matches.
func run(t testing.TB, match *regexp.Regexp, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.Env = append(os.Environ(), "MOZ_HEADLESS=1", "HOME="+t.TempDir())
	setGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		killGroup(cmd)
		<-ended
	})
	go func() {
		_ = cmd.Wait()
		_ = in.Close()
		close(ended)
	}()
	found := make(chan string, 1)
	go func() {
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
	case text := <-found:
		return text
	case <-ended:
		t.Fatalf("%s ended at once", program)
	case <-time.After(startTimeout):
		t.Fatalf("%s did not start within %v", program, startTimeout)
	}
	return ""
}

var (
	bidiURL = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)
	onPort  = regexp.MustCompile(`started successfully on port (\d+)`)
)

// firefoxPreferences keep Firefox from asking, from the network, and from slowing down hidden tabs less than it does for users.
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

func startFirefox(t testing.TB, program string, o options) string {
	t.Helper()
	profile := t.TempDir()
	preferences := firefoxPreferences
	if o.dark {
		preferences += `user_pref("layout.css.prefers-color-scheme.content-override", 0);` + "\n"
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	return run(t, bidiURL, program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0") + "/session"
}

func startChromium(ctx context.Context, t testing.TB, program string, o options) string {
	t.Helper()
	driver := find("chromedriver")
	if driver == "" {
		testlevel.SkipMissing(t, "chromedriver")
	}
	port := run(t, onPort, driver, "--port=0")
	args := []string{"--headless=new", "--user-data-dir=" + t.TempDir(), "--disable-features=Translate", "--no-first-run"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	if o.dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	body, err := json.Marshal(map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "webSocketUrl": true, "unhandledPromptBehavior": "ignore",
		"goog:chromeOptions": map[string]any{"binary": program, "args": args},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+port+"/session", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
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
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Value.Capabilities.URL == "" {
		t.Fatal(fmt.Errorf("chromedriver: %s %s (%w)", resp.Status, answer.Value.Message, err))
	}
	return answer.Value.Capabilities.URL
}
