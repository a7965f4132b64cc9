package cookie_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

func TestCSRFToken(t *testing.T) {
	t.Parallel()
	p := validPolicy(t, `{}`)
	first := p.CSRFToken("s1", "1")
	if len(first) != 43 || strings.ContainsAny(first, "+/= ;") {
		t.Errorf("%q is not a base64url text of 32 bytes", first)
	}
	other := validPolicy(t, `{"SIGNING_KEY": "another key of thirty-two bytes!"}`)
	for name, c := range map[string]struct {
		got  string
		same bool
	}{
		"a token of the session that names no user":     {p.CSRFToken("s1", ""), true},
		"another program with the same key":             {validPolicy(t, `{"AUTH_COOKIE_INSECURE": true}`).CSRFToken("s1", "1"), true},
		"another session of the user":                   {p.CSRFToken("s2", "1"), false},
		"no session":                                    {p.CSRFToken("", "1"), false},
		"a user whose id is that of the session":        {p.CSRFToken("", "s1"), false},
		"another key":                                   {other.CSRFToken("s1", "1"), false},
		"another key with the session's id as a user's": {other.CSRFToken("", "s1"), false},
	} {
		if (c.got == first) != c.same || c.got == "" {
			t.Errorf("%s: %q, the first is %q; the same: %t", name, c.got, first, c.same)
		}
	}
	if a, b := p.CSRFToken("", "1"), p.CSRFToken("", "1"); a != b || a == p.CSRFToken("", "2") {
		t.Errorf("without a session it is the user's: %q, %q", a, b)
	}
	if got := p.CSRFToken("", ""); got != "" {
		t.Errorf("nobody has the CSRF token %q", got)
	}
	settings := simplejwt.Settings{AuthCookie: true}
	cookie.SetDefaults(&settings)
	var invalid simplejwt.SettingsError
	if got := cookie.New(&settings, now, &invalid).CSRFToken("s1", "1"); got != "" || len(invalid) > 0 {
		t.Errorf("a program without a key makes the CSRF token %q, %v", got, invalid)
	}
}

// The values are recorded: pages keep theirs over an update of the program.
func TestCSRFToken_NeverChangesForASession(t *testing.T) {
	t.Parallel()
	settings := simplejwt.Settings{AuthCookie: true, SigningKey: "a signing key of thirty-two bytes or more"}
	cookie.SetDefaults(&settings)
	var invalid simplejwt.SettingsError
	p := cookie.New(&settings, now, &invalid)
	for owner, want := range map[[2]string]string{{"session", "1"}: "p30t_81YN_lPl2Nt2kkMYxGONENUh7Qw6vlQeaqaQzQ", {"", "1"}: "Em7-75AugYcNByTyJiHnB284rsHwX6CdJpVeLHKv3cQ"} {
		if got := p.CSRFToken(owner[0], owner[1]); got != want {
			t.Errorf("%q: %s, want %s", owner, got, want)
		}
	}
}

func TestMayServe(t *testing.T) {
	t.Parallel()
	secure, insecure := validPolicy(t, `{}`), validPolicy(t, `{"AUTH_COOKIE_INSECURE": true, "CSRF_TRUSTED_ORIGINS": "https://app.example.com"}`)
	for _, c := range []struct {
		host, origin string
		want         bool
	}{
		{"localhost", "", true}, {"localhost:8000", "", true}, {"LOCALHOST:8000", "", true}, {"app.localhost:8000", "", true},
		{"127.0.0.1", "", true}, {"127.0.0.1:8000", "", true}, {"127.9.9.9:1", "", true}, {"[::1]", "", true}, {"[::1]:8000", "", true},
		{"localhost:8000", "http://localhost:8000", true}, {"localhost:8000", "http://127.0.0.1:5173", true}, {"[::1]:8000", "http://[::1]:8000", true},
		{"localhost:8000", "https://app.example.com", false}, {"localhost:8000", "http://%zz", false}, {"localhost:8000", "https://", false},
		{"localhost:8000", "null", true}, {"example.com", "null", false}, // it says nothing, so the host decides
		{"", "", false}, {"example.com", "", false}, {"192.168.0.5:8000", "", false}, {"0.0.0.0:8000", "", false}, {"[::]:8000", "", false},
		{"localhost.example.com", "", false}, {"127.0.0.1.example.com", "", false}, {"notlocalhost", "", false}, {"127.1", "", false}, {"localhost.", "", false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if got := insecure.MayServe(r); got != c.want {
			t.Errorf("host %q, origin %q: served %t, want %t", c.host, c.origin, got, c.want)
		}
		if !secure.MayServe(r) {
			t.Errorf("host %q: secure cookies go anywhere", c.host)
		}
	}
}

func TestIsSameOrigin(t *testing.T) {
	t.Parallel()
	trusting := `"CSRF_TRUSTED_ORIGINS": ["https://app.example.com", "http://localhost:5173"]`
	secure, insecure := validPolicy(t, `{`+trusting+`}`), validPolicy(t, `{"AUTH_COOKIE_INSECURE": true, `+trusting+`}`)
	for _, c := range []struct {
		site, origin   string
		want, insecure bool
	}{
		{"", "", true, true},
		{"same-origin", "", true, true}, {"none", "", true, true}, {"same-origin", "https://evil.example", true, true}, // no page can say so
		{"same-origin", "http://api.example.com", true, true}, // as on http://localhost, where browsers keep secure cookies
		{"same-site", "", false, false}, {"cross-site", "", false, false}, {"unheard-of", "", false, false},
		{"cross-site", "https://api.example.com", false, false}, // http to https
		{"same-site", "https://app.example.com", true, true}, {"cross-site", "http://localhost:5173", true, true},
		{"cross-site", "https://app.example.com.evil.example", false, false}, {"same-site", "http://app.example.com", false, false},
		{"", "https://api.example.com", true, true}, {"", "http://api.example.com", false, true}, {"", "https://api.example.com:8443", false, false},
		{"", "https://app.example.com", true, true}, {"", "http://localhost:5173", true, true}, {"", "http://localhost:5174", false, false},
		{"", "https://evil.example", false, false}, {"", "https://%zz", false, false}, {"", "https://", false, false}, {"", "://api.example.com", false, false},
		{"", "null", true, true}, {"cross-site", "null", false, false}, {"same-site", "null", false, false}, {"same-origin", "null", true, true},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			r := httptest.NewRequest(method, "/", nil)
			r.Host = "api.example.com"
			for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if got := secure.IsSameOrigin(r); got != c.want || r.Method != method {
				t.Errorf("%s, Sec-Fetch-Site %q, Origin %q: %t, want %t", method, c.site, c.origin, got, c.want)
			}
			if got := insecure.IsSameOrigin(r); got != c.insecure {
				t.Errorf("insecure %s, Sec-Fetch-Site %q, Origin %q: %t, want %t", method, c.site, c.origin, got, c.insecure)
			}
		}
	}
}

// An HTTP/1.0 request may name no host. Then no page is of its origin.
func TestIsSameOrigin_WithoutHost(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{`{}`, `{"AUTH_COOKIE_INSECURE": true}`} {
		p := validPolicy(t, settings)
		for origin, want := range map[string]bool{"https://": false, "http://": false, "https:": false, "x": false, "https:///": false, "https://api.example.com": false, "null": true, "": true} {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Host = ""
			r.Header.Set("Origin", origin)
			if got := p.IsSameOrigin(r); got != want {
				t.Errorf("%s: Origin %q is the same: %t, want %t", settings, origin, got, want)
			}
		}
	}
}

// What does not say where a request comes from leaves it to the CSRF token.
func TestNamesSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		site, origin string
		want         bool
	}{
		{"", "", false}, {"", "null", false}, {"", "https://api.example.com", true}, {"", "https://", true}, {"", "null, null", true},
		{"same-origin", "", true}, {"same-origin", "null", true}, {"cross-site", "null", true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Sec-Fetch-Site", c.site)
		r.Header.Set("Origin", c.origin)
		if got := cookie.NamesSource(r); got != c.want {
			t.Errorf("Sec-Fetch-Site %q, Origin %q: %t, want %t", c.site, c.origin, got, c.want)
		}
	}
}

func TestFitsCSRFCookie(t *testing.T) {
	t.Parallel()
	narrow, domain, insecure := validPolicy(t, `{"AUTH_COOKIE_REFRESH_PATH": "/token/"}`), validPolicy(t, `{"AUTH_COOKIE_DOMAIN": "example.com"}`), validPolicy(t, `{"AUTH_COOKIE_INSECURE": true}`)
	mine, other := narrow.CSRFToken("s1", "1"), narrow.CSRFToken("s2", "2")
	for name, c := range map[string]struct {
		policy  *cookie.Policy
		cookie  http.Cookie
		cookies string
		want    bool
	}{
		"a cookie of __Host-":                      {narrow, narrow.Access, "", true},
		"a cookie with a path, alone":              {narrow, narrow.Refresh, "", false},
		"beside the session's CSRF cookie":         {narrow, narrow.Refresh, "__Host-csrftoken=" + mine, true},
		"beside another's":                         {narrow, narrow.Refresh, "__Host-csrftoken=" + other, false},
		"beside an empty one":                      {narrow, narrow.Refresh, "__Host-csrftoken=", false},
		"beside a part of it":                      {narrow, narrow.Refresh, "__Host-csrftoken=" + mine[1:], false},
		"beside two":                               {narrow, narrow.Refresh, "__Host-csrftoken=" + mine + "; __Host-csrftoken=" + mine, false},
		"beside one of a name that others can set": {narrow, narrow.Refresh, "__Secure-csrftoken=" + mine + "; csrftoken=" + mine, false},
		"a cookie with a domain, alone":            {domain, domain.Access, "", false},
		"a cookie with a domain":                   {domain, domain.Access, "__Secure-csrftoken=" + mine, true},
		"over plain http on this machine":          {insecure, insecure.Refresh, "", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", c.cookies)
		if got := c.policy.FitsCSRFCookie(r, &c.cookie, "s1", "1"); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", "__Host-csrftoken=")
	if narrow.FitsCSRFCookie(r, &narrow.Refresh, "", "") {
		t.Error("a token of nobody counts in a cookie that others can set")
	}
	settings := simplejwt.Settings{AuthCookie: true, AuthCookieDomain: "example.com"}
	cookie.SetDefaults(&settings)
	var invalid simplejwt.SettingsError
	if p := cookie.New(&settings, now, &invalid); !p.FitsCSRFCookie(r, &p.Access, "s1", "1") || len(invalid) > 0 {
		t.Errorf("a program without a key, which knows no CSRF tokens, reads no cookie with a domain, %v", invalid)
	}
}
