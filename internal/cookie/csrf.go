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

// deriveCSRFKey makes a key of its own for CSRF tokens, so that no such token is ever the signature of another.
func deriveCSRFKey(signingKey string) []byte {
	if signingKey == "" {
		return nil
	}
	key := sha256.Sum256([]byte("csrf\x00" + signingKey))
	return key[:]
}

// CSRFToken returns the token that a browser must send along, in CSRF_HEADER_NAME, with a request that carries a token of
// the session in a cookie and does not say where it comes from. Without a session id it is the user's. It returns "" without
// both, and in a program that only verifies: no request can prove itself by that.
func (p *Policy) CSRFToken(sessionID, userID string) string {
	owner := "session\x00" + sessionID
	if sessionID == "" {
		owner = "user\x00" + userID
	}
	if p.csrfKey == nil || sessionID+userID == "" {
		return ""
	}
	mac := hmac.New(sha256.New, p.csrfKey)
	_, _ = mac.Write([]byte(owner)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// FitsCSRFCookie reports whether a token that came in a cookie may count, by the session or the user to whom it belongs. Another
// host of the domain can set every cookie whose name does not begin with __Host-, and so put its own session in the place of the
// user's. Such a token counts only beside the CSRF cookie of the same session, whatever the browser says of where the request
// comes from. AUTH_COOKIE_INSECURE and a program without SIGNING_KEY, which knows no CSRF tokens, do without.
func (p *Policy) FitsCSRFCookie(r *http.Request, cookie *http.Cookie, sessionID, userID string) bool {
	if p.insecure || p.csrfKey == nil || strings.HasPrefix(cookie.Name, hostPrefix) {
		return true
	}
	found := r.CookiesNamed(p.CSRF.Name)
	return len(found) == 1 && p.IsCSRFToken(found[0].Value, sessionID, userID)
}

// IsCSRFToken reports, in constant time, whether a text is the CSRF token of a session or user.
func (p *Policy) IsCSRFToken(text, sessionID, userID string) bool {
	want := p.CSRFToken(sessionID, userID)
	return want != "" && subtle.ConstantTimeCompare([]byte(text), []byte(want)) == 1
}

// origin returns the origin of the page that sends a request; "" where the browser does not say. "null" does not say either: old
// browsers send it from pages of any origin under Referrer-Policy: no-referrer.
func origin(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "null" {
		return origin
	}
	return ""
}

// NamesSource reports whether the browser says where a request comes from. If it does not, the CSRF token decides.
func NamesSource(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || origin(r) != ""
}

// IsSameOrigin reports whether a request of any method comes from a page of this origin or of a trusted one, or does not say
// where it comes from. With Sec-Fetch-Site it decides as http.CrossOriginProtection does. Without, it is stricter: a page that
// came over plain http, which anyone on the network path can write, is another origin, and no origin is that of a request
// without a Host.
func (p *Policy) IsSameOrigin(r *http.Request) bool {
	origin := origin(r)
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

// MayServe reports whether cookies may come with a request and go with its answer: with AUTH_COOKIE_INSECURE only for a
// browser that has this machine in its address bar. Origin tells that where a proxy writes a Host of its own.
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

// isLoopback reports whether a host, with a port or without, is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
