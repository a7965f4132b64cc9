package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// testServer is an API with a page at /me, protected by the real library.
type testServer struct {
	*network
	t         *testing.T
	auth      *core.Auth
	transport *http.Transport

	ahead time.Duration // the server's clock minus ours

	hitsMu sync.Mutex
	hits   map[string]int // requests by path, and 401s of /me under "401"
	sent   []string       // the refresh tokens that were presented, in order
}

// middleware changes requests and responses between the client and the library.
type middleware = func(http.Handler) http.Handler

// newTestServer starts an API on api.example with the recommended settings, after change, and the user alice.
func newTestServer(t *testing.T, change func(*simplejwt.Settings), between ...middleware) *testServer {
	t.Helper()
	s := &testServer{network: &network{servers: map[string]chan net.Conn{}}, t: t, hits: map[string]int{}}
	settings := simplejwt.Recommended()
	settings.SigningKey = strings.Repeat("k", 32)
	if change != nil {
		change(&settings)
	}
	alice := memstore.Account{ID: "1", Username: "alice"}
	users := memstore.NewUsers()
	if err := users.Add(alice); err != nil {
		t.Fatal(err)
	}
	auth, err := core.New(settings, core.Deps{
		Users: users, Store: memstore.New(), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(s.ahead) },
		Authenticate: func(_ context.Context, name, secret string) (simplejwt.User, error) {
			if name != "alice" || secret != password {
				return nil, nil
			}
			return &alice, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.auth = auth
	mux := http.NewServeMux()
	stdjwt.Mount(mux, "/api/token/", auth)
	mux.Handle("/me", stdjwt.Required(auth)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := stdjwt.User[*memstore.Account](r)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s%s", user.Username, body)
	})))
	var h http.Handler = mux
	for _, b := range between {
		h = b(h)
	}
	s.transport = &http.Transport{DialContext: s.dial, MaxIdleConnsPerHost: 200}
	t.Cleanup(s.transport.CloseIdleConnections)
	s.serve(t, "api.example:80", s.countRequests(h))
	return s
}

// countRequests counts requests and 401s, and records the refresh tokens.
func (s *testServer) countRequests(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.addHit(r.URL.Path)
		if r.URL.Path == refreshPath {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			var in struct{ Refresh string }
			_ = json.Unmarshal(body, &in)
			s.hitsMu.Lock()
			s.sent = append(s.sent, in.Refresh)
			s.hitsMu.Unlock()
		}
		h.ServeHTTP(&statusWriter{rw, func(status int) {
			if status == http.StatusUnauthorized && r.URL.Path == "/me" {
				s.addHit("401")
			}
		}}, r)
	})
}

// statusWriter passes each status to see.
type statusWriter struct {
	http.ResponseWriter
	see func(int)
}

func (s *statusWriter) WriteHeader(status int) {
	s.see(status)
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find Flush.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *testServer) addHit(what string) {
	s.hitsMu.Lock()
	defer s.hitsMu.Unlock()
	s.hits[what]++
}

// hitsOf returns how often something was counted.
func (s *testServer) hitsOf(what string) int {
	s.hitsMu.Lock()
	defer s.hitsMu.Unlock()
	return s.hits[what]
}

// wantHits checks how often something was counted.
func (s *testServer) wantHits(what string, want int) {
	s.t.Helper()
	if got := s.hitsOf(what); got != want {
		s.t.Errorf("%s was counted %d times, want %d", what, got, want)
	}
}

// newClient returns a new client of this server.
func (s *testServer) newClient(change ...func(*client.Config)) *client.Client {
	s.t.Helper()
	config := client.Config{BaseURL: base, Transport: s.transport}
	for _, c := range change {
		c(&config)
	}
	c, err := client.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// newLoggedInClient returns a new client of this server in which alice is logged in.
func (s *testServer) newLoggedInClient(change ...func(*client.Config)) *client.Client {
	s.t.Helper()
	c := s.newClient(change...)
	if err := c.Login(s.t.Context(), "alice", password, nil); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// withStore sets the store of a configuration.
func withStore(s client.Store) func(*client.Config) { return func(c *client.Config) { c.Store = s } }

// revokeSessions ends alice's sessions on the server.
func (s *testServer) revokeSessions() {
	s.t.Helper()
	if err := s.auth.RevokeUser(s.t.Context(), "1", core.ReasonAdmin); err != nil {
		s.t.Fatal(err)
	}
}

// loseResponses loses the first n responses to a path: the library handles the request, and then the connection is closed.
func loseResponses(path string, n int) middleware {
	var mu sync.Mutex
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			lost := r.URL.Path == path && n > 0
			if lost {
				n--
			}
			mu.Unlock()
			if lost {
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// respondInstead answers the first n requests to a path in place of the library; a negative n means all of them.
func respondInstead(path string, n int, h http.HandlerFunc) middleware {
	var mu sync.Mutex
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			ours := r.URL.Path == path && n != 0
			if ours {
				n--
			}
			mu.Unlock()
			if ours {
				h(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// respondWith responds with a status, a body, and pairs of a header and its value.
func respondWith(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// respondPartly starts a response and closes the connection before its end.
func respondPartly(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// neverRespond waits until the client gives up.
func neverRespond(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// network is a network in memory, because goroutines of synctest must not wait for real connections. It finds servers by address.
type network struct {
	mu      sync.Mutex
	servers map[string]chan net.Conn
	dials   int
}

// serve serves on an address until the test ends.
func (n *network) serve(t *testing.T, address string, h http.Handler) {
	t.Helper()
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	n.servers[address] = l.conns
	n.mu.Unlock()
	httpServer := &http.Server{Handler: h}
	go func() { _ = httpServer.Serve(l) }()
	t.Cleanup(func() { _ = httpServer.Close() })
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	conns := n.servers[address]
	n.dials++
	n.mu.Unlock()
	if conns == nil {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }
