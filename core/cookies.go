package core

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// maxCookieBytes is the longest cookie, attributes included, that every browser keeps: it drops a longer one in silence.
const maxCookieBytes = 4096

// The prefixes of a cookie's name by which a browser holds it to its attributes (RFC 6265bis section 4.1.3).
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// Cookies are how a browser carries tokens: AUTH_COOKIE and the settings around it.
type Cookies struct {
	// Access, Refresh and CSRF are the cookies without value and age.
	Access, Refresh, CSRF http.Cookie
	// CSRFHeader is the header that carries a session's token against cross-site requests.
	CSRFHeader string
	// Origins decides about requests of browsers that say where they come from.
	Origins *http.CrossOriginProtection

	insecure bool
	now      func() time.Time
}

// Cookies are the cookies of tokens; nil without AUTH_COOKIE.
func (a *Auth) Cookies() *Cookies { return a.cookies }

// WithoutCookies is the same Auth without AUTH_COOKIE, to mount the views for clients that are no browsers at a path of
// their own: they get tokens in the body.
func (a *Auth) WithoutCookies() *Auth {
	out := *a
	out.cookies = nil
	return &out
}

// CSRFToken is what a browser must send along, in CSRF_HEADER_NAME, with a request that carries the token in a cookie and
// does not say where it comes from. It holds for all tokens of a session. "" in a program that only verifies.
func (a *Auth) CSRFToken(t *Token) string {
	if a.s.SigningKey == "" {
		return ""
	}
	key := sha256.Sum256([]byte("csrf\x00" + a.s.SigningKey))
	mac := hmac.New(sha256.New, key[:])
	if sid := t.SessionID(); sid != "" {
		_, _ = mac.Write([]byte(sid))
	} else {
		_, _ = mac.Write([]byte(t.JTI()))
	}
	return encoding.EncodeToString(mac.Sum(nil))
}

// Holding is the cookie with a token in it, for as long as the token is good. Errors: a cookie that a browser would drop.
func (c *Cookies) Holding(cookie http.Cookie, value string, until time.Time) (*http.Cookie, error) {
	cookie.Value, cookie.MaxAge = value, int(until.Sub(c.now())/time.Second)
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
	cookie.MaxAge = -1
	return &cookie
}

// MayServe reports whether cookies may go to a host, with AUTH_COOKIE_INSECURE only to this machine.
func (c *Cookies) MayServe(host string) bool {
	if !c.insecure {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// cookieDefaults fills in names that fit the other settings.
func cookieDefaults(s *simplejwt.Settings, text func(name string, value *string, fallback string)) {
	text("AUTH_COOKIE_PATH", &s.AuthCookiePath, "/")
	text("AUTH_COOKIE_REFRESH_PATH", &s.AuthCookieRefreshPath, s.AuthCookiePath)
	text("AUTH_COOKIE_SAMESITE", &s.AuthCookieSameSite, "Lax")
	text("CSRF_HEADER_NAME", &s.CSRFHeaderName, "HTTP_X_CSRFTOKEN")
	prefix := func(path string) string {
		switch {
		case s.AuthCookieInsecure:
			return ""
		case path != "/" || s.AuthCookieDomain != "":
			return securePrefix
		}
		return hostPrefix
	}
	text("AUTH_COOKIE_ACCESS", &s.AuthCookieAccess, prefix(s.AuthCookiePath)+"access")
	text("AUTH_COOKIE_REFRESH", &s.AuthCookieRefresh, prefix(s.AuthCookieRefreshPath)+"refresh")
	text("CSRF_COOKIE_NAME", &s.CSRFCookieName, prefix(s.AuthCookiePath)+"csrftoken")
}

// cookieSettings are the settings that mean nothing without AUTH_COOKIE.
func cookieSettings(s *simplejwt.Settings) map[string]bool {
	return map[string]bool{
		"AUTH_COOKIE_ACCESS": s.AuthCookieAccess != "", "AUTH_COOKIE_REFRESH": s.AuthCookieRefresh != "",
		"AUTH_COOKIE_DOMAIN": s.AuthCookieDomain != "", "AUTH_COOKIE_PATH": s.AuthCookiePath != "",
		"AUTH_COOKIE_REFRESH_PATH": s.AuthCookieRefreshPath != "", "AUTH_COOKIE_SAMESITE": s.AuthCookieSameSite != "",
		"AUTH_COOKIE_INSECURE": s.AuthCookieInsecure, "CSRF_COOKIE_NAME": s.CSRFCookieName != "",
		"CSRF_HEADER_NAME": s.CSRFHeaderName != "", "CSRF_TRUSTED_ORIGINS": len(s.CSRFTrustedOrigins) > 0,
	}
}

var sameSites = map[string]http.SameSite{"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}

// checkCookies refuses what browsers refuse, or what makes cookies less safe than they look, and makes Cookies of the rest.
func (a *Auth) checkCookies(f *simplejwt.Faults) {
	if !a.s.AuthCookie {
		for setting, given := range cookieSettings(&a.s) {
			if given {
				f.Add(setting, "needs AUTH_COOKIE")
			}
		}
		return
	}
	sameSite, ok := sameSites[strings.ToLower(a.s.AuthCookieSameSite)]
	if !ok {
		f.Add("AUTH_COOKIE_SAMESITE", "must be Lax, Strict or None")
	}
	if sameSite == http.SameSiteNoneMode && a.s.AuthCookieInsecure {
		f.Add("AUTH_COOKIE_SAMESITE", "None needs secure cookies, and AUTH_COOKIE_INSECURE is set")
	}
	if sameSite == http.SameSiteNoneMode && len(a.s.CSRFTrustedOrigins) == 0 {
		f.Add("AUTH_COOKIE_SAMESITE", "None is for pages of other sites: name them in CSRF_TRUSTED_ORIGINS")
	}
	if d := a.s.AuthCookieDomain; d != "" && (net.ParseIP(d) != nil || !strings.Contains(strings.Trim(d, "."), ".") || (&http.Cookie{Name: "n", Domain: d}).Valid() != nil) {
		f.Add("AUTH_COOKIE_DOMAIN", "must be a domain such as example.com")
	}
	c := &Cookies{CSRFHeader: http.CanonicalHeaderKey(headerName(a.s.CSRFHeaderName)), Origins: http.NewCrossOriginProtection(), insecure: a.s.AuthCookieInsecure, now: a.now}
	if !isToken(headerName(a.s.CSRFHeaderName)) || c.CSRFHeader == a.header {
		f.Add("CSRF_HEADER_NAME", "must be a header's name, such as X-CSRFToken, and not that of AUTH_HEADER_NAME")
	}
	for _, origin := range a.s.CSRFTrustedOrigins {
		if err := c.Origins.AddTrustedOrigin(origin); err != nil || strings.Contains(origin, "*") {
			f.Add("CSRF_TRUSTED_ORIGINS", "%q is no origin, such as https://app.example.com", origin)
		}
	}
	c.Access = a.cookie(f, "AUTH_COOKIE_ACCESS", a.s.AuthCookieAccess, "AUTH_COOKIE_PATH", a.s.AuthCookiePath, sameSite)
	c.Refresh = a.cookie(f, "AUTH_COOKIE_REFRESH", a.s.AuthCookieRefresh, "AUTH_COOKIE_REFRESH_PATH", a.s.AuthCookieRefreshPath, sameSite)
	c.CSRF = a.cookie(f, "CSRF_COOKIE_NAME", a.s.CSRFCookieName, "AUTH_COOKIE_PATH", a.s.AuthCookiePath, sameSite)
	c.CSRF.HttpOnly = false // it is for the page's scripts
	if c.Access.Name == c.Refresh.Name || c.Access.Name == c.CSRF.Name || c.Refresh.Name == c.CSRF.Name {
		f.Add("AUTH_COOKIE_ACCESS", "AUTH_COOKIE_ACCESS, AUTH_COOKIE_REFRESH and CSRF_COOKIE_NAME must differ")
	}
	a.cookies = c
}

// cookie is a cookie without a value.
func (a *Auth) cookie(f *simplejwt.Faults, setting, name, pathSetting, path string, sameSite http.SameSite) http.Cookie {
	c := http.Cookie{
		Name: name, Path: path, Domain: a.s.AuthCookieDomain, SameSite: sameSite, HttpOnly: true, Secure: !a.s.AuthCookieInsecure,
	}
	lower := strings.ToLower(name) // browsers look at the prefixes without regard to case
	isHost, isSecure := strings.HasPrefix(lower, strings.ToLower(hostPrefix)), strings.HasPrefix(lower, strings.ToLower(securePrefix))
	switch {
	case !isToken(name):
		f.Add(setting, "%q is no name of a cookie", name)
	case isHost && (a.s.AuthCookieDomain != "" || path != "/"):
		f.Add(setting, "a cookie whose name begins with __Host- has no domain and the path /; use __Secure-")
	case (isHost || isSecure) && a.s.AuthCookieInsecure:
		f.Add(setting, "with AUTH_COOKIE_INSECURE no browser keeps a cookie whose name begins with __Host- or __Secure-")
	case !isHost && !isSecure && !a.s.AuthCookieInsecure:
		f.Add(setting, "must begin with __Host-, or with __Secure- where AUTH_COOKIE_DOMAIN or the path is set, so that no other host can set it")
	}
	if !strings.HasPrefix(path, "/") || (&http.Cookie{Name: "n", Path: path}).Valid() != nil {
		f.Add(pathSetting, "must begin with / and hold no semicolon or control character")
	}
	return c
}
