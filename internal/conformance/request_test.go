package conformance

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestBytes(t *testing.T) {
	t.Parallel()
	v := testVars(t)
	tests := []struct {
		name string
		step string
		want []string // the lines behind the request line and Host; the last is the body
	}{
		{"nothing on GET", `{"method": "GET"}`, []string{"", ""}},
		{"an empty POST has a length and no type", `{"method": "POST"}`, []string{"Content-Length: 0", "", ""}},
		{"headers keep case, order and blanks",
			`{"method": "GET", "headers": {"X-b": "  Bearer\t${word}  ", "AUTHORIZATION": "", "a": 1}}`,
			[]string{"X-b:   Bearer\tx  ", "AUTHORIZATION: ", "a: 1", "", ""}},
		{"a header may come twice", `{"method": "GET", "headers": [["A", "1"], ["A", "2"]]}`, []string{"A: 1", "A: 2", "", ""}},
		{"JSON in ASCII", `{"method": "POST", "json": {"a": "p\u00e4ss\ud83d\udd11", "b": "${alice.id:int}"}}`,
			[]string{"Content-Type: application/json", "Content-Length: 35", "", `{"a":"p\u00e4ss\ud83d\udd11","b":7}`}},
		{"JSON null is a body", `{"method": "GET", "json": null}`,
			[]string{"Content-Type: application/json", "Content-Length: 4", "", "null"}},
		{"a form", `{"method": "POST", "form": {"b": "${word} &\u00e4", "a": ""}}`,
			[]string{"Content-Type: application/x-www-form-urlencoded", "Content-Length: 16", "", "b=x+%26%C3%A4&a="}},
		{"an empty form", `{"method": "POST", "form": {}}`,
			[]string{"Content-Type: application/x-www-form-urlencoded", "Content-Length: 0", "", ""}},
		{"multipart", `{"method": "POST", "multipart": {"a": "${word}"}}`,
			[]string{"Content-Type: multipart/form-data; boundary=conformanceboundary", "Content-Length: 95", "",
				"--conformanceboundary", `Content-Disposition: form-data; name="a"`, "", "x", "--conformanceboundary--", ""}},
		{"raw text has no type", `{"method": "POST", "raw": "\u2603${word} \\ud800"}`,
			[]string{"Content-Length: 11", "", "\u2603x \\ud800"}},
		{"raw bytes with a type", `{"method": "POST", "raw_base64": "/wA=", "content_type": "application/json"}`,
			[]string{"Content-Type: application/json", "Content-Length: 2", "", "\xff\x00"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := parseAs[step](t, test.step)
			s.Path = "/api/${word}/"
			got, err := v.requestBytes("127.0.0.1:80", &s)
			if err != nil {
				t.Fatal(err)
			}
			lines := append([]string{s.Method + " /api/x/ HTTP/1.1", "Host: 127.0.0.1:80"}, test.want...)
			if diff := cmp.Diff(strings.Join(lines, "\r\n"), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestBytes_LineBreakInHeader(t *testing.T) {
	t.Parallel()
	s := parseAs[step](t, `{"method": "GET", "headers": {"A": "b\r\nC: d"}}`)
	if got, err := newVars(nil, 1).requestBytes("h", &s); err == nil {
		t.Errorf("got %q, want an error", got)
	}
}

func TestSendRequest(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Www-Authenticate"] = []string{"first", "last"}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("A"), body)
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	mux.HandleFunc("/dies", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"a body", "PUT", "/echo", "hello", 200, "PUT 1 hello"},
		{"HEAD has no body", "HEAD", "/echo", "", 200, ""},
		{"not found", "GET", "/other", "", 404, "404 page not found\n"},
		{"an answer before the body is read", "POST", "/early", strings.Repeat("x", 1<<20), 413, "too large\n"},
		{"no answer", "GET", "/dies", "", 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := server.Listener.Addr().String()
			request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nA: 1\r\nContent-Length: %d\r\n\r\n%s",
				test.method, test.path, addr, len(test.body), test.body)
			got, err := sendRequest(t.Context(), addr, test.method, []byte(request))
			if err != nil {
				if test.status != 0 {
					t.Fatal(err)
				}
				return
			}
			if got.status != test.status || string(got.body) != test.want {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, test.status, test.want)
			}
			if test.path == "/echo" {
				m := &matcher{vars: newVars(nil, 1)}
				m.matchHeader("WWW-Authenticate", "last", got.header.Values("WWW-Authenticate"))
				m.matchHeader("X-None", nil, got.header.Values("X-None"))
				if len(m.diffs) > 0 {
					t.Error(m.diffs)
				}
			}
		})
	}
}
