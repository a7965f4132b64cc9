package views

import (
	"net/http"

	"github.com/go-simplejwt/simplejwt/core"
)

// A browser whose cookies are replaced by a login, or cleared, has no token left to end the session it had. So that session ends here.
// The cookies of one request may name several sessions: another host of the domain may have set one.

// maxPerName is how many cookies of one name are read: as many as browsers must be able to keep (RFC 6265bis section 6.1).
const maxPerName = 50

// revokePresented ends the sessions whose tokens the cookies of a request hold, except the session keep; "" for no exception. The tokens
// need a valid signature, but may have expired or been used. Errors: core.ErrServiceUnavailable.
func revokePresented(r *http.Request, a *core.Auth, keep string) error {
	p := a.Transport().Cookies
	var raws []string
	for _, cookie := range []*http.Cookie{&p.Access, &p.Refresh} {
		found := r.CookiesNamed(cookie.Name)
		for _, cookie := range found[:min(len(found), maxPerName)] {
			raws = append(raws, cookie.Value)
		}
	}
	return a.RevokePresented(r.Context(), keep, core.ReasonLogout, raws...)
}

// revokeReplaced ends the sessions whose cookies those of a new session have replaced. If the Store is unavailable the login
// succeeds all the same, and EventRevokeFailed names the old session. Taking the login back would need the same Store, leave
// the old session as active as it was, and give a client that tries again one session more.
func revokeReplaced(r *http.Request, a *core.Auth, session string) {
	_ = revokePresented(r, a, session) // reported by the event
}

// clearSessions ends the sessions whose cookies it clears. It clears none if the Store is unavailable, so that the client can try
// again. Errors: core.ErrServiceUnavailable.
func clearSessions(w http.ResponseWriter, r *http.Request, a *core.Auth) error {
	if err := revokePresented(r, a, ""); err != nil {
		return err
	}
	ClearCookies(w, a)
	return nil
}
