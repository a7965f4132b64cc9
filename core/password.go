package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core/hashers"
)

// findByPassword returns the user with these credentials. A denial does not say why, and takes as long whether or
// not the user exists.
func (a *Auth) findByPassword(ctx context.Context, username, password string) (simplejwt.User, error) {
	check := a.checkPassword
	if a.deps.Authenticate != nil {
		check = a.deps.Authenticate
	}
	user, err := check(ctx, username, password)
	if err != nil {
		return nil, a.unavailable(ctx, "check credentials", err)
	}
	if isNil(user) {
		user = nil
	}
	if a.mayAuthenticate(ctx, user) {
		return user, nil
	}
	if a.settings.OnLoginFailed != nil {
		a.settings.OnLoginFailed(ctx, username)
	}
	a.emit(ctx, Event{Type: EventLoginFailed, Username: username})
	return nil, ErrNoActiveAccount
}

// checkPassword implements Django's ModelBackend: it returns the active user with this name and password, else nil.
func (a *Auth) checkPassword(ctx context.Context, username, password string) (simplejwt.User, error) {
	h := a.deps.PasswordHashers
	user, err := a.loadUserByName(ctx, username)
	hashCtx, cancelHash := withStoreTimeout(ctx) // limits the wait for a slot to hash in
	defer cancelHash()
	if errors.Is(err, ErrUserNotFound) {
		return nil, h.Dummy(hashCtx, password)
	}
	if err != nil {
		return nil, err
	}
	ok, upgrade, err := a.checkHash(hashCtx, password, user)
	if err != nil || !ok || !user.AuthActive() {
		return nil, err
	}
	if upgrade && !a.upgradePassword(ctx, h, user, password) {
		ok, _, err = a.checkHash(hashCtx, password, user)
		if err != nil || !ok {
			return nil, err
		}
	}
	return user, nil
}

// maxUsernameBytes is the longest username that is looked up. Longer ones match no user.
const maxUsernameBytes = 4096

// loadUserByName returns the user of a login. Errors: ErrUserNotFound, also for a name of more than
// maxUsernameBytes, which is not sent to the database; any other error of Users.
func (a *Auth) loadUserByName(ctx context.Context, username string) (simplejwt.User, error) {
	if len(username) > maxUsernameBytes {
		return nil, ErrUserNotFound
	}
	ctx, cancel := withStoreTimeout(ctx)
	defer cancel()
	user, err := a.deps.Users.ByUsername(ctx, username)
	return checkFoundUser("ByUsername", user, err)
}

// checkHash checks the password against the user's stored hash, and reports whether the hash should be upgraded. A
// hash that can't be read counts as a wrong password, and is logged once for each format. Errors name the user, so
// that an operator finds the hash: hashers.ErrTooExpensive, the error of ctx.
func (a *Auth) checkHash(ctx context.Context, password string, user simplejwt.User) (ok, upgrade bool, err error) {
	ok, upgrade, err = a.deps.PasswordHashers.Check(ctx, password, user.AuthPassword())
	if err != nil {
		return false, false, fmt.Errorf("password of user %q: %w", user.AuthID(), err)
	}
	if !ok {
		if format, why := hashers.Readable(user.AuthPassword()); why != nil {
			a.warnOnce(ctx, "a stored password hash cannot be read", format, "format", format, "user_id", user.AuthID(), "error", why)
		}
	}
	return ok, upgrade, nil
}

// recheckPassword returns the loginRecheck of a login by password, or nil if Deps.Authenticate checks passwords.
func (a *Auth) recheckPassword(password string) loginRecheck {
	if a.deps.Authenticate != nil {
		return nil
	}
	return func(ctx context.Context, t *Token, user simplejwt.User) (simplejwt.User, error) {
		now, err := a.findUser(ctx, t.UserID())
		if errors.Is(err, ErrUserNotFound) {
			return nil, ErrNoActiveAccount
		}
		if err != nil {
			return nil, a.unavailable(ctx, "look up user", err)
		}
		if now.AuthPassword() == user.AuthPassword() {
			return now, nil
		}
		hashCtx, cancel := withStoreTimeout(ctx) // another hash, perhaps of the same password
		defer cancel()
		ok, _, err := a.checkHash(hashCtx, password, now)
		if err != nil {
			return nil, a.unavailable(ctx, "check credentials", err)
		}
		if !ok {
			return nil, ErrNoActiveAccount
		}
		return now, nil
	}
}

// upgradePassword stores the password in the preferred format. A failure is logged and does not stop the login. It
// returns false if the stored hash was changed concurrently; the user then has the new hash, which must be checked.
func (a *Auth) upgradePassword(ctx context.Context, h *hashers.Hashers, user simplejwt.User, password string) bool {
	updater, ok := a.deps.Users.(PasswordUpdater)
	if !ok {
		return true
	}
	callCtx, cancel := withStoreTimeout(ctx)
	defer cancel()
	encoded, err := h.Make(callCtx, password)
	if err == nil {
		err = updater.UpdatePassword(callCtx, user, encoded)
	}
	if err != nil {
		a.deps.Logger.WarnContext(ctx, "the password hash was not upgraded", "user_id", user.AuthID(), "error", err)
	}
	return err != nil || user.AuthPassword() == encoded
}
