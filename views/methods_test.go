package views_test

import (
	"net/http/httptest"
	"testing"

	"github.com/go-simplejwt/simplejwt/views"
)

func TestMethodNotAllowed_AllowHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		methods []string
		preset  string
		want    string
	}{
		{"Allow lists the given methods", []string{"GET", "HEAD"}, "", "GET, HEAD, OPTIONS"},
		{"the given methods replace those that are set", []string{"GET"}, "PUT", "GET, OPTIONS"},
		{"without methods Allow stays as it is set", nil, "PUT, GET", "PUT, GET"},
		{"without any methods Allow is OPTIONS", nil, "", "OPTIONS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"DELETE", "OPTIONS"} {
				w := httptest.NewRecorder()
				if c.preset != "" {
					w.Header().Set("Allow", c.preset)
				}
				views.MethodNotAllowed(c.methods...).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
				if got := w.Header().Get("Allow"); got != c.want {
					t.Errorf("%s: Allow %q, want %q", method, got, c.want)
				}
			}
		})
	}
}
