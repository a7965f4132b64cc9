package cookie

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// maxAttributeBytes is the longest value of an attribute that browsers read (RFC 6265bis section 5.6).
const maxAttributeBytes = 1024

// csrfPath is the path of CSRF_COOKIE_NAME: scripts see only cookies whose path is a prefix of that of their page.
const csrfPath = "/"

// The prefixes of a cookie's name by which a browser holds it to its attributes (RFC 6265bis section 4.1.3).
const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
)

// sameSites are the values of AUTH_COOKIE_SAMESITE, in lower case.
var sameSites = map[string]http.SameSite{"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}

// SetDefaults sets the settings of cookies that are not given. Names get the strictest prefix that path and domain allow. A setting that
// was given as "" stays "", for [New] to report. Without AUTH_COOKIE it sets nothing.
func SetDefaults(s *simplejwt.Settings) {
	if !s.AuthCookie {
		return
	}
	setDefault := func(setting string, value *string, fallback string) {
		if *value == "" && !s.IsSet(setting) {
			*value = fallback
		}
	}
	setDefault("AUTH_COOKIE_PATH", &s.AuthCookiePath, "/")
	setDefault("AUTH_COOKIE_REFRESH_PATH", &s.AuthCookieRefreshPath, s.AuthCookiePath)
	setDefault("AUTH_COOKIE_SAMESITE", &s.AuthCookieSameSite, "Lax")
	setDefault("CSRF_HEADER_NAME", &s.CSRFHeaderName, "HTTP_X_CSRFTOKEN")
	setDefault("AUTH_COOKIE_ACCESS", &s.AuthCookieAccess, namePrefix(s, s.AuthCookiePath)+"access")
	setDefault("AUTH_COOKIE_REFRESH", &s.AuthCookieRefresh, namePrefix(s, s.AuthCookieRefreshPath)+"refresh")
	setDefault("CSRF_COOKIE_NAME", &s.CSRFCookieName, namePrefix(s, csrfPath)+"csrftoken")
}

// namePrefix returns the strictest prefix that the name of a cookie with this path can have.
func namePrefix(s *simplejwt.Settings, path string) string {
	switch {
	case s.AuthCookieInsecure:
		return ""
	case path != "/" || s.AuthCookieDomain != "":
		return securePrefix
	}
	return hostPrefix
}

// New returns the policy of settings that [SetDefaults] has completed; nil without AUTH_COOKIE. It adds to invalid what browsers would
// reject, and what would make cookies less safe than they look; a policy is usable only if it added nothing. now is the clock by which
// cookies expire.
func New(s *simplejwt.Settings, now func() time.Time, invalid *simplejwt.SettingsError) *Policy {
	if !s.AuthCookie {
		checkUnused(s, invalid)
		return nil
	}
	p := &Policy{
		CSRFHeader: HeaderName(s.CSRFHeaderName), csrfKey: deriveCSRFKey(s.SigningKey),
		trusted: slices.Clone(s.CSRFTrustedOrigins), insecure: s.AuthCookieInsecure, now: now,
	}
	base := http.Cookie{Domain: s.AuthCookieDomain, SameSite: checkSameSite(s, invalid), HttpOnly: true, Secure: !s.AuthCookieInsecure}
	checkDomain(s, invalid)
	checkPath("AUTH_COOKIE_PATH", s.AuthCookiePath, invalid)
	if s.AuthCookieRefreshPath != s.AuthCookiePath {
		checkPath("AUTH_COOKIE_REFRESH_PATH", s.AuthCookieRefreshPath, invalid)
	}
	p.nameCookies(s, base, invalid)
	if !IsToken(p.CSRFHeader) || p.CSRFHeader == HeaderName(s.AuthHeaderName) {
		invalid.Add("CSRF_HEADER_NAME", "must be a header's name, such as X-CSRFToken, and not that of AUTH_HEADER_NAME")
	}
	p.checkTrustedOrigins(invalid)
	return p
}

// checkUnused adds the settings that have no effect without AUTH_COOKIE: their author believes that cookies are on.
func checkUnused(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
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
			invalid.Add(n.setting, "needs AUTH_COOKIE")
		}
	}
}

// checkSameSite returns AUTH_COOKIE_SAMESITE. None needs Secure, or browsers drop the cookie, and needs CSRF_TRUSTED_ORIGINS, or no page
// of another site could use the cookies that it lets through.
func checkSameSite(s *simplejwt.Settings, invalid *simplejwt.SettingsError) http.SameSite {
	out, ok := sameSites[strings.ToLower(s.AuthCookieSameSite)]
	switch {
	case !ok:
		invalid.Add("AUTH_COOKIE_SAMESITE", "must be Lax, Strict or None")
	case out == http.SameSiteNoneMode && s.AuthCookieInsecure:
		invalid.Add("AUTH_COOKIE_SAMESITE", "None needs secure cookies, and AUTH_COOKIE_INSECURE is set")
	case out == http.SameSiteNoneMode && len(s.CSRFTrustedOrigins) == 0:
		invalid.Add("AUTH_COOKIE_SAMESITE", "None is for pages of other sites: name them in CSRF_TRUSTED_ORIGINS")
	}
	return out
}

// checkDomain checks AUTH_COOKIE_DOMAIN. Browsers ignore a cookie whose Domain is an IP address or a name without a dot.
func checkDomain(s *simplejwt.Settings, invalid *simplejwt.SettingsError) {
	d := s.AuthCookieDomain
	switch bare := strings.TrimPrefix(d, "."); {
	case d == "":
	case net.ParseIP(bare) != nil, !strings.Contains(bare, "."), strings.HasSuffix(bare, "."), (&http.Cookie{Name: "n", Domain: d}).Valid() != nil:
		invalid.Add("AUTH_COOKIE_DOMAIN", "must be a domain such as example.com")
	case s.AuthCookieInsecure:
		invalid.Add("AUTH_COOKIE_DOMAIN", "has no effect with AUTH_COOKIE_INSECURE, which serves this machine only")
	}
}

// checkPath checks a Path: browsers ignore one that does not begin with a slash and use the directory of the request instead.
func checkPath(setting, path string, invalid *simplejwt.SettingsError) {
	if !strings.HasPrefix(path, "/") || len(path) > maxAttributeBytes || (&http.Cookie{Name: "n", Path: path}).Valid() != nil {
		invalid.Add(setting, "must begin with /, have at most %d bytes, and hold no semicolon and nothing but ASCII", maxAttributeBytes)
	}
}

// nameCookies sets the three cookies, with the attributes of base, and checks their names. Two cookies of one name would overwrite each
// other.
func (p *Policy) nameCookies(s *simplejwt.Settings, base http.Cookie, invalid *simplejwt.SettingsError) {
	for _, n := range []struct {
		cookie              *http.Cookie
		setting, name, path string
	}{
		{&p.Access, "AUTH_COOKIE_ACCESS", s.AuthCookieAccess, s.AuthCookiePath},
		{&p.Refresh, "AUTH_COOKIE_REFRESH", s.AuthCookieRefresh, s.AuthCookieRefreshPath},
		{&p.CSRF, "CSRF_COOKIE_NAME", s.CSRFCookieName, csrfPath},
	} {
		*n.cookie = base
		n.cookie.Name, n.cookie.Path = n.name, n.path
		checkName(n.setting, n.name, namePrefix(s, n.path), invalid)
	}
	p.CSRF.HttpOnly = false // it is for the page's scripts
	if strings.HasPrefix(strings.ToLower(p.CSRF.Name), "__host-http-") {
		invalid.Add("CSRF_COOKIE_NAME", "may not begin with __Host-Http-: the page's scripts read it")
	}
	if p.Access.Name == p.Refresh.Name || p.Access.Name == p.CSRF.Name || p.Refresh.Name == p.CSRF.Name {
		invalid.Add("AUTH_COOKIE_ACCESS", "AUTH_COOKIE_ACCESS, AUTH_COOKIE_REFRESH and CSRF_COOKIE_NAME must differ")
	}
}

// checkName requires the strictest prefix that the attributes allow: without __Host- another host of the domain, or a page that came
// over plain http, could set the cookie. Newer browsers recognize the prefixes in any case, older ones only as they are written here.
func checkName(setting, name, prefix string, invalid *simplejwt.SettingsError) {
	lower := strings.ToLower(name)
	switch {
	case !IsToken(name) || name == prefix:
		invalid.Add(setting, "%q is not a cookie name", name)
	case prefix == "" && (strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__http-")):
		invalid.Add(setting, "with AUTH_COOKIE_INSECURE no browser keeps a cookie whose name begins with __Host- or __Secure-")
	case !strings.HasPrefix(name, prefix) && prefix == hostPrefix:
		invalid.Add(setting, "must begin with __Host-, so that no other host can set the cookie")
	case !strings.HasPrefix(name, prefix):
		invalid.Add(setting, "must begin with __Secure-: a cookie with a domain or a path can't have __Host-")
	}
}

// checkTrustedOrigins checks CSRF_TRUSTED_ORIGINS: a text that no browser sends would trust nobody, and an origin over plain http would
// trust everyone on the network path.
func (p *Policy) checkTrustedOrigins(invalid *simplejwt.SettingsError) {
	for _, origin := range p.trusted {
		if !isOrigin(origin) {
			invalid.Add("CSRF_TRUSTED_ORIGINS", "%q is not an origin as browsers write it, such as https://app.example.com", origin)
		} else if u, _ := url.Parse(origin); u.Scheme == "http" && !isLoopback(u.Host) {
			invalid.Add("CSRF_TRUSTED_ORIGINS", "%q is not safe: anyone on the network path can write a page that comes over plain http", origin)
		}
	}
}

// isOrigin reports whether a text is an origin as browsers write it (RFC 6454 section 6.1): in lower case, without the default port of
// the scheme, and with nothing behind it. Origins are compared as texts.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || strings.Contains(text, "*") || text != strings.ToLower(text) {
		return false
	}
	return text == u.Scheme+"://"+u.Host && !strings.HasSuffix(u.Host, ":") &&
		(u.Scheme != "https" || u.Port() != "443") && (u.Scheme != "http" || u.Port() != "80")
}

// HeaderName returns the canonical name of the header that a setting names, in Django's form (HTTP_X_CSRFTOKEN) or by its HTTP name. It
// checks nothing: see [IsToken].
func HeaderName(setting string) string {
	if cgi, ok := strings.CutPrefix(setting, "HTTP_"); ok {
		setting = strings.ReplaceAll(cgi, "_", "-")
	}
	return http.CanonicalHeaderKey(setting)
}

// IsToken reports whether a text is a token of RFC 9110 section 5.6.2: the form of header names, schemes and cookie names.
func IsToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
