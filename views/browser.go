package views

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"time"
)

// browserClient is the JavaScript module for pages. The folder holds its types and package.json too.
//
//go:embed browser/simplejwt.js
var browserClient []byte

// BrowserClient returns a handler that answers GET and HEAD with the JavaScript module by which pages log in, refresh and log out.
// Mount it at a path such as /static/simplejwt.js and import createClient from there: see docs/clients.md. Browsers keep the module
// for five minutes and then ask, by its ETag, whether it has changed. It needs no token, and answers any page.
func BrowserClient() http.Handler {
	sum := sha256.Sum256(browserClient)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			MethodNotAllowed(http.MethodGet, http.MethodHead).ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(browserClient))
	})
}
