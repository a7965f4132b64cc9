package views

import (
	"context"
	"net/http"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// session is an entry of the list: a session, and whether it is the one that sends the request.
type session struct {
	core.Session
	Current bool `json:"current"`
}

// Sessions returns a view that responds to GET with a JSON list of the user's active sessions, and ends all of them on DELETE, with 204. Like
// the other views of sessions it authenticates the request itself, and asks the Store whether the session of the request is active,
// with CHECK_SESSION or without: an access token of an ended session could otherwise end the others. It needs no middleware.
func Sessions(a *core.Auth) http.Handler {
	return &sessionView{auth: a, get: listSessions, delete: func(ctx context.Context, a *core.Auth, me caller, _ string) (bool, error) {
		return true, a.RevokeUser(ctx, me.userID, core.ReasonLogout)
	}}
}

// OtherSessions returns a view that on DELETE ends all of the user's sessions except that of the request. An access token without a session,
// such as one that Django issued, gets 404 and ends nothing.
func OtherSessions(a *core.Auth) http.Handler {
	return &sessionView{auth: a, delete: func(ctx context.Context, a *core.Auth, me caller, _ string) (bool, error) {
		if me.session == "" {
			return false, core.ErrSessionNotFound
		}
		return false, a.RevokeOtherSessions(ctx, me.userID, me.session, core.ReasonLogout)
	}}
}

// Session returns a view that on DELETE ends the session whose id is the request's path value "id". It returns 404 if that is not an
// active session of this user.
func Session(a *core.Auth) http.Handler {
	return &sessionView{auth: a, delete: func(ctx context.Context, a *core.Auth, me caller, id string) (bool, error) {
		return id == me.session, a.RevokeSession(ctx, me.userID, id, core.ReasonLogout)
	}}
}

// caller is the user of a request and the session of its token, "" for none. byCookie reports that the token came in a cookie.
type caller struct {
	userID, session string
	byCookie        bool
}

// sessionView is an endpoint of an authenticated user whose requests have no body. get is nil where there is nothing to list. delete
// reports whether the session of the request is among those it ended: then the cookies of the request are cleared.
type sessionView struct {
	auth   *core.Auth
	get    func(context.Context, *core.Auth, caller) (any, error)
	delete func(ctx context.Context, a *core.Auth, me caller, id string) (own bool, err error)
}

// ServeHTTP serves DELETE with 204, and GET and HEAD where there is a list. As in DRF a request is authenticated before its method is
// checked, so that one without a token gets 401 and not 405. OPTIONS needs no token.
func (v *sessionView) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods := []string{http.MethodDelete}
	if v.get != nil {
		methods = []string{http.MethodGet, http.MethodHead, http.MethodDelete}
	}
	if r.Method == http.MethodOptions {
		MethodNotAllowed(methods...).ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodDelete { // a client that hangs up must not keep what it asked to end
		ctx, cancel := detached.Context(r.Context())
		defer cancel()
		r = r.WithContext(ctx)
	}
	r, me, err := v.authenticateCaller(r)
	switch {
	case err != nil:
	case r.Method == http.MethodDelete:
		var own bool
		own, err = v.delete(r.Context(), v.auth, me, r.PathValue("id"))
		if err == nil && own && me.byCookie {
			err = clearSessions(w, r, v.auth)
		}
		if err == nil {
			setSecurityHeaders(w.Header())
			w.WriteHeader(http.StatusNoContent)
			return
		}
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && v.get != nil:
		var list any
		if list, err = v.get(r.Context(), v.auth, me); err == nil {
			w.Header().Set("Cross-Origin-Resource-Policy", "same-origin") // no page of another origin may embed what it cannot read
			_ = writeJSON(w, http.StatusOK, list)                         // a list of sessions can always be encoded
			return
		}
	default:
		MethodNotAllowed(methods...).ServeHTTP(w, r)
		return
	}
	if err != nil {
		WriteError(w, r, v.auth, err)
	}
}

// authenticateCaller authenticates a request and puts its device on the context, for Deps.OnEvent. A session that has ended may neither
// list the others nor end them, with CHECK_SESSION or without. Without a Store there are no sessions: then it returns
// core.ErrSessionNotFound.
func (v *sessionView) authenticateCaller(r *http.Request) (*http.Request, caller, error) {
	t := v.auth.Transport()
	authenticated, byCookie, err := authenticateRequest(v.auth.CheckingSession(), &t, r)
	if err != nil {
		return r, caller{}, err
	}
	if !v.auth.HasSessions() {
		return r, caller{}, core.ErrSessionNotFound // a 204 would say that something was ended
	}
	user, token, _ := core.FromContext(authenticated.Context())
	ctx := core.WithDevice(authenticated.Context(), readDevice(r, v.auth.Settings().NumProxies))
	return authenticated.WithContext(ctx), caller{user.AuthID(), token.Session(), byCookie}, nil
}

// listSessions returns the active sessions of a user, in the order of Auth.Sessions.
func listSessions(ctx context.Context, a *core.Auth, me caller) (any, error) {
	all, err := a.Sessions(ctx, me.userID)
	if err != nil {
		return nil, err
	}
	out := make([]session, len(all)) // never nil: an empty list, not null
	for i, s := range all {
		out[i] = session{s, s.ID == me.session}
	}
	return out, nil
}
