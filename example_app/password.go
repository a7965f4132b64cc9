package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/views"
)

// passwordChange is the body of a change of the password.
type passwordChange struct{ Old, New string }

// maxOutlast is how long a request takes at most whose client may not stop it by hanging up.
const maxOutlast = 10 * time.Second

// outlastClient lets a route that takes rights away run to its end even if the client hangs up: a thief who holds the session
// could cut the request otherwise, and keep it. It stands in front of Required, which asks the database too.
func outlastClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), maxOutlast)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// changePassword answers POST of a user who has logged in: it stores the new password, ends all sessions of the user and
// answers with the tokens of a new session for the client that asks, or sets them as cookies.
func (a *app) changePassword(auth *core.Auth) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { a.servePassword(auth, w, r) }
}

func (a *app) servePassword(auth *core.Auth, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		views.MethodNotAllowed(http.MethodPost).ServeHTTP(w, r)
		return
	}
	fields, err := views.ReadJSON(w, r, auth, "old_password", "new_password")
	if err != nil {
		views.WriteError(w, r, a.auth, err)
		return
	}
	user, _ := views.User[*Account](r.Context())
	token, _ := views.Token(r.Context())
	pair, err := a.setPassword(views.WithDevice(r, auth), user, passwordChange{fields[0], fields[1]}, token)
	if err != nil {
		views.WriteError(w, r, a.auth, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if auth.Settings().AuthCookie && pair != (core.Pair{}) {
		if err := views.SetCookies(w, r, auth, pair); err != nil {
			views.WriteError(w, r, a.auth, err)
			return
		}
		pair = core.Pair{}
	}
	if pair == (core.Pair{}) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(pair) // the client may be gone
}

// setPassword changes the password of a user who knows the old one. All sessions end; that of the token is replaced by a new
// one, whose tokens it returns.
func (a *app) setPassword(ctx context.Context, user *Account, change passwordChange, token *core.Token) (core.Pair, error) {
	if len(change.New) > hashers.MaxPasswordBytes {
		return core.Pair{}, core.ValidationError{"new_password": {fmt.Sprintf("Ensure this field has no more than %d bytes.", hashers.MaxPasswordBytes)}}
	}
	asking := token.Session()
	if token.Class().Name != core.AccessToken {
		asking = "" // a session of sliding tokens ends: its client logs in again
	}
	changed, err := a.storePassword(ctx, user, change, asking)
	if err != nil {
		a.log.ErrorContext(ctx, "the password was not changed", "user_id", user.AuthID(), "error", err)
		return core.Pair{}, core.ErrServiceUnavailable
	}
	if !changed {
		return core.Pair{}, core.ValidationError{"old_password": {"This is not your password."}}
	}
	return a.auth.PasswordChanged(ctx, user, asking)
}

// storePassword stores the new password of a user who knows the old one, and reports whether it did. The sessions of the user
// end before as well: whatever happens in between, nobody goes on with the old password's.
func (a *app) storePassword(ctx context.Context, user *Account, change passwordChange, asking string) (bool, error) {
	right, _, err := a.passwords.Check(ctx, change.Old, user.Password)
	if err != nil || !right {
		return false, err
	}
	encoded, err := a.passwords.Make(ctx, change.New)
	if err != nil {
		return false, err
	}
	if err := a.auth.RevokeOtherSessions(ctx, user.AuthID(), asking, core.ReasonPassword); err != nil {
		return false, err
	}
	err = a.users.UpdatePassword(ctx, user, encoded)
	return user.Password == encoded, err // another request may have been quicker
}
