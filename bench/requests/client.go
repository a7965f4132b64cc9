package requests

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt/bench/measure"
)

// path is the path of the protected route.
const path = "/api/me"

// responseBody is what every handler writes.
var responseBody = []byte("ok")

// client sends one request many times, without a connection. It must not be used by several goroutines.
type client struct {
	template *http.Request // never changed
	request  http.Request  // the copy that is served
	writer   writer        // reused, so that it costs no allocation
}

// newClient returns a client that sends raw as a bearer token.
func newClient(ctx context.Context, raw string) (*client, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.Host, r.RemoteAddr = path, "example.com", "192.0.2.1:1234"
	r.Header.Set("Authorization", "Bearer "+raw)
	return &client{template: r, writer: writer{header: http.Header{}}}, nil
}

// sendRequest serves the request and returns the status. It copies the request first, because routers write into it.
func (c *client) sendRequest(h http.Handler) int {
	c.request = *c.template
	c.writer.status = http.StatusOK
	clear(c.writer.header)
	h.ServeHTTP(&c.writer, &c.request)
	return c.writer.status
}

// newContender returns an application as a contender. Its operation is a request, which must have the status want.
func (c *client) newContender(name string, h http.Handler, want int) measure.Contender {
	return measure.Each(name, func() error {
		if got := c.sendRequest(h); got != want {
			return fmt.Errorf("status %d, want %d", got, want)
		}
		return nil
	})
}

// writer is an http.ResponseWriter that keeps only the header and the status.
type writer struct {
	header http.Header
	status int
}

// Header returns the header of the response.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *writer) WriteHeader(status int) { w.status = status }

// Write discards p.
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
