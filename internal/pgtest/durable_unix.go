//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// durableScript owns the cluster as guardScript does, and ends it when its
// standard input is closed. It adds no settings that would trade safety for
// speed.
const durableScript = `
initdb=$1 postgres=$2 folder=$3 port=$4
shift 4
PATH=$PATH:/usr/bin:/bin
pid=
if "$initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C </dev/null; then
	"$postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c timezone=UTC "$@" </dev/null &
	pid=$!
else
	echo "` + initdbFailed + `"
fi
while read -r word; do :; done
if [ -n "$pid" ]; then
	kill -TERM "$pid"
	kill -QUIT "$pid"
	wait "$pid"
fi
rm -rf "$folder"
`

// startDurable is StartDurable where there is a POSIX shell. It tries again if
// another process takes the port meanwhile.
func startDurable(settings []string) (*Durable, error) {
	bin, ok := findBinaries()
	if !ok {
		return nil, errNoServer
	}
	owner, err := clusterOwner()
	if err != nil {
		return nil, err
	}
	parent := DiskFolder()
	for attempt := 1; ; attempt++ {
		c, err := startDurableAt(bin, owner, parent, settings)
		if errors.Is(err, errPortTaken) && attempt < portAttempts {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("start a PostgreSQL cluster: %w", err)
		}
		return &Durable{c, parent}, nil
	}
}

// startDurableAt starts a cluster on a free port, in a new folder in parent.
func startDurableAt(bin serverBinaries, owner *syscall.Credential, parent string, settings []string) (*cluster, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c, err := startGuard(owner, parent, func(folder string) []string {
		args := []string{"-c", durableScript, "pgtest", bin.initdb, bin.postgres, folder, strconv.Itoa(port)}
		for _, setting := range settings {
			args = append(args, "-c", setting)
		}
		return args
	})
	if err != nil {
		return nil, err
	}
	c.port, c.dsn = port, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	if err := c.waitReady(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// startGuard starts a shell with args as owner, in a new folder in parent, which
// also gets its output. The shell must end when its standard input is closed.
func startGuard(owner *syscall.Credential, parent string, args func(folder string) []string) (*cluster, error) {
	folder, err := os.MkdirTemp(parent, folderPrefix)
	if err != nil {
		return nil, err
	}
	c, err := startGuardIn(owner, folder, args(folder))
	if err != nil {
		_ = os.RemoveAll(folder)
	}
	return c, err
}

// startGuardIn starts the shell of startGuard in a folder that exists.
func startGuardIn(owner *syscall.Credential, folder string, args []string) (*cluster, error) {
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the guard has its own copy
	if owner != nil {
		if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, err
		}
	}
	guard := exec.Command("/bin/sh", args...) //nolint:gosec,noctx // the machine's own programs; it ends with its pipe
	guard.Dir = folder
	guard.Env = clusterEnv(os.Environ())
	guard.Stdout, guard.Stderr = log, log
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: owner}
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		return nil, err
	}
	return &cluster{folder: folder, guard: guard, pipe: pipe}, nil
}

// DiskFolder returns a folder for temporary files to which any user may write.
// It prefers /var/tmp: its files survive a restart, so it is on a disk and not
// in memory.
func DiskFolder() string {
	for _, folder := range []string{"/var/tmp", os.TempDir()} {
		if isOpenToAll(folder) {
			return folder
		}
	}
	return "/tmp"
}
