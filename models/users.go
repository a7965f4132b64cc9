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

	usernameColumn  = "username"
	passwordColumn  = "password"
	lastLoginColumn = "last_login"

	// maxNamesakes is how many rows a login looks at where the database takes several names for one.
	maxNamesakes = 100
)

// userModel is a pointer to a GORM model that can log in.
type userModel[T any] interface {
	*T
	simplejwt.User
}

// Users is a core.Users over a GORM model T with one column as its primary key: an integer, a text, or a type such as
// uuid.UUID that reads and writes text. The users it returns are *T. It also updates last_login and passwords.
//
// The name of a login is in the column username. A model says otherwise by a method AuthUsernameField() string that
// names a column or a Go field ("email"); and by AuthPasswordField() string where the hash is not in the column
// password.
type Users[T any, P userModel[T]] struct {
	db       *gorm.DB
	pool     *pool // for its engine, and to be compared with a Store's
	schema   *schema.Schema
	username string
	password string
	// err is why the model or the database cannot be used. CheckUsers reports it at start, every other method returns it.
	err error
}

// NewUsers returns Users on db's connections: NewUsers[Account](db). It leaves db as it is and logs nothing; conditions
// set on db (a tenant, Unscoped) hold for every user. A model that cannot be used, and a dialect that is not supported, is an
// error of core.New, by CheckUsers, and of every method.
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

// UsernameField is the column of the login's name, so the name of its JSON field.
func (u *Users[T, P]) UsernameField() string {
	if field := u.lookUpField(u.username); field != nil {
		return field.DBName
	}
	return u.username
}

// ByUsername finds the user of a login, with regard to case even where the database compares without.
func (u *Users[T, P]) ByUsername(ctx context.Context, username string) (simplejwt.User, error) {
	field, err := u.requireField(u.username)
	if err != nil {
		return nil, err
	}
	return u.findByText(ctx, field, username, "find a user by name")
}

// ByField finds the user whose field has this canonical text. The field is "id" for the primary key, a column, or a Go
// field.
func (u *Users[T, P]) ByField(ctx context.Context, name, value string) (simplejwt.User, error) {
	field, err := u.requireField(name)
	if err != nil {
		return nil, err
	}
	return u.findByText(ctx, field, value, "find a user by "+field.DBName)
}

// findByText asks by the field's own type, so that an index serves, and then compares texts, so that "01" is not 1 and "BOB"
// is not bob.
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

// FieldValue is the canonical text of a user's field: decimal digits, the text, a UUID's text.
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

// asModel is the user as a pointer to the model.
func (u *Users[T, P]) asModel(user simplejwt.User) (P, error) {
	model, ok := user.(P)
	if !ok || model == nil {
		return nil, fmt.Errorf("user is a %T, not a %T", user, model)
	}
	return model, nil
}

// requireField finds a field of the model, "id" for the primary key.
func (u *Users[T, P]) requireField(name string) (*schema.Field, error) {
	if u.err != nil {
		return nil, u.err
	}
	if field := u.lookUpField(name); field != nil {
		return field, nil
	}
	return nil, fmt.Errorf("user model %s has no column %q", u.schema.Name, name)
}

// lookUpField is field without an error, nil for no such column.
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
