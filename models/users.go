package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

const (
	// idField is USER_ID_FIELD's word for the primary key, whatever its column is called.
	idField = "id"

	// Django's names of columns.
	usernameColumn  = "username"
	passwordColumn  = "password"
	lastLoginColumn = "last_login"

	// maxNamesakes is how many rows findByText looks at, where the database takes several texts for one.
	maxNamesakes = 100
)

// userModel is a pointer to a GORM model that implements simplejwt.User. Type inference finds it from T.
type userModel[T any] interface {
	*T
	simplejwt.User
}

// Users is a core.Users over a GORM model T with one column as its primary key: an integer, a text, or a type such as
// uuid.UUID that reads and writes text. The users it returns are *T. It also updates last_login and passwords. It is safe for
// concurrent use. Make it with NewUsers: the zero value cannot be used.
//
// The name of a login is in the column username, and the hash of the password in the column password. A model that keeps them
// in other columns has a method AuthUsernameField() string or AuthPasswordField() string, which returns the name of a column or
// of a Go field ("email").
type Users[T any, P userModel[T]] struct {
	db       *gorm.DB
	pool     *pool // for its engine, and for RecordLogin to compare with the Store's
	schema   *schema.Schema
	username string
	password string
	// err is why the model or the database cannot be used. CheckUsers reports it at start, every other method returns it.
	err error
}

// NewUsers returns Users on db's connections: NewUsers[Account](db). It leaves db as it is and logs nothing; conditions
// set on db (a tenant, Unscoped) hold for every user: one that they leave out is not found. A soft-deleted user is not found
// either, as everywhere in GORM. A model that cannot be used, and a dialect that is not supported, is an error of core.New, by
// CheckUsers, and of every method.
func NewUsers[T any, P userModel[T]](db *gorm.DB) *Users[T, P] {
	u := &Users[T, P]{db: quietSession(db, false), pool: newPool(quietSession(db, true)), username: usernameColumn, password: passwordColumn}
	if u.pool.err != nil {
		u.err = u.pool.err
		return u
	}
	stmt := &gorm.Statement{DB: db}
	if err := stmt.Parse(new(T)); err != nil {
		u.err = fmt.Errorf("user model %T: %w", *new(T), err)
		return u
	}
	u.schema = stmt.Schema
	if len(u.schema.PrimaryFields) != 1 {
		u.err = fmt.Errorf("user model %s: the primary key must be one column, it has %d", u.schema.Name, len(u.schema.PrimaryFields))
	}
	model := any(P(new(T)))
	if named, ok := model.(interface{ AuthUsernameField() string }); ok {
		u.username = named.AuthUsernameField()
	}
	if named, ok := model.(interface{ AuthPasswordField() string }); ok {
		u.password = named.AuthPasswordField()
	}
	return u
}

// UsernameField returns the column of the login's name ("username"), which is also the name of the field in the body of a login.
func (u *Users[T, P]) UsernameField() string {
	if field := u.lookUpField(u.username); field != nil {
		return field.DBName
	}
	return u.username
}

// ByUsername finds the user of a login. It compares exactly, even where the database ignores case or trailing spaces. It returns
// core.ErrUserNotFound for a name that no user has, and another error where several users have it.
func (u *Users[T, P]) ByUsername(ctx context.Context, username string) (simplejwt.User, error) {
	field, err := u.requireField(u.username)
	if err != nil {
		return nil, err
	}
	return u.findByText(ctx, field, username, "find a user by name")
}

// ByField finds the user whose field has this canonical text (see FieldValue). The field is "id" for the primary key, a column,
// or a Go field. It returns core.ErrUserNotFound where there is no such user, and core.ErrUserIDInvalid, which errors.Is
// reports as core.ErrUserNotFound too, where the text cannot be a value of the field ("ada" for an integer).
func (u *Users[T, P]) ByField(ctx context.Context, name, value string) (simplejwt.User, error) {
	field, err := u.requireField(name)
	if err != nil {
		return nil, err
	}
	return u.findByText(ctx, field, value, "find a user by "+field.DBName)
}

// findByText queries by the field's own type, so that an index serves, and then compares texts, so that "01" is not 1 and "BOB"
// is not "bob". A text that PostgreSQL cannot store, one with a NUL or that is not UTF-8, is not sent.
func (u *Users[T, P]) findByText(ctx context.Context, field *schema.Field, text, operation string) (simplejwt.User, error) {
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil, core.ErrUserIDInvalid
	}
	value, ok := parseText(field.FieldType, text)
	if !ok && isTextOfType(field.FieldType, text) {
		return nil, core.ErrUserNotFound
	}
	if !ok {
		return nil, core.ErrUserIDInvalid
	}
	var rows []T
	err := u.withRetry(ctx, func(tx *gorm.DB) error {
		rows = nil
		return tx.Where(u.pool.engine.fieldEquals(field, value)).Limit(maxNamesakes).Find(&rows).Error
	})
	if kindOf(u.pool.engine, err) == kindUnmatchable {
		return nil, core.ErrUserNotFound
	}
	if err != nil {
		return nil, wrapError(operation, err)
	}
	var found P
	for i := range rows {
		got, err := textOf(field, P(&rows[i]))
		if err != nil || got != text {
			continue
		}
		if found != nil {
			return nil, wrapError(operation, errors.New("several users match"))
		}
		found = P(&rows[i])
	}
	if found == nil {
		return nil, core.ErrUserNotFound
	}
	return found, nil
}

// withRetry runs op as pool.withRetry does, on the users' handle.
func (u *Users[T, P]) withRetry(ctx context.Context, op func(tx *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return retryTransient(ctx, u.pool.engine, operationTimeout, func() error { return op(u.db.WithContext(ctx)) })
}

// FieldValue returns the canonical text of a user's field, as tokens contain it: decimal digits, the text, a UUID's text in
// lower case. It returns an error for a user of another model, for an unknown field, and for a field that is NULL.
func (u *Users[T, P]) FieldValue(user simplejwt.User, name string) (string, error) {
	model, err := u.asModel(user)
	if err != nil {
		return "", err
	}
	field, err := u.requireField(name)
	if err != nil {
		return "", err
	}
	return textOf(field, model)
}

// asModel returns the user as a pointer to the model, and an error for a user of another model or a nil pointer.
func (u *Users[T, P]) asModel(user simplejwt.User) (P, error) {
	model, ok := user.(P)
	if !ok || model == nil {
		return nil, fmt.Errorf("user is a %T, not a %T", user, model)
	}
	return model, nil
}

// requireField finds a field of the model by its column or Go name, "id" for the primary key.
func (u *Users[T, P]) requireField(name string) (*schema.Field, error) {
	if u.err != nil {
		return nil, u.err
	}
	if field := u.lookUpField(name); field != nil {
		return field, nil
	}
	return nil, fmt.Errorf("user model %s has no column %q", u.schema.Name, name)
}

// lookUpField returns the column of a field, nil if there is none.
func (u *Users[T, P]) lookUpField(name string) *schema.Field {
	if u.err != nil {
		return nil
	}
	if name == idField {
		return u.schema.PrimaryFields[0]
	}
	field := u.schema.LookUpField(name)
	if field == nil || field.DBName == "" {
		return nil
	}
	return field
}
