package memstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// The fields of an Account that USER_ID_FIELD can name.
const (
	fieldID       = "id"
	fieldUsername = "username"
)

// Account is a user in memory. *Account implements simplejwt.User.
type Account struct {
	// ID is the primary key. It must not be empty.
	ID string
	// Username identifies the user at login, case-sensitively. It must not be empty.
	Username string
	// Password is a hash in one of Django's formats; "" for an account that can't log in by password.
	Password string
	// Inactive accounts may not authenticate.
	Inactive bool
	// LastLogin is the time of the last login, in UTC; zero until a login with UPDATE_LAST_LOGIN.
	LastLogin time.Time
}

// AuthID returns the ID.
func (a *Account) AuthID() string { return a.ID }

// AuthActive reports whether the account is not Inactive.
func (a *Account) AuthActive() bool { return !a.Inactive }

// AuthPassword returns the password's hash, as it was when the account was loaded.
func (a *Account) AuthPassword() string { return a.Password }

// Users is a core.Users in memory. It is safe for concurrent use. It returns copies, so changing a returned account
// does not change the stored one: call Update. Create one with NewUsers.
type Users struct {
	mu     sync.RWMutex
	byID   map[string]*Account
	byName map[string]*Account
}

var (
	_ simplejwt.User        = (*Account)(nil)
	_ core.Users            = (*Users)(nil)
	_ core.LastLoginUpdater = (*Users)(nil)
	_ core.PasswordUpdater  = (*Users)(nil)
	_ core.UsersChecker     = (*Users)(nil)
)

// NewUsers returns Users without accounts.
func NewUsers() *Users {
	return &Users{byID: make(map[string]*Account), byName: make(map[string]*Account)}
}

// Add adds an account. It returns an error if ID or Username is empty or taken.
func (u *Users) Add(a Account) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID[a.ID] != nil {
		return errors.New("add account: the id is taken")
	}
	return u.storeAccount(a)
}

// Update replaces the account with the same ID, for example to change a password or to deactivate it. It returns
// core.ErrUserNotFound if there is none, and another error if Username is empty or taken.
func (u *Users) Update(a Account) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	old := u.byID[a.ID]
	if old == nil {
		return core.ErrUserNotFound
	}
	if err := u.storeAccount(a); err != nil {
		return err
	}
	if old.Username != a.Username {
		delete(u.byName, old.Username)
	}
	return nil
}

// Delete deletes an account. It does nothing for an unknown id. Call Store.ForgetUser too, because the records of
// the user's tokens stay.
func (u *Users) Delete(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.byID[id]; a != nil {
		delete(u.byID, id)
		delete(u.byName, a.Username)
	}
}

// UsernameField returns "username".
func (u *Users) UsernameField() string { return fieldUsername }

// ByUsername returns the account with this Username, or core.ErrUserNotFound.
func (u *Users) ByUsername(ctx context.Context, username string) (simplejwt.User, error) {
	return u.ByField(ctx, fieldUsername, username)
}

// ByField returns the account by "id" or "username", or core.ErrUserNotFound. Another field is an error.
func (u *Users) ByField(ctx context.Context, field, value string) (simplejwt.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u.mu.RLock()
	defer u.mu.RUnlock()
	var a *Account
	switch field {
	case fieldID:
		a = u.byID[value]
	case fieldUsername:
		a = u.byName[value]
	default:
		return nil, unknownField(field)
	}
	if a == nil {
		return nil, core.ErrUserNotFound
	}
	out := *a
	return &out, nil
}

// FieldValue returns the "id" or the "username" of an *Account.
func (u *Users) FieldValue(user simplejwt.User, field string) (string, error) {
	a, err := asAccount(user)
	if err != nil {
		return "", err
	}
	switch field {
	case fieldID:
		return a.ID, nil
	case fieldUsername:
		return a.Username, nil
	}
	return "", unknownField(field)
}

// UpdateLastLogin sets LastLogin of the stored account and of user.
func (u *Users) UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error {
	return u.updateStored(ctx, user, func(stored, given *Account) {
		stored.LastLogin = truncateTime(at)
		given.LastLogin = stored.LastLogin
	})
}

// UpdatePassword replaces the stored hash if it is still that of user, and sets the stored hash on user. A password
// that was changed concurrently therefore wins over an upgraded hash of the old one.
func (u *Users) UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error {
	return u.updateStored(ctx, user, func(stored, given *Account) {
		if stored.Password == given.Password {
			stored.Password = encoded
		}
		given.Password = stored.Password
	})
}

// CheckUsers reports a USER_ID_FIELD that is neither "id" nor "username". New calls it, so that such a setting does
// not fail at the first request.
func (u *Users) CheckUsers(userIDField string, _ bool) simplejwt.SettingsError {
	var invalid simplejwt.SettingsError
	if userIDField != fieldID && userIDField != fieldUsername {
		invalid.Add("USER_ID_FIELD", "accounts in memory have no field %q, only id and username", userIDField)
	}
	return invalid
}

// storeAccount stores a copy of an account under its ID and Username. It returns an error if either is empty, or if
// another account has the Username. The caller holds the lock.
func (u *Users) storeAccount(a Account) error {
	if a.ID == "" || a.Username == "" {
		return errors.New("store account: ID and Username must not be empty")
	}
	if other := u.byName[a.Username]; other != nil && other.ID != a.ID {
		return errors.New("store account: the username is taken")
	}
	u.byID[a.ID], u.byName[a.Username] = &a, &a
	return nil
}

// updateStored calls apply with the stored account and the caller's copy of it, under the lock.
func (u *Users) updateStored(ctx context.Context, user simplejwt.User, apply func(stored, given *Account)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	given, err := asAccount(user)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	stored := u.byID[given.ID]
	if stored == nil {
		return core.ErrUserNotFound
	}
	apply(stored, given)
	return nil
}

// asAccount returns the user as an *Account, or an error if it came from other Users.
func asAccount(user simplejwt.User) (*Account, error) {
	a, ok := user.(*Account)
	if !ok || a == nil {
		return nil, fmt.Errorf("%T is not an account of these users", user)
	}
	return a, nil
}

// unknownField returns the error for a field that accounts do not have.
func unknownField(field string) error { return fmt.Errorf("accounts have no field %q", field) }
