package cookie

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// deriveCSRFKey returns the key of CSRF tokens, which is not SIGNING_KEY itself, so that no CSRF token is ever the signature of a JWT or
// of anything else that the program signs. It returns nil without SIGNING_KEY: a program that only verifies has no secret.
func deriveCSRFKey(signingKey string) []byte {
	if signingKey == "" {
		return nil
	}
	key := sha256.Sum256([]byte("csrf\x00" + signingKey))
	return key[:]
}

// CSRFToken returns the token that a page must send, in CSRF_HEADER_NAME, with a request that carries a token of the session in a
// cookie and does not say where it comes from. It is an HMAC over the session, so that every process computes the same one, it holds
// for all tokens of the session, and it ends with the session. A token copied from another session is worth nothing.
//
// Without a session id it is the user's. It returns "" without both, and in a program without SIGNING_KEY: [Policy.IsCSRFToken]
// accepts no text then.
func (p *Policy) CSRFToken(sessionID, userID string) string {
	owner := "session\x00" + sessionID
	if sessionID == "" {
		owner = "user\x00" + userID
	}
	if p.csrfKey == nil || sessionID+userID == "" {
		return ""
	}
	mac := hmac.New(sha256.New, p.csrfKey)
	_, _ = mac.Write([]byte(owner)) // a hash returns no error
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// FitsCSRFCookie reports whether a token that came in the given cookie may count, by the session or the user to whom the token
// belongs. Another host of the domain can set every cookie whose name does not begin with __Host-, and so put its own session in the
// place of the user's. Such a token counts only beside exactly one CSRF cookie, that of the same session, whatever the browser says of
// where the request comes from.
//
// With AUTH_COOKIE_INSECURE, and in a program without SIGNING_KEY, which has no CSRF tokens, every token counts.
func (p *Policy) FitsCSRFCookie(r *http.Request, cookie *http.Cookie, sessionID, userID string) bool {
	if p.insecure || p.csrfKey == nil || strings.HasPrefix(cookie.Name, hostPrefix) {
		return true
	}
	found := r.CookiesNamed(p.CSRF.Name)
	return len(found) == 1 && p.IsCSRFToken(found[0].Value, sessionID, userID)
}

// IsCSRFToken reports, in constant time, whether a text is the CSRF token of a session, or of a user where sessionID is "". An empty text
// never is.
func (p *Policy) IsCSRFToken(text, sessionID, userID string) bool {
	want := p.CSRFToken(sessionID, userID)
	return want != "" && subtle.ConstantTimeCompare([]byte(text), []byte(want)) == 1
}

// readOrigin returns the origin of the page that sends a request, "" where the browser does not say. "null" says nothing either: old
// browsers send it from pages of any origin under Referrer-Policy: no-referrer.
func readOrigin(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "null" {
		return origin
	}
	return ""
}

// NamesSource reports whether the browser says where a request comes from, by Sec-Fetch-Site or Origin. Pages can forge neither. If it
// does not, as old browsers and programs do not, the CSRF token decides.
func NamesSource(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || readOrigin(r) != ""
}

// IsSameOrigin reports whether a request of any method comes from a page of this origin or of one in CSRF_TRUSTED_ORIGINS, or does not
// say where it comes from: see [NamesSource] for those. A page of the same site but another origin is another origin.
//
// With Sec-Fetch-Site it decides as http.CrossOriginProtection does. Without, it is stricter: a page that came over plain http, which
// anyone on the network path can write, is another origin, and a request without a Host, as HTTP/1.0 allows, has no origin that could
// be the same.
func (p *Policy) IsSameOrigin(r *http.Request) bool {
	origin := readOrigin(r)
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		if origin == "" || r.Host != "" && (origin == "https://"+r.Host || p.insecure && origin == "http://"+r.Host) {
			return true
		}
	}
	return slices.Contains(p.trusted, origin)
}

// MayServe reports whether cookies may come with a request and go with its response. Secure cookies may always: browsers send them over
// TLS only. With AUTH_COOKIE_INSECURE only a browser whose address bar shows this machine is served, by the Host and, where a proxy
// rewrites the Host, by the Origin. So the setting grants nothing in production.
func (p *Policy) MayServe(r *http.Request) bool {
	if !p.insecure {
		return true
	}
	if !isLoopback(r.Host) {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); origin != "null" && (err != nil || !isLoopback(u.Host)) {
			return false
		}
	}
	return true
}

// isLoopback reports whether a host, with a port or without, is this machine by its name: localhost and names below it, 127.0.0.0/8 and
// ::1. It asks no resolver.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
