package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// maxMessage is the size of the largest message, in bytes: a screenshot.
const maxMessage = 64 << 20

// connection sends the commands of WebDriver BiDi and matches their answers. It is safe for concurrent use.
type connection struct {
	ws   *websocket.Conn
	done chan struct{} // closed once nothing more is read

	mu      sync.Mutex
	lastID  int
	pending map[int]chan message
}

// message is an answer, or an event, which has no id.
type message struct {
	ID      int             `json:"id"`
	Type    string          `json:"type"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

var errClosed = errors.New("the browser closed the connection")

func dial(ctx context.Context, url string) (*connection, error) {
	ws, resp, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to the browser: %w", err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(maxMessage)
	c := &connection{ws: ws, done: make(chan struct{}), pending: map[int]chan message{}}
	go c.read() //nolint:gosec // it outlives ctx, and ends with the connection
	return c, nil
}

// read hands answers to those who wait for them, until the connection ends.
func (c *connection) read() {
	defer close(c.done)
	for {
		_, data, err := c.ws.Read(context.Background())
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(data, &m) != nil || m.ID == 0 {
			continue
		}
		c.mu.Lock()
		waiting := c.pending[m.ID]
		delete(c.pending, m.ID)
		c.mu.Unlock()
		if waiting != nil {
			waiting <- m
		}
	}
}

// call sends a command and decodes its result into out, if that is not nil.
func (c *connection) call(ctx context.Context, method string, params, out any) error {
	answer := make(chan message, 1)
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.pending[id] = answer
	c.mu.Unlock()
	data, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := c.ws.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message) //nolint:err113 // the browser's own text
		}
		if out == nil {
			return nil
		}
		return json.Unmarshal(m.Result, out)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case <-c.done:
		return fmt.Errorf("%s: %w", method, errClosed)
	}
}

func (c *connection) close() { _ = c.ws.CloseNow() }
