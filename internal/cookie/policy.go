// Package cookie decides how a browser carries tokens: AUTH_COOKIE and the settings around it.
//
// At start core completes the settings by [SetDefaults] and has [New] check them and return a [Policy]. For each request views asks
// the policy which cookies to read, whether a request may come from another site, and how the cookies of the response are written. The
// package knows neither tokens nor users, only ids and texts.
package cookie

import (
	"fmt"
	"net/http"
	"time"
)

// maxCookieBytes is the length of a cookie that browsers must keep (RFC 6265bis section 6.1). They drop a longer one silently. Some count
// the attributes too, so the limit applies to the whole header field.
const maxCookieBytes = 4096

// Policy has the names, attributes and checks of the cookies that carry tokens. [New] returns one; the zero value is of no use. It does
// not change and is safe for concurrent use.
type Policy struct {
	// Access, Refresh and CSRF are the cookies without value and Max-Age. Access holds access and sliding tokens. Only CSRF may be read
	// by scripts.
	Access, Refresh, CSRF http.Cookie
	// CSRFHeader is the canonical name of the header that carries a CSRF token.
	CSRFHeader string

	csrfKey  []byte   // nil without SIGNING_KEY
	trusted  []string // CSRF_TRUSTED_ORIGINS
	insecure bool     // AUTH_COOKIE_INSECURE
	now      func() time.Time
}

// Format prints the names of the cookies and not the key, for every verb, so that a logged Policy gives nothing away.
func (p Policy) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "cookie.Policy{", p.Access.Name, " ", p.Refresh.Name, " ", p.CSRF.Name, "}")
}

// NewCookie returns one of the policy's cookies with a value that is valid until a time. Max-Age is rounded up to a whole second, as
// tokens expire at whole seconds and the clock runs between them: the cookie must not disappear before its token expires. For a time
// that has passed, the browser deletes the cookie. NewCookie returns an error for a cookie that is too long for browsers.
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

// ExpireCookie returns the cookie that makes a browser delete one of the policy's cookies: with the same name, path and domain, no value
// and an age of zero.
func (p *Policy) ExpireCookie(cookie http.Cookie) *http.Cookie {
	cookie.Value, cookie.MaxAge = "", -1
	return &cookie
}
