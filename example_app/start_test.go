package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

func TestStartPage(t *testing.T) {
	t.Parallel()
	auth, err := core.New(simplejwt.Settings{SigningKey: testKey}, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		t.Fatal(err)
	}
	everywhere := append(views.Routes(auth), views.SessionRoutes(auth)...)
	for framework := range frameworks() {
		for settings, groups := range map[string][]string{`, "AUTH_COOKIE_INSECURE": true`: {"/api", "/account"}, `, "AUTH_COOKIE": false`: {"/api"}} {
			t.Run(framework+settings, func(t *testing.T) {
				t.Parallel()
				s := startTarget(t, framework, rotating+recommended+settings, newSQLite(t))
				status, h, html := s.getPage(t.Context(), http.MethodGet, "/")
				if status != http.StatusOK || h.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Fatalf("/ is %d, %s", status, h.Get("Content-Type"))
				}
				if got := strings.Contains(html, `href="/account/"`); got != (len(groups) == 2) {
					t.Errorf("it links to the page: %t", got)
				}
				for i, group := range groups {
					mounted := everywhere
					if i == 0 {
						mounted = slices.Concat(everywhere, views.SlidingRoutes(auth))
					}
					for _, route := range mounted {
						if path := group + "/token/" + route.Path; !strings.Contains(html, "<code>"+path+"</code>") {
							t.Errorf("it does not name %s", path)
						}
					}
				}
				rows := regexp.MustCompile(`<tr><td>([A-Z]+)[^<]*</td><td><code>([^<]+)</code></td><td>[^<]+</td></tr>`).FindAllStringSubmatch(html, -1)
				if want := 12 + 9*(len(groups)-1); len(rows) != want {
					t.Errorf("it names %d routes, want %d", len(rows), want)
				}
				for _, row := range rows {
					status, _, _ := s.getPage(t.Context(), row[1], strings.Replace(row[2], "{id}", "x", 1))
					if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
						t.Errorf("%s %s is %d", row[1], row[2], status)
					}
				}
				if status, _, _ := s.getPage(t.Context(), http.MethodPost, "/"); status != http.StatusMethodNotAllowed {
					t.Errorf("POST / is %d, want 405", status)
				}
				if status, _, _ := s.getPage(t.Context(), http.MethodGet, "/nothing"); status != http.StatusNotFound {
					t.Errorf("/nothing is %d, want 404", status)
				}
			})
		}
	}
}
