package views

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// errTwoCookies rejects a request with several cookies of one name: see readCookie.
var errTwoCookies = &core.Error{Status: http.StatusUnauthorized, Code: "bad_cookie", Detail: "The request has several cookies of one name."}

// errNotToken reports that a hook or program put something else where a token belongs. Its text never contains the value.
var errNotToken = errors.New("the value is not a token")

// readCookie returns the value of a cookie, "" for none. It rejects several of one name: which of them counts is what a
// neighbouring host would choose by setting one of its own. It compares no values: even two equal cookies are rejected.
func readCookie(r *http.Request, cookie *http.Cookie) (string, error) {
	found := r.CookiesNamed(cookie.Name)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0].Value, nil
	}
	return "", errTwoCookies
}

// SetCookies puts the tokens of a login into cookies, for a program that logs users in without the views: by Auth.Login,
// Auth.LoginSliding (its token is the Access of a pair without Refresh) or Auth.RenewSession. Call it before writing the response.
// Without AUTH_COOKIE it does nothing.
//
// It ends the other sessions whose tokens the cookies of the request hold, as the browser loses those tokens. If that fails, the error
// is not returned: core.EventRevokeFailed reports it, and the cookies are set.
//
// It returns an error, sets no cookie and ends no session for a text that is not a token, for a token that is too long for a cookie,
// and for a host that AUTH_COOKIE_INSECURE does not serve.
func SetCookies(w http.ResponseWriter, r *http.Request, a *core.Auth, pair core.Pair) error {
	p := a.Transport().Cookies
	if p == nil {
		return nil
	}
	if !p.MayServe(r) {
		return errInsecure
	}
	session, err := setCookies(w, a, p, pair, true)
	if err == nil {
		revokeReplaced(r, a, session)
	}
	return err
}

// setCookies sets all cookies or none, and returns the session of the tokens: the id of the session, or the jti where there is none. A
// cookie expires with its token. withCSRF also sets the cookie of the session's CSRF token, which lasts as long as the longest of the
// others: it must not expire while a token needs it.
func setCookies(w http.ResponseWriter, a *core.Auth, p *cookie.Policy, pair core.Pair, withCSRF bool) (session string, err error) {
	var set []*http.Cookie
	var longest *core.Token
	for _, t := range []struct {
		cookie http.Cookie
		raw    string
	}{{p.Access, pair.Access}, {p.Refresh, pair.Refresh}} {
		if t.raw == "" {
			continue
		}
		token, err := a.Decode(t.raw)
		if err != nil {
			return "", fmt.Errorf("the cookie %s: %w", t.cookie.Name, errNotToken)
		}
		cookie, err := p.NewCookie(t.cookie, t.raw, token.ExpiresAt())
		if err != nil {
			return "", err
		}
		set = append(set, cookie)
		if longest == nil || token.ExpiresAt().After(longest.ExpiresAt()) {
			longest, session = token, cmp.Or(token.SessionID(), token.JTI())
		}
	}
	if longest != nil && withCSRF {
		cookie, err := p.NewCookie(p.CSRF, csrfToken(p, longest), longest.ExpiresAt())
		if err != nil {
			return "", err
		}
		set = append(set, cookie)
	}
	for _, cookie := range set {
		http.SetCookie(w, cookie)
	}
	return session, nil
}

// ClearCookies makes a browser delete what [SetCookies] and the views have set, by the same names, paths and domain. Call it before
// writing the response. It does not end the session: Auth.RevokePresented does. Without AUTH_COOKIE it does nothing.
func ClearCookies(w http.ResponseWriter, a *core.Auth) {
	if p := a.Transport().Cookies; p != nil {
		for _, cookie := range []http.Cookie{p.Access, p.Refresh, p.CSRF} {
			http.SetCookie(w, p.ExpireCookie(cookie))
		}
	}
}

// viewCookies takes the token of a view from a cookie and moves the tokens of its response into cookies.
type viewCookies struct {
	auth   *core.Auth
	policy *cookie.Policy // nil without AUTH_COOKIE: then nothing here is called
	field  string         // the token that the view asks for; "" for a login
	issues bool           // the view issues tokens
	ends   bool           // the view ends the session
}

// takeToken checks where a request comes from and returns the token of the view's cookie, "" for a login. A token that can't be decoded
// is returned as it is, for the view to say what is wrong with it.
func (v *viewCookies) takeToken(r *http.Request) (string, error) {
	if err := checkOrigin(v.policy, r); err != nil {
		return "", err
	}
	raw, token, err := v.readToken(r)
	if token != nil {
		return raw, checkCSRFToken(v.policy, r, token)
	}
	// There is no session whose CSRF token could be asked for. No other site can have a browser send JSON without a preflight,
	// which we don't respond to.
	if media, _ := parseHeader(r.Header.Get("Content-Type")); !cookie.NamesSource(r) && media != "application/json" {
		return "", errNotJSON
	}
	if err == nil && raw == "" && v.field != "" {
		err = core.ErrNotAuthenticated
	}
	return raw, err
}

// readToken returns the token in the view's cookie, as text and decoded; token is nil for a text that is not a token. A logout without
// a refresh token, or with one that another host may have put there, logs the session of the access token out.
func (v *viewCookies) readToken(r *http.Request) (raw string, token *core.Token, err error) {
	var denied error
	for _, from := range v.tokenCookies() {
		if raw, err = readCookie(r, from); err != nil {
			return "", nil, err
		}
		if raw == "" {
			continue
		}
		if token, err = v.auth.Decode(raw); err != nil {
			return raw, nil, nil //nolint:nilerr // the view says what is wrong with it
		}
		if denied = checkCSRFCookie(v.policy, r, from, token); denied == nil {
			return raw, token, nil
		}
	}
	return "", nil, denied
}

// tokenCookies returns the cookies that may hold the view's token, in the order in which they count. Only a logout falls back to the
// access token: it must work where AUTH_COOKIE_REFRESH_PATH keeps the refresh token away from it.
func (v *viewCookies) tokenCookies() []*http.Cookie {
	switch {
	case v.field == "":
		return nil
	case v.field == "refresh" && v.ends:
		return []*http.Cookie{&v.policy.Refresh, &v.policy.Access}
	case v.field == "refresh":
		return []*http.Cookie{&v.policy.Refresh}
	}
	return []*http.Cookie{&v.policy.Access}
}

// blacklistToken ends the session of a token, as Auth.Blacklist does. With AUTH_COOKIE the token may also be an access or a sliding
// token, as readToken returns it for a browser without a refresh token; such a token must be valid, and its session active.
func blacklistToken(ctx context.Context, a *core.Auth, raw string) error {
	err := a.Blacklist(ctx, raw)
	if a.Transport().Cookies == nil || !errors.Is(err, core.ErrTokenWrongType) {
		return err
	}
	user, token, err := a.CheckingSession().AuthenticateToken(ctx, raw)
	if err != nil {
		return err
	}
	err = a.RevokeSession(ctx, user.AuthID(), token.Session(), core.ReasonLogout)
	if errors.Is(err, core.ErrSessionNotFound) {
		return nil // the session has no record, or another request ended it first
	}
	return err
}

// moveTokens moves the tokens of a response into cookies, or clears the cookies. err is that of the view; moveTokens returns it, or its
// own. Only a logout clears, when it succeeded or its token was not valid: a refresh that came too late must not delete what a quicker
// one has set, and an unavailable database must not cost users their session. The sessions of cookies that are cleared end first, and
// those of cookies that a login replaces end once the login is on record.
func (v *viewCookies) moveTokens(w http.ResponseWriter, r *http.Request, user simplejwt.User, out simplejwt.Attrs, err error) error {
	var denial *core.Error
	if v.ends && (err == nil || errors.As(err, &denial) && denial.Status == http.StatusUnauthorized) {
		if unavailable := clearSessions(w, r, v.auth); unavailable != nil {
			return unavailable
		}
	}
	if err != nil {
		return err
	}
	before := maps.Clone(out)
	pair, err := removeTokens(out)
	if err == nil && v.issues {
		// A refresh without a new refresh token leaves the CSRF cookie as it is: it is the same, and lasts longer than this response.
		var session string
		session, err = setCookies(w, v.auth, v.policy, pair, v.field != "refresh" || pair.Refresh != "")
		if err == nil && v.field == "" && pair != (core.Pair{}) {
			revokeReplaced(r, v.auth, session)
		}
	}
	if err != nil {
		v.revokeLogin(r.Context(), user, before)
	}
	return err
}

// removeTokens removes the tokens from a response, so that its body contains none even if a hook has changed it. access and token
// share a cookie: a response with both is an error, as is one with a token that is not a string.
func removeTokens(out simplejwt.Attrs) (core.Pair, error) {
	var pair core.Pair
	for _, f := range []struct {
		name string
		into *string
	}{{"access", &pair.Access}, {"token", &pair.Access}, {"refresh", &pair.Refresh}} {
		value, present := out[f.name]
		delete(out, f.name)
		raw, ok := value.(string)
		if present && value != nil && !ok || raw != "" && *f.into != "" {
			return core.Pair{}, fmt.Errorf("the field %q of the response: %w", f.name, errNotToken)
		}
		if raw != "" {
			*f.into = raw
		}
	}
	return pair, nil
}

// revokeLogin ends the session of a login whose tokens did not get into cookies, as nobody has them. It does nothing for other views,
// whose session the user still has. A failure is logged: the response is already an error.
func (v *viewCookies) revokeLogin(ctx context.Context, user simplejwt.User, out simplejwt.Attrs) {
	if v.field != "" || user == nil {
		return
	}
	for _, name := range []string{"refresh", "token", "access"} {
		raw, _ := out[name].(string)
		token, err := v.auth.Decode(raw)
		if err != nil || token.SessionID() == "" {
			continue
		}
		err = v.auth.RevokeSession(context.WithoutCancel(ctx), user.AuthID(), token.SessionID(), core.ReasonLogout)
		if err != nil {
			v.auth.Transport().Logger.WarnContext(ctx, "a session without cookies was not ended", slog.String("session_id", token.SessionID()), slog.Any("error", err))
		}
		return
	}
}
