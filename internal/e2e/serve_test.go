package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// TestServe_FirstRun runs the program as README's first command does, in an empty folder, and pastes the lines it prints.
func TestServe_FirstRun(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		testlevel.SkipMissing(t, "bash, to paste the printed lines into,")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		testlevel.SkipMissing(t, "curl, which the printed lines call,")
	}
	folder := t.TempDir()
	p := startProcess(t, folder, nil, "-addr", "127.0.0.1:0")
	cmd := exec.CommandContext(t.Context(), shell)
	_, script, ok := strings.Cut(p.readPrinted(t), "\n\n")
	if !ok {
		t.Fatalf("printed: %q", p.readPrinted(t))
	}
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := []string{`"refresh":`, `"username":"demo"`, `"refresh":`, `"current":true`, `{}`, `{}`, `Token is blacklisted`}
	if len(answers) != len(want) {
		t.Fatalf("%d answers, want %d: %s", len(answers), len(want), out)
	}
	for i, piece := range want {
		if !strings.Contains(answers[i], piece) || !json.Valid([]byte(answers[i])) {
			t.Errorf("answer %d is %s, want JSON with %s", i+1, answers[i], piece)
		}
	}
	if err := p.stop(); err != nil {
		t.Errorf("after SIGTERM: %v, want a clean end", err)
	}
	keyFile := filepath.Join(folder, "simplejwt-example.sqlite3.key")
	first, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	again := startProcess(t, folder, nil, "-addr", "127.0.0.1:0")
	if second, _ := os.ReadFile(keyFile); string(second) != string(first) || again.readPrinted(t) != "" {
		t.Errorf("the second start made another key or another demo account: %q", again.readPrinted(t))
	}
	for _, log := range []string{p.stderr.String(), again.stderr.String()} {
		if want := "there is the user \"demo\"; to set a password: go run ./example_app setpassword -username demo -password PASSWORD\n"; !strings.Contains(log, want) {
			t.Errorf("a start does not say %q: %s", want, log)
		}
	}
	if _, err := runProgram(t, folder, strings.Fields("setpassword -username demo -password another")...); err != nil {
		t.Fatal(err)
	}
	if a := newClient(t, again.url).tryLogin("demo", "another"); a.status != http.StatusOK {
		t.Errorf("a login with the password that the command set: %d %v", a.status, a.body)
	}
}

// TestServe_Environment sets the recommended profile aside through SIMPLE_JWT_*.
func TestServe_Environment(t *testing.T) {
	t.Parallel()
	p := startProcess(t, t.TempDir(), []string{"SIMPLE_JWT_ACCESS_TOKEN_LIFETIME=7m", "SIMPLE_JWT_ISSUER=urn:here"}, "-addr", "127.0.0.1:0")
	_, password, _ := strings.Cut(p.readPrinted(t), "with the password ")
	password, _, _ = strings.Cut(password, "\n")
	a := newClient(t, p.url).tryLogin("demo", password)
	got := readClaims(t, a.text("access"))
	if got["iss"] != "urn:here" || got["exp"].(float64)-got["iat"].(float64) != (7*time.Minute).Seconds() {
		t.Errorf("claims %v, want those of the environment", got)
	}
}

// TestServe_DrainsRequests tells the program to stop while a request is under way: it is answered, and then nobody listens.
func TestServe_DrainsRequests(t *testing.T) {
	t.Parallel()
	p := startProcess(t, t.TempDir(), nil, "-addr", "127.0.0.1:0")
	host := strings.TrimPrefix(p.url, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const body = `{"token": "x"}`
	fmt.Fprintf(conn, "POST /api/token/verify/ HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the view is reading the body
		t.Fatalf("answer %q, error %v, want 100 Continue", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, body[:5])
	ended := make(chan error, 1)
	go func() { ended <- p.stop() }()
	fmt.Fprint(conn, body[5:])
	resp, err := http.ReadResponse(answers, nil)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("the request under way got %v (%v), want its 401", resp, err)
	}
	_ = resp.Body.Close()
	if err := <-ended; err != nil {
		t.Errorf("the program ended with %v, want a clean end", err)
	}
}
