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

// Guard is Authenticate for a middleware. With anonymous it also lets a request without credentials pass. With AUTH_COOKIE it
// tells caches, by the headers of the answer, that this depends on who asks; the application may say otherwise. The middleware
// of every adapter is this function.
func Guard(h http.Header, a core.Authenticator, r *http.Request, anonymous bool) (*http.Request, error) {
	t := a.Transport()
	authenticated, byCookie, err := authenticateRequest(a, &t, r)
	if t.Cookies != nil {
		h.Add("Vary", "Cookie")
	}
	switch {
	case err == nil && byCookie:
		h.Set("Cache-Control", "private") // as every cache holds it for a request with Authorization (RFC 9111 section 3.5)
	case anonymous && IsAnonymous(err):
		return r, nil
	}
	return authenticated, err
}

// Authenticate decides who sends a request. It returns the request with user and token on its context.
// Errors: core.ErrNotAuthenticated where there are no credentials for us, those of a.AuthenticateToken, an *Error with 403 for
// what may come from another site. The header counts first. Where it holds nothing for us, and with AUTH_COOKIE, the cookie
// does: then a request that may change something must also come from a page of this origin or of a trusted one, or carry the
// CSRF token of its session. Any request must carry the CSRF cookie of its session where another host could have set the other.
func Authenticate(a core.Authenticator, r *http.Request) (*http.Request, error) {
	t := a.Transport()
	authenticated, _, err := authenticateRequest(a, &t, r)
	return authenticated, err
}

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

// readCookieToken returns the token in the cookie, unless the request comes from another origin and may change something.
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

// readHeaderToken returns the token in the header as SimpleJWT does: a missing header and another scheme count as none.
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

// splitWord cuts the first word off a text, as Python's bytes.split does.
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

// Permission decides whether an authenticated user may go on, from the user as he is now and his token.
type Permission func(ctx context.Context, user simplejwt.User, token *core.Token) bool

// CheckPermission refuses with 403 where the permission says no, and with 401 where the request is anonymous.
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

// User is the user of a request as the application's own type; false for an anonymous request or another type.
func User[T simplejwt.User](ctx context.Context) (T, bool) {
	user, _, _ := core.FromContext(ctx)
	typed, ok := user.(T)
	return typed, ok
}

// Token is the token of a request; false for an anonymous request.
func Token(ctx context.Context) (*core.Token, bool) {
	_, token, ok := core.FromContext(ctx)
	return token, ok
}

// IsAnonymous reports whether a refusal by Authenticate only means that the request carries no credentials for us.
func IsAnonymous(err error) bool { return errors.Is(err, core.ErrNotAuthenticated) }
