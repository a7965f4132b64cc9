// Package cookie decides how a browser carries tokens: AUTH_COOKIE and the settings around it. core makes a [Policy] of the
// settings at start, and views reads requests and writes answers by it. The package knows neither tokens nor users.
package cookie

import (
	"fmt"
	"net/http"
	"time"
)

// maxCookieBytes is what browsers keep of a cookie (RFC 6265bis section 6.1): longer ones they drop in silence. Some count
// the attributes in.
const maxCookieBytes = 4096

// Policy is the names, attributes and checks of the cookies that carry tokens. [New] makes one. It does not change, and is
// safe for concurrent use.
type Policy struct {
	// Access, Refresh and CSRF are the cookies without value and age.
	Access, Refresh, CSRF http.Cookie
	// CSRFHeader is the canonical name of the header that carries a CSRF token.
	CSRFHeader string

	csrfKey  []byte   // nil without SIGNING_KEY
	trusted  []string // CSRF_TRUSTED_ORIGINS
	insecure bool     // AUTH_COOKIE_INSECURE
	now      func() time.Time
}

// Format prints the names of the cookies and no key, for every verb.
func (p Policy) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "cookie.Policy{", p.Access.Name, " ", p.Refresh.Name, " ", p.CSRF.Name, "}")
}

// NewCookie returns one of the policy's cookies with a value that is good until a time, rounded up to a second: token
// lifetimes are in whole seconds, the clock is not. It returns an error for a cookie that browsers would drop.
func (p *Policy) NewCookie(cookie http.Cookie, value string, until time.Time) (*http.Cookie, error) {
	cookie.Value, cookie.MaxAge = value, int((until.Sub(p.now())+time.Second-1)/time.Second)
	if cookie.MaxAge <= 0 {
		cookie.MaxAge = -1
	}
	if n := len(cookie.String()); n > maxCookieBytes {
		return nil, fmt.Errorf("the cookie %s has %d bytes, browsers keep at most %d: has the token too many claims?", cookie.Name, n, maxCookieBytes)
	}
	return &cookie, nil
}

// ExpireCookie returns the cookie that makes a browser forget one of the policy's cookies.
func (p *Policy) ExpireCookie(cookie http.Cookie) *http.Cookie {
	cookie.Value, cookie.MaxAge = "", -1
	return &cookie
}
