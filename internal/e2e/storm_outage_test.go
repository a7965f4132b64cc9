package e2e

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// withGrace are settings under which an answer may get lost.
const withGrace = `, "ROTATION_GRACE_PERIOD": "1m", "REUSE_DETECTION": true`

// TestStorm_KilledProcesses kills each process twice while clients refresh: no session may be lost.
func TestStorm_KilledProcesses(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	onBothDatabases(t, func(t *testing.T, newDSN func(*testing.T) string) {
		s := newStorm(t, withGrace, newDSN(t))
		clients := startRefreshers(s, 8, http.StatusOK, 0)
		for kill := range 4 {
			s.await(20 + rand.N(40))
			p := s.processes[kill%2].Load()
			p.kill(t)
			s.await(20)
			s.startAgain(kill % 2)
			if err := p.stop(); err == nil {
				t.Error("a process that was killed ended well")
			}
		}
		s.await(50)
		wantStatuses(t, clients.wantActive(), http.StatusOK, 0)
	})
}

// TestStorm_LostConnections ends connections to PostgreSQL while clients refresh: no session may be lost.
func TestStorm_LostConnections(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	t.Run("the server closes connections", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, withGrace, newPostgres(t))
		s.pool.SetMaxIdleConns(0) // the test's connections are lost too
		clients := startRefreshers(s, 8, http.StatusOK, http.StatusServiceUnavailable)
		for range 10 {
			s.await(1 + rand.N(30))
			if _, err := s.pool.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
				t.Fatal(err)
			}
		}
		wantStatuses(t, clients.wantActive(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
	})
	t.Run("the network loses connections with the messages they carry", func(t *testing.T) {
		t.Parallel()
		dsn := newPostgres(t)
		proxy := newLossyProxy(t, dsn)
		s := newStormThrough(t, withGrace, dsn, proxy.dsn)
		proxy.lossy.Store(true)
		clients := startRefreshers(s, 8, http.StatusOK, http.StatusServiceUnavailable)
		s.await(500)
		proxy.lossy.Store(false)
		wantStatuses(t, clients.wantActive(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
	})
}

// lossyProxy forwards connections to PostgreSQL. While it is lossy, each message that it is about to forward, in either
// direction, may be lost together with its connection.
type lossyProxy struct {
	dsn   string
	lossy atomic.Bool
}

func newLossyProxy(t *testing.T, dsn string) *lossyProxy {
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
		t.Fatal("the connection string is not a URL")
	}
	u.Host = listener.Addr().String()
	query := u.Query()
	query.Del("host")
	query.Del("port")
	u.RawQuery = query.Encode()
	proxy := &lossyProxy{dsn: u.String()}
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
			go proxy.forward(near, far)
			go proxy.forward(far, near)
		}
	}()
	return proxy
}

// forward forwards messages until one of the two connections ends, and ends both.
func (p *lossyProxy) forward(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	message := make([]byte, 64<<10)
	for {
		n, err := from.Read(message)
		if err != nil || p.lossy.Load() && rand.N(50) == 0 {
			return
		}
		if _, err := to.Write(message[:n]); err != nil {
			return
		}
	}
}

// TestStorm_StoppedPostgreSQL also checks that every answer comes within maxWait meanwhile.
func TestStorm_StoppedPostgreSQL(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	cluster := pgtest.NewCluster(t)
	s := newStorm(t, withGrace, cluster.DSN())
	s.pool.SetMaxIdleConns(0) // the test's connections end too
	clients := startRefreshers(s, 8, http.StatusOK, http.StatusServiceUnavailable)
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
	wantStatuses(t, clients.wantActive(http.StatusServiceUnavailable), http.StatusOK, http.StatusServiceUnavailable)
}
