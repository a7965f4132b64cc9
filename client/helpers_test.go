package client_test

import (
	"context"
	"encoding/base64"
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
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/client"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

const (
	base     = "http://api.example"
	password = "correct horse"

	refreshPath = "/api/token/refresh/"
	logoutPath  = "/api/token/blacklist/"
)

// bubble runs a test on a clock of its own, which goes on as soon as all goroutines wait. It fails where one is left.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// network is one in memory, as a bubble needs it: servers by address.
type network struct {
	mu      sync.Mutex
	servers map[string]chan net.Conn
	dials   int
}

// serve answers on an address until the test ends.
func (n *network) serve(t *testing.T, address string, h http.Handler) {
	t.Helper()
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	n.servers[address] = l.conns
	n.mu.Unlock()
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
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

// world is an API behind the real library.
type world struct {
	*network
	t         *testing.T
	auth      *core.Auth
	transport *http.Transport

	ahead time.Duration // how far the server's clock is

	hitsMu sync.Mutex
	hits   map[string]int // requests by path, and answers 401 of the API under "401"
	sent   []string       // the refresh tokens that were presented, in their order
}

// middleware stands between the network and the library.
type middleware = func(http.Handler) http.Handler

// newWorld makes an API with the recommended settings, changed.
func newWorld(t *testing.T, change func(*simplejwt.Settings), between ...middleware) *world {
	t.Helper()
	w := &world{network: &network{servers: map[string]chan net.Conn{}}, t: t, hits: map[string]int{}}
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
		Now: func() time.Time { return time.Now().Add(w.ahead) },
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
	w.auth = auth
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
	w.transport = &http.Transport{DialContext: w.dial, MaxIdleConnsPerHost: 200}
	t.Cleanup(w.transport.CloseIdleConnections)
	w.serve(t, "api.example:80", w.counting(h))
	return w
}

// counting counts requests and answers.
func (w *world) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.count(r.URL.Path)
		if r.URL.Path == refreshPath {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			var in struct{ Refresh string }
			_ = json.Unmarshal(body, &in)
			w.hitsMu.Lock()
			w.sent = append(w.sent, in.Refresh)
			w.hitsMu.Unlock()
		}
		h.ServeHTTP(&statusWriter{rw, func(status int) {
			if status == http.StatusUnauthorized && r.URL.Path == "/me" {
				w.count("401")
			}
		}}, r)
	})
}

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

func (w *world) count(what string) {
	w.hitsMu.Lock()
	defer w.hitsMu.Unlock()
	w.hits[what]++
}

// hit is how often something was counted.
func (w *world) hit(what string) int {
	w.hitsMu.Lock()
	defer w.hitsMu.Unlock()
	return w.hits[what]
}

// wantHits checks how often something was counted.
func (w *world) wantHits(what string, want int) {
	w.t.Helper()
	if got := w.hit(what); got != want {
		w.t.Errorf("%s was counted %d times, want %d", what, got, want)
	}
}

// client is a new one of this API.
func (w *world) client(change ...func(*client.Config)) *client.Client {
	w.t.Helper()
	config := client.Config{BaseURL: base, Transport: w.transport}
	for _, c := range change {
		c(&config)
	}
	c, err := client.New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// loggedIn is a new client of this API that is logged in.
func (w *world) loggedIn(change ...func(*client.Config)) *client.Client {
	w.t.Helper()
	c := w.client(change...)
	if err := c.Login(w.t.Context(), "alice", password, nil); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// on is a configuration with a store.
func on(s client.Store) func(*client.Config) { return func(c *client.Config) { c.Store = s } }

// revoke ends alice's sessions on the server.
func (w *world) revoke() {
	w.t.Helper()
	if err := w.auth.RevokeUser(w.t.Context(), "1", core.ReasonAdmin); err != nil {
		w.t.Fatal(err)
	}
}

// get asks for alice's page and returns the status and the body.
func get(ctx context.Context, c *client.Client, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// wantAlice checks that a client reaches alice's page.
func wantAlice(t *testing.T, c *client.Client) {
	t.Helper()
	if status, body, err := get(t.Context(), c, base+"/me"); err != nil || status != http.StatusOK || body != "alice" {
		t.Errorf("GET /me: %d %q, %v; want alice", status, body, err)
	}
}

// wantError checks that a request fails, with this error where there is one.
func wantError(t *testing.T, c *client.Client, want error) {
	t.Helper()
	_ = errorOf(t, c, want)
}

// errorOf is wantError, and returns the error.
func errorOf(t *testing.T, c *client.Client, want error) error {
	t.Helper()
	status, body, err := get(t.Context(), c, base+"/me")
	if err == nil || (want != nil && !errors.Is(err, want)) {
		t.Errorf("GET /me: %d %q, %v; want the error %v", status, body, err, want)
	}
	return err
}

// all runs a function in n goroutines at once and waits for them.
func all(n int, run func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { run(i) })
	}
	wg.Wait()
}

// lose makes the first n answers of a path be lost: the library does its work, and the connection is cut.
func lose(path string, n int) middleware {
	var mu sync.Mutex
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			cut := r.URL.Path == path && n > 0
			if cut {
				n--
			}
			mu.Unlock()
			if cut {
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// instead answers the first n requests to a path; n < 0 stands for all.
func instead(path string, n int, h http.HandlerFunc) middleware {
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

// answering answers with a status and a body.
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut sends an answer and cuts the connection before its end.
func cut(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// hanging never answers, until whoever asks goes away.
func hanging(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// jwt is a token with these claims that nobody has signed.
func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// transport is a function as an http.RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond is an answer of a transport.
func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}
