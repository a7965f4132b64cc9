package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// asProgram, set in the environment, makes the test binary run as the program itself.
const asProgram = "EXAMPLE_APP_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(pgtest.Main(m))
}

// process is the program in a process of its own.
type process struct {
	url    string
	stdout string // the name of the file it prints to
	log    string // what it wrote to stderr before it listened
	pid    int
	stop   func() error
}

// launch starts the program and waits until it listens.
func launch(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdout.Close() }() // the program has its own handle
	p := &process{stdout: stdout.Name()}
	cmd.Stdout = stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	p.stop = sync.OnceValue(func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return cmd.Wait()
	})
	t.Cleanup(func() { _ = p.stop() })
	var log strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.url, p.log = url, log.String()
			go func() {
				for lines.Scan() { // so that the program never waits for us
				}
			}()
			return p
		}
		log.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the program ended without listening: %s", log.String())
	return nil
}

// printed is what the program has printed by now: all of a demo account once it listens.
func (p *process) printed(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestFirstRun runs the program as README's first command does, in an empty folder, and pastes the lines it prints.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to paste the printed lines into")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl to paste the printed lines into")
	}
	dir := t.TempDir()
	p := launch(t, dir, nil, "-addr", "127.0.0.1:0")
	cmd := exec.CommandContext(t.Context(), shell)
	_, script, ok := strings.Cut(p.printed(t), "\n\n")
	if !ok {
		t.Fatalf("printed: %q", p.printed(t))
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
	keyFile := filepath.Join(dir, strings.TrimPrefix(defaultDatabase, "sqlite://")+".key")
	first, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	again := launch(t, dir, nil, "-addr", "127.0.0.1:0")
	if second, _ := os.ReadFile(keyFile); string(second) != string(first) || again.printed(t) != "" {
		t.Errorf("the second start made another key or another demo account: %q", again.printed(t))
	}
	for _, log := range []string{p.log, again.log} {
		if want := "there is the user \"demo\"; to set a password: go run ./example_app setpassword -username demo -password PASSWORD\n"; !strings.Contains(log, want) {
			t.Errorf("a start does not say %q: %s", want, log)
		}
	}
	setPassword := exec.CommandContext(t.Context(), os.Args[0], strings.Fields("setpassword -username demo -password another")...)
	setPassword.Dir, setPassword.Env = dir, append(os.Environ(), asProgram+"=1")
	if out, err := setPassword.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if a := send(t.Context(), t, http.MethodPost, again.url+"/api/token/", `{"username": "demo", "password": "another"}`); a.status != http.StatusOK {
		t.Errorf("a login with the password that the command set: %d %v", a.status, a.body)
	}
}

func TestPrintUsers(t *testing.T) {
	t.Parallel()
	dsn := "sqlite://" + filepath.Join(t.TempDir(), "it's a file.sqlite3")
	db, err := openDatabase(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDatabase(db)
	quoted := "'" + strings.ReplaceAll(dsn, "'", `'\''`) + "'"
	for _, c := range []struct{ add, database, want string }{
		{"", dsn, "there is no user yet; to make one: go run ./example_app createuser -database " + quoted + " -username NAME -password PASSWORD\n"},
		{"al ice's\x1b", dsn, `there is the user "al ice's\x1b"; to set a password: go run ./example_app setpassword -database ` + quoted + " -username NAME -password PASSWORD\n"},
		{"bob", defaultDatabase, `there are 2 users, the first is "al ice's\x1b"; to set a password: go run ./example_app setpassword -username NAME -password PASSWORD` + "\n"},
		{"", "postgres://app:hunter2@db/app", `there are 2 users, the first is "al ice's\x1b"; to set a password: go run ./example_app setpassword -database DSN -username NAME -password PASSWORD` + "\n"},
	} {
		if c.add != "" {
			if _, err := createAccount(t.Context(), db, c.add, "secret", true); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		if err := (&program{stderr: &log, database: c.database}).printUsers(t.Context(), db); err != nil || log.String() != c.want {
			t.Errorf("%s: error %v, printed %q, want %q", c.database, err, log.String(), c.want)
		}
	}
}

func TestDatabase_Forms(t *testing.T) {
	t.Parallel()
	t.Run("the text of the error names DSNs that are taken", func(t *testing.T) {
		t.Parallel()
		for dsn, want := range map[string]string{"sqlite://app.sqlite3": "app.sqlite3", "sqlite:///var/lib/app.sqlite3": "/var/lib/app.sqlite3", "sqlite://": "", "app.sqlite3": ""} {
			if got := sqlitePath(dsn); got != want || want != "" && !strings.Contains(databaseForms, dsn) {
				t.Errorf("%s is the file %q, want %q, as %q says", dsn, got, want, databaseForms)
			}
		}
	})
	for _, dsn := range []string{"app.sqlite3", "sqlite:app.sqlite3", "sqlite://", "mysql://host/name", ""} {
		if _, err := openDatabase(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), databaseForms) {
			t.Errorf("%q: error %v", dsn, err)
		}
	}
}

// TestEnvironment sets the recommended profile aside through SIMPLE_JWT_*.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), []string{"SIMPLE_JWT_ACCESS_TOKEN_LIFETIME=7m", "SIMPLE_JWT_ISSUER=urn:here"}, "-addr", "127.0.0.1:0")
	_, password, _ := strings.Cut(p.printed(t), "with the password ")
	password, _, _ = strings.Cut(password, "\n")
	a := send(t.Context(), t, http.MethodPost, p.url+"/api/token/", `{"username": "demo", "password": "`+password+`"}`)
	got := claims(t, a.text("access"))
	if got["iss"] != "urn:here" || got["exp"].(float64)-got["iat"].(float64) != (7*time.Minute).Seconds() {
		t.Errorf("claims %v, want those of the environment", got)
	}
}

// TestStopDrains tells the program to stop while a request is under way: it is answered, and then nobody listens.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), nil, "-addr", "127.0.0.1:0")
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
