package requests

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt/bench/measure"
)

// path is that of the protected route.
const path = "/api/me"

// responseBody is the body that every handler writes.
var responseBody = []byte("ok")

// client sends the same request again and again, without a connection. It is for one goroutine.
type client struct {
	template *http.Request
	request  http.Request
	writer   writer
}

func newClient(ctx context.Context, raw string) (*client, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.Host, r.RemoteAddr = path, "example.com", "192.0.2.1:1234"
	r.Header.Set("Authorization", "Bearer "+raw)
	return &client{template: r, writer: writer{header: http.Header{}}}, nil
}

// sendRequest serves the request and returns the status. The request is a fresh copy each time, as routers write into it.
func (c *client) sendRequest(h http.Handler) int {
	c.request = *c.template
	c.writer.status = http.StatusOK
	clear(c.writer.header)
	h.ServeHTTP(&c.writer, &c.request)
	return c.writer.status
}

// newContender is an application as one of a table; the status must be the same each time.
func (c *client) newContender(name string, h http.Handler, want int) measure.Contender {
	return measure.Each(name, func() error {
		if got := c.sendRequest(h); got != want {
			return fmt.Errorf("status %d, want %d", got, want)
		}
		return nil
	})
}

// writer is an http.ResponseWriter that forgets all but the status.
type writer struct {
	header http.Header
	status int
}

// Header is the header of the answer.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader notes the status.
func (w *writer) WriteHeader(status int) { w.status = status }

// Write takes everything.
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }
