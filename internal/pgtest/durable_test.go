package pgtest

import (
	"errors"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestStartDurable(t *testing.T) {
	t.Parallel()
	d, err := StartDurable("shared_buffers=16MB", "max_connections=20")
	if errors.Is(err, ErrNoServer) {
		skipWithoutPostgres(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := d.Stop
	t.Cleanup(func() { stop() })
	db := openDatabase(t, d.DSN())
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "shared_buffers": "16MB", "max_connections": "20", "listen_addresses": "127.0.0.1",
	} {
		if got := queryText(t, db, "SELECT current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	d.Stop()
	stop = func() {}
	if _, err := os.Stat(d.cluster.folder); !os.IsNotExist(err) {
		t.Errorf("the folder still exists (error %v)", err)
	}
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.cluster.port))); err == nil {
		_ = conn.Close()
		t.Error("something still listens")
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	if _, ok := findBinaries(); !ok {
		skipWithoutPostgres(t)
	}
	if path, err := Program("postgres"); err != nil {
		t.Errorf("postgres: path %q, error %v", path, err)
	}
	if path, err := Program("no-such-program"); err == nil {
		t.Errorf("found %q", path)
	}
}
