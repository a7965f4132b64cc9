package views_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// BenchmarkGuard measures what the middleware of every adapter costs, without the database.
func BenchmarkGuard(b *testing.B) {
	f := newFixture(b, withCookies)
	pair := f.loginAlice(b)
	for _, c := range []struct {
		name, header, value string
		auth                core.Authenticator
		anonymous           bool
	}{
		{"header", "Authorization", "Bearer " + pair.Access, f.WithoutCookies(), false},
		{"header, stateless", "Authorization", "Bearer " + pair.Access, f.WithoutCookies().Stateless(), false},
		{"cookie", "Cookie", access + "=" + pair.Access, f.Auth, false},
		{"anonymous", "Accept", "*/*", f.WithoutCookies(), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set(c.header, c.value)
			h := http.Header{}
			b.ReportAllocs()
			for b.Loop() {
				clear(h)
				if _, err := views.Guard(h, c.auth, r, c.anonymous); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
