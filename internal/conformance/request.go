package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// requestTimeout bounds one request and its answer.
const requestTimeout = 30 * time.Second

// answer is what the server sent back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// multipartBoundary parts the fields of a multipart body.
const multipartBoundary = "conformanceboundary"

// body encodes a request's body. Without one it is nil; contentType is "" where
// the request has none.
func (v *vars) body(s *step) (body []byte, contentType string, err error) {
	switch {
	case s.JSON.set:
		filled, err := v.fill(s.JSON.value)
		if err != nil {
			return nil, "", err
		}
		body, err = encodeJSON(filled)
		return body, "application/json", err
	case s.Form != nil:
		body, err = v.form(s.Form)
		return body, "application/x-www-form-urlencoded", err
	case s.Multipart != nil:
		body, err = v.multipart(s.Multipart)
		return body, "multipart/form-data; boundary=" + multipartBoundary, err
	case s.Raw != nil:
		filled, err := v.fillText(*s.Raw)
		return []byte(filled), "", err
	}
	return s.RawBase64, "", nil
}

func (v *vars) form(fields pairs) ([]byte, error) {
	out := []byte{}
	for i, pair := range fields {
		value, err := v.fill(pair[1])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, '&')
		}
		out = fmt.Append(out, url.QueryEscape(text(pair[0])), "=", url.QueryEscape(text(value)))
	}
	return out, nil
}

func (v *vars) multipart(fields pairs) ([]byte, error) {
	var out []byte
	for _, pair := range fields {
		value, err := v.fill(pair[1])
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
			multipartBoundary, text(pair[0]), text(value))
	}
	return fmt.Appendf(out, "--%s--\r\n", multipartBoundary), nil
}

// requestBytes is a whole HTTP/1.1 request. It is written by hand because
// net/http's client trims blanks around header values, changes the case of
// header names and adds headers of its own.
func (v *vars) requestBytes(addr string, s *step) ([]byte, error) {
	body, contentType, err := v.body(s)
	if err != nil {
		return nil, err
	}
	path, err := v.fillText(s.Path)
	if err != nil {
		return nil, err
	}
	lines := []string{s.Method + " " + path + " HTTP/1.1", "Host: " + addr}
	for _, pair := range s.Headers {
		value, err := v.fill(pair[1])
		if err != nil {
			return nil, err
		}
		lines = append(lines, text(pair[0])+": "+text(value))
	}
	if s.ContentType != nil {
		contentType = *s.ContentType
	}
	if contentType != "" || s.ContentType != nil {
		lines = append(lines, "Content-Type: "+contentType)
	}
	if body != nil || slices.Contains([]string{"POST", "PUT", "PATCH"}, s.Method) {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("a line break in %s", quoted(line))
		}
	}
	return append([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), body...), nil
}

// send sends a request over a connection of its own and reads the answer.
func send(ctx context.Context, addr, method string, request []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("no response: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("no response: %w", err)
	}
	// A server may answer a body it refuses before it has read all of it: the
	// answer must be read meanwhile, and a failed write alone says nothing. The
	// deadline ends the write.
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(request)
		written <- err
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("no response: %w", errors.Join(<-written, err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("no complete response: %w", err)
	}
	return &answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// request replays a request step.
func (r *replayer) request(ctx context.Context, s *step) error {
	r.vars.asked = r.vars.clock()
	raw, err := r.vars.requestBytes(r.addr, s)
	if err != nil {
		return err
	}
	got, err := send(ctx, r.addr, s.Method, raw)
	if err != nil {
		return err
	}
	doc, docErr := decodeJSON(got.body)
	m := &matcher{vars: r.vars}
	m.answer(&s.Expect, got, doc, docErr)
	if len(m.diffs) > 0 {
		if _, isObject := doc.(map[string]any); got.status >= 400 || !isObject {
			m.fail("   the answer was: %d %s", got.status, short(string(got.body)))
		}
		return errors.New(strings.Join(m.diffs, "\n"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Capture)) {
		value := dig(doc, s.Capture[name])
		if value == nil {
			return fmt.Errorf("capture %s: no %q in %s", name, s.Capture[name], short(string(got.body)))
		}
		r.vars.keep(name, value)
	}
	return nil
}

// answer compares a whole answer. A 5xx is wrong whatever was expected.
func (m *matcher) answer(want *expectation, got *answer, doc any, docErr error) {
	if got.status >= 500 {
		m.fail("status: got %d, but no request may be answered with a 5xx", got.status)
	}
	if !statusAllowed(want.Status, got.status) {
		m.fail("status: want %s, got %d", short(want.Status), got.status)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		m.header(name, want.Headers[name], got.header.Values(name))
	}
	if want.Body.set {
		if len(got.body) > 0 && docErr != nil {
			m.fail("body: not JSON: %s", short(string(got.body)))
		} else {
			m.match("body", want.Body.value, doc)
		}
	}
	if want.BodyText != nil && string(got.body) != *want.BodyText {
		m.fail("body: want %q, got %s", *want.BodyText, short(string(got.body)))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Tokens)) {
		m.token(name, want.Tokens[name], dig(doc, name))
	}
}

// header compares one header; of several of one name the last counts. An
// expected null means absent.
func (m *matcher) header(name string, want any, got []string) {
	switch {
	case want == nil && len(got) > 0:
		m.fail("header %s: want none, got %q", name, got)
	case want != nil && len(got) == 0:
		m.fail("header %s: missing, want %s", name, quoted(want))
	case want != nil:
		m.match("header "+name, want, got[len(got)-1])
	}
}

func statusAllowed(want any, got int) bool {
	list, ok := want.([]any)
	if !ok {
		list = []any{want}
	}
	return want == nil || slices.ContainsFunc(list, func(w any) bool { return same(w, intNumber(int64(got))) })
}
