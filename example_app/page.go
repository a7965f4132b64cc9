package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt/views"
)

// pagePath is the path of the page. Below it are the views that carry tokens in cookies.
const pagePath = "/account/"

// pageFiles are the page's template, style and script. They are compiled in, so that the program is one file.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy is the page's Content-Security-Policy. It allows the page its own files and nothing else, so that an injected script
// does not run.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// pageHandlers returns, by path, the start page and, with AUTH_COOKIE, the page of a user's account, its files and the library's client
// for browsers. All of it is public: the page fetches what it shows.
func (a *app) pageHandlers() map[string]http.Handler {
	if !a.auth.Settings().AuthCookie {
		return map[string]http.Handler{"/": a.startPage()}
	}
	return map[string]http.Handler{
		"/":                               a.startPage(),
		pagePath:                          a.accountPage(),
		strings.TrimSuffix(pagePath, "/"): http.RedirectHandler(pagePath, http.StatusPermanentRedirect),
		pagePath + "page.js":              servePageFile("page/page.js", "text/javascript; charset=utf-8"),
		pagePath + "page.css":             servePageFile("page/page.css", "text/css; charset=utf-8"),
		pagePath + "icon.svg":             servePageFile("page/icon.svg", "image/svg+xml"),
		pagePath + "simplejwt.js":         views.BrowserClient(),
	}
}

// accountPage passes the URLs of the views, the names of the CSRF cookie and header, and ROTATION_GRACE_PERIOD in milliseconds to the
// page's script, which cannot know them: settings change them.
func (a *app) accountPage() http.Handler {
	// html/template escapes the values for the place where they stand.
	html := renderTemplate("page/index.html", map[string]any{
		"TokenURL": pagePath + "token/", "UserURL": pagePath + "me/", "PasswordURL": pagePath + "me/password/",
		"GracePeriod": a.auth.Settings().RotationGracePeriod.Milliseconds(),
		"CSRFCookie":  a.auth.Settings().CSRFCookieName, "CSRFHeader": a.auth.Transport().Cookies.CSRFHeader,
	})
	return serveContent(html, "text/html; charset=utf-8")
}

// renderTemplate fills a template of pageFiles. Like servePageFile it panics where the program itself is wrong, at its start.
func renderTemplate(name string, data any) []byte {
	var html bytes.Buffer
	if err := template.Must(template.ParseFS(pageFiles, name)).Execute(&html, data); err != nil {
		panic(err) // the template is compiled in, and tested
	}
	return html.Bytes()
}

// servePageFile serves one of pageFiles.
func servePageFile(name, contentType string) http.Handler {
	data, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // the file is compiled in
	}
	return serveContent(data, contentType)
}

// serveContent answers GET and HEAD with a file that browsers ask for again each time: it changes with the program.
func serveContent(data []byte, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isGet(r.Method) {
			onlyGet.ServeHTTP(w, r)
			return
		}
		// nosniff: a file is nothing but its type. same-origin: the page's URL leaks to no other site, and no window of another site
		// holds a reference to the page's.
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}
