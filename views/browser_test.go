package views_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/views"
)

func TestBrowserClient(t *testing.T) {
	t.Parallel()
	ask := func(method string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/static/simplejwt.js", http.NoBody)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		views.BrowserClient().ServeHTTP(w, r)
		return w
	}
	got := ask(http.MethodGet)
	etag := got.Header().Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=300",
	} {
		if diff := cmp.Diff(want, got.Header().Get(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "export const createClient") || len(etag) < 20 {
		t.Errorf("GET: %d, ETag %q, %d bytes", got.Code, etag, got.Body.Len())
	}
	if got := ask(http.MethodHead); got.Code != http.StatusOK || got.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", got.Code, got.Body.Len())
	}
	if got := ask(http.MethodGet, "If-None-Match", etag); got.Code != http.StatusNotModified {
		t.Errorf("GET of what the browser has: %d, want 304", got.Code)
	}
	if got := ask(http.MethodPost); got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: %d, Allow %q", got.Code, got.Header().Get("Allow"))
	}
}
