package views

import (
	"net/http"
	"slices"
	"strings"
)

// MethodNotAllowed returns a handler that responds with 405 and DRF's message, and with 204 to OPTIONS. Allow lists the given methods and
// OPTIONS. Without methods it keeps an Allow header that is already set, as Gin sets one before it calls its NoMethod handlers.
func MethodNotAllowed(methods ...string) http.Handler {
	allow := strings.Join(append(slices.Clone(methods), http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(methods) > 0 || w.Header().Get("Allow") == "" {
			w.Header().Set("Allow", allow)
		}
		if r.Method == http.MethodOptions {
			setSecurityHeaders(w.Header())
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_ = writeJSON(w, http.StatusMethodNotAllowed, detail{Detail: `Method "` + r.Method + `" not allowed.`})
	})
}
