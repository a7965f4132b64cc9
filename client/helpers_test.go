package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-simplejwt/simplejwt/client"
)

const (
	base     = "http://api.example"
	password = "correct horse"

	refreshPath = "/api/token/refresh/"
	logoutPath  = "/api/token/blacklist/"
)

// runInBubble calls t.Parallel and runs a test with the fake clock of synctest, which advances when all goroutines are blocked. A
// goroutine still running at the end fails the test.
func runInBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// getPage requests a page and returns the status and the body.
func getPage(ctx context.Context, c *client.Client, url string) (int, string, error) {
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
	if status, body, err := getPage(t.Context(), c, base+"/me"); err != nil || status != http.StatusOK || body != "alice" {
		t.Errorf("GET /me: %d %q, %v; want alice", status, body, err)
	}
}

// wantAnyError checks that a request fails, and returns its error.
func wantAnyError(t *testing.T, c *client.Client) error {
	t.Helper()
	status, body, err := getPage(t.Context(), c, base+"/me")
	if err == nil {
		t.Errorf("GET /me: %d %q, want an error", status, body)
	}
	return err
}

// wantError checks that a request fails with this error.
func wantError(t *testing.T, c *client.Client, want error) {
	t.Helper()
	if err := wantAnyError(t, c); !errors.Is(err, want) {
		t.Errorf("GET /me: %v, want the error %v", err, want)
	}
}

// runUntilSessionEnds returns the error of a session that the server has ended because a token was reused. Call it only in a
// bubble: it sleeps.
func runUntilSessionEnds(t *testing.T) error {
	t.Helper()
	server := newTestServer(t, nil, respondInstead(refreshPath, 1, respondWith(401, `{"detail":"Token is blacklisted","reason":"reused"}`)))
	api := server.newLoggedInClient()
	time.Sleep(5 * time.Minute)
	err := wantAnyError(t, api)
	if !errors.Is(err, client.ErrSessionEnded) {
		t.Fatalf("GET /me: %v, want ErrSessionEnded", err)
	}
	return err
}

// runConcurrently runs a function in n goroutines at once and waits for them.
func runConcurrently(n int, run func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { run(i) })
	}
	wg.Wait()
}

// tokenWithBogusSignature returns a token with these claims and a signature that no key made.
func tokenWithBogusSignature(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// newClaimsClient returns a logged-in client of a fake server that issues access tokens with these claims, and a live counter of the
// refreshes received.
func newClaimsClient(t *testing.T, claims func(login time.Time) string) (api *client.Client, refreshes *int) {
	t.Helper()
	refreshes = new(int)
	login := time.Now()
	config := client.Config{BaseURL: base, Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == refreshPath {
			*refreshes++
		}
		if strings.HasPrefix(r.URL.Path, "/api/token/") {
			body, err := json.Marshal(client.Tokens{Access: tokenWithBogusSignature(claims(login)), Refresh: "r"})
			return newResponse(r, 200, string(body)), err
		}
		return newResponse(r, 200, "alice"), nil
	})}
	api, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Login(t.Context(), "alice", password, nil); err != nil {
		t.Fatal(err)
	}
	return api, refreshes
}

// roundTripFunc adapts a function to http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newResponse returns an HTTP/1.1 response to r.
func newResponse(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// closeRecorder is a body that records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed atomic.Bool
}

func (c *closeRecorder) Close() error {
	c.closed.Store(true)
	return nil
}

// hookedStore is a Store whose calls go through functions, if they are set.
type hookedStore struct {
	client.Memory
	load func(context.Context) (client.Tokens, error)
	save func(context.Context, client.Tokens) error
}

func (h *hookedStore) Load(ctx context.Context) (client.Tokens, error) {
	if h.load != nil {
		return h.load(ctx)
	}
	return h.Memory.Load(ctx)
}

func (h *hookedStore) Save(ctx context.Context, t client.Tokens) error {
	if h.save != nil {
		return h.save(ctx, t)
	}
	return h.Memory.Save(ctx, t)
}

// lockingStore is a Memory that is also a Locker and counts Lock calls.
type lockingStore struct {
	client.Memory
	held  chan struct{}
	locks int // how often the lock was taken; guarded by it
}

func newLockingStore() *lockingStore { return &lockingStore{held: make(chan struct{}, 1)} }

func (l *lockingStore) Lock(ctx context.Context) (func(), error) {
	select {
	case l.held <- struct{}{}:
		l.locks++
		return func() { <-l.held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errDisk = errors.New("the disk is full")
