package jwks

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewSource_ClientUnchanged(t *testing.T) {
	t.Parallel()
	client := &http.Client{}
	must(newSource("https://issuer.example/", client))
	if client.CheckRedirect != nil {
		t.Error("the program's client has another rule for redirects now")
	}
}

func TestFetchBody(t *testing.T) {
	t.Parallel()
	s := newHTTPSource(t, nil, "/keys?tenant=1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", r.Header.Get("Accept"), " ", r.Close)
	}))
	got, err := s.fetchBody(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "GET /keys?tenant=1 application/jwk-set+json, application/json true"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the request (-want +got):\n%s", diff)
	}
}

func TestFetchBody_Redirects(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/{left}", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Referer") != "" {
			t.Error("the other server sees the URL")
		}
		left := r.PathValue("left")
		if left == "0" {
			fmt.Fprint(w, "here")
			return
		}
		http.Redirect(w, r, "/"+string(left[0]-1)+"?hunter3", http.StatusFound)
	})
	for _, c := range []struct {
		name, path string
		want       string
		asked      int32
	}{
		{"three redirects", "/3?hunter3", "here", 4},
		{"four redirects", "/4?hunter3", "more than 3 redirects", 4},
	} {
		asked.Store(0)
		s := newHTTPSource(t, nil, c.path, mux)
		body, err := s.fetchBody(t.Context())
		got := string(body)
		if err != nil {
			got = err.Error()
		}
		if got != c.want || asked.Load() != c.asked {
			t.Errorf("%s: %q after %d requests, want %q after %d", c.name, got, asked.Load(), c.want, c.asked)
		}
	}
}

func TestLimitRedirects(t *testing.T) {
	t.Parallel()
	own := errors.New("the client's own rule")
	for _, c := range []struct {
		name, from, to string
		own, want      error
	}{
		{"from https to https", "https://a/", "https://b/", nil, nil},
		{"from http to http elsewhere", "http://localhost/", "http://b/", nil, errors.New("redirected to a URL that is not https")},
		{"from https to http", "https://a/", "http://b/", nil, errors.New("redirected to a URL that is not https")},
		{"to a file", "http://a/", "file:///etc/passwd", nil, errors.New("redirected to a URL that is not https")},
		{"the client's own rule counts too", "https://a/", "https://b/", own, own},
	} {
		rule := limitRedirects(nil)
		if c.own != nil {
			rule = limitRedirects(func(*http.Request, []*http.Request) error { return c.own })
		}
		err := rule(must(http.NewRequest("GET", c.to, nil)), []*http.Request{must(http.NewRequest("GET", c.from, nil))})
		if fmt.Sprint(err) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestFetchBody_CompressedBody(t *testing.T) {
	t.Parallel()
	s := newHTTPSource(t, nil, "/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 4<<20)) // the client may have hung up
		_ = z.Close()
	}))
	if body, err := s.fetchBody(t.Context()); err == nil || err.Error() != "the response has more than 1048576 bytes" {
		t.Errorf("%d bytes are read, error %v", len(body), err)
	}
}

func TestFetchBody_Timeouts(t *testing.T) {
	t.Parallel()
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte(`{"keys":`))
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, path := range []string{"/head?hunter3", "/body?hunter3"} {
		for name, c := range map[string]struct {
			ctx    context.Context
			client *http.Client
		}{
			"the client's timeout": {t.Context(), &http.Client{Timeout: 50 * time.Millisecond}},
			"the context":          {short, nil},
		} {
			_, err := newHTTPSource(t, c.client, path, slow).fetchBody(c.ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, %s: the error is %v", path, name, err)
			}
			wantNoSecret(t, fmt.Sprint(err))
		}
	}
}

func TestFetchBody_ErrorsWithoutURL(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, address := range []string{
		strings.Replace(gone.URL, "http://", "http://user:hunter2@", 1) + "/keys?token=hunter3",
		"http://user:hunter2@127.0.0.1:99999/?token=hunter3",
		"http://user:hunter2@issuer example/",
	} {
		_, err := source{url: address, client: &http.Client{}}.fetchBody(t.Context())
		var outer *url.Error
		if err == nil || errors.As(err, &outer) {
			t.Errorf("the error is %v, want one without a URL", err)
		}
		wantNoSecret(t, fmt.Sprintf("%+v", err))
	}
}
