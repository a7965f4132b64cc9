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

// The fields of an Account that USER_ID_FIELD may name.
const (
	fieldID       = "id"
	fieldUsername = "username"
)

// Account is a user in memory. *Account implements simplejwt.User.
type Account struct {
	// ID is the primary key, never empty.
	ID string
	// Username is what a login asks for, never empty.
	Username string
	// Password is the hash in one of Django's formats; "" where the account has none.
	Password string
	// Inactive accounts may not authenticate.
	Inactive bool
	// LastLogin is zero until a login with UPDATE_LAST_LOGIN.
	LastLogin time.Time
}

// AuthID is the ID.
func (a *Account) AuthID() string { return a.ID }

// AuthActive reports whether the account is not Inactive.
func (a *Account) AuthActive() bool { return !a.Inactive }

// AuthPassword is the password's hash.
func (a *Account) AuthPassword() string { return a.Password }

// Users is a core.Users in memory. It returns copies: what a caller does with one does not change the stored account.
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

// NewUsers returns Users without an account.
func NewUsers() *Users {
	return &Users{byID: make(map[string]*Account), byName: make(map[string]*Account)}
}

// Add adds an account. It is an error where ID or Username is empty or taken.
func (u *Users) Add(a Account) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID[a.ID] != nil {
		return errors.New("add account: the id is taken")
	}
	return u.put(a)
}

// Update replaces the account with the same ID: to change a password, or to deactivate it. It answers
// core.ErrUserNotFound where there is none, and another error where Username is empty or taken.
func (u *Users) Update(a Account) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	old := u.byID[a.ID]
	if old == nil {
		return core.ErrUserNotFound
	}
	if err := u.put(a); err != nil {
		return err
	}
	if old.Username != a.Username {
		delete(u.byName, old.Username)
	}
	return nil
}

// Delete deletes an account; an unknown id is no error. Call Store.ForgetUser as well: the records of its tokens stay.
func (u *Users) Delete(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.byID[id]; a != nil {
		delete(u.byID, id)
		delete(u.byName, a.Username)
	}
}

// UsernameField is "username".
func (u *Users) UsernameField() string { return fieldUsername }

// ByUsername finds an account by its Username.
func (u *Users) ByUsername(ctx context.Context, username string) (simplejwt.User, error) {
	return u.ByField(ctx, fieldUsername, username)
}

// ByField finds an account by "id" or "username".
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

// FieldValue is the "id" or the "username" of an *Account.
func (u *Users) FieldValue(user simplejwt.User, field string) (string, error) {
	a, err := account(user)
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

// UpdateLastLogin sets LastLogin, stored and on user.
func (u *Users) UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error {
	return u.change(ctx, user, func(stored, given *Account) {
		stored.LastLogin = cut(at)
		given.LastLogin = stored.LastLogin
	})
}

// UpdatePassword replaces the stored hash where it still is the one of user, and sets the stored one on user.
func (u *Users) UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error {
	return u.change(ctx, user, func(stored, given *Account) {
		if stored.Password == given.Password {
			stored.Password = encoded
		}
		given.Password = stored.Password
	})
}

// CheckUsers reports a USER_ID_FIELD that is not "id" or "username".
func (u *Users) CheckUsers(userIDField string, _ bool) simplejwt.SettingsError {
	var faults simplejwt.SettingsError
	if userIDField != fieldID && userIDField != fieldUsername {
		faults.Add("USER_ID_FIELD", "accounts in memory have no field %q, only id and username", userIDField)
	}
	return faults
}

// put stores a copy. The caller holds the lock.
func (u *Users) put(a Account) error {
	if a.ID == "" || a.Username == "" {
		return errors.New("put account: it needs an id and a username")
	}
	if other := u.byName[a.Username]; other != nil && other.ID != a.ID {
		return errors.New("put account: the username is taken")
	}
	u.byID[a.ID], u.byName[a.Username] = &a, &a
	return nil
}

// change calls apply with the stored account and the caller's copy of it.
func (u *Users) change(ctx context.Context, user simplejwt.User, apply func(stored, given *Account)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	given, err := account(user)
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

func account(user simplejwt.User) (*Account, error) {
	a, ok := user.(*Account)
	if !ok || a == nil {
		return nil, fmt.Errorf("not an account of these users: %T", user)
	}
	return a, nil
}

func unknownField(field string) error { return fmt.Errorf("accounts have no field %q", field) }
