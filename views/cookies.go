package views

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// The refusals of requests that can't be told from those that another site made its user's browser send: Django's CSRF
// failure, as DRF answers it.
var (
	errOtherSite = csrfFailed("The request comes from another origin.")
	errNoProof   = csrfFailed("CSRF token missing or incorrect.")
	errNoJSON    = csrfFailed("A request that does not say where it comes from must have a body of JSON.")
)

// Other refusals of requests with cookies.
var (
	errTwoCookies = &core.Error{Status: http.StatusUnauthorized, Code: "bad_cookie", Detail: "The request has several cookies of one name."}
	errHost       = &core.Error{Status: http.StatusForbidden, Code: "insecure_cookie", Detail: "AUTH_COOKIE_INSECURE is for localhost only: unset it and serve over TLS."}
)

func csrfFailed(why string) *core.Error {
	return &core.Error{Status: http.StatusForbidden, Detail: "CSRF Failed: " + why}
}

// isCrossSite reports whether a request was refused for where it comes from, and not for who sends it.
func isCrossSite(err error) bool {
	return errors.Is(err, errOtherSite) || errors.Is(err, errNoProof) || errors.Is(err, errNoJSON) || errors.Is(err, errHost)
}

// cookieAuth is what an Authenticator with cookies offers.
type cookieAuth interface {
	Cookies() *core.Cookies
	CSRFToken(*core.Token) string
}

// cookiesOf is the Authenticator as one that reads cookies; nil for one that does not.
func cookiesOf(a core.Authenticator) cookieAuth {
	if c, ok := a.(cookieAuth); ok && c.Cookies() != nil {
		return c
	}
	return nil
}

// cookieValue is the value of a cookie, "" for none. Several of one name are refused: which of them counts is what a
// neighbouring host would choose by setting one of its own.
func cookieValue(r *http.Request, cookie *http.Cookie) (string, error) {
	found := r.CookiesNamed(cookie.Name)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0].Value, nil
	}
	return "", errTwoCookies
}

// saysWhence reports whether the browser says where a request comes from.
func saysWhence(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
}

// changes reports whether a request may change something: by its method (RFC 9110 section 9.2.1), or because it opens a
// websocket, which any page may ask for with a GET and no preflight.
func changes(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return true
	}
	for _, upgrade := range r.Header.Values("Upgrade") {
		if strings.Contains(strings.ToLower(upgrade), "websocket") {
			return true
		}
	}
	return false
}

// sameOrigin refuses a request that may change something and comes from a page of another origin, if the browser says so.
func sameOrigin(c *core.Cookies, r *http.Request) error {
	if !c.MayServe(r) {
		return errHost
	}
	if !changes(r) {
		return nil
	}
	asked := *r
	asked.Method = http.MethodPost // for which the check is made
	if !c.SameOrigin(&asked) {
		return errOtherSite
	}
	return nil
}

// proves refuses a request that may change something, does not say where it comes from and does not carry the token
// against cross-site requests of the session that its cookie belongs to.
func proves(a cookieAuth, r *http.Request, token *core.Token) error {
	if !changes(r) || saysWhence(r) {
		return nil
	}
	want := a.CSRFToken(token)
	if got := r.Header.Values(a.Cookies().CSRFHeader); want == "" || len(got) != 1 || !equal(got[0], want) {
		return errNoProof
	}
	return nil
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// SetCookies puts the tokens of a login into cookies, for a program that logs users in without the views: by Auth.Login,
// Auth.LoginSliding (its token is the Access of a pair without Refresh) or Auth.RenewSession. It comes before the answer.
// Without AUTH_COOKIE it does nothing. Errors: a token that is none, or is too long for a cookie; a host that
// AUTH_COOKIE_INSECURE does not serve. No cookie is set then.
func SetCookies(w http.ResponseWriter, r *http.Request, a *core.Auth, pair core.Pair) error {
	c := a.Cookies()
	if c == nil {
		return nil
	}
	if !c.MayServe(r) {
		return errHost
	}
	return setCookies(w, a, pair, true)
}

// setCookies sets all cookies or none; with proof also that of the session's token against cross-site requests, for as long
// as the session's longest cookie.
func setCookies(w http.ResponseWriter, a *core.Auth, pair core.Pair, proof bool) error {
	c := a.Cookies()
	var set []*http.Cookie
	var longest *core.Token
	for _, t := range []struct {
		cookie http.Cookie
		raw    string
	}{{c.Access, pair.Access}, {c.Refresh, pair.Refresh}} {
		if t.raw == "" {
			continue
		}
		token, err := a.Decode(t.raw)
		if err != nil {
			return fmt.Errorf("the cookie %s: %w", t.cookie.Name, errNoToken)
		}
		cookie, err := c.Holding(t.cookie, t.raw, token.ExpiresAt())
		if err != nil {
			return err
		}
		set = append(set, cookie)
		if longest == nil || token.ExpiresAt().After(longest.ExpiresAt()) {
			longest = token
		}
	}
	if longest != nil && proof {
		cookie, err := c.Holding(c.CSRF, a.CSRFToken(longest), longest.ExpiresAt())
		if err != nil {
			return err
		}
		set = append(set, cookie)
	}
	for _, cookie := range set {
		http.SetCookie(w, cookie)
	}
	return nil
}

var errNoToken = errors.New("what it should hold is no token")

// ClearCookies makes a browser forget what SetCookies and the views have set, by the same names, paths and domain. Without
// AUTH_COOKIE it does nothing.
func ClearCookies(w http.ResponseWriter, a *core.Auth) {
	if c := a.Cookies(); c != nil {
		for _, cookie := range []http.Cookie{c.Access, c.Refresh, c.CSRF} {
			http.SetCookie(w, c.Cleared(cookie))
		}
	}
}

// transport is how a view gets and hands out tokens by cookies.
type transport struct {
	auth  *core.Auth
	field string // the token that a view asks for; "" for a login
	hands bool   // the view hands out tokens
	ends  bool   // the view ends the session
}

// take checks where a request comes from and returns the token of the view's cookie, "" for a login.
func (t *transport) take(r *http.Request) (string, error) {
	c := t.auth.Cookies()
	if err := sameOrigin(c, r); err != nil {
		return "", err
	}
	raw, err := t.cookie(c, r)
	if raw != "" {
		if token, err := t.auth.Decode(raw); err == nil {
			return raw, proves(t.auth, r, token)
		}
	}
	// There is no session that could prove anything. No other site can have a browser send JSON without asking us first.
	if media, _ := parseHeader(r.Header.Get("Content-Type")); !saysWhence(r) && media != "application/json" {
		return "", errNoJSON
	}
	if err == nil && raw == "" && t.field != "" {
		err = core.ErrNotAuthenticated
	}
	return raw, err
}

// cookie is the token that came in the view's cookie. A logout without a refresh token is one of the other cookie's session.
func (t *transport) cookie(c *core.Cookies, r *http.Request) (string, error) {
	switch t.field {
	case "":
		return "", nil
	case "refresh":
		raw, err := cookieValue(r, &c.Refresh)
		if raw != "" || err != nil || !t.ends {
			return raw, err
		}
	}
	return cookieValue(r, &c.Access)
}

// logout is Auth.Blacklist for a token of a cookie, which may be an access or a sliding token: its session ends.
func logout(ctx context.Context, a *core.Auth, raw string) error {
	err := a.Blacklist(ctx, raw)
	if a.Cookies() == nil || !errors.Is(err, core.ErrTokenWrongType) {
		return err
	}
	user, token, err := a.CheckingSession().AuthenticateToken(ctx, raw)
	if err != nil {
		return err
	}
	err = a.RevokeSession(ctx, user.AuthID(), token.Session(), core.ReasonLogout)
	if errors.Is(err, core.ErrSessionNotFound) {
		return nil // nothing is on record, or another was quicker
	}
	return err
}

// finish moves the tokens of an answer into cookies, or clears them. Only a logout clears: a refresh that came too late must
// not take away what a quicker one has set, and trouble with the database must cost nobody his session.
func (t *transport) finish(w http.ResponseWriter, r *http.Request, user simplejwt.User, out simplejwt.Attrs, err error) error {
	var refusal *core.Error
	if t.ends && (err == nil || errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized) {
		ClearCookies(w, t.auth)
	}
	if err != nil {
		return err
	}
	before := maps.Clone(out)
	pair, err := takeOut(out)
	if err == nil && t.hands {
		// A refresh without a new refresh token leaves the proof as it is: it is the same, and lasts longer than this answer.
		err = setCookies(w, t.auth, pair, t.field != "refresh" || pair.Refresh != "")
	}
	if err != nil {
		t.takeBack(r.Context(), user, before)
	}
	return err
}

// takeOut takes the tokens out of an answer, so that none is left in its body, whatever a hook has made of it.
func takeOut(out simplejwt.Attrs) (core.Pair, error) {
	var pair core.Pair
	for _, f := range []struct {
		name string
		into *string
	}{{"access", &pair.Access}, {"token", &pair.Access}, {"refresh", &pair.Refresh}} {
		value, present := out[f.name]
		delete(out, f.name)
		raw, ok := value.(string)
		if present && value != nil && !ok || raw != "" && *f.into != "" {
			return core.Pair{}, fmt.Errorf("the field %q of the answer: %w", f.name, errNoToken)
		}
		if raw != "" {
			*f.into = raw
		}
	}
	return pair, nil
}

// takeBack ends the session of a login whose tokens did not get into cookies: nobody has them.
func (t *transport) takeBack(ctx context.Context, user simplejwt.User, out simplejwt.Attrs) {
	if t.field != "" || user == nil {
		return
	}
	for _, name := range []string{"refresh", "token", "access"} {
		raw, _ := out[name].(string)
		token, err := t.auth.Decode(raw)
		if err != nil || token.SessionID() == "" {
			continue
		}
		err = t.auth.RevokeSession(context.WithoutCancel(ctx), user.AuthID(), token.SessionID(), core.ReasonLogout)
		if err != nil {
			t.auth.Logger().WarnContext(ctx, "a session without cookies was not ended", slog.String("session_id", token.SessionID()), slog.Any("error", err))
		}
		return
	}
}
