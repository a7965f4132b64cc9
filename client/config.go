package client

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The defaults of Config. defaultDelta is reduced to a tenth of a short lifetime.
const (
	defaultTokenURL   = "/api/token/"
	defaultTimeout    = 30 * time.Second
	defaultTryTimeout = 5 * time.Second
	defaultDelta      = 10 * time.Second
)

// Config configures a Client. Only BaseURL is required; the zero value of every other field stands for its default.
type Config struct {
	// BaseURL is the URL of the API ("https://api.example.com"). The access token goes to its scheme, host and port; its path
	// matters for the relative URLs below only.
	BaseURL string
	// Origins are further origins that get the access token, such as "https://files.example.com:8443". Defaults to none.
	Origins []string
	// TokenURL is the URL of the login view, or a path, which is resolved against BaseURL like a link. Defaults to "/api/token/".
	TokenURL string
	// RefreshURL is the URL or path of the refresh view. Defaults to "refresh/" below TokenURL.
	RefreshURL string
	// BlacklistURL is the URL or path of the blacklist view. Defaults to "blacklist/" below TokenURL.
	BlacklistURL string
	// UsernameField is the name of the field for the user name in a login. Defaults to "username".
	UsernameField string
	// Header is the header of the access token, the server's AUTH_HEADER_NAME. Defaults to "Authorization".
	Header string
	// Scheme is the word before the token in the header, one of the server's AUTH_HEADER_TYPES. Defaults to "Bearer".
	Scheme string
	// Store keeps the tokens. Defaults to a new Memory, so the session ends with the program.
	Store Store
	// Transport sends the requests to the API and to the views. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
	// ExpiryDelta is how long before it expires an access token is refreshed, at most half of its lifetime. Defaults to 10
	// seconds, or to a tenth of the lifetime if that is less.
	ExpiryDelta time.Duration
	// Timeout limits a refresh with all its tries, even if the requests that need it would wait longer, and a login and a logout.
	// Saving tokens that were received may take 10 seconds more. Defaults to 30 seconds.
	Timeout time.Duration
	// TryTimeout limits each try of a refresh and of a logout. At least two tries should fit into the server's
	// ROTATION_GRACE_PERIOD, so that a response that never arrives does not end the session. Defaults to 5 seconds.
	TryTimeout time.Duration
	// OnSessionEnd is called once for each session that the server has ended, with the *Error that is ErrSessionEnded. Requests
	// that wait for a token fail with this error when OnSessionEnd has returned. It may call Login; later requests use that
	// session. Defaults to doing nothing.
	OnSessionEnd func(error)
}

// newEngine checks a configuration and fills in its defaults. It collects all errors, so the caller sees them at once.
func newEngine(c Config) (*engine, error) {
	var f configErrors
	e := &engine{
		origins:       map[string]bool{},
		usernameField: cmp.Or(c.UsernameField, "username"),
		header:        http.CanonicalHeaderKey(cmp.Or(c.Header, "Authorization")),
		scheme:        cmp.Or(c.Scheme, "Bearer"),
		store:         c.Store,
		transport:     c.Transport,
		delta:         c.ExpiryDelta,
		timeout:       cmp.Or(c.Timeout, defaultTimeout),
		tryTimeout:    cmp.Or(c.TryTimeout, defaultTryTimeout),
		onSessionEnd:  c.OnSessionEnd,
		holder:        make(chan struct{}, 1),
	}
	if e.store == nil {
		e.store, e.privateStore = new(Memory), true
	}
	if e.transport == nil {
		e.transport = http.DefaultTransport
	}
	base := f.parseAbsolute("BaseURL", c.BaseURL)
	e.base = originOf(base.Scheme, base.Host)
	e.origins[e.base] = true
	for _, text := range c.Origins {
		u := f.parseAbsolute("Origins", text)
		if strings.Trim(u.Path, "/") != "" {
			f.addProblem("Origins", "must not have a path")
		}
		e.origins[originOf(u.Scheme, u.Host)] = true
	}
	e.tokenURL = f.resolveView(base, "TokenURL", cmp.Or(c.TokenURL, defaultTokenURL))
	e.refreshURL, e.blacklistURL = e.tokenURL.JoinPath("refresh/"), e.tokenURL.JoinPath("blacklist/")
	if c.RefreshURL != "" {
		e.refreshURL = f.resolveView(base, "RefreshURL", c.RefreshURL)
	}
	if c.BlacklistURL != "" {
		e.blacklistURL = f.resolveView(base, "BlacklistURL", c.BlacklistURL)
	}
	if !isHTTPToken(e.header) {
		f.addProblem("Header", "is not a valid header name")
	}
	if !isHTTPToken(e.scheme) {
		f.addProblem("Scheme", "is not a valid scheme name")
	}
	if e.usernameField == passwordField {
		f.addProblem("UsernameField", "must not be the field of the password")
	}
	f.checkNotNegative("ExpiryDelta", c.ExpiryDelta)
	f.checkNotNegative("Timeout", c.Timeout)
	f.checkNotNegative("TryTimeout", c.TryTimeout)
	if len(f) > 0 {
		return nil, fmt.Errorf("client: invalid configuration:\n%w", errors.Join(f...))
	}
	return e, nil
}

// configErrors are the errors of a configuration, one for each field. They contain no URL, because one may contain a password.
type configErrors []error

// addProblem adds an error that names the field.
func (f *configErrors) addProblem(field, problem string) {
	*f = append(*f, fmt.Errorf("  %s: %s", field, problem))
}

// checkNotNegative rejects a negative duration; zero stands for the default.
func (f *configErrors) checkNotNegative(field string, d time.Duration) {
	if d < 0 {
		f.addProblem(field, "must not be negative")
	}
}

// parseAbsolute reads a URL with a scheme and a host. It returns the empty URL if the text is not one.
func (f *configErrors) parseAbsolute(field, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case text == "":
		f.addProblem(field, "is missing")
	case err != nil:
		f.addProblem(field, "is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		f.addProblem(field, "needs the scheme https or http")
	case u.Hostname() == "":
		f.addProblem(field, "has no host")
	case u.User != nil:
		f.addProblem(field, "must not hold a user name or password")
	case u.Fragment != "" || u.RawQuery != "":
		f.addProblem(field, "must not have a query or a fragment")
	default:
		return u
	}
	return &url.URL{}
}

// resolveView reads the URL of a view and resolves a path against base.
func (f *configErrors) resolveView(base *url.URL, field, text string) *url.URL {
	ref, err := url.Parse(text)
	if err != nil {
		f.addProblem(field, "is not a URL")
		return &url.URL{}
	}
	u := base.ResolveReference(ref)
	if base.Host == "" && !ref.IsAbs() {
		return u // the error of BaseURL is enough
	}
	return f.parseAbsolute(field, u.String())
}

// isHTTPToken reports whether a text is a token (RFC 9110 section 5.6.2), as the names of headers and schemes are.
func isHTTPToken(text string) bool {
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)) {
			return false
		}
	}
	return text != ""
}

// originOf returns an origin in a form that can be compared: in lower case, and with the default port of the scheme if there is no
// port.
func originOf(scheme, host string) string {
	u := url.URL{Host: host}
	scheme, port := strings.ToLower(scheme), u.Port()
	switch {
	case port != "":
	case scheme == "https":
		port = "443"
	case scheme == "http":
		port = "80"
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
