// Package jwkurl decides where JWK_URL may point. The server at that URL decides whose tokens are valid, so nobody
// may be able to respond in its place.
package jwkurl

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// Check returns what is wrong with a value of JWK_URL, nil if nothing is. The error completes a sentence that begins with
// the setting's name. It does not repeat the value, whose query may hold a secret.
func Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must be an https URL")
	case u.User != nil:
		return errors.New("must not hold a user name or a password: give jwks.Options a Client that sends them")
	case strings.Contains(address, "#"):
		return errors.New("must not have a fragment (#...): no server gets to see it")
	case !isSafe(u):
		return errors.New("must be https: over plain http anyone on the way could send other keys. " +
			"http is for localhost, 127.0.0.1 and ::1")
	}
	return nil
}

// CheckRedirect returns why a redirect must not be followed, nil if it may be: it leads from HTTPS to plain HTTP, over
// plain HTTP to another machine, or to a URL with credentials.
func CheckRedirect(from, to *url.URL) error {
	if !isSafe(to) || from.Scheme == "https" && to.Scheme != "https" {
		return errors.New("redirected to a URL that is not https")
	}
	if to.User != nil {
		return errors.New("redirected to a URL with a user name or a password")
	}
	return nil
}

// isSafe reports whether nobody between client and server can change the response: HTTPS, or HTTP within this machine.
func isSafe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

// isLoopback reports whether a host is this machine. Names below localhost do not count: a resolver may ask other machines
// for them.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
