package core

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// ObtainSliding is SimpleJWT's obtain sliding view: it checks the password, logs the user in and returns a sliding
// token. Errors: as for ObtainPair.
func (a *Auth) ObtainSliding(ctx context.Context, username, password string) (string, simplejwt.User, error) {
	user, err := a.findByPassword(ctx, username, password)
	if err != nil {
		return "", nil, err
	}
	token, err := a.loginSliding(ctx, user, a.recheckPassword(password))
	if err != nil {
		return "", nil, err
	}
	return token, user, nil
}

// LoginSliding logs a user in without checking a password, like Login, and returns a sliding token. Errors: as for
// Login.
func (a *Auth) LoginSliding(ctx context.Context, user simplejwt.User) (string, error) {
	if isNil(user) || !a.mayAuthenticate(ctx, user) {
		return "", ErrNoActiveAccount
	}
	return a.loginSliding(ctx, user, nil)
}

// loginSliding logs in a user who may authenticate. recheck is nil for a login without a password.
func (a *Auth) loginSliding(ctx context.Context, user simplejwt.User, recheck loginRecheck) (string, error) {
	t, row, err := a.startLogin(ctx, SlidingToken, user)
	if err != nil {
		return "", err
	}
	text, err := t.Sign()
	if err != nil {
		return "", a.unavailable(ctx, "sign", err)
	}
	if err := a.finishLogin(ctx, t, row, user, recheck); err != nil {
		return "", err
	}
	return text, nil
}

// RefreshSliding is SimpleJWT's refresh sliding view: it returns the same token with a new exp and iat, as long as
// its refresh_exp has not passed. It neither consumes nor records anything. With CHECK_REVOKE_TOKEN a refresh may
// end the session, so it completes even if ctx ends, within 10 seconds. Errors: a denial, ErrServiceUnavailable.
func (a *Auth) RefreshSliding(ctx context.Context, raw string) (string, simplejwt.User, error) {
	ctx, cancel := a.refreshContext(ctx)
	defer cancel()
	t, err := a.ParseToken(ctx, SlidingToken, raw)
	if err != nil {
		return "", nil, err
	}
	if err := t.checkIssuable(); err != nil {
		return "", nil, err
	}
	user, err := a.loadUserForRefresh(ctx, t)
	if err != nil {
		return "", nil, err
	}
	if err := t.CheckExp(a.settings.SlidingTokenRefreshExpClaim); err != nil {
		return "", nil, err
	}
	var end time.Time
	if a.settings.SessionLifetime > 0 && a.keepsRecords() {
		if end, err = a.checkActive(ctx, t, user); err != nil {
			return "", nil, err
		}
	}
	t.SetExp("exp", a.settings.SlidingTokenLifetime)
	t.capExp("exp", end)
	t.SetIat()
	if err := a.customClaims(ctx, t, user); err != nil {
		return "", nil, err
	}
	text, err := t.Sign()
	if err != nil {
		return "", nil, a.unavailable(ctx, "sign", err)
	}
	a.emit(ctx, Event{Type: EventRefresh, UserID: userID(user), JTI: t.JTI(), SessionID: t.SessionID(), TokenType: t.class.Type})
	return text, user, nil
}
