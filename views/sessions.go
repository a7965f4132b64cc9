package views

import (
	"context"
	"net/http"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// session is a session as its user sees it.
type session struct {
	core.Session
	Current bool `json:"current"`
}

// Sessions answers GET with a list of the user's sessions, and on DELETE ends all of them.
func Sessions(a *core.Auth) http.Handler {
	return &sessionView{auth: a, get: listSessions, delete: func(ctx context.Context, a *core.Auth, me caller, _ string) (bool, error) {
		return true, a.RevokeUser(ctx, me.userID, core.ReasonLogout)
	}}
}

// OtherSessions ends on DELETE all of the user's sessions but the one that asks. A token that names no session has no others:
// it gets 404.
func OtherSessions(a *core.Auth) http.Handler {
	return &sessionView{auth: a, delete: func(ctx context.Context, a *core.Auth, me caller, _ string) (bool, error) {
		if me.session == "" {
			return false, core.ErrSessionNotFound
		}
		return false, a.RevokeOtherSessions(ctx, me.userID, me.session, core.ReasonLogout)
	}}
}

// Session ends on DELETE the session that the request's path value "id" names, if it is the user's: else it answers 404.
func Session(a *core.Auth) http.Handler {
	return &sessionView{auth: a, delete: func(ctx context.Context, a *core.Auth, me caller, id string) (bool, error) {
		return id == me.session, a.RevokeSession(ctx, me.userID, id, core.ReasonLogout)
	}}
}

// caller is who asks, and by which session.
type caller struct {
	userID, session string
	byCookie        bool
}

// sessionView is an endpoint for an authenticated user, without a body. get may be nil. delete reports whether the session
// that asks is among those it ends.
type sessionView struct {
	auth   *core.Auth
	get    func(context.Context, *core.Auth, caller) (any, error)
	delete func(ctx context.Context, a *core.Auth, me caller, id string) (own bool, err error)
}

// ServeHTTP answers DELETE with 204, and GET and HEAD where there is something to get. As in Django who asks is looked at before
// the method; OPTIONS needs no token.
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
			_ = writeJSON(w, http.StatusOK, list) // it can always be encoded
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

// authenticateCaller authenticates a request. A session that has ended may not look at the others or end them, with CHECK_SESSION or
// without.
func (v *sessionView) authenticateCaller(r *http.Request) (*http.Request, caller, error) {
	t := v.auth.Transport()
	authenticated, byCookie, err := authenticateRequest(v.auth.CheckingSession(), &t, r)
	if err != nil {
		return r, caller{}, err
	}
	if !v.auth.HasSessions() {
		return r, caller{}, core.ErrSessionNotFound // better than to say that something was ended
	}
	user, token, _ := core.FromContext(authenticated.Context())
	ctx := core.WithDevice(authenticated.Context(), readDevice(r, v.auth.Settings().NumProxies)) // for Deps.OnEvent
	return authenticated.WithContext(ctx), caller{user.AuthID(), token.Session(), byCookie}, nil
}

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
