package core_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func TestNewRefusesUnsafeCookies(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("p", 1024)
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"nothing is wrong with the defaults": {`{}`, nil},
		"nor with the defaults of insecure":  {`{"AUTH_COOKIE_INSECURE": true}`, nil},

		"a name without a prefix":                   {`{"AUTH_COOKIE_ACCESS": "access"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-"}},
		"each name":                                 {`{"AUTH_COOKIE_ACCESS": "a", "AUTH_COOKIE_REFRESH": "r", "CSRF_COOKIE_NAME": "c"}`, []string{"AUTH_COOKIE_ACCESS: __Host-", "AUTH_COOKIE_REFRESH: __Host-", "CSRF_COOKIE_NAME: __Host-"}},
		"the laxer prefix where none is needed":     {`{"AUTH_COOKIE_ACCESS": "__Secure-a"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-"}},
		"a prefix that older browsers don't know":   {`{"AUTH_COOKIE_ACCESS": "__host-a", "AUTH_COOKIE_REFRESH": "__HOST-r"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Host-", "AUTH_COOKIE_REFRESH: must begin with __Host-"}},
		"nothing but a prefix":                      {`{"AUTH_COOKIE_ACCESS": "__Host-"}`, []string{"AUTH_COOKIE_ACCESS: is no name"}},
		"an empty name":                             {`{"AUTH_COOKIE_ACCESS": ""}`, []string{"AUTH_COOKIE_ACCESS: is no name"}},
		"a name with a blank":                       {`{"AUTH_COOKIE_ACCESS": "__Host-a b"}`, []string{"AUTH_COOKIE_ACCESS: is no name"}},
		"a name with another cookie in it":          {`{"CSRF_COOKIE_NAME": "__Host-a;b"}`, []string{"CSRF_COOKIE_NAME: is no name"}},
		"names of one's own":                        {`{"AUTH_COOKIE_ACCESS": "__Host-a", "AUTH_COOKIE_REFRESH": "__Host-r", "CSRF_COOKIE_NAME": "__Host-c"}`, nil},
		"a readable cookie that scripts can't read": {`{"CSRF_COOKIE_NAME": "__Host-Http-c", "AUTH_COOKIE_ACCESS": "__Host-Http-a"}`, []string{"CSRF_COOKIE_NAME: __Host-Http-"}},
		"access and refresh of one name":            {`{"AUTH_COOKIE_ACCESS": "__Host-a", "AUTH_COOKIE_REFRESH": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},
		"access and proof of one name":              {`{"AUTH_COOKIE_ACCESS": "__Host-a", "CSRF_COOKIE_NAME": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},
		"refresh and proof of one name":             {`{"AUTH_COOKIE_REFRESH": "__Host-a", "CSRF_COOKIE_NAME": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must differ"}},

		"__Host- with a domain":           {`{"AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_ACCESS": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: must begin with __Secure-"}},
		"__Host- with a path":             {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "__Host-r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"no prefix with a path":           {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"__Secure- in lower case":         {`{"AUTH_COOKIE_REFRESH_PATH": "/api", "AUTH_COOKIE_REFRESH": "__secure-r"}`, []string{"AUTH_COOKIE_REFRESH: must begin with __Secure-"}},
		"a proof with a domain":           {`{"AUTH_COOKIE_DOMAIN": "example.com", "CSRF_COOKIE_NAME": "__Host-c"}`, []string{"CSRF_COOKIE_NAME: must begin with __Secure-"}},
		"a proof's path is never another": {`{"AUTH_COOKIE_PATH": "/api", "CSRF_COOKIE_NAME": "__Host-c"}`, nil},

		"a domain with a dot in front": {`{"AUTH_COOKIE_DOMAIN": ".example.com"}`, nil},
		"a domain with a dot behind":   {`{"AUTH_COOKIE_DOMAIN": "example.com."}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a top-level domain":           {`{"AUTH_COOKIE_DOMAIN": "com"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a top-level domain and a dot": {`{"AUTH_COOKIE_DOMAIN": ".com"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"an address":                   {`{"AUTH_COOKIE_DOMAIN": "127.0.0.1"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a domain with a port":         {`{"AUTH_COOKIE_DOMAIN": "example.com:443"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"a domain with more behind it": {`{"AUTH_COOKIE_DOMAIN": "example.com; Path=/"}`, []string{"AUTH_COOKIE_DOMAIN: must be a domain"}},
		"an insecure domain":           {`{"AUTH_COOKIE_DOMAIN": "example.com", "AUTH_COOKIE_INSECURE": true}`, []string{"AUTH_COOKIE_DOMAIN: is of no use"}},

		"a path that is none":           {`{"AUTH_COOKIE_PATH": "api"}`, []string{"AUTH_COOKIE_PATH: must begin with /"}},
		"an empty path":                 {`{"AUTH_COOKIE_PATH": ""}`, []string{"AUTH_COOKIE_PATH: must begin with /"}},
		"a path with more behind it":    {`{"AUTH_COOKIE_REFRESH_PATH": "/a; Domain=b"}`, []string{"AUTH_COOKIE_REFRESH_PATH: must begin with /"}},
		"a path that is not ASCII":      {`{"AUTH_COOKIE_REFRESH_PATH": "/é"}`, []string{"AUTH_COOKIE_REFRESH_PATH: nothing but ASCII"}},
		"a path that browsers drop":     {`{"AUTH_COOKIE_PATH": "` + long + `"}`, []string{"AUTH_COOKIE_PATH: at most 1024 bytes"}},
		"the longest path":              {`{"AUTH_COOKIE_PATH": "` + long[:1024] + `"}`, nil},
		"a refresh path of its own":     {`{"AUTH_COOKIE_REFRESH_PATH": "/api/token/"}`, nil},
		"a refresh path that is faulty": {`{"AUTH_COOKIE_REFRESH_PATH": ""}`, []string{"AUTH_COOKIE_REFRESH_PATH: must begin with /"}},

		"an insecure cookie with __Host-":    {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_ACCESS": "__Host-a"}`, []string{"AUTH_COOKIE_ACCESS: with AUTH_COOKIE_INSECURE"}},
		"an insecure cookie with __secure-":  {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_REFRESH": "__secure-a"}`, []string{"AUTH_COOKIE_REFRESH: with AUTH_COOKIE_INSECURE"}},
		"an insecure cookie with __Http-":    {`{"AUTH_COOKIE_INSECURE": true, "CSRF_COOKIE_NAME": "__Http-c"}`, []string{"CSRF_COOKIE_NAME: with AUTH_COOKIE_INSECURE"}},
		"insecure cookies for other sites":   {`{"AUTH_COOKIE_INSECURE": true, "AUTH_COOKIE_SAMESITE": "None", "CSRF_TRUSTED_ORIGINS": ["https://a.example"]}`, []string{"AUTH_COOKIE_SAMESITE: None needs secure cookies"}},
		"cookies for other sites":            {`{"AUTH_COOKIE_SAMESITE": "none", "CSRF_TRUSTED_ORIGINS": "https://a.example"}`, nil},
		"cookies for other sites, for which": {`{"AUTH_COOKIE_SAMESITE": "None"}`, []string{"AUTH_COOKIE_SAMESITE: CSRF_TRUSTED_ORIGINS"}},
		"a SameSite that is none":            {`{"AUTH_COOKIE_SAMESITE": "lenient"}`, []string{"AUTH_COOKIE_SAMESITE: must be Lax, Strict or None"}},
		"an empty SameSite":                  {`{"AUTH_COOKIE_SAMESITE": ""}`, []string{"AUTH_COOKIE_SAMESITE: must be Lax, Strict or None"}},
		"a strict SameSite":                  {`{"AUTH_COOKIE_SAMESITE": "Strict"}`, nil},

		"a header that is none":      {`{"CSRF_HEADER_NAME": "X CSRF"}`, []string{"CSRF_HEADER_NAME: must be a header's name"}},
		"an empty header":            {`{"CSRF_HEADER_NAME": ""}`, []string{"CSRF_HEADER_NAME: must be a header's name"}},
		"the header of tokens":       {`{"CSRF_HEADER_NAME": "authorization"}`, []string{"CSRF_HEADER_NAME: not that of AUTH_HEADER_NAME"}},
		"a header by its name":       {`{"CSRF_HEADER_NAME": "X-XSRF-Token"}`, nil},
		"an origin of the same kind": {`{"CSRF_TRUSTED_ORIGINS": ["https://app.example.com", "https://app.example.com:8443", "capacitor://localhost"]}`, nil},
		"a development server":       {`{"CSRF_TRUSTED_ORIGINS": ["http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000"]}`, nil},
		"an origin over plain http":  {`{"CSRF_TRUSTED_ORIGINS": ["http://app.example.com"]}`, []string{"CSRF_TRUSTED_ORIGINS: is not safe"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings, deps := simplejwt.Settings{SigningKey: tokKey, AuthCookie: true}, tokDeps(t)
			tokFile(t, c.file)(&settings, &deps)
			_, err := core.New(settings, deps)
			tokFaults(t, err, c.want...)
		})
	}
	for _, origin := range []string{
		"*", "null", "app.example.com", "//app.example.com", "https://", "https://app.example.com/", "https://app.example.com/x", "https://*.example.com",
		"https://APP.example.com", "HTTPS://app.example.com", "https://app.example.com:443", "http://localhost:80", "https://app.example.com:",
		"https://u@app.example.com", "https://app.example.com?", "https://app.example.com#", " https://app.example.com", "https://:443", "",
	} {
		settings := simplejwt.Settings{SigningKey: tokKey, AuthCookie: true, CSRFTrustedOrigins: []string{"https://a.example", origin}}
		_, err := core.New(settings, tokDeps(t))
		t.Logf("origin %q", origin)
		tokFaults(t, err, "CSRF_TRUSTED_ORIGINS: is no origin")
	}
}

// The faults have an order, so that two starts say the same.
func TestSettingsOfCookiesNeedCookies(t *testing.T) {
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
		settings := simplejwt.Settings{SigningKey: tokKey}
		tokFile(t, `{"`+name+`": `+all[name]+`}`)(&settings, nil)
		_, err := core.New(settings, tokDeps(t))
		tokFaults(t, err, name+": needs AUTH_COOKIE")
		together, want = append(together, `"`+name+`": `+all[name]), append(want, name+": needs AUTH_COOKIE")
	}
	for range 20 {
		settings := simplejwt.Settings{SigningKey: tokKey}
		tokFile(t, "{"+strings.Join(together, ",")+"}")(&settings, nil)
		_, err := core.New(settings, tokDeps(t))
		tokFaults(t, err, want...)
	}
}

func TestDefaultsOfCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want []string // access, refresh, proof
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
			cookies := tokCookies(t, c.file).Cookies()
			got := []string{cookies.Access.String(), cookies.Refresh.String(), cookies.CSRF.String()}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("cookies (-want +got):\n%s", diff)
			}
			if cookies.CSRFHeader != "X-Csrftoken" {
				t.Errorf("the header is %q", cookies.CSRFHeader)
			}
		})
	}
	settings := tokCookies(t, `{}`).Settings()
	want := simplejwt.Settings{
		AuthCookie: true, AuthCookieAccess: "__Host-access", AuthCookieRefresh: "__Host-refresh", AuthCookiePath: "/", AuthCookieRefreshPath: "/",
		AuthCookieSameSite: "Lax", CSRFCookieName: "__Host-csrftoken", CSRFHeaderName: "HTTP_X_CSRFTOKEN",
	}
	ofCookies := cmp.FilterPath(func(p cmp.Path) bool {
		f, ok := p.Index(1).(cmp.StructField)
		return ok && !strings.HasPrefix(f.Name(), "AuthCookie") && !strings.HasPrefix(f.Name(), "CSRF")
	}, cmp.Ignore())
	if diff := cmp.Diff(want, settings, cmpopts.IgnoreUnexported(simplejwt.Settings{}), ofCookies); diff != "" {
		t.Errorf("settings in force (-want +got):\n%s", diff)
	}
}

// tokCookies is an Auth with AUTH_COOKIE and what a file says.
func tokCookies(t testing.TB, file string, changes ...func(*simplejwt.Settings, *core.Deps)) *core.Auth {
	t.Helper()
	cookie := func(s *simplejwt.Settings, _ *core.Deps) { s.AuthCookie = true }
	return tokNew(t, slices.Concat([]func(*simplejwt.Settings, *core.Deps){cookie, tokFile(t, file)}, changes)...)
}

func TestACookieHoldsATokenAsLongAsItIsGood(t *testing.T) {
	t.Parallel()
	c := tokCookies(t, `{}`).Cookies()
	for until, want := range map[time.Duration]int{
		5 * time.Minute:                         300,
		5*time.Minute - 500*time.Millisecond:    300, // exp is in whole seconds, the clock is not
		5*time.Minute - time.Second:             299,
		time.Millisecond:                        1,
		0:                                       -1,
		-time.Hour:                              -1,
		100 * 365 * 24 * time.Hour:              3153600000,
		24*time.Hour + 999*time.Millisecond:     86401,
		24*time.Hour - 999_999*time.Microsecond: 86400,
	} {
		got, err := c.Holding(c.Access, "value", tokNow().Add(until))
		if err != nil || got.MaxAge != want || got.Value != "value" || got.Name != "__Host-access" {
			t.Errorf("%v: %v, %v; want %d seconds", until, got, err, want)
		}
	}
	if c.Access.Value != "" || c.Access.MaxAge != 0 {
		t.Errorf("the pattern was changed: %v", c.Access)
	}
	holding, err := c.Holding(c.CSRF, "x", tokNow().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Cleared(*holding).String(); got != "__Host-csrftoken=; Path=/; Max-Age=0; Secure; SameSite=Lax" {
		t.Errorf("cleared: %s", got)
	}
}

func TestACookieThatBrowsersDropIsAnError(t *testing.T) {
	t.Parallel()
	c := tokCookies(t, `{}`).Cookies()
	until := tokNow().Add(time.Minute)
	one, err := c.Holding(c.Access, "x", until)
	if err != nil {
		t.Fatal(err)
	}
	most := 4096 - len(one.String()) + 1
	if got, err := c.Holding(c.Access, strings.Repeat("x", most), until); err != nil || len(got.String()) != 4096 {
		t.Errorf("4096 bytes: %v", err)
	}
	got, err := c.Holding(c.Access, strings.Repeat("x", most+1), until)
	if got != nil || err == nil || !strings.Contains(err.Error(), "__Host-access has 4097 bytes") || strings.Contains(err.Error(), "xx") {
		t.Errorf("4097 bytes: %v, %v", got, err)
	}
}

func TestTheProofIsThatOfTheSession(t *testing.T) {
	t.Parallel()
	auth := tokCookies(t, `{}`)
	made := func(a *core.Auth, sid, user string) *core.Token {
		token, err := a.NewToken(core.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if sid != "" {
			token.Set("sid", sid)
		}
		if user != "" {
			token.Set("user_id", user)
		}
		return token
	}
	first := auth.CSRFToken(made(auth, "s1", "1"))
	if len(first) != 43 || strings.ContainsAny(first, "+/= ;") {
		t.Errorf("the proof %q is no base64url text of 32 bytes", first)
	}
	other := tokCookies(t, `{}`, func(s *simplejwt.Settings, _ *core.Deps) { s.SigningKey = "another key of thirty-two bytes!" })
	for name, c := range map[string]struct {
		got  string
		same bool
	}{
		"another token of the session":            {auth.CSRFToken(made(auth, "s1", "1")), true},
		"a token of it that names nobody":         {auth.CSRFToken(made(auth, "s1", "")), true},
		"another program with the same key":       {tokCookies(t, `{"AUTH_COOKIE_INSECURE": true}`).CSRFToken(made(auth, "s1", "1")), true},
		"another session of the user":             {auth.CSRFToken(made(auth, "s2", "1")), false},
		"no session":                              {auth.CSRFToken(made(auth, "", "1")), false},
		"a user whose id is that of the session":  {auth.CSRFToken(made(auth, "", "s1")), false},
		"another key":                             {other.CSRFToken(made(other, "s1", "1")), false},
		"another key, though the token is of one": {other.CSRFToken(made(auth, "s1", "1")), false},
	} {
		if (c.got == first) != c.same || c.got == "" {
			t.Errorf("%s: %q, the first is %q; the same: %t", name, c.got, first, c.same)
		}
	}
	if a, b := auth.CSRFToken(made(auth, "", "1")), auth.CSRFToken(made(auth, "", "1")); a != b || a == auth.CSRFToken(made(auth, "", "2")) {
		t.Errorf("without a session the proof is the user's: %q, %q", a, b)
	}
	if got := auth.CSRFToken(made(auth, "", "")); got != "" {
		t.Errorf("a token of nobody has the proof %q", got)
	}
	verifier := tokNew(t, func(s *simplejwt.Settings, d *core.Deps) {
		s.AuthCookie, s.Algorithm, s.SigningKey, s.VerifyingKey, d.Users = true, "ES256", "", tokPublic(t, tokSigner(t, "ES256").Public()), nil
	})
	if got := verifier.CSRFToken(made(auth, "s1", "1")); got != "" {
		t.Errorf("a program without a key makes the proof %q", got)
	}
}

func TestInsecureCookiesAreForThisMachine(t *testing.T) {
	t.Parallel()
	secure, insecure := tokCookies(t, `{}`).Cookies(), tokCookies(t, `{"AUTH_COOKIE_INSECURE": true, "CSRF_TRUSTED_ORIGINS": "https://app.example.com"}`).Cookies()
	for _, c := range []struct {
		host, origin string
		want         bool
	}{
		{"localhost", "", true}, {"localhost:8000", "", true}, {"LOCALHOST:8000", "", true}, {"app.localhost:8000", "", true},
		{"127.0.0.1", "", true}, {"127.0.0.1:8000", "", true}, {"127.9.9.9:1", "", true}, {"[::1]", "", true}, {"[::1]:8000", "", true},
		{"localhost:8000", "http://localhost:8000", true}, {"localhost:8000", "http://127.0.0.1:5173", true}, {"[::1]:8000", "http://[::1]:8000", true},
		{"localhost:8000", "https://app.example.com", false}, {"localhost:8000", "null", false}, {"localhost:8000", "http://%zz", false},
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

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	trusting := `"CSRF_TRUSTED_ORIGINS": ["https://app.example.com", "http://localhost:5173"]`
	secure, insecure := tokCookies(t, `{`+trusting+`}`).Cookies(), tokCookies(t, `{"AUTH_COOKIE_INSECURE": true, `+trusting+`}`).Cookies()
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
		{"", "https://evil.example", false, false}, {"", "null", false, false}, {"", "https://%zz", false, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = "api.example.com"
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := secure.SameOrigin(r); got != c.want {
			t.Errorf("Sec-Fetch-Site %q, Origin %q: %t, want %t", c.site, c.origin, got, c.want)
		}
		if got := insecure.SameOrigin(r); got != c.insecure {
			t.Errorf("insecure, Sec-Fetch-Site %q, Origin %q: %t, want %t", c.site, c.origin, got, c.insecure)
		}
	}
	nobody := httptest.NewRequest(http.MethodPost, "/", nil)
	nobody.Host = ""
	nobody.Header.Set("Origin", "null")
	if secure.SameOrigin(nobody) {
		t.Error("a page without an origin is not the page of a request without a host")
	}
}

func TestWithoutCookies(t *testing.T) {
	t.Parallel()
	auth := tokCookies(t, `{}`)
	plain := auth.WithoutCookies()
	if plain.Cookies() != nil || auth.Cookies() == nil || tokNew(t).Cookies() != nil {
		t.Error("one has cookies and the others have none")
	}
}
