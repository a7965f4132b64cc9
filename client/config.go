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

// The defaults of Config.
const (
	defaultTokenURL   = "/api/token/"
	defaultTimeout    = 30 * time.Second
	defaultTryTimeout = 5 * time.Second
	defaultDelta      = 10 * time.Second
)

// Config is what a Client works with. Only BaseURL is needed.
type Config struct {
	// BaseURL is where the API is ("https://api.example.com"). Its scheme, host and port get the access token; a path only
	// counts for the relative URLs below.
	BaseURL string
	// Origins are further ones that get the access token, such as "https://files.example.com:8443". Defaults to none.
	Origins []string
	// TokenURL is the login view: a URL, or a path that is resolved against BaseURL as a link is. Defaults to "/api/token/".
	TokenURL string
	// RefreshURL is the refresh view, likewise. Defaults to "refresh/" below TokenURL.
	RefreshURL string
	// BlacklistURL is the blacklist view, likewise. Defaults to "blacklist/" below TokenURL.
	BlacklistURL string
	// UsernameField is the field of a login that holds the user's name. Defaults to "username".
	UsernameField string
	// Header carries the access token. Defaults to "Authorization".
	Header string
	// Scheme is the word before it, one of the server's AUTH_HEADER_TYPES. Defaults to "Bearer".
	Scheme string
	// Store keeps the tokens. Defaults to a new Memory.
	Store Store
	// Transport sends the requests. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
	// ExpiryDelta is how long before its end an access token is refreshed, at most half of its lifetime. Defaults to 10
	// seconds, or a tenth of the lifetime where that is less.
	ExpiryDelta time.Duration
	// Timeout bounds a refresh with all its tries, however long its waiters would wait, and a login and a logout. Saving
	// tokens that are there has 10 seconds more. Defaults to 30 seconds.
	Timeout time.Duration
	// TryTimeout bounds each try of a refresh and of a logout. At least two should fit into the server's
	// ROTATION_GRACE_PERIOD, so that an answer that never comes does not end the session. Defaults to 5 seconds.
	TryTimeout time.Duration
	// OnSessionEnd is called once for each session that the server has ended, with the *Error that is ErrSessionEnded, before
	// the requests that wait are answered by it. It may call Login, whose session is that of later requests. Defaults to
	// nothing.
	OnSessionEnd func(error)
}

// newEngine checks a configuration and fills in its defaults.
func newEngine(c Config) (*engine, error) {
	var f faults
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
		turn:          make(chan struct{}, 1),
	}
	if e.store == nil {
		e.store, e.private = new(Memory), true
	}
	if e.transport == nil {
		e.transport = http.DefaultTransport
	}
	base := f.absolute("BaseURL", c.BaseURL)
	e.base = originOf(base.Scheme, base.Host)
	e.origins[e.base] = true
	for _, text := range c.Origins {
		u := f.absolute("Origins", text)
		if strings.Trim(u.Path, "/") != "" {
			f.add("Origins", "an origin has no path")
		}
		e.origins[originOf(u.Scheme, u.Host)] = true
	}
	e.tokenURL = f.resolve(base, "TokenURL", cmp.Or(c.TokenURL, defaultTokenURL))
	e.refreshURL, e.blacklistURL = e.tokenURL.JoinPath("refresh/"), e.tokenURL.JoinPath("blacklist/")
	if c.RefreshURL != "" {
		e.refreshURL = f.resolve(base, "RefreshURL", c.RefreshURL)
	}
	if c.BlacklistURL != "" {
		e.blacklistURL = f.resolve(base, "BlacklistURL", c.BlacklistURL)
	}
	if !isWord(e.header) {
		f.add("Header", "is no name of a header")
	}
	if !isWord(e.scheme) {
		f.add("Scheme", "is no name of a scheme")
	}
	if e.usernameField == passwordField {
		f.add("UsernameField", "is the field of the password")
	}
	f.notNegative("ExpiryDelta", c.ExpiryDelta)
	f.notNegative("Timeout", c.Timeout)
	f.notNegative("TryTimeout", c.TryTimeout)
	if len(f) > 0 {
		return nil, fmt.Errorf("client: %d fault(s) in the configuration\n%w", len(f), errors.Join(f...))
	}
	return e, nil
}

// faults are what is wrong with a configuration. They hold no URL, as one may have a password in it.
type faults []error

func (f *faults) add(field, problem string) { *f = append(*f, fmt.Errorf("  %s: %s", field, problem)) }

func (f *faults) notNegative(field string, d time.Duration) {
	if d < 0 {
		f.add(field, "is negative")
	}
}

// absolute reads a URL that names a server; an empty one where it is at fault.
func (f *faults) absolute(field, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case text == "":
		f.add(field, "is missing")
	case err != nil:
		f.add(field, "is no URL")
	case u.Scheme != "http" && u.Scheme != "https":
		f.add(field, "needs the scheme https or http")
	case u.Hostname() == "":
		f.add(field, "names no host")
	case u.User != nil:
		f.add(field, "must not hold a user name or password")
	case u.Fragment != "" || u.RawQuery != "":
		f.add(field, "must have no query and no fragment")
	default:
		return u
	}
	return &url.URL{}
}

// resolve reads the URL of a view.
func (f *faults) resolve(base *url.URL, field, text string) *url.URL {
	ref, err := url.Parse(text)
	if err != nil {
		f.add(field, "is no URL")
		return &url.URL{}
	}
	u := base.ResolveReference(ref)
	if base.Host == "" && !ref.IsAbs() {
		return u // that BaseURL is at fault is told
	}
	return f.absolute(field, u.String())
}

// isWord reports whether a text is a token of HTTP (RFC 9110 section 5.6.2), as names of headers and schemes are.
func isWord(text string) bool {
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)) {
			return false
		}
	}
	return text != ""
}

// originOf writes scheme, host and port in one form, with the scheme's own port where none is named.
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
