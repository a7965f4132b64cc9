package cookie

import (
	"crypto/hmac"
	"crypto/sha256"
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

// IsSameOrigin reports whether a request of any method comes from a page of this origin or of a trusted one, or does not say
// where it comes from. It is stricter than http.CrossOriginProtection for browsers that send no Sec-Fetch-Site: a page that
// came over plain http, which anyone on the network path can write, is another origin.
func (p *Policy) IsSameOrigin(r *http.Request) bool {
	post := *r
	post.Method = http.MethodPost // CrossOriginProtection lets a GET pass, even one that opens a websocket
	if p.origins.Check(&post) != nil {
		return false
	}
	origin := r.Header.Get("Origin")
	if r.Header.Get("Sec-Fetch-Site") != "" || origin == "" || p.insecure {
		return true
	}
	return strings.HasPrefix(origin, "https://") || slices.Contains(p.trusted, origin)
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
		if u, err := url.Parse(origin); err != nil || !isLoopback(u.Host) {
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
