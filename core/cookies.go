package core

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// What browsers bear of a cookie (RFC 6265bis sections 5.6 and 6.1): what is longer they drop, or read without its
// attributes, in silence.
const (
	maxCookieBytes    = 4096 // attributes included, for the browsers that count them in
	maxAttributeBytes = 1024
)

// The prefixes of a cookie's name by which a browser holds it to its attributes (RFC 6265bis section 4.1.3).
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// Cookies are how a browser carries tokens: AUTH_COOKIE and the settings around it. They are not changed once made.
type Cookies struct {
	// Access, Refresh and CSRF are the cookies without value and age.
	Access, Refresh, CSRF http.Cookie
	// CSRFHeader is the header that carries a session's token against cross-site requests.
	CSRFHeader string

	origins  *http.CrossOriginProtection
	trusted  []string
	insecure bool
	now      func() time.Time
}

// Cookies are the cookies of tokens; nil without AUTH_COOKIE.
func (a *Auth) Cookies() *Cookies { return a.cookies }

// WithoutCookies is the same Auth without AUTH_COOKIE, to mount the views for clients that are no browsers at a path of
// their own: they get tokens in the body. What it guards reads no cookies.
func (a *Auth) WithoutCookies() *Auth {
	out := *a
	out.cookies = nil
	return &out
}

// CSRFToken is what a browser must send along, in CSRF_HEADER_NAME, with a request that carries the token in a cookie and
// does not say where it comes from. It holds for all tokens of a session; where nothing is recorded, for all of the user.
// "" for a token that names neither, and in a program that only verifies: then no request proves itself by it.
func (a *Auth) CSRFToken(t *Token) string {
	of := "session\x00" + t.SessionID()
	if t.SessionID() == "" {
		of = "user\x00" + t.UserID()
	}
	if a.s.SigningKey == "" || strings.HasSuffix(of, "\x00") {
		return ""
	}
	key := sha256.Sum256([]byte("csrf\x00" + a.s.SigningKey)) // a key of its own, so that no MAC is ever one of a token
	mac := hmac.New(sha256.New, key[:])
	_, _ = mac.Write([]byte(of)) // a hash never fails
	return encoding.EncodeToString(mac.Sum(nil))
}

// Holding is the cookie with a token in it, for as long as the token is good, to the next full second. Errors: a cookie
// that a browser would drop.
func (c *Cookies) Holding(cookie http.Cookie, value string, until time.Time) (*http.Cookie, error) {
	cookie.Value, cookie.MaxAge = value, int((until.Sub(c.now())+time.Second-1)/time.Second)
	if cookie.MaxAge <= 0 {
		cookie.MaxAge = -1
	}
	if n := len(cookie.String()); n > maxCookieBytes {
		return nil, fmt.Errorf("the cookie %s has %d bytes, browsers keep at most %d: has the token too many claims?", cookie.Name, n, maxCookieBytes)
	}
	return &cookie, nil
}

// Cleared is the cookie that makes a browser forget it.
func (c *Cookies) Cleared(cookie http.Cookie) *http.Cookie {
	cookie.Value, cookie.MaxAge = "", -1
	return &cookie
}

// MayServe reports whether cookies may come from and go to whoever sends a request: with AUTH_COOKIE_INSECURE only a
// browser that has this machine in its address bar. Behind a proxy that writes a Host of its own the Origin tells.
func (c *Cookies) MayServe(r *http.Request) bool {
	if !c.insecure {
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

// SameOrigin reports whether a request that changes something comes from a page of this origin or of a trusted one, or
// does not say where it comes from. Beyond http.CrossOriginProtection, for browsers that send no Sec-Fetch-Site: a page
// that came over plain http, which anybody on the way can write, is another origin.
func (c *Cookies) SameOrigin(r *http.Request) bool {
	if c.origins.Check(r) != nil {
		return false
	}
	origin := r.Header.Get("Origin")
	if r.Header.Get("Sec-Fetch-Site") != "" || origin == "" || c.insecure {
		return true
	}
	return strings.HasPrefix(origin, "https://") || slices.Contains(c.trusted, origin)
}

// isLoopback reports whether a host, with a port or without, is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// cookieDefaults fills in names that fit the other settings.
func cookieDefaults(s *simplejwt.Settings, text func(name string, value *string, fallback string)) {
	text("AUTH_COOKIE_PATH", &s.AuthCookiePath, "/")
	text("AUTH_COOKIE_REFRESH_PATH", &s.AuthCookieRefreshPath, s.AuthCookiePath)
	text("AUTH_COOKIE_SAMESITE", &s.AuthCookieSameSite, "Lax")
	text("CSRF_HEADER_NAME", &s.CSRFHeaderName, "HTTP_X_CSRFTOKEN")
	text("AUTH_COOKIE_ACCESS", &s.AuthCookieAccess, cookiePrefix(s, s.AuthCookiePath)+"access")
	text("AUTH_COOKIE_REFRESH", &s.AuthCookieRefresh, cookiePrefix(s, s.AuthCookieRefreshPath)+"refresh")
	text("CSRF_COOKIE_NAME", &s.CSRFCookieName, cookiePrefix(s, csrfPath)+"csrftoken")
}

// csrfPath is the path of CSRF_COOKIE_NAME: scripts see only cookies whose path is that of their page.
const csrfPath = "/"

// cookiePrefix is the strictest prefix that a cookie's name can have.
func cookiePrefix(s *simplejwt.Settings, path string) string {
	switch {
	case s.AuthCookieInsecure:
		return ""
	case path != "/" || s.AuthCookieDomain != "":
		return securePrefix
	}
	return hostPrefix
}

// needCookies refuses the settings that mean nothing without AUTH_COOKIE.
func needCookies(s *simplejwt.Settings, f *simplejwt.Faults) {
	for _, n := range []struct {
		setting string
		given   bool
	}{
		{"AUTH_COOKIE_ACCESS", s.AuthCookieAccess != ""}, {"AUTH_COOKIE_REFRESH", s.AuthCookieRefresh != ""},
		{"AUTH_COOKIE_DOMAIN", s.AuthCookieDomain != ""}, {"AUTH_COOKIE_PATH", s.AuthCookiePath != ""},
		{"AUTH_COOKIE_REFRESH_PATH", s.AuthCookieRefreshPath != ""}, {"AUTH_COOKIE_SAMESITE", s.AuthCookieSameSite != ""},
		{"AUTH_COOKIE_INSECURE", s.AuthCookieInsecure}, {"CSRF_COOKIE_NAME", s.CSRFCookieName != ""},
		{"CSRF_HEADER_NAME", s.CSRFHeaderName != ""}, {"CSRF_TRUSTED_ORIGINS", len(s.CSRFTrustedOrigins) > 0},
	} {
		if n.given {
			f.Add(n.setting, "needs AUTH_COOKIE")
		}
	}
}

var sameSites = map[string]http.SameSite{"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}

// checkCookies refuses what browsers refuse, or what makes cookies less safe than they look, and makes Cookies of the rest.
func (a *Auth) checkCookies(f *simplejwt.Faults) {
	if !a.s.AuthCookie {
		needCookies(&a.s, f)
		return
	}
	c := &Cookies{
		CSRFHeader: http.CanonicalHeaderKey(headerName(a.s.CSRFHeaderName)), origins: http.NewCrossOriginProtection(),
		trusted: slices.Clone(a.s.CSRFTrustedOrigins), insecure: a.s.AuthCookieInsecure, now: a.now,
	}
	base := http.Cookie{Domain: a.s.AuthCookieDomain, SameSite: a.sameSite(f), HttpOnly: true, Secure: !a.s.AuthCookieInsecure}
	a.checkDomain(f)
	checkPath(f, "AUTH_COOKIE_PATH", a.s.AuthCookiePath)
	if a.s.AuthCookieRefreshPath != a.s.AuthCookiePath {
		checkPath(f, "AUTH_COOKIE_REFRESH_PATH", a.s.AuthCookieRefreshPath)
	}
	for _, n := range []struct {
		cookie              *http.Cookie
		setting, name, path string
	}{
		{&c.Access, "AUTH_COOKIE_ACCESS", a.s.AuthCookieAccess, a.s.AuthCookiePath},
		{&c.Refresh, "AUTH_COOKIE_REFRESH", a.s.AuthCookieRefresh, a.s.AuthCookieRefreshPath},
		{&c.CSRF, "CSRF_COOKIE_NAME", a.s.CSRFCookieName, csrfPath},
	} {
		*n.cookie = base
		n.cookie.Name, n.cookie.Path = n.name, n.path
		a.checkCookieName(f, n.setting, n.name, n.path)
	}
	c.CSRF.HttpOnly = false // it is for the page's scripts
	if strings.HasPrefix(strings.ToLower(c.CSRF.Name), "__host-http-") {
		f.Add("CSRF_COOKIE_NAME", "may not begin with __Host-Http-: the page's scripts read it")
	}
	if c.Access.Name == c.Refresh.Name || c.Access.Name == c.CSRF.Name || c.Refresh.Name == c.CSRF.Name {
		f.Add("AUTH_COOKIE_ACCESS", "AUTH_COOKIE_ACCESS, AUTH_COOKIE_REFRESH and CSRF_COOKIE_NAME must differ")
	}
	if !isToken(headerName(a.s.CSRFHeaderName)) || c.CSRFHeader == a.header {
		f.Add("CSRF_HEADER_NAME", "must be a header's name, such as X-CSRFToken, and not that of AUTH_HEADER_NAME")
	}
	for _, origin := range a.s.CSRFTrustedOrigins {
		if !isOrigin(origin) || c.origins.AddTrustedOrigin(origin) != nil {
			f.Add("CSRF_TRUSTED_ORIGINS", "%q is no origin as browsers write them, such as https://app.example.com", origin)
		} else if u, _ := url.Parse(origin); u.Scheme == "http" && !isLoopback(u.Host) {
			f.Add("CSRF_TRUSTED_ORIGINS", "%q is not safe: anybody on the way can write a page that comes over plain http", origin)
		}
	}
	a.cookies = c
}

func (a *Auth) sameSite(f *simplejwt.Faults) http.SameSite {
	out, ok := sameSites[strings.ToLower(a.s.AuthCookieSameSite)]
	switch {
	case !ok:
		f.Add("AUTH_COOKIE_SAMESITE", "must be Lax, Strict or None")
	case out == http.SameSiteNoneMode && a.s.AuthCookieInsecure:
		f.Add("AUTH_COOKIE_SAMESITE", "None needs secure cookies, and AUTH_COOKIE_INSECURE is set")
	case out == http.SameSiteNoneMode && len(a.s.CSRFTrustedOrigins) == 0:
		f.Add("AUTH_COOKIE_SAMESITE", "None is for pages of other sites: name them in CSRF_TRUSTED_ORIGINS")
	}
	return out
}

func (a *Auth) checkDomain(f *simplejwt.Faults) {
	d := a.s.AuthCookieDomain
	switch bare := strings.TrimPrefix(d, "."); {
	case d == "":
	case net.ParseIP(bare) != nil, !strings.Contains(bare, "."), strings.HasSuffix(bare, "."), (&http.Cookie{Name: "n", Domain: d}).Valid() != nil:
		f.Add("AUTH_COOKIE_DOMAIN", "must be a domain such as example.com")
	case a.s.AuthCookieInsecure:
		f.Add("AUTH_COOKIE_DOMAIN", "is of no use with AUTH_COOKIE_INSECURE, which serves this machine only")
	}
}

func checkPath(f *simplejwt.Faults, setting, path string) {
	if !strings.HasPrefix(path, "/") || len(path) > maxAttributeBytes || (&http.Cookie{Name: "n", Path: path}).Valid() != nil {
		f.Add(setting, "must begin with /, have at most %d bytes, and hold no semicolon and nothing but ASCII", maxAttributeBytes)
	}
}

// checkCookieName insists on the strictest prefix: without __Host- another host of the domain, or a page that came over
// plain http, could set the cookie. Browsers know the prefixes in any case, older ones as they are written here.
func (a *Auth) checkCookieName(f *simplejwt.Faults, setting, name, path string) {
	prefix, lower := cookiePrefix(&a.s, path), strings.ToLower(name)
	switch {
	case !isToken(name) || name == prefix:
		f.Add(setting, "%q is no name of a cookie", name)
	case prefix == "" && (strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__http-")):
		f.Add(setting, "with AUTH_COOKIE_INSECURE no browser keeps a cookie whose name begins with __Host- or __Secure-")
	case !strings.HasPrefix(name, prefix) && prefix == hostPrefix:
		f.Add(setting, "must begin with __Host-, so that no other host can set the cookie")
	case !strings.HasPrefix(name, prefix):
		f.Add(setting, "must begin with __Secure-: a cookie with a domain or a path can't be one of __Host-")
	}
}

// isOrigin reports whether a text is an origin as browsers write it (RFC 6454 section 6.1): in lower case, without the
// scheme's own port, and nothing behind it.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || strings.Contains(text, "*") || text != strings.ToLower(text) {
		return false
	}
	return text == u.Scheme+"://"+u.Host && !strings.HasSuffix(u.Host, ":") &&
		(u.Scheme != "https" || u.Port() != "443") && (u.Scheme != "http" || u.Port() != "80")
}
