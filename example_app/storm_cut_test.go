package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

const stormGrace = `, "ROTATION_GRACE_PERIOD": "1m", "REUSE_DETECTION": true`

func TestStormEverySessionGoesOnWhenProcessesAreKilledInAStorm(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, newDSN func(testing.TB) string) {
		s := newStorm(t, stormGrace, newDSN(t))
		clients := roam(s, 8, http.StatusOK, 0)
		for kill := range 4 {
			s.await(20 + rand.N(40))
			p := s.processes[kill%2].Load()
			running, err := os.FindProcess(p.pid)
			if err == nil {
				err = running.Kill()
			}
			if err != nil {
				t.Fatal(err)
			}
			s.await(20)
			s.launch(kill % 2)
			if err := p.stop(); err == nil {
				t.Error("a process that was killed ended well")
			}
		}
		s.await(50)
		wantSome(t, clients.wantGoOn(), http.StatusOK, 0)
	})
}

func TestStormEverySessionGoesOnWhenConnectionsToPostgreSQLAreCut(t *testing.T) {
	t.Parallel()
	t.Run("by the server", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, stormGrace, pgtest.DSN(t))
		s.srv.DB().SetMaxIdleConns(0) // the test's are cut too
		clients := roam(s, 8, http.StatusOK, http.StatusServiceUnavailable)
		for range 10 {
			s.await(1 + rand.N(30))
			if _, err := s.srv.DB().ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
				t.Fatal(err)
			}
		}
		wantSome(t, clients.wantGoOn(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
	})
	t.Run("on the way, with the message they carry", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.DSN(t)
		way := newFlakyWay(t, dsn)
		s := newStormThrough(t, stormGrace, dsn, way.dsn)
		way.flaky.Store(true)
		clients := roam(s, 8, http.StatusOK, http.StatusServiceUnavailable)
		s.await(500)
		way.flaky.Store(false)
		wantSome(t, clients.wantGoOn(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
	})
}

// flakyWay carries connections to PostgreSQL. While it is flaky, each message it is about to pass on, in either
// direction, may be lost together with its connection.
type flakyWay struct {
	dsn   string
	flaky atomic.Bool
}

func newFlakyWay(t *testing.T, dsn string) *flakyWay {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal("the connection string is not valid")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("the connection string is no URL")
	}
	u.Host = listener.Addr().String()
	query := u.Query()
	query.Del("host")
	query.Del("port")
	u.RawQuery = query.Encode()
	way := &flakyWay{dsn: u.String()}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(context.Background(), network, address)
			if err != nil {
				_ = near.Close()
				continue
			}
			go way.carry(near, far)
			go way.carry(far, near)
		}
	}()
	return way
}

// carry passes messages on until one of the two connections ends, and ends both.
func (w *flakyWay) carry(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	message := make([]byte, 64<<10)
	for {
		n, err := from.Read(message)
		if err != nil || w.flaky.Load() && rand.N(50) == 0 {
			return
		}
		if _, err := to.Write(message[:n]); err != nil {
			return
		}
	}
}

// TestStormEverySessionGoesOnWhenPostgreSQLIsStoppedAndStarted also holds the bound of every answer meanwhile.
func TestStormEverySessionGoesOnWhenPostgreSQLIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	s := newStorm(t, stormGrace, cluster.DSN())
	s.srv.DB().SetMaxIdleConns(0) // the test's end too
	clients := roam(s, 8, http.StatusOK, http.StatusServiceUnavailable)
	for range 2 {
		s.await(100)
		cluster.Stop(t)
		if r := s.post(t.Context(), 0, "/api/token/refresh/", clients.all[0].first); r.status != http.StatusServiceUnavailable {
			t.Errorf("without PostgreSQL a refresh is answered %v, want 503", r)
		}
		s.await(100)
		cluster.Start(t)
	}
	s.await(100)
	wantSome(t, clients.wantGoOn(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
}
