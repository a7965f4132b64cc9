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

// passwordChange is the body of a change of the password. The example accepts any new password that views.ReadJSON accepts; rules for
// good passwords, as Django's validators have them, would be checked in setPassword.
type passwordChange struct{ Old, New string }

// maxOutlast limits a request that outlives its client.
const maxOutlast = 10 * time.Second

// outlastClient lets a route that takes rights away run to its end even if the client hangs up, for at most maxOutlast: a thief who
// holds the session could otherwise abort the request and keep the session. It wraps Required too, which reads the database.
func outlastClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), maxOutlast)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// changePassword returns the view that changes the password of the user who is logged in. It ends all of the user's sessions and answers
// 200 with the tokens of a new session for the client that asks or, in cookie mode, 204 with them in cookies. A wrong old password or
// an invalid new one is 400, another method 405.
func (a *app) changePassword(auth *core.Auth) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { a.servePassword(auth, w, r) }
}

// servePassword is the body of changePassword's handler.
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
	// The middleware has authenticated the request, so both are there.
	user, _ := views.User[*Account](r.Context())
	token, _ := views.Token(r.Context())
	pair, err := a.setPassword(views.WithDevice(r, auth), user, passwordChange{fields[0], fields[1]}, token)
	if err != nil {
		views.WriteError(w, r, a.auth, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // RFC 6749, section 5.1: no cache may keep tokens
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

// setPassword changes the password of a user who knows the old one and ends all sessions. It returns the tokens of the session that
// replaces the one of token, or the zero Pair if token has no session to replace. A wrong password is a core.ValidationError, a
// failure of the database core.ErrServiceUnavailable.
func (a *app) setPassword(ctx context.Context, user *Account, change passwordChange, token *core.Token) (core.Pair, error) {
	// A long password costs time to hash, so its length is limited before anything is hashed.
	if len(change.New) > hashers.MaxPasswordBytes {
		return core.Pair{}, core.ValidationError{"new_password": {fmt.Sprintf("Ensure this field has no more than %d bytes.", hashers.MaxPasswordBytes)}}
	}
	current := token.Session()
	if token.Class().Name != core.AccessToken {
		current = "" // a session of sliding tokens is not replaced: its client logs in again
	}
	changed, err := a.storePassword(ctx, user, change, current)
	if err != nil {
		a.log.ErrorContext(ctx, "password not changed", "user_id", user.AuthID(), "error", err)
		return core.Pair{}, core.ErrServiceUnavailable
	}
	if !changed {
		return core.Pair{}, core.ValidationError{"old_password": {"This is not your password."}}
	}
	return a.auth.PasswordChanged(ctx, user, current)
}

// storePassword stores the new password of a user who knows the old one, and reports whether it did. It ends the user's other sessions
// first, and PasswordChanged ends all sessions afterwards: if the program stops in between, no session of a thief is left.
func (a *app) storePassword(ctx context.Context, user *Account, change passwordChange, current string) (bool, error) {
	right, _, err := a.passwords.Check(ctx, change.Old, user.Password)
	if err != nil || !right {
		return false, err
	}
	encoded, err := a.passwords.Make(ctx, change.New)
	if err != nil {
		return false, err
	}
	if err := a.auth.RevokeOtherSessions(ctx, user.AuthID(), current, core.ReasonPassword); err != nil {
		return false, err
	}
	err = a.users.UpdatePassword(ctx, user, encoded)
	return user.Password == encoded, err // false if another request changed it first
}
