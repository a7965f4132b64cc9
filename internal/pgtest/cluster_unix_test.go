//go:build unix

package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// endingVariable makes TestHelperProcess start a cluster. It is set in a child process only.
const endingVariable = "PGTEST_HELPER_ENDS_BY"

// TestHelperProcess is what TestMain_ServerEndsWithTestProcess runs in a child.
func TestHelperProcess(t *testing.T) {
	ending := os.Getenv(endingVariable)
	if ending == "" {
		t.Skip("runs in a child process only")
	}
	DSN(t)
	fmt.Printf("cluster %d %s\n", shared.server.cluster.port, shared.server.cluster.folder)
	switch ending {
	case "panic":
		panic("the panic that was asked for")
	case "exit":
		os.Exit(3)
	case "fail":
		t.Fatal("the failure that was asked for")
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent kills us
}

func TestMain_ServerEndsWithTestProcess(t *testing.T) {
	t.Parallel()
	if _, ok := findBinaries(); !ok {
		skipWithoutPostgres(t)
	}
	for name, ending := range map[string]string{
		"its process was killed with SIGKILL": "kill",
		"its process panicked":                "panic",
		"its process called os.Exit":          "exit",
		"its test failed":                     "fail",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, folder := runHelper(t, ending)
			waitFor(t, "the port is closed", func() bool {
				conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					return true
				}
				_ = conn.Close()
				return false
			})
			waitFor(t, "the folder is removed", func() bool {
				_, err := os.Stat(folder)
				return os.IsNotExist(err)
			})
		})
	}
}

// runHelper starts a child process with a cluster, lets it end, and returns the
// port and the folder of its cluster. It fails t if the child started none.
func runHelper(t *testing.T, ending string) (port int, folder string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHelperProcess$")
	child.Env = append(os.Environ(), endingVariable+"="+ending, "TEST_DATABASE_URL=")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "cluster %d %s", &port, &folder); n == 2 {
			break
		}
	}
	if ending == "kill" {
		_ = child.Process.Kill()
	}
	_, _ = io.Copy(io.Discard, stdout)
	if err := child.Wait(); err == nil {
		t.Error("the child ended with code 0, so it did not end as asked")
	}
	if port == 0 {
		t.Fatal("the child started no cluster")
	}
	return port, folder
}

func TestStartCluster_Failure(t *testing.T) {
	t.Parallel()
	owner, err := clusterOwner()
	if err != nil {
		t.Skip(err)
	}
	noSuch := filepath.Join(t.TempDir(), "no-such-initdb")
	before := clusterFolders(owner, noSuch)
	_, err = startOnFreePort(serverBinaries{initdb: noSuch, postgres: noSuch}, owner)
	if err == nil || !strings.Contains(err.Error(), "no-such-initdb") {
		t.Errorf("got %v, want the shell's message about the missing program", err)
	}
	if after := clusterFolders(owner, noSuch); after != before {
		t.Errorf("%d folders left", after-before)
	}
}

// clusterFolders returns how many folders of clusters have a log that names program.
func clusterFolders(owner *syscall.Credential, program string) (n int) {
	logs, _ := filepath.Glob(filepath.Join(parentFolder(owner), folderPrefix+"*", "log"))
	for _, log := range logs {
		if output, _ := os.ReadFile(log); strings.Contains(string(output), program) {
			n++
		}
	}
	return n
}

func TestClusterEnv(t *testing.T) {
	t.Parallel()
	got := clusterEnv([]string{"PATH=/bin", "PGDATA=/x", "PGPORT=1", "LANG=de_DE.UTF-8", "LANGUAGE=de", "LC_MESSAGES=de", "HOME=/h"})
	if diff := cmp.Diff([]string{"LC_ALL=C", "PATH=/bin", "HOME=/h"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenToAll(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	inside := filepath.Join(closed, "inside")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	// The umask applies to the mode of Mkdir, but not to that of Chmod.
	for folder, mode := range map[string]os.FileMode{inside: 0o777, closed: 0o700} {
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
	}
	if isOpenToAll(inside) {
		t.Error("a folder below a closed one counts as open")
	}
	if info, err := os.Stat("/tmp"); err == nil && info.Mode().Perm() == 0o777 && !isOpenToAll("/tmp") {
		t.Error("/tmp does not count as open")
	}
}
