package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// binFolder is where the program is built; it lasts as long as the test binary.
var binFolder string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	flag.Parse()
	folder, err := os.MkdirTemp("", "simplejwt-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the program:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binFolder = folder
	defer browsers.stop()
	return pgtest.Main(m)
}

// buildProgram builds the example at the first call and returns the path of its binary.
var buildProgram = sync.OnceValues(func() (string, error) {
	const source = "github.com/go-simplejwt/simplejwt/example_app"
	if err := noteSources(source); err != nil {
		return "", err
	}
	path := filepath.Join(binFolder, "example_app")
	args := []string{"build", "-buildvcs=false", "-o", path}
	if testlevel.Race {
		args = append(args, "-race")
	}
	if out, err := exec.CommandContext(context.Background(), "go", append(args, source)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the example: %w: %s", err, out)
	}
	return path, nil
})

// noteSources looks at each file of this module that the program is made of. The go command keeps the result of a test only until
// a file changes that the test looked at, and it does not see what a build within the test reads.
func noteSources(source string) error {
	const format = `{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}}
{{end}}{{range $.EmbedFiles}}{{$.Dir}}/{{.}}
{{end}}{{.GoMod}}
{{end}}{{end}}`
	out, err := exec.CommandContext(context.Background(), "go", "list", "-deps", "-f", format, source).Output()
	if err != nil {
		return fmt.Errorf("list the example's files: %w", err)
	}
	files := strings.Fields(string(out))
	if len(files) < 50 {
		return fmt.Errorf("list the example's files: found %d", len(files))
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	return nil
}

// newCommand makes a command that runs the program in a folder, with more variables in its environment.
func newCommand(t *testing.T, folder string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	return cmd
}

// runProgram runs a command of the program to its end. The error has what it wrote to stderr.
func runProgram(t *testing.T, folder string, args ...string) (printed string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := newCommand(t, folder, nil, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", args[0], err, stderr.String())
	}
	return stdout.String(), nil
}

// process is the program in a process of its own. It must end with status 0, unless the test kills it: a race that the detector
// finds is another status.
type process struct {
	url    string
	cmd    *exec.Cmd
	stdout string // the name of the file it prints to
	stderr *serverLog
	killed bool
	stop   func() error // sends SIGTERM and waits; each call returns how the process ended
}

// startProcess starts the program and waits until it listens.
func startProcess(t *testing.T, folder string, env []string, args ...string) *process {
	t.Helper()
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdout.Close() }() // the program has its own handle
	log := &serverLog{listening: make(chan string, 1)}
	p := &process{cmd: newCommand(t, folder, env, args...), stdout: stdout.Name(), stderr: log}
	p.cmd.Stdout, p.cmd.Stderr = stdout, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var result error
	go func() {
		result = p.cmd.Wait()
		close(ended)
	}()
	p.stop = func() error {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		return result
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil && !p.killed {
			t.Errorf("the program ended with %v, want a clean end; it logged: %s", err, log)
		}
	})
	select {
	case p.url = <-log.listening:
	case <-ended:
		t.Fatalf("the program ended without listening: %s", log)
	case <-time.After(time.Minute):
		t.Fatalf("the program does not listen: %s", log)
	}
	return p
}

// kill ends the process at once, as a crash does.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.killed = true
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// readPrinted returns what the program has printed by now: all of a demo account once it listens.
func (p *process) readPrinted(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// serverLog keeps what a server writes to stderr, and sends the URL once the server says where it listens.
type serverLog struct {
	listening chan string

	mu        sync.Mutex
	text      strings.Builder
	announced bool
}

func (l *serverLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.text.Write(data)
	if !l.announced {
		_, rest, _ := strings.Cut(l.text.String(), "listening on ")
		if url, _, complete := strings.Cut(rest, "\n"); complete {
			l.announced = true
			l.listening <- url
		}
	}
	return n, err
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
