package views

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// cookieRefusal says that a request can't be told from one that another site made its user's browser send: Django's CSRF
// failure, as DRF answers it.
func cookieRefusal(why string) error {
	return &core.Error{Status: http.StatusForbidden, Detail: "CSRF Failed: " + why}
}

// The reasons of a cookieRefusal.
const (
	msgOtherSite = "The request comes from another origin."
	msgNoProof   = "CSRF token missing or incorrect."
	msgNoJSON    = "A request that does not say where it comes from must have a body of JSON."
)

var (
	errTwoCookies = &core.Error{Status: http.StatusUnauthorized, Code: "bad_cookie", Detail: "The request has several cookies of one name."}
	errHost       = errors.New("AUTH_COOKIE_INSECURE serves localhost only: unset it and serve over TLS")
)

// cookieAuth is what an Authenticator with cookies offers.
type cookieAuth interface {
	Cookies() *core.Cookies
	CSRFToken(*core.Token) string
}

// cookiesOf are the cookies that an Authenticator reads; nil for none.
func cookiesOf(a core.Authenticator) *core.Cookies {
	if c, ok := a.(cookieAuth); ok {
		return c.Cookies()
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

// isSafe reports whether a method changes nothing (RFC 9110 section 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin refuses an unsafe request of a page of another origin, if the browser says so.
func sameOrigin(c *core.Cookies, r *http.Request) error {
	if c.Origins.Check(r) != nil {
		return cookieRefusal(msgOtherSite)
	}
	return nil
}

// proves refuses an unsafe request that does not say where it comes from and does not carry the token against cross-site
// requests of the session that its cookie belongs to.
func proves(a cookieAuth, r *http.Request, token *core.Token) error {
	if isSafe(r.Method) || saysWhence(r) {
		return nil
	}
	want := a.CSRFToken(token)
	if got := r.Header.Values(a.Cookies().CSRFHeader); want == "" || len(got) != 1 || !equal(got[0], want) {
		return cookieRefusal(msgNoProof)
	}
	return nil
}

// transport is how a view gets and hands out tokens by cookies.
type transport struct {
	auth    *core.Auth
	cookies *core.Cookies
	field   string       // the token that a view asks for; "" for a login
	from    *http.Cookie // where it comes from
	clears  bool         // the view ends the session
}

// transportOf is the transport of a view that asks for the token in a field, "" for none; nil where tokens are in the body.
func transportOf(a *core.Auth, field string) *transport {
	c := a.Cookies()
	if c == nil {
		return nil
	}
	t := &transport{auth: a, cookies: c, field: field, from: &c.Access}
	if field == "refresh" {
		t.from = &c.Refresh
	}
	return t
}

// fill checks where a request comes from and puts the token of its cookie into the fields of its body. Tokens in the body
// do not count.
func (t *transport) fill(r *http.Request, fields body) error {
	if !t.cookies.MayServe(r.Host) {
		return errHost
	}
	if err := sameOrigin(t.cookies, r); err != nil {
		return err
	}
	if t.field == "" {
		if media, _ := parseHeader(r.Header.Get("Content-Type")); !saysWhence(r) && media != "application/json" {
			return cookieRefusal(msgNoJSON) // no other site can have a browser send JSON without asking us first
		}
		return nil
	}
	raw, err := cookieValue(r, t.from)
	if err != nil {
		return err
	}
	delete(fields, t.field)
	if raw == "" {
		return core.ErrNotAuthenticated
	}
	fields[t.field] = raw
	token, err := t.auth.Decode(raw)
	if err != nil {
		return nil //nolint:nilerr // the view itself refuses it
	}
	return proves(t.auth, r, token)
}

// finish sets the cookies that go with an answer, or with a refusal. Only a logout clears them: a refresh that came too late
// must not take away what a quicker one has set.
func (t *transport) finish(w http.ResponseWriter, r *http.Request, out simplejwt.Attrs, err error) error {
	var refusal *core.Error
	switch {
	case t.clears && (err == nil || errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized):
		for _, cookie := range []http.Cookie{t.cookies.Access, t.cookies.Refresh, t.cookies.CSRF} {
			http.SetCookie(w, t.cookies.Cleared(cookie))
		}
		return err
	case err != nil:
		return err
	}
	return t.hand(w, r, out)
}

// hand puts the tokens of an answer into cookies. Either all are set or none.
func (t *transport) hand(w http.ResponseWriter, r *http.Request, out simplejwt.Attrs) error {
	var set []*http.Cookie
	for _, c := range []struct {
		field  string
		cookie http.Cookie
	}{{"access", t.cookies.Access}, {"token", t.cookies.Access}, {"refresh", t.cookies.Refresh}} {
		raw, ok := out[c.field].(string)
		if !ok || raw == "" {
			continue
		}
		token, err := t.auth.Decode(raw)
		if err != nil {
			return err
		}
		delete(out, c.field)
		cookie, err := t.cookies.Holding(c.cookie, raw, token.ExpiresAt())
		if err != nil {
			t.takeBack(r.Context(), token)
			return err
		}
		set = append(set, cookie)
		if c.field == "access" {
			continue // the refresh token's session has its proof, and keeps it longer
		}
		csrf, err := t.cookies.Holding(t.cookies.CSRF, t.auth.CSRFToken(token), token.ExpiresAt())
		if err != nil {
			return err
		}
		set = append(set, csrf)
	}
	for _, cookie := range set {
		http.SetCookie(w, cookie)
	}
	return nil
}

// takeBack ends the session of a login whose tokens do not fit into cookies.
func (t *transport) takeBack(ctx context.Context, token *core.Token) {
	if t.field != "" || token.SessionID() == "" {
		return
	}
	if err := t.auth.RevokeSession(context.WithoutCancel(ctx), token.UserID(), token.SessionID(), core.ReasonLogout); err != nil {
		t.auth.Logger().WarnContext(ctx, "a session without cookies was not ended", slog.String("session_id", token.SessionID()), slog.Any("error", err))
	}
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
