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

// pagePath is where the page lies. Below it are the views that carry tokens in cookies.
const pagePath = "/account/"

// pageFiles are the page's template, style and script.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy allows the page its own files and nothing else: a script that somebody smuggles into it does not run.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// pages are the start page and, with AUTH_COOKIE, a user's account in the browser, by path: the page, its files and the client of
// the library. They have no secrets; what the account shows it fetches.
func (a *app) pages() map[string]http.Handler {
	if !a.auth.Settings().AuthCookie {
		return map[string]http.Handler{"/": a.startPage()}
	}
	return map[string]http.Handler{
		"/":                               a.startPage(),
		pagePath:                          a.index(),
		strings.TrimSuffix(pagePath, "/"): http.RedirectHandler(pagePath, http.StatusPermanentRedirect),
		pagePath + "page.js":              pageFile("page/page.js", "text/javascript; charset=utf-8"),
		pagePath + "page.css":             pageFile("page/page.css", "text/css; charset=utf-8"),
		pagePath + "icon.svg":             pageFile("page/icon.svg", "image/svg+xml"),
		pagePath + "simplejwt.js":         views.BrowserClient(),
	}
}

// index tells the page's script where the views are and how the server's cookies are called.
func (a *app) index() http.Handler {
	html := render("page/index.html", map[string]string{
		"TokenURL": pagePath + "token/", "UserURL": pagePath + "me/", "PasswordURL": pagePath + "me/password/",
		"CSRFCookie": a.auth.Settings().CSRFCookieName, "CSRFHeader": a.auth.Transport().Cookies.CSRFHeader,
	})
	return content(html, "text/html; charset=utf-8")
}

// render fills a template of the page's files.
func render(name string, data any) []byte {
	var html bytes.Buffer
	if err := template.Must(template.ParseFS(pageFiles, name)).Execute(&html, data); err != nil {
		panic(err) // the template is compiled in, and tested
	}
	return html.Bytes()
}

func pageFile(name, contentType string) http.Handler {
	data, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // the file is compiled in
	}
	return content(data, contentType)
}

// content answers GET and HEAD with a file that browsers ask for anew each time.
func content(data []byte, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isGet(r.Method) {
			otherMethods.ServeHTTP(w, r)
			return
		}
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
