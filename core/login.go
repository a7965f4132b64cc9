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

// Pair is what a login or a refresh gives.
type Pair struct {
	// Access is the access token.
	Access string
	// Refresh is the refresh token; "" where a refresh gave none (without ROTATE_REFRESH_TOKENS).
	Refresh string
}

// Format prints nothing of the tokens, for every verb.
func (p Pair) Format(w fmt.State, _ rune) { fmt.Fprint(w, "core.Pair{[redacted]}") }

// LogValue logs nothing of the tokens.
func (p Pair) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// ObtainPair is SimpleJWT's obtain pair view: it checks the password and logs the user in.
// Errors: ErrNoActiveAccount for every kind of wrong credentials, 503.
func (a *Auth) ObtainPair(ctx context.Context, username, password string) (Pair, simplejwt.User, error) {
	user, err := a.authenticate(ctx, username, password)
	if err != nil {
		return Pair{}, nil, err
	}
	pair, err := a.login(ctx, user, a.samePassword(password))
	if err != nil {
		return Pair{}, nil, err
	}
	return pair, user, nil
}

// Login logs a user in without a password check (social login, tests): it asks USER_AUTHENTICATION_RULE, starts a session,
// records its refresh token and calls ON_LOGIN_SUCCESS. Errors: ErrNoActiveAccount, what the hook says, 503.
func (a *Auth) Login(ctx context.Context, user simplejwt.User) (Pair, error) {
	if user == nil || !a.mayAuthenticate(ctx, user) {
		return Pair{}, ErrNoActiveAccount
	}
	return a.login(ctx, user, nil)
}

// recheck finds the user of a login anew, who was the given one, and refuses him if his password is another now.
type recheck func(context.Context, *Token, simplejwt.User) (simplejwt.User, error)

// begin makes the first token of a login, and the record that it is to have.
func (a *Auth) begin(ctx context.Context, class string, user simplejwt.User) (*Token, OutstandingToken, error) {
	if err := a.mustSign(ctx); err != nil {
		return nil, OutstandingToken{}, err
	}
	return a.open(ctx, class, user)
}

// login issues a pair to a user who may authenticate.
func (a *Auth) login(ctx context.Context, user simplejwt.User, still recheck) (Pair, error) {
	refresh, row, err := a.begin(ctx, RefreshToken, user)
	if err != nil {
		return Pair{}, err
	}
	access := refresh.AccessToken()
	if a.s.SessionLifetime > 0 {
		access.capExp("exp", refresh.now.Add(a.s.SessionLifetime))
	}
	if err := a.customClaims(ctx, access, user); err != nil {
		return Pair{}, err
	}
	pair, err := a.signPair(ctx, refresh, access)
	if err == nil {
		err = a.enter(ctx, refresh, row, user, still)
	}
	if err != nil {
		return Pair{}, err
	}
	return pair, nil
}

// enter records a login whose tokens are made and does what follows it. Only then it ends what a limit of sessions leaves
// over: a login that is refused costs the user no other session, and leaves none of its own.
func (a *Auth) enter(ctx context.Context, t *Token, row OutstandingToken, user simplejwt.User, still recheck) error {
	if err := a.enroll(ctx, t, row, user, still); err != nil {
		return err
	}
	err := a.loggedIn(ctx, t, user)
	if err == nil {
		err = a.limitSessions(ctx, t, user)
	}
	if err != nil {
		_, _ = a.sweep(context.WithoutCancel(ctx), Scope{SessionID: t.SessionID()}, ReasonLogout) // best effort: nobody gets its tokens
		return err
	}
	a.event(ctx, Event{Type: EventLogin, UserID: user.AuthID(), JTI: t.JTI(), SessionID: t.SessionID(), TokenType: t.class.Type})
	return nil
}

// ForUser makes a token of a class for a user, with custom claims, and records it if the class is Blacklistable, like
// SimpleJWT's for_user. It asks no rule. Errors: an unknown class, ErrNoActiveAccount where the user is gone, 503.
func (a *Auth) ForUser(ctx context.Context, class string, user simplejwt.User) (*Token, error) {
	t, row, err := a.open(ctx, class, user)
	if err == nil {
		err = a.enlist(ctx, t, row)
	}
	if err == nil {
		err = a.limitSessions(ctx, t, user)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// open makes a token for a user. If it is to be recorded it is the first one of a session, which gets its id and its end.
func (a *Auth) open(ctx context.Context, class string, user simplejwt.User) (*Token, OutstandingToken, error) {
	t, err := a.NewToken(class)
	if err != nil {
		return nil, OutstandingToken{}, err
	}
	if err := a.fill(ctx, t, user); err != nil {
		return nil, OutstandingToken{}, err
	}
	if !a.records(t) {
		return t, OutstandingToken{}, nil
	}
	t.put(claimSession, t.JTI())
	var end time.Time
	if a.s.SessionLifetime > 0 {
		end = t.now.Add(a.s.SessionLifetime)
		t.capExp("exp", end)
		t.capExp(a.s.SlidingTokenRefreshExpClaim, end)
	}
	row := t.record(user.AuthID())
	row.SessionStartedAt, row.SessionExpiresAt, row.Device = t.now, end, DeviceFrom(ctx)
	return t, row, nil
}

// records reports whether tokens such as this one are recorded when they are made.
func (a *Auth) records(t *Token) bool { return t.class.Blacklistable && a.recorded() }

// enlist records what open has made.
func (a *Auth) enlist(ctx context.Context, t *Token, row OutstandingToken) error {
	if !a.records(t) {
		return nil
	}
	err := a.outstand(ctx, row)
	if errors.Is(err, ErrUserGone) {
		return ErrNoActiveAccount
	}
	return err
}

// enroll records a login. If the password was changed while the login was under way, PasswordChanged may have ended the
// user's sessions before this one is there. So it is recorded only while the password is the one that was checked, where
// the store can do that; where it can't, the user is looked at again once it is on record.
func (a *Auth) enroll(ctx context.Context, t *Token, row OutstandingToken, user simplejwt.User, still recheck) error {
	recorder, ok := a.d.Store.(LoginRecorder)
	if still == nil || !a.records(t) {
		return a.enlist(ctx, t, row)
	}
	if ok {
		done, err := a.outstandLogin(ctx, recorder, row, user)
		if done || err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if err == nil {
			if user, err = still(ctx, t, user); err != nil {
				return err
			}
		}
	}
	if err := a.enlist(ctx, t, row); err != nil {
		return err
	}
	_, err := still(ctx, t, user)
	if errors.Is(err, ErrNoActiveAccount) {
		if _, err := a.revoke(ctx, Scope{SessionID: t.SessionID()}, ReasonPassword); err != nil {
			return err
		}
	}
	return err
}

func (a *Auth) outstandLogin(ctx context.Context, recorder LoginRecorder, row OutstandingToken, user simplejwt.User) (bool, error) {
	askCtx, cancel := ask(ctx)
	defer cancel()
	done, err := recorder.OutstandLogin(askCtx, row, a.d.Users, user)
	switch {
	case errors.Is(err, ErrUserGone):
		return false, ErrNoActiveAccount
	case errors.Is(err, errors.ErrUnsupported):
		return false, errors.ErrUnsupported
	}
	return done, a.trouble(ctx, "record token", err)
}

// loggedIn does what follows a login: last_login, ON_LOGIN_SUCCESS.
func (a *Auth) loggedIn(ctx context.Context, t *Token, user simplejwt.User) error {
	if updater, ok := a.d.Users.(LastLoginUpdater); ok && a.s.UpdateLastLogin {
		askCtx, cancel := ask(ctx)
		defer cancel()
		err := updater.UpdateLastLogin(askCtx, user, t.now)
		if errors.Is(err, ErrUserNotFound) {
			return ErrNoActiveAccount // deleted since
		}
		if err != nil {
			return a.trouble(ctx, "update last login", err)
		}
	}
	if a.s.OnLoginSuccess != nil {
		if err := a.s.OnLoginSuccess(ctx, user); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the user's claims into a new token: custom ones first, so that they can't replace ours.
func (a *Auth) fill(ctx context.Context, t *Token, user simplejwt.User) error {
	value, err := a.d.Users.FieldValue(user, a.s.UserIDField)
	if err != nil {
		return a.trouble(ctx, "read USER_ID_FIELD", err)
	}
	if !user.AuthActive() {
		a.d.Logger.WarnContext(ctx, "making a token for an inactive user", "user_id", user.AuthID())
	}
	if err := a.customClaims(ctx, t, user); err != nil {
		return err
	}
	t.setUser(value, user)
	return nil
}

// customClaims has Deps.Claims make the custom claims anew: what it does not set this time goes, so that a role that was
// taken is not carried on from an older token. What it may not change is put back.
func (a *Auth) customClaims(ctx context.Context, t *Token, user simplejwt.User) error {
	if a.d.Claims == nil || user == nil {
		return nil
	}
	t.own()
	before := slices.Clone(t.claims)
	t.set = map[string]bool{}
	err := a.d.Claims(ctx, user, t)
	set := t.set
	t.set = nil
	if err != nil {
		return a.trouble(ctx, "custom claims", err)
	}
	own := []string{"exp", "iat", a.s.JTIClaim, a.s.TokenTypeClaim, a.s.UserIDClaim, a.s.RevokeTokenClaim, a.s.SlidingTokenRefreshExpClaim, claimSession}
	registered := []string{"iss", "sub", "aud", "nbf", "jti"} // RFC 7519 section 4.1: carried on, but the hook may change them
	t.claims = slices.DeleteFunc(t.claims, func(c claim) bool {
		return !set[c.name] && !slices.Contains(own, c.name) && !slices.Contains(registered, c.name)
	})
	for _, name := range own {
		if c := before.at(name); c != nil {
			t.claims.put(*c)
		} else {
			t.claims.drop(name)
		}
	}
	return nil
}

// signPair signs both tokens; refresh may be nil.
func (a *Auth) signPair(ctx context.Context, refresh, access *Token) (pair Pair, err error) {
	if pair.Access, err = access.Sign(); err != nil {
		return Pair{}, a.trouble(ctx, "sign", err)
	}
	if refresh == nil {
		return pair, nil
	}
	if pair.Refresh, err = refresh.Sign(); err != nil {
		return Pair{}, a.trouble(ctx, "sign", err)
	}
	return pair, nil
}

// mayAuthenticate is the rule of every path, login, refresh and request: USER_AUTHENTICATION_RULE and CHECK_USER_IS_ACTIVE.
func (a *Auth) mayAuthenticate(ctx context.Context, user simplejwt.User) bool {
	if rule := a.s.UserAuthenticationRule; rule != nil && !rule(ctx, user) {
		return false
	}
	return user != nil && !a.inactive(user)
}

// inactive is CHECK_USER_IS_ACTIVE.
func (a *Auth) inactive(user simplejwt.User) bool {
	return *a.s.CheckUserIsActive && !user.AuthActive()
}
