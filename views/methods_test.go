package views_test

import (
	"net/http/httptest"
	"testing"

	"github.com/go-simplejwt/simplejwt/views"
)

func TestMethodNotAllowedLeavesAnAllowHeaderOnlyWithoutMethodsOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		methods []string
		preset  string
		want    string
	}{
		{"its own methods", []string{"GET", "HEAD"}, "", "GET, HEAD, OPTIONS"},
		{"its own methods replace others", []string{"GET"}, "PUT", "GET, OPTIONS"},
		{"no methods leave those that are set", nil, "PUT, GET", "PUT, GET"},
		{"nobody knows a method", nil, "", "OPTIONS"},
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
