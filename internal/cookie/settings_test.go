package cookie_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// wantInvalid compares invalid settings with what they must say: "SETTING: words of the problem" each.
func wantInvalid(t *testing.T, got simplejwt.SettingsError, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("unexpected: %s: %s", got[i].Setting, got[i].Problem)
		default:
			setting, words, _ := strings.Cut(want[i], ": ")
			if got[i].Setting != setting || !strings.Contains(got[i].Problem, words) {
				t.Errorf("got %q: %q, want %q with %q", got[i].Setting, got[i].Problem, setting, words)
			}
		}
	}
}

func TestNew_RejectsUnsafeCookies(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("p", 1024)
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"nothing is wrong with the defaults":     {`{}`, nil},
		"nor with those of AUTH_COOKIE_INSECURE": {`{"AUTH_COOKIE_INSECURE": true}`, nil},

		"a name without a prefix":                   {`{"AUTH_COOKIE_ACCESS": "access"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-"}},
		"three names without a prefix":              {`{"AUTH_COOKIE_ACCESS": "a", "AUTH_COOKIE_REFRESH": "r", "CSRF_COOKIE_NAME": "c"}`, []string{"AUTH_COOKIE_ACCESS: __Host-", "AUTH_COOKIE_REFRESH: __Host-", "CSRF_COOKIE_NAME: __Host-"}},
		"the laxer prefix where none is needed":     {`{"AUTH_COOKIE_ACCESS": "__Secure-a"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-"}},
		"a prefix that older browsers don't know":   {`{"AUTH_COOKIE_ACCESS": "__host-a", "AUTH_COOKIE_REFRESH": "__HOST-r"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-", "AUTH_COOKIE_REFRESH: must begin with __Host-"}},
		"nothing but a prefix":                      {`{"AUTH_COOKIE_ACCESS": "__Host-"}`, []string{"AUTH_COOKIE_ACCESS: is not a cookie name"}},
		"an empty name":                             {`{"AUTH_COOKIE_ACCESS": ""}`, []string{"AUTH_COOKIE_ACCESS: is not a cookie name"}},
		"a name with a blank":                       {`{"AUTH_COOKIE_ACCESS": "__Host-a b"}`, []string{"AUTH_COOKIE_ACCESS: is not a cookie name"}},
		"a name with another cookie in it":          {`{"CSRF_COOKIE_NAME": "__Host-a;b"}`, []string{"CSRF_COOKIE_NAME: is not a cookie name"}},
		"custom names":                              {`{"AUTH_COOKIE_ACCESS": "__Host-a", "AUTH_COOKIE_REFRESH": "__Host-r", "CSRF_COOKIE_NAME": "__Host-c"}`, nil},
		"a readable cookie that scripts can't read": {`{"CSRF_COOKIE_NAME": "__Host-Http-c", "AUTH_COOKIE_ACCESS": "__Host-Http-a"}`, []string{"CSRF_COOKIE_NAME: __Host-Http-"}},
		"access and refresh of one name":            {`{"AUTH_COOKIE_ACCESS": "__Host-a", "AUTH_COOKIE_REFRESH": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},
		"access and CSRF token of one name":         {`{"AUTH_COOKIE_ACCESS": "__Host-a", "CSRF_COOKIE_NAME": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},
		"refresh and CSRF token of one name":        {`{"AUTH_COOKIE_REFRESH": "__Host-a", "CSRF_COOKIE_NAME": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},

		"__Host- with a domain":           {`{"AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_ACCESS": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Secure-"}},
		"__Host- with a path":             {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "__Host-r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"no prefix with a path":           {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"__Secure- in lower case":         {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "__secure-r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"a CSRF cookie with a domain":     {`{"AUTH_COOKIE_DOMAIN": "example.com", "CSRF_COOKIE_NAME": "__Host-c"}`, []string{"CSRF_COOKIE_NAME: must begin with __Secure-"}},
		"a CSRF cookie has no other path": {`{"AUTH_COOKIE_PATH": "/api", "CSRF_COOKIE_NAME": "__Host-c"}`, nil},

		"a domain with a dot in front": {`{"AUTH_COOKIE_DOMAIN": ".example.com"}`, nil},
		"a domain with a dot behind":   {`{"AUTH_COOKIE_DOMAIN": "example.com."}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a top-level domain":           {`{"AUTH_COOKIE_DOMAIN": "com"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a top-level domain and a dot": {`{"AUTH_COOKIE_DOMAIN": ".com"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"an address":                   {`{"AUTH_COOKIE_DOMAIN": "127.0.0.1"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a domain with a port":         {`{"AUTH_COOKIE_DOMAIN": "example.com:443"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a domain with more behind it": {`{"AUTH_COOKIE_DOMAIN": "example.com; Path=/"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"an insecure domain":           {`{"AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_INSECURE": true}`, []string{"AUTH_COOKIE_DOMAIN: has no effect"}},

		"a path without a slash":     {`{"AUTH_COOKIE_PATH": "api"}`, []string{"AUTH_COOKIE_PATH: must begin with /"}},
		"an empty path":              {`{"AUTH_COOKIE_PATH": ""}`, []string{"AUTH_COOKIE_PATH: must begin with /"}},
		"a path with more behind it": {`{"AUTH_COOKIE_REFRESH_PATH": "/a; Domain=b"}`, []string{"AUTH_COOKIE_REFRESH_PATH: must begin with /"}},
		"a path that is not ASCII":   {`{"AUTH_COOKIE_REFRESH_PATH": "/é"}`, []string{"AUTH_COOKIE_REFRESH_PATH: nothing but ASCII"}},
		"a path that browsers drop":  {`{"AUTH_COOKIE_PATH": "` + long + `"}`, []string{"AUTH_COOKIE_PATH: at most 1024 bytes"}},
		"the longest path":           {`{"AUTH_COOKIE_PATH": "` + long[:1024] + `"}`, nil},
		"another refresh path":       {`{"AUTH_COOKIE_REFRESH_PATH": "/api/token/"}`, nil},
		"an empty refresh path":      {`{"AUTH_COOKIE_REFRESH_PATH": ""}`, []string{"AUTH_COOKIE_REFRESH_PATH: must begin with /"}},

		"an insecure cookie with __Host-":            {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_ACCESS": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: with AUTH_COOKIE_INSECURE"}},
		"an insecure cookie with __secure-":          {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_REFRESH": "__secure-a"}`, []string{"AUTH_COOKIE_REFRESH: with AUTH_COOKIE_INSECURE"}},
		"an insecure cookie with __Http-":            {`{"AUTH_COOKIE_INSECURE": true, "CSRF_COOKIE_NAME": "__Http-c"}`, []string{"CSRF_COOKIE_NAME: with AUTH_COOKIE_INSECURE"}},
		"insecure cookies for other sites":           {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_SAMESITE": "None", "CSRF_TRUSTED_ORIGINS": ["https://a.example"]}`, []string{"AUTH_COOKIE_SAMESITE: None needs secure cookies"}},
		"cookies for other sites":                    {`{"AUTH_COOKIE_SAMESITE": "none", "CSRF_TRUSTED_ORIGINS": "https://a.example"}`, nil},
		"cookies for other sites that are not named": {`{"AUTH_COOKIE_SAMESITE": "None"}`, []string{"AUTH_COOKIE_SAMESITE: CSRF_TRUSTED_ORIGINS"}},
		"an unknown SameSite":                        {`{"AUTH_COOKIE_SAMESITE": "lenient"}`, []string{"AUTH_COOKIE_SAMESITE: must be Lax, Strict or None"}},
		"an empty SameSite":                          {`{"AUTH_COOKIE_SAMESITE": ""}`, []string{"AUTH_COOKIE_SAMESITE: must be Lax, Strict or None"}},
		"a strict SameSite":                          {`{"AUTH_COOKIE_SAMESITE": "Strict"}`, nil},

		"a header with a blank":      {`{"CSRF_HEADER_NAME": "X CSRF"}`, []string{"CSRF_HEADER_NAME: must be a header's name"}},
		"an empty header":            {`{"CSRF_HEADER_NAME": ""}`, []string{"CSRF_HEADER_NAME: must be a header's name"}},
		"the header of tokens":       {`{"CSRF_HEADER_NAME": "authorization"}`, []string{"CSRF_HEADER_NAME: not that of AUTH_HEADER_NAME"}},
		"a header by its name":       {`{"CSRF_HEADER_NAME": "X-XSRF-Token"}`, nil},
		"an origin of the same kind": {`{"CSRF_TRUSTED_ORIGINS": ["https://app.example.com", "https://app.example.com:8443", "capacitor://localhost"]}`, nil},
		"a development server":       {`{"CSRF_TRUSTED_ORIGINS": ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000"]}`, nil},
		"an origin over plain http":  {`{"CSRF_TRUSTED_ORIGINS": ["http://app.example.com"]}`, []string{"CSRF_TRUSTED_ORIGINS: is not safe"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, invalid := newPolicy(t, c.file)
			wantInvalid(t, invalid, c.want...)
		})
	}
	for _, origin := range []string{
		"*", "null", "app.example.com", "//app.example.com", "https://", "https://app.example.com/", "https://app.example.com/x", "https://*.example.com",
		"https://APP.example.com", "HTTPS://app.example.com", "https://app.example.com:443", "http://localhost:80", "https://app.example.com:",
		"https://u@app.example.com", "https://app.example.com?", "https://app.example.com#", " https://app.example.com", "https://:443", "",
	} {
		t.Run("the origin "+strconv.Quote(origin), func(t *testing.T) {
			t.Parallel()
			_, invalid := newPolicy(t, `{"CSRF_TRUSTED_ORIGINS": ["https://a.example", `+strconv.Quote(origin)+`]}`)
			wantInvalid(t, invalid, "CSRF_TRUSTED_ORIGINS: is not an origin")
		})
	}
}

// The invalid settings have an order, so that two starts report the same.
func TestNew_WithoutAuthCookie(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"AUTH_COOKIE_ACCESS": `"__Host-a"`, "AUTH_COOKIE_REFRESH": `"__Host-r"`, "AUTH_COOKIE_DOMAIN": `"example.com"`, "AUTH_COOKIE_PATH": `"/"`,
		"AUTH_COOKIE_REFRESH_PATH": `"/"`, "AUTH_COOKIE_SAMESITE": `"Lax"`, "AUTH_COOKIE_INSECURE": `true`, "CSRF_COOKIE_NAME": `"__Host-c"`,
		"CSRF_HEADER_NAME": `"X-C"`, "CSRF_TRUSTED_ORIGINS": `"https://a.example"`,
	}
	var together, want []string
	for _, name := range []string{
		"AUTH_COOKIE_ACCESS", "AUTH_COOKIE_REFRESH", "AUTH_COOKIE_DOMAIN", "AUTH_COOKIE_PATH", "AUTH_COOKIE_REFRESH_PATH", "AUTH_COOKIE_SAMESITE",
		"AUTH_COOKIE_INSECURE", "CSRF_COOKIE_NAME", "CSRF_HEADER_NAME", "CSRF_TRUSTED_ORIGINS",
	} {
		_, invalid := newPolicy(t, `{"AUTH_COOKIE": false, "`+name+`": `+all[name]+`}`)
		wantInvalid(t, invalid, name+": needs AUTH_COOKIE")
		together, want = append(together, `"`+name+`": `+all[name]), append(want, name+": needs AUTH_COOKIE")
	}
	for range 20 {
		policy, invalid := newPolicy(t, `{"AUTH_COOKIE": false, `+strings.Join(together, ",")+"}")
		wantInvalid(t, invalid, want...)
		if policy != nil {
			t.Fatal("there is a policy without AUTH_COOKIE")
		}
	}
}

func TestSetDefaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want []string // access, refresh, CSRF
	}{
		"nothing else is set": {`{}`, []string{
			"__Host-access=; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-refresh=; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-csrftoken=; Path=/; Secure; SameSite=Lax",
		}},
		"a path for the refresh token": {`{"AUTH_COOKIE_REFRESH_PATH": "/api/token/"}`, []string{
			"__Host-access=; Path=/; HttpOnly; Secure; SameSite=Lax", "__Secure-refresh=; Path=/api/token/; HttpOnly; Secure; SameSite=Lax", "__Host-csrftoken=; Path=/; Secure; SameSite=Lax",
		}},
		"a path for both": {`{"AUTH_COOKIE_PATH": "/api"}`, []string{
			"__Secure-access=; Path=/api; HttpOnly; Secure; SameSite=Lax", "__Secure-refresh=; Path=/api; HttpOnly; Secure; SameSite=Lax", "__Host-csrftoken=; Path=/; Secure; SameSite=Lax",
		}},
		"a path for access only": {`{"AUTH_COOKIE_PATH": "/api", "AUTH_COOKIE_REFRESH_PATH": "/"}`, []string{
			"__Secure-access=; Path=/api; HttpOnly; Secure; SameSite=Lax", "__Host-refresh=; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-csrftoken=; Path=/; Secure; SameSite=Lax",
		}},
		"a domain": {`{"AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_SAMESITE": "strict"}`, []string{
			"__Secure-access=; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Strict", "__Secure-refresh=; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Strict", "__Secure-csrftoken=; Path=/; Domain=example.com; Secure; SameSite=Strict",
		}},
		"on this machine": {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_REFRESH_PATH": "/api"}`, []string{
			"access=; Path=/; HttpOnly; SameSite=Lax", "refresh=; Path=/api; HttpOnly; SameSite=Lax", "csrftoken=; Path=/; SameSite=Lax",
		}},
		"other sites": {`{"AUTH_COOKIE_SAMESITE": "None", "CSRF_TRUSTED_ORIGINS": "https://a.example"}`, []string{
			"__Host-access=; Path=/; HttpOnly; Secure; SameSite=None", "__Host-refresh=; Path=/; HttpOnly; Secure; SameSite=None", "__Host-csrftoken=; Path=/; Secure; SameSite=None",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := validPolicy(t, c.file)
			got := []string{p.Access.String(), p.Refresh.String(), p.CSRF.String()}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cookies (-want +got):\n%s", diff)
			}
			if p.CSRFHeader != "X-Csrftoken" {
				t.Errorf("the header is %q", p.CSRFHeader)
			}
		})
	}
	t.Run("only the settings of cookies are filled in", func(t *testing.T) {
		t.Parallel()
		settings := simplejwt.Settings{AuthCookie: true}
		cookie.SetDefaults(&settings)
		want := simplejwt.Settings{
			AuthCookie: true, AuthCookieAccess: "__Host-access", AuthCookieRefresh: "__Host-refresh", AuthCookiePath: "/", AuthCookieRefreshPath: "/",
			AuthCookieSameSite: "Lax", CSRFCookieName: "__Host-csrftoken", CSRFHeaderName: "HTTP_X_CSRFTOKEN",
		}
		if diff := cmp.Diff(want, settings, cmpopts.IgnoreUnexported(simplejwt.Settings{})); diff != "" {
			t.Errorf("settings in force (-want +got):\n%s", diff)
		}
	})
	t.Run("nothing is filled in without AUTH_COOKIE", func(t *testing.T) {
		t.Parallel()
		var settings simplejwt.Settings
		cookie.SetDefaults(&settings)
		if diff := cmp.Diff(simplejwt.Settings{}, settings, cmpopts.IgnoreUnexported(simplejwt.Settings{})); diff != "" {
			t.Errorf("settings in force (-want +got):\n%s", diff)
		}
	})
}

func TestHeaderName(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"HTTP_X_CSRFTOKEN": "X-Csrftoken", "HTTP_AUTHORIZATION": "Authorization", "x-access-token": "X-Access-Token", "HTTP_": "", "": "",
		"X Token": "X Token", "X_Token": "X_token", "http_x_token": "Http_x_token",
	} {
		if got := cookie.HeaderName(setting); got != want {
			t.Errorf("the header of %q is %q, want %q", setting, got, want)
		}
	}
}

func TestIsToken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Bearer", "__Host-a", "!#$%&'*+-.^_`|~09"} {
		if !cookie.IsToken(text) {
			t.Errorf("%q is a token", text)
		}
	}
	for _, text := range []string{"", " ", "a b", "a,b", "a;b", "a=b", `a"`, "(a)", "a/b", "a:b", "<a>", "a?", "@a", "[a]", `a\b`, "{a}", "a\n", "a\x7f", "é", "\xff"} {
		if cookie.IsToken(text) {
			t.Errorf("%q is not a token", text)
		}
	}
}
