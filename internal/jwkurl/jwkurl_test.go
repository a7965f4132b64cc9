package jwkurl

import (
	"net/url"
	"strings"
	"testing"
)

const (
	notURL   = "must be an https URL"
	notHTTPS = "must be https: over plain http"
	userinfo = "must not hold a user name or a password"
	fragment = "must not have a fragment"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://issuer.example/keys":        "",
		"HTTPS://issuer.example:8443":        "",
		"https://issuer.example/k?token=1":   "",
		"https://127.0.0.1/keys":             "",
		"http://localhost/keys":              "",
		"http://LocalHost:8000/keys":         "",
		"http://127.0.0.1:8000/keys":         "",
		"http://127.9.8.7/keys":              "",
		"http://[::1]:8000/keys":             "",
		"http://[::ffff:127.0.0.1]/keys":     "",
		"http://issuer.example/keys":         notHTTPS,
		"HTTP://issuer.example/keys":         notHTTPS,
		"http://10.0.0.1/keys":               notHTTPS,
		"http://0.0.0.0/keys":                notHTTPS,
		"http://[::]/keys":                   notHTTPS,
		"http://[::ffff:10.0.0.1]/keys":      notHTTPS,
		"http://127.1/keys":                  notHTTPS,
		"http://2130706433/keys":             notHTTPS,
		"http://localhost.example/keys":      notHTTPS,
		"http://127.0.0.1.example/keys":      notHTTPS,
		"http://keys.localhost/keys":         notHTTPS,
		"http://localhost./keys":             notHTTPS,
		"http://localhost@issuer.example/":   userinfo,
		"https://user:hunter2@issuer/":       userinfo,
		"https://@issuer.example/":           userinfo,
		"https://issuer.example/keys#first":  fragment,
		"https://issuer.example/keys#":       fragment,
		"":                                   notURL,
		"issuer.example/keys":                notURL,
		"/keys":                              notURL,
		"//issuer.example/keys":              notURL,
		"https:issuer.example":               notURL,
		"https:///keys":                      notURL,
		"https://:443/keys":                  notURL,
		"file:///etc/passwd":                 notURL,
		"ftp://issuer.example/keys":          notURL,
		"user:hunter2@issuer.example/keys":   notURL,
		"https://user:hunter2@issuer/%zz":    notURL,
		"http://[::1":                        notURL,
		"https://issuer.example/\nkeys":      notURL,
		"https://issuer.example:hunter2/":    notURL,
		" https://issuer.example/?k=hunter2": notURL,
	} {
		err := Check(address)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", address, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "issuer")) {
			t.Errorf("%q: the error repeats it: %v", address, err)
		}
	}
}

func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	const leaves, credentials = "redirected to a URL that is not https", "redirected to a URL with a user name or a password"
	for name, c := range map[string]struct{ from, to, want string }{
		"from https to https is followed":                {"https://a/", "https://b/", ""},
		"from this machine to https is followed":         {"http://localhost/", "https://b/", ""},
		"from this machine to this machine is followed":  {"http://localhost/", "http://127.0.0.1:81/", ""},
		"a fragment is followed, as the server chose it": {"https://a/", "https://b/#x", ""},
		"from https to http is not":                      {"https://a/", "http://b/", leaves},
		"from https to http on this machine is not":      {"https://a/", "http://127.0.0.1/", leaves},
		"from this machine to http elsewhere is not":     {"http://127.0.0.1/", "http://b/", leaves},
		"to a file is not":                               {"https://a/", "file:///etc/passwd", leaves},
		"to another scheme is not":                       {"http://localhost/", "ftp://localhost/", leaves},
		"to a URL with a password is not":                {"https://a/", "https://u:p@b/", credentials},
	} {
		from, errFrom := url.Parse(c.from)
		to, errTo := url.Parse(c.to)
		if errFrom != nil || errTo != nil {
			t.Fatal(errFrom, errTo)
		}
		err := CheckRedirect(from, to)
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
