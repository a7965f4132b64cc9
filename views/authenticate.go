package views

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/cookie"
)

// Guard authenticates a request for a middleware; the middleware of every adapter calls it. It returns the request with user and token
// on its context. With anonymous it also lets a request without credentials pass, as it came. For any other denial it returns an
// error of [Authenticate], which the caller writes with [WriteError] or [Reject].
//
// With AUTH_COOKIE it sets Vary, and Cache-Control: private where a cookie authenticated the request, in the response headers h,
// because the response depends on the cookie. The handler behind it may overwrite both.
func Guard(h http.Header, a core.Authenticator, r *http.Request, anonymous bool) (*http.Request, error) {
	t := a.Transport()
	authenticated, byCookie, err := authenticateRequest(a, &t, r)
	if t.Cookies != nil {
		h.Add("Vary", "Cookie")
	}
	switch {
	case err == nil && byCookie:
		h.Set("Cache-Control", "no-store") // else the Back button, or a service worker, shows it after a logout
	case anonymous && IsAnonymous(err):
		return r, nil
	}
	return authenticated, err
}

// Authenticate decides which user sends a request. It returns a copy of the request with user and token on its context; r itself is
// left as it is.
//
// The header counts first. Where it has no credentials for us, and with AUTH_COOKIE, the cookie counts: then a request that may change
// something must also come from a page of this origin or of a trusted one, or carry the CSRF token of its session. A request of any
// method must carry the CSRF cookie of its session if another host of the domain could have set the cookie with the token.
//
// Errors: core.ErrNotAuthenticated if there are no credentials for us (see [IsAnonymous]), core.ErrBadHeader, those of
// a.AuthenticateToken, and a *core.Error with status 403 for a request that may come from another site, or 401 for several cookies of
// one name.
func Authenticate(a core.Authenticator, r *http.Request) (*http.Request, error) {
	t := a.Transport()
	authenticated, _, err := authenticateRequest(a, &t, r)
	return authenticated, err
}

// authenticateRequest is like Authenticate, but takes the Transport of a, so that a caller that needs it too asks for it once.
// byCookie reports whether the cookie was read, with a token or without.
func authenticateRequest(a core.Authenticator, t *core.Transport, r *http.Request) (authenticated *http.Request, byCookie bool, err error) {
	raw, err := readHeaderToken(t, r.Header)
	if byCookie = t.Cookies != nil && IsAnonymous(err); byCookie {
		raw, err = readCookieToken(t.Cookies, r)
	}
	if err != nil {
		return nil, byCookie, err
	}
	user, token, err := a.AuthenticateToken(r.Context(), raw)
	if err == nil && byCookie {
		err = cmp.Or(checkCSRFCookie(t.Cookies, r, &t.Cookies.Access, token), checkCSRFToken(t.Cookies, r, token))
	}
	if err != nil {
		return nil, byCookie, err
	}
	return r.WithContext(core.NewContext(r.Context(), user, token)), byCookie, nil
}

// readCookieToken returns the token in the cookie of access tokens, with the error of checkOrigin. A request without the cookie is
// anonymous wherever it comes from, so that Optional routes work for visitors.
func readCookieToken(p *cookie.Policy, r *http.Request) (string, error) {
	raw, err := readCookie(r, &p.Access)
	if err != nil {
		return "", err
	}
	if raw == "" {
		return "", core.ErrNotAuthenticated
	}
	return raw, checkOrigin(p, r)
}

// readHeaderToken returns the token in the header as SimpleJWT's JWTAuthentication does: a missing header and another scheme count as
// no credentials, the right scheme without exactly one word behind it is core.ErrBadHeader.
func readHeaderToken(t *core.Transport, h http.Header) (string, error) {
	if t.Header == "" || len(t.Schemes) == 0 {
		return "", core.ErrNotAuthenticated
	}
	values := h[t.Header]
	if len(values) > 1 {
		return "", core.ErrBadHeader // which one counts is what request smuggling is about
	}
	if len(values) == 0 {
		return "", core.ErrNotAuthenticated
	}
	scheme, rest := splitWord(values[0])
	if scheme == "" || !slices.Contains(t.Schemes, scheme) {
		return "", core.ErrNotAuthenticated
	}
	raw, rest := splitWord(rest)
	if more, _ := splitWord(rest); raw == "" || more != "" {
		return "", core.ErrBadHeader
	}
	return raw, nil
}

// splitWord returns the first word of a text and what follows it. Words are separated as by Python's bytes.split: by ASCII white
// space only.
func splitWord(text string) (word, rest string) {
	const blanks = " \t\n\r\v\f"
	for text != "" && strings.IndexByte(blanks, text[0]) >= 0 {
		text = text[1:]
	}
	end := len(text)
	for i := range len(blanks) {
		if at := strings.IndexByte(text[:end], blanks[i]); at >= 0 {
			end = at
		}
	}
	return text[:end], text[end:]
}

// Permission reports whether an authenticated user may send this request, by the user as Users returned it for this request and the
// token. It is not called for anonymous requests, and must be safe for concurrent use.
type Permission func(ctx context.Context, user simplejwt.User, token *core.Token) bool

// CheckPermission asks the permission about the user and token on a context. It returns core.ErrPermissionDenied (403) if the
// permission reports false, and core.ErrNotAuthenticated (401) if the context has no user.
func CheckPermission(ctx context.Context, may Permission) error {
	user, token, ok := core.FromContext(ctx)
	if !ok {
		return core.ErrNotAuthenticated
	}
	if !may(ctx, user, token) {
		return core.ErrPermissionDenied
	}
	return nil
}

// User returns the user of a request's context as the application's own type. It returns false for an anonymous request, and for a
// user of another type, such as a *core.TokenUser behind stateless authentication.
func User[T simplejwt.User](ctx context.Context) (T, bool) {
	user, _, _ := core.FromContext(ctx)
	typed, ok := user.(T)
	return typed, ok
}

// Token returns the token of a request's context; false for an anonymous request. It is nil where the Authenticator has none.
func Token(ctx context.Context) (*core.Token, bool) {
	_, token, ok := core.FromContext(ctx)
	return token, ok
}

// IsAnonymous reports whether an error of [Authenticate] only means that the request has no credentials for us: no header, a header of
// another scheme, no cookie. Credentials that are wrong are another error, so that an expired token does not pass for a visitor.
func IsAnonymous(err error) bool { return errors.Is(err, core.ErrNotAuthenticated) }
