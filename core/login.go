package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// Pair is what a login or a refresh issues. Its JSON is the body of SimpleJWT's views.
type Pair struct {
	// Access is the access token.
	Access string `json:"access"`
	// Refresh is the refresh token; "" if a refresh issued none, as without ROTATE_REFRESH_TOKENS.
	Refresh string `json:"refresh,omitempty"`
}

// Format implements fmt.Formatter. It prints neither token, for every verb.
func (p Pair) Format(w fmt.State, _ rune) { fmt.Fprint(w, "core.Pair{[redacted]}") }

// LogValue implements slog.LogValuer. It logs neither token.
func (p Pair) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// ObtainPair is SimpleJWT's obtain pair view: it checks the password and logs the user in. Errors:
// ErrNoActiveAccount for every kind of wrong credentials, those of ON_LOGIN_SUCCESS, ErrServiceUnavailable.
func (a *Auth) ObtainPair(ctx context.Context, username, password string) (Pair, simplejwt.User, error) {
	user, err := a.findByPassword(ctx, username, password)
	if err != nil {
		return Pair{}, nil, err
	}
	pair, err := a.startUserSession(ctx, user, a.recheckPassword(password))
	if err != nil {
		return Pair{}, nil, err
	}
	return pair, user, nil
}

// Login logs a user in without checking a password, for social logins and tests. It applies
// USER_AUTHENTICATION_RULE, starts a session, records its refresh token and calls ON_LOGIN_SUCCESS. Errors:
// ErrNoActiveAccount, those of the hook, ErrServiceUnavailable.
func (a *Auth) Login(ctx context.Context, user simplejwt.User) (Pair, error) {
	if isNil(user) || !a.mayAuthenticate(ctx, user) {
		return Pair{}, ErrNoActiveAccount
	}
	return a.startUserSession(ctx, user, nil)
}

// loginRecheck loads the user of a login again and checks that the password is still the one of the login. The
// given user is the one loaded before. Errors: ErrNoActiveAccount if the password was changed,
// ErrServiceUnavailable.
type loginRecheck func(context.Context, *Token, simplejwt.User) (simplejwt.User, error)

// startLogin creates the first token of a session and its record, if the token can be signed.
func (a *Auth) startLogin(ctx context.Context, class ClassName, user simplejwt.User) (*Token, OutstandingToken, error) {
	if err := a.requireSigningKey(ctx); err != nil {
		return nil, OutstandingToken{}, err
	}
	return a.newSession(ctx, class, user)
}

// startUserSession logs in a user who may authenticate. recheck is nil for a login without a password.
func (a *Auth) startUserSession(ctx context.Context, user simplejwt.User, recheck loginRecheck) (Pair, error) {
	refresh, row, err := a.startLogin(ctx, RefreshToken, user)
	if err != nil {
		return Pair{}, err
	}
	access := refresh.AccessToken()
	if a.settings.SessionLifetime > 0 {
		access.capExp("exp", refresh.now.Add(a.settings.SessionLifetime))
	}
	if err := a.customClaims(ctx, access, user); err != nil {
		return Pair{}, err
	}
	pair, err := a.signPair(ctx, refresh, access)
	if err == nil {
		err = a.finishLogin(ctx, refresh, row, user, recheck)
	}
	if err != nil {
		return Pair{}, err
	}
	return pair, nil
}

// finishLogin records a login whose tokens are signed, and runs what follows a login. MAX_SESSIONS_PER_USER is
// enforced last, so that a login that a hook rejects neither ends another session nor leaves one behind.
func (a *Auth) finishLogin(ctx context.Context, t *Token, row OutstandingToken, user simplejwt.User, recheck loginRecheck) error {
	if err := a.recordLogin(ctx, t, row, user, recheck); err != nil {
		return err
	}
	err := a.afterLogin(ctx, t, user)
	if err == nil {
		err = a.limitSessions(ctx, t, user)
	}
	if err != nil {
		_ = a.takeBackLogin(ctx, t, ReasonLogout, a.revokeQuietly) // best effort
		return err
	}
	a.emit(ctx, Event{Type: EventLogin, UserID: user.AuthID(), JTI: t.JTI(), SessionID: t.SessionID(), TokenType: t.class.Type})
	return nil
}

// takeBackLogin ends the session of a login that failed after it was recorded. Its tokens were never sent.
func (a *Auth) takeBackLogin(ctx context.Context, t *Token, reason Reason, revoke func(context.Context, Scope, Reason) (int, error)) error {
	session := Scope{SessionID: t.SessionID()}
	return a.endSessions(ctx, session, reason, func(ctx context.Context) error {
		_, err := revoke(ctx, session, reason)
		return err
	})
}

// ForUser creates a token of a class for a user, with custom claims, and records it if the class is Blacklistable.
// It is SimpleJWT's for_user: it applies no rule. Errors: an unknown class, ErrNoActiveAccount if the user is nil
// or was deleted, ErrServiceUnavailable.
func (a *Auth) ForUser(ctx context.Context, class ClassName, user simplejwt.User) (*Token, error) {
	t, row, err := a.newSession(ctx, class, user)
	if err == nil {
		err = a.recordToken(ctx, t, row)
	}
	if err == nil {
		err = a.limitSessions(ctx, t, user)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// newSession creates a token for a user and its record. A token that is recorded starts a session: it gets the
// claim sid and the end of the session.
func (a *Auth) newSession(ctx context.Context, class ClassName, user simplejwt.User) (*Token, OutstandingToken, error) {
	t, err := a.NewToken(class)
	if err == nil && isNil(user) {
		err = ErrNoActiveAccount
	}
	if err != nil {
		return nil, OutstandingToken{}, err
	}
	if err := a.setUserClaims(ctx, t, user); err != nil {
		return nil, OutstandingToken{}, err
	}
	if !t.isRecorded() {
		return t, OutstandingToken{}, nil
	}
	t.claims.Set(claimSession, t.JTI())
	var end time.Time
	if a.settings.SessionLifetime > 0 {
		end = t.now.Add(a.settings.SessionLifetime)
		t.capExp("exp", end)
		t.capExp(a.settings.SlidingTokenRefreshExpClaim, end)
	}
	row := t.newRecord(user.AuthID())
	row.SessionStartedAt, row.SessionExpiresAt, row.Device = t.now, end, DeviceFrom(ctx)
	return t, row, nil
}

// isRecorded reports whether tokens of this class are recorded when they are issued.
func (t *Token) isRecorded() bool { return t.class.Blacklistable && t.auth.keepsRecords() }

// recordToken records a token of newSession, if its class is recorded. Errors: ErrNoActiveAccount if the user was
// deleted, ErrServiceUnavailable.
func (a *Auth) recordToken(ctx context.Context, t *Token, row OutstandingToken) error {
	if !t.isRecorded() {
		return nil
	}
	err := a.records.record(ctx, row)
	if errors.Is(err, ErrUserGone) {
		return ErrNoActiveAccount
	}
	return err
}

// recordLogin records a login. The password may have been changed since it was checked, and PasswordChanged may
// have ended the user's sessions before this one was recorded. A LoginRecorder therefore records it only while the
// password is unchanged. With any other Store the user is loaded again once the login is recorded.
func (a *Auth) recordLogin(ctx context.Context, t *Token, row OutstandingToken, user simplejwt.User, recheck loginRecheck) error {
	if recheck == nil || !t.isRecorded() {
		return a.recordToken(ctx, t, row)
	}
	recorded, err := a.records.recordLogin(ctx, a.deps.Users, row, user)
	if recorded || err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err == nil { // another hash is stored, perhaps of the same password
		if user, err = recheck(ctx, t, user); err != nil {
			return err
		}
	}
	if err := a.recordToken(ctx, t, row); err != nil {
		return err
	}
	_, err = recheck(ctx, t, user)
	switch {
	case errors.Is(err, ErrNoActiveAccount): // the password was changed
		if err := a.takeBackLogin(ctx, t, ReasonPassword, a.revokeScope); err != nil {
			return err
		}
	case err != nil:
		_ = a.takeBackLogin(ctx, t, ReasonLogout, a.revokeQuietly) // best effort
	}
	return err
}

// afterLogin sets last_login and calls ON_LOGIN_SUCCESS.
func (a *Auth) afterLogin(ctx context.Context, t *Token, user simplejwt.User) error {
	if updater, ok := a.deps.Users.(LastLoginUpdater); ok && a.settings.UpdateLastLogin {
		callCtx, cancel := withStoreTimeout(ctx)
		defer cancel()
		err := updater.UpdateLastLogin(callCtx, user, t.now)
		if errors.Is(err, ErrUserNotFound) {
			return ErrNoActiveAccount // deleted since
		}
		if err != nil {
			return a.unavailable(ctx, "update last login", err)
		}
	}
	if a.settings.OnLoginSuccess != nil {
		if err := a.settings.OnLoginSuccess(ctx, user); err != nil {
			return err
		}
	}
	return nil
}

// setUserClaims sets the claims of a user in a new token. Custom claims come first, so that they can't replace
// ours.
func (a *Auth) setUserClaims(ctx context.Context, t *Token, user simplejwt.User) error {
	value, err := a.deps.Users.FieldValue(user, a.settings.UserIDField)
	if err != nil {
		return a.unavailable(ctx, "read USER_ID_FIELD", err)
	}
	if !user.AuthActive() {
		a.deps.Logger.WarnContext(ctx, "creating a token for an inactive user", "user_id", user.AuthID())
	}
	if err := a.customClaims(ctx, t, user); err != nil {
		return err
	}
	t.setUser(value, user)
	return nil
}

// customClaims calls Deps.Claims. Custom claims that it does not set this time are removed, so that a revoked role
// is not copied from an older token. Claims that it may not change are restored.
func (a *Auth) customClaims(ctx context.Context, t *Token, user simplejwt.User) error {
	if a.deps.Claims == nil || user == nil {
		return nil
	}
	before := t.claims.Clone()
	t.setByHook = map[string]bool{}
	err := a.deps.Claims(ctx, user, t)
	set := t.setByHook
	t.setByHook = nil
	if err != nil {
		return a.unavailable(ctx, "custom claims", err)
	}
	own := []string{
		"exp", "iat", a.settings.JTIClaim, a.settings.TokenTypeClaim, a.settings.UserIDClaim, a.settings.RevokeTokenClaim,
		a.settings.SlidingTokenRefreshExpClaim, claimSession,
	}
	registered := []string{"iss", "sub", "aud", "nbf", "jti"} // RFC 7519 section 4.1: kept, but the hook may change them
	t.claims.DeleteFunc(func(name string) bool {
		return !set[name] && !slices.Contains(own, name) && !slices.Contains(registered, name)
	})
	for _, name := range own {
		if c := before.Get(name); c != nil {
			t.claims.Put(*c)
		} else {
			t.claims.Delete(name)
		}
	}
	return nil
}

// signPair signs both tokens. refresh may be nil.
func (a *Auth) signPair(ctx context.Context, refresh, access *Token) (pair Pair, err error) {
	if pair.Access, err = access.Sign(); err != nil {
		return Pair{}, a.unavailable(ctx, "sign", err)
	}
	if refresh == nil {
		return pair, nil
	}
	if pair.Refresh, err = refresh.Sign(); err != nil {
		return Pair{}, a.unavailable(ctx, "sign", err)
	}
	return pair, nil
}

// mayAuthenticate applies USER_AUTHENTICATION_RULE and CHECK_USER_IS_ACTIVE, the same at login, refresh and
// request.
func (a *Auth) mayAuthenticate(ctx context.Context, user simplejwt.User) bool {
	if rule := a.settings.UserAuthenticationRule; rule != nil && !rule(ctx, user) {
		return false
	}
	return user != nil && !a.isRejectedAsInactive(user)
}

// isRejectedAsInactive applies CHECK_USER_IS_ACTIVE.
func (a *Auth) isRejectedAsInactive(user simplejwt.User) bool {
	return *a.settings.CheckUserIsActive && !user.AuthActive()
}
