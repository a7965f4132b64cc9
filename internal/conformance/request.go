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

// requestTimeout limits how long one request and its answer may take.
const requestTimeout = 30 * time.Second

// answer is a response of the server, with its whole body.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// multipartBoundary separates the fields of a multipart body.
const multipartBoundary = "conformanceboundary"

// requestBody returns the encoded body of a request step and its content type. A
// step without a body has a nil body and no content type.
func (v *vars) requestBody(s *step) (body []byte, contentType string, err error) {
	switch {
	case s.JSON.set:
		filled, err := v.fillValue(s.JSON.value)
		if err != nil {
			return nil, "", err
		}
		body, err = encodeJSON(filled)
		return body, "application/json", err
	case s.Form != nil:
		body, err = v.encodeForm(s.Form)
		return body, "application/x-www-form-urlencoded", err
	case s.Multipart != nil:
		body, err = v.encodeMultipart(s.Multipart)
		return body, "multipart/form-data; boundary=" + multipartBoundary, err
	case s.Raw != nil:
		filled, err := v.fillText(*s.Raw)
		return []byte(filled), "", err
	}
	return s.RawBase64, "", nil
}

// encodeForm encodes fields as application/x-www-form-urlencoded, in order.
func (v *vars) encodeForm(fields pairs) ([]byte, error) {
	out := []byte{}
	for i, pair := range fields {
		value, err := v.fillValue(pair[1])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, '&')
		}
		out = fmt.Append(out, url.QueryEscape(textOf(pair[0])), "=", url.QueryEscape(textOf(value)))
	}
	return out, nil
}

// encodeMultipart encodes fields as multipart/form-data, in order.
func (v *vars) encodeMultipart(fields pairs) ([]byte, error) {
	var out []byte
	for _, pair := range fields {
		value, err := v.fillValue(pair[1])
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
			multipartBoundary, textOf(pair[0]), textOf(value))
	}
	return fmt.Appendf(out, "--%s--\r\n", multipartBoundary), nil
}

// requestBytes returns a whole HTTP/1.1 request. The client of net/http would
// trim blanks around header values, change the case of header names and add
// other headers.
func (v *vars) requestBytes(addr string, s *step) ([]byte, error) {
	body, contentType, err := v.requestBody(s)
	if err != nil {
		return nil, err
	}
	path, err := v.fillText(s.Path)
	if err != nil {
		return nil, err
	}
	lines := []string{s.Method + " " + path + " HTTP/1.1", "Host: " + addr}
	for _, pair := range s.Headers {
		value, err := v.fillValue(pair[1])
		if err != nil {
			return nil, err
		}
		lines = append(lines, textOf(pair[0])+": "+textOf(value))
	}
	if s.ContentType != nil { // "" sends an empty header
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
			return nil, fmt.Errorf("a line break in %s", quoteShort(line))
		}
	}
	return append([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), body...), nil
}

// sendRequest sends a request over a new connection and reads the answer.
func sendRequest(ctx context.Context, addr, method string, request []byte) (*answer, error) {
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
	// A server may answer before it has read the whole body, and then close the
	// connection. So the answer is read during the write, and an error of the
	// write counts only if there is no answer. The deadline ends the write.
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

// replayRequest sends the request of a step, compares the answer and stores what
// the step captures.
func (r *replayer) replayRequest(ctx context.Context, s *step) error {
	r.vars.requestedAt = r.vars.clock() // <now> counts from here
	raw, err := r.vars.requestBytes(r.addr, s)
	if err != nil {
		return err
	}
	got, err := sendRequest(ctx, r.addr, s.Method, raw)
	if err != nil {
		return err
	}
	doc, docErr := decodeJSON(got.body) // not every answer is JSON
	m := &matcher{vars: r.vars}
	m.matchAnswer(&s.Expect, got, doc, docErr)
	if len(m.diffs) > 0 {
		// The differences of an object show it already; an error or another body is shown as a whole.
		if _, isObject := doc.(map[string]any); got.status >= 400 || !isObject {
			m.addDiff("   the answer was: %d %s", got.status, shorten(string(got.body)))
		}
		return errors.New(strings.Join(m.diffs, "\n"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Capture)) {
		value := valueAt(doc, s.Capture[name])
		if value == nil {
			return fmt.Errorf("capture %s: no %q in %s", name, s.Capture[name], shorten(string(got.body)))
		}
		r.vars.storeValue(name, value)
	}
	return nil
}

// matchAnswer compares status, headers, body and tokens of an answer. doc is the
// body as JSON, or docErr says why it is not. A status of 5xx is always wrong.
func (m *matcher) matchAnswer(want *expectation, got *answer, doc any, docErr error) {
	if got.status >= 500 {
		m.addDiff("status: got %d, but no request may be answered with a 5xx", got.status)
	}
	if !statusAllowed(want.Status, got.status) {
		m.addDiff("status: want %s, got %d", shorten(want.Status), got.status)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Headers)) {
		m.matchHeader(name, want.Headers[name], got.header.Values(name))
	}
	if want.Body.set {
		if len(got.body) > 0 && docErr != nil {
			m.addDiff("body: not JSON: %s", shorten(string(got.body)))
		} else {
			m.matchValue("body", want.Body.value, doc)
		}
	}
	if want.BodyText != nil && string(got.body) != *want.BodyText {
		m.addDiff("body: want %q, got %s", *want.BodyText, shorten(string(got.body)))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Tokens)) {
		m.matchToken(name, want.Tokens[name], valueAt(doc, name))
	}
}

// matchHeader compares the last value of a header. null means that the header
// must be absent.
func (m *matcher) matchHeader(name string, want any, got []string) {
	switch {
	case want == nil && len(got) > 0:
		m.addDiff("header %s: want none, got %q", name, got)
	case want != nil && len(got) == 0:
		m.addDiff("header %s: missing, want %s", name, quoteShort(want))
	case want != nil:
		m.matchValue("header "+name, want, got[len(got)-1])
	}
}

// statusAllowed reports whether a status is the wanted one, or one of a list. null
// allows every status.
func statusAllowed(want any, got int) bool {
	list, ok := want.([]any)
	if !ok {
		list = []any{want}
	}
	return want == nil || slices.ContainsFunc(list, func(w any) bool { return isSame(w, intNumber(int64(got))) })
}
