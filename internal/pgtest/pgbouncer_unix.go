//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// bouncerScript owns a pgbouncer as guardScript owns a cluster. It reads the
// settings from standard input up to a line "end", because they hold a
// password, which arguments would show to other users.
const bouncerScript = `
pgbouncer=$1 folder=$2
PATH=$PATH:/usr/bin:/bin
umask 077
while read -r line && [ "$line" != end ]; do printf '%s\n' "$line"; done >"$folder/pgbouncer.ini"
"$pgbouncer" "$folder/pgbouncer.ini" </dev/null &
pid=$!
while read -r word; do :; done
kill -TERM "$pid"
wait "$pid"
rm -rf "$folder"
`

// startPgBouncer starts a pgbouncer on a free port and returns its connection
// URL and a function that ends it. It tries again if another process takes the
// port meanwhile.
func startPgBouncer(dsn string, servers int) (through string, stop func(), err error) {
	program, err := findPgBouncer()
	if err != nil {
		return "", nil, err
	}
	owner, err := clusterOwner() // pgbouncer does not run as root, like PostgreSQL
	if err != nil {
		return "", nil, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", nil, errors.New(describeError(err))
	}
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return "", nil, err
		}
		c, err := startGuard(owner, parentFolder(owner), func(folder string) []string {
			return []string{"-c", bouncerScript, "pgtest", program, folder}
		})
		if err != nil {
			return "", nil, err
		}
		if _, err = c.pipe.Write([]byte(bouncerSettings(config, port, servers) + "end\n")); err == nil {
			err = waitReadyInLog(filepath.Join(c.folder, "log"))
		}
		if err == nil {
			return fmt.Sprintf("postgres://any@127.0.0.1:%d/%s?sslmode=disable", port, config.Database), c.stop, nil
		}
		c.stop()
		if !errors.Is(err, errPortTaken) || attempt == portAttempts {
			return "", nil, err
		}
	}
}

// bouncerSettings returns settings for pooling by transactions, as docs/performance.md has them, which
// let any client in as the user of the DSN.
func bouncerSettings(config *pgx.ConnConfig, port, servers int) string {
	password := ""
	if config.Password != "" { // an empty one is a syntax error
		password = " password=" + quoteValue(config.Password)
	}
	return fmt.Sprintf(`[databases]
%s = host=%s port=%d user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 500
default_pool_size = %d
`, config.Database, quoteValue(config.Host), config.Port, quoteValue(config.User), password, port, servers)
}

// quoteValue quotes a value of a connection string in pgbouncer's settings.
func quoteValue(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// waitReadyInLog waits until pgbouncer logs that it is up. Connecting to its
// port could reach another process that took the port first.
func waitReadyInLog(logFile string) error {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(pollInterval) {
		output, _ := os.ReadFile(logFile)
		switch text := string(output); {
		case strings.Contains(text, "Address already in use"):
			return errPortTaken
		case strings.Contains(text, "process up"):
			return nil
		case strings.Contains(text, "FATAL"):
			return fmt.Errorf("it ended with:\n%s", text)
		}
	}
	return fmt.Errorf("not ready after %v", startTimeout)
}
