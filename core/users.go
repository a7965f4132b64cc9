package core

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/jose"
)

// ErrUserNotFound is what Users answer where no user matches.
var ErrUserNotFound = errors.New("user not found")

// ErrUserIDInvalid is the ErrUserNotFound of a text that can't be a value of the field at all, such as "x" for a number.
var ErrUserIDInvalid = fmt.Errorf("%w: no value of this field", ErrUserNotFound)

// Users finds the users of the application. It is safe for concurrent use. Every method ends with ctx. ErrUserNotFound
// says that nobody matches; any other error that the users could not be asked. A nil user, or a nil pointer as one, without an
// error is a mistake of the implementation: it is logged, and answered as ErrServiceUnavailable.
type Users interface {
	// UsernameField is Django's USERNAME_FIELD: the name of the JSON field of a login ("username", "email").
	UsernameField() string
	// ByUsername finds the user of a login, with regard to case.
	ByUsername(ctx context.Context, username string) (simplejwt.User, error)
	// ByField finds the user whose field (USER_ID_FIELD, "id" for the primary key) has exactly this canonical text:
	// "01" or " 1" are not the id 1. It may answer ErrUserIDInvalid.
	ByField(ctx context.Context, field, value string) (simplejwt.User, error)
	// FieldValue is the canonical text of a field of a user that these Users returned. No input or output.
	FieldValue(user simplejwt.User, field string) (string, error)
}

// LastLoginUpdater is an ability of Users that UPDATE_LAST_LOGIN needs.
type LastLoginUpdater interface {
	// UpdateLastLogin sets the user's last_login.
	UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error
}

// PasswordUpdater is an ability of Users by which a login upgrades an outdated password hash.
type PasswordUpdater interface {
	// UpdatePassword replaces the stored hash where it still is the user's AuthPassword (otherwise it was changed
	// meanwhile and stays), and sets it on user, so that AuthPassword answers the hash that is stored now.
	UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error
}

// UsersChecker is an ability of Users by which faults are told at start.
type UsersChecker interface {
	// CheckUsers reports what is wrong with the user model for these settings: by the setting's name, nil for nothing.
	CheckUsers(userIDField string, updateLastLogin bool) simplejwt.SettingsError
}

// findUser looks up the user by USER_ID_FIELD.
func (a *Auth) findUser(ctx context.Context, id string) (simplejwt.User, error) {
	if id == "" {
		return nil, ErrUserNotFound
	}
	ctx, cancel := withStoreTimeout(ctx)
	defer cancel()
	user, err := a.deps.Users.ByField(ctx, a.settings.UserIDField, id)
	return checkFoundUser("ByField", user, err)
}

// userID is the primary key of a user, "" for nobody.
func userID(user simplejwt.User) string {
	if isNil(user) {
		return ""
	}
	return user.AuthID()
}

// checkFoundUser is what a method of Users returned, with an error in place of a nil user without one.
func checkFoundUser(method string, user simplejwt.User, err error) (simplejwt.User, error) {
	if err == nil && isNil(user) {
		return nil, fmt.Errorf("the method %s of Users returned neither a user nor an error: it must return core.ErrUserNotFound if nobody matches", method)
	}
	return user, err
}

// isNil reports whether an interface is nil or holds a nil pointer or function, whose methods would panic.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// noUsers stand for Deps.Users in a program that only verifies tokens: whatever needs a user is a 503.
type noUsers struct{}

var errNoUsers = errors.New("Deps.Users is missing")

func (noUsers) UsernameField() string { return "username" }

func (noUsers) ByUsername(context.Context, string) (simplejwt.User, error) { return nil, errNoUsers }

func (noUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errNoUsers
}

func (noUsers) FieldValue(simplejwt.User, string) (string, error) { return "", errNoUsers }

// TokenUser is the user of stateless authentication: nothing but what the token says. It is always active, as tokens are
// not issued to inactive users, and has no password.
type TokenUser struct {
	claims      jose.Claims
	userIDClaim string
}

// ID is the user id claim as it is in the token: a string, a json.Number, or what else the issuer wrote.
func (u *TokenUser) ID() any { return u.claims.Get(u.userIDClaim).Value() }

// AuthID is the user id claim as text; "" where it is null.
func (u *TokenUser) AuthID() string {
	if u.ID() == nil {
		return ""
	}
	return fmt.Sprint(u.ID())
}

// AuthActive is always true.
func (u *TokenUser) AuthActive() bool { return true }

// AuthPassword is always empty.
func (u *TokenUser) AuthPassword() string { return "" }

// Username is the username claim, "" where there is none.
func (u *TokenUser) Username() string {
	name, _ := u.claims.Get("username").Text()
	return name
}

// IsStaff is the is_staff claim.
func (u *TokenUser) IsStaff() bool { return u.claims.Get("is_staff").Value() == true }

// IsSuperuser is the is_superuser claim.
func (u *TokenUser) IsSuperuser() bool { return u.claims.Get("is_superuser").Value() == true }

// Claim is any claim of the token; nil where there is none.
func (u *TokenUser) Claim(name string) any { return u.claims.Get(name).Value() }
