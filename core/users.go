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

// ErrUserNotFound is what Users return if no user matches.
var ErrUserNotFound = errors.New("user not found")

// ErrUserIDInvalid is an ErrUserNotFound for a value that the field can't have, such as "x" for a number. A program
// that does not distinguish these can return ErrUserNotFound.
var ErrUserIDInvalid = fmt.Errorf("%w: not a valid value for this field", ErrUserNotFound)

// Users finds the users of the application. It must be safe for concurrent use. Every method must return when ctx
// ends. ErrUserNotFound means that no user matches, and any other error that the users are unavailable. A nil user
// without an error, or a nil pointer as one, is a bug of the implementation: it is logged and reported as
// ErrServiceUnavailable.
type Users interface {
	// UsernameField returns Django's USERNAME_FIELD: the name of the JSON field that identifies the user at login
	// ("username", "email").
	UsernameField() string
	// ByUsername returns the user with this username, compared case-sensitively.
	ByUsername(ctx context.Context, username string) (simplejwt.User, error)
	// ByField returns the user whose field has exactly this canonical text: "01" and " 1" do not match the id 1.
	// The field is USER_ID_FIELD, "id" for the primary key. It may return ErrUserIDInvalid.
	ByField(ctx context.Context, field, value string) (simplejwt.User, error)
	// FieldValue returns the canonical text of a field of a user that these Users returned. It must not do I/O.
	FieldValue(user simplejwt.User, field string) (string, error)
}

// LastLoginUpdater can be implemented by Users. UPDATE_LAST_LOGIN needs it.
type LastLoginUpdater interface {
	// UpdateLastLogin sets the user's last_login. Errors: ErrUserNotFound if the user was deleted.
	UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error
}

// PasswordUpdater can be implemented by Users. A login then upgrades an outdated password hash.
type PasswordUpdater interface {
	// UpdatePassword replaces the stored hash by encoded if it is still user.AuthPassword(). Otherwise the password
	// was changed concurrently, and the stored hash stays. In both cases user.AuthPassword() returns the stored
	// hash afterwards.
	UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error
}

// UsersChecker can be implemented by Users. New then reports what is wrong with the user model.
type UsersChecker interface {
	// CheckUsers returns what is wrong with the user model for these settings, by the name of the setting; nil if
	// nothing is.
	CheckUsers(userIDField string, updateLastLogin bool) simplejwt.SettingsError
}

// findUser returns the user with this USER_ID_FIELD.
func (a *Auth) findUser(ctx context.Context, id string) (simplejwt.User, error) {
	if id == "" {
		return nil, ErrUserNotFound
	}
	ctx, cancel := withStoreTimeout(ctx)
	defer cancel()
	user, err := a.deps.Users.ByField(ctx, a.settings.UserIDField, id)
	return checkFoundUser("ByField", user, err)
}

// userID returns the primary key of a user, "" for nil.
func userID(user simplejwt.User) string {
	if isNil(user) {
		return ""
	}
	return user.AuthID()
}

// checkFoundUser returns what a method of Users returned, with an error if that was a nil user without one.
func checkFoundUser(method string, user simplejwt.User, err error) (simplejwt.User, error) {
	if err == nil && isNil(user) {
		return nil, fmt.Errorf("the method %s of Users returned neither a user nor an error: it must return core.ErrUserNotFound if nobody matches", method)
	}
	return user, err
}

// isNil reports whether an interface is nil, or holds a nil pointer or function, whose methods would panic.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// noUsers replaces Deps.Users in a program that only verifies tokens: whatever needs a user fails with
// ErrServiceUnavailable.
type noUsers struct{}

// errNoUsers is the error of every method of noUsers.
var errNoUsers = errors.New("Deps.Users is missing")

func (noUsers) UsernameField() string { return "username" }

func (noUsers) ByUsername(context.Context, string) (simplejwt.User, error) { return nil, errNoUsers }

func (noUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	return nil, errNoUsers
}

func (noUsers) FieldValue(simplejwt.User, string) (string, error) { return "", errNoUsers }

// TokenUser is the user of stateless authentication. It knows only the claims of the token. It is always active,
// because inactive users get no tokens, and has no password.
type TokenUser struct {
	claims      jose.Claims
	userIDClaim string
}

// ID returns USER_ID_CLAIM as it is in the token: a string, a json.Number, or whatever the issuer wrote.
func (u *TokenUser) ID() any { return u.claims.Get(u.userIDClaim).Value() }

// AuthID returns USER_ID_CLAIM as text, "" if it is null.
func (u *TokenUser) AuthID() string {
	if u.ID() == nil {
		return ""
	}
	return fmt.Sprint(u.ID())
}

// AuthActive returns true.
func (u *TokenUser) AuthActive() bool { return true }

// AuthPassword returns "".
func (u *TokenUser) AuthPassword() string { return "" }

// Username returns the claim username, "" if there is none.
func (u *TokenUser) Username() string {
	name, _ := u.claims.Get("username").Text()
	return name
}

// IsStaff reports whether the claim is_staff is true.
func (u *TokenUser) IsStaff() bool { return u.claims.Get("is_staff").Value() == true }

// IsSuperuser reports whether the claim is_superuser is true.
func (u *TokenUser) IsSuperuser() bool { return u.claims.Get("is_superuser").Value() == true }

// Claim returns the value of a claim, nil if there is none.
func (u *TokenUser) Claim(name string) any { return u.claims.Get(name).Value() }
