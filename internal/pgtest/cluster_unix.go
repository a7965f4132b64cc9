//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second // an immediate shutdown takes at most 5 s
	pollInterval = 5 * time.Millisecond

	// portAttempts is how many ports are tried if another process takes the
	// chosen port before the server binds it.
	portAttempts = 3
)

// guardScript owns the cluster. Its standard input is a pipe whose other end
// only the test process holds: read fails when the test process closes it or
// ends in any way, even by kill -9. Then it ends the server and removes the
// folder. Until then it reads the commands stop (a fast shutdown) and start.
//
// A shell starts background jobs with SIGQUIT ignored, so a QUIT is lost before
// postgres has set its handlers, while TERM is not. Afterwards QUIT makes the
// slow shutdown of TERM an immediate one. So the script sends both.
const guardScript = `
initdb=$1 postgres=$2 folder=$3 port=$4 addresses=$5 sockets=$6
pid=
PATH=$PATH:/usr/bin:/bin # for rm, whatever PATH the tests run with
start() {
	"$postgres" -D "$folder/data" -p "$port" \
		-c listen_addresses="$addresses" -c unix_socket_directories="$sockets" \
		-c max_connections=200 -c shared_buffers=32MB \
		-c fsync=off -c synchronous_commit=off -c full_page_writes=off \
		-c wal_level=minimal -c max_wal_senders=0 \
		-c max_wal_size=64MB -c autovacuum=off -c jit=off -c timezone=UTC </dev/null &
	pid=$!
}
if "$initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
	--encoding=UTF8 --locale=C --no-sync </dev/null; then
	start
else
	echo "` + initdbFailed + `"
fi
while read -r word; do
	case $word in
	stop)
		kill -INT "$pid"
		wait "$pid"
		pid=
		;;
	start) start ;;
	esac
done
if [ -n "$pid" ]; then
	kill -TERM "$pid"
	kill -QUIT "$pid"
	wait "$pid"
fi
rm -rf "$folder"
`

const (
	initdbFailed = "pgtest: initdb failed"
)

// errPortTaken is the error of a server that cannot listen on the port we chose.
var errPortTaken = errors.New("the port was taken by another process")

// cluster is a running PostgreSQL server and its data. It ends with this process.
type cluster struct {
	dsn    string
	folder string
	port   int
	guard  *exec.Cmd
	pipe   io.WriteCloser // the guard's standard input
	logged int            // the size of the log when the server was last started
}

// startCluster makes a cluster and waits until it responds, which takes 0.4 to
// 1 s. It tries again if another process takes the port meanwhile. Errors:
// errNoServer if the machine has no PostgreSQL.
func startCluster() (*cluster, error) {
	bin, ok := findBinaries()
	if !ok {
		return nil, errNoServer
	}
	owner, err := clusterOwner()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		c, err := startOnFreePort(bin, owner)
		if errors.Is(err, errPortTaken) && attempt < portAttempts {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("start a PostgreSQL cluster: %w", err)
		}
		return c, nil
	}
}

// startOnFreePort makes a cluster that listens on a free port of 127.0.0.1.
func startOnFreePort(bin serverBinaries, owner *syscall.Credential) (*cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return startAt(bin, owner, port, false)
}

// startAt makes a cluster that listens on a port of 127.0.0.1 or, if onSocket is
// set, on the socket that is named after the port, in the cluster's folder.
func startAt(bin serverBinaries, owner *syscall.Credential, port int, onSocket bool) (*cluster, error) {
	folder, log, err := makeFolder(owner)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the guard has its own copy

	addresses, sockets := "127.0.0.1", ""
	dsn := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	if onSocket {
		addresses, sockets = "", folder
		dsn = fmt.Sprintf("postgres://postgres@/postgres?host=%s&port=%d&sslmode=disable", url.QueryEscape(folder), port)
	}
	//nolint:gosec,noctx // the machine's own programs; the guard ends with its pipe, not with a context
	guard := exec.Command("/bin/sh", "-c", guardScript, "pgtest", bin.initdb, bin.postgres, folder, strconv.Itoa(port), addresses, sockets)
	guard.Dir = folder
	guard.Env = clusterEnv(os.Environ())
	guard.Stdout, guard.Stderr = log, log
	// In another session the guard does not get Ctrl-C from the terminal, which
	// would end it before it has cleaned up.
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: owner}
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	c := &cluster{dsn: dsn, folder: folder, port: port, guard: guard, pipe: pipe}
	if err := c.waitReady(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// waitReady waits until the server reports in its folder that it is ready.
// Connecting to the port could reach the server of another test binary that
// took the port first.
func (c *cluster) waitReady() error {
	logFile := filepath.Join(c.folder, "log")
	pidFile := c.pidFile()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(pollInterval) {
		// The eighth line is the status: "starting", then "ready", padded.
		status, _ := os.ReadFile(pidFile)
		if lines := strings.Split(string(status), "\n"); len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
		output, _ := os.ReadFile(logFile)
		output = output[min(c.logged, len(output)):]
		if strings.Contains(string(output), "could not bind") {
			return errPortTaken
		}
		// The rejection of a client that connects too early is logged too.
		output = bytes.ReplaceAll(output, []byte("FATAL:  the database system is starting up"), nil)
		if strings.Contains(string(output), "FATAL:") || strings.Contains(string(output), initdbFailed) {
			return fmt.Errorf("it ended with:\n%s", output)
		}
	}
	output, _ := os.ReadFile(logFile)
	return fmt.Errorf("not ready after %v:\n%s", startTimeout, output)
}

// pidFile is the path of a file that exists while the server runs.
func (c *cluster) pidFile() string { return filepath.Join(c.folder, "data", "postmaster.pid") }

// stop ends the server at once, without saving anything. It returns when its
// processes have ended and its folder is removed.
func (c *cluster) stop() {
	_ = c.pipe.Close()
	// The guard leads the process group of postgres, so this ends postgres too.
	timer := time.AfterFunc(stopTimeout, func() { _ = syscall.Kill(-c.guard.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	_ = c.guard.Wait() // its exit code is that of the last clean-up step
	_ = os.RemoveAll(c.folder)
}

// clusterOwner returns the user that runs the cluster: nil, the user of this
// process, unless that is root, as whom PostgreSQL does not run.
func clusterOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("ids of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root cannot run PostgreSQL, and there is no user postgres or nobody")
}

// makeFolder makes the cluster's folder and in it the log, a file for all output
// of the guard, initdb and postgres.
func makeFolder(owner *syscall.Credential) (string, *os.File, error) {
	folder, err := os.MkdirTemp(parentFolder(owner), folderPrefix)
	if err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err == nil && owner != nil {
		err = os.Chown(folder, int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return "", nil, err
	}
	return folder, log, nil
}

// parentFolder returns the folder for clusters: in memory if there is room, else
// one for temporary files that the owner can access.
func parentFolder(owner *syscall.Credential) string {
	if folder := memoryFolder(); folder != "" && isOpenToAll(folder) {
		return folder
	}
	if owner != nil && !isOpenToAll(os.TempDir()) {
		return "/tmp"
	}
	return os.TempDir()
}

// isOpenToAll reports whether any user may write into folder: it is writable for
// all, and every folder above it can be passed by all.
func isOpenToAll(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm()&0o003 != 0o003 {
		return false
	}
	for dir := folder; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
	}
	return true
}

// clusterEnv returns env without the variables that change initdb or the server
// (PGDATA, PGPORT, a locale), and with English messages, which waitReady reads.
func clusterEnv(env []string) []string {
	kept := []string{"LC_ALL=C"}
	for _, entry := range env {
		if strings.HasPrefix(entry, "PG") || strings.HasPrefix(entry, "LC_") || strings.HasPrefix(entry, "LANG") {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

// freePort returns a port of 127.0.0.1 that was free a moment ago.
func freePort() (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
