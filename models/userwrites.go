package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// UpdateLastLogin sets last_login to at, truncated to microseconds, in the database and on user. It changes no other column,
// not even updated_at. It returns core.ErrUserNotFound where the user is gone.
func (u *Users[T, P]) UpdateLastLogin(ctx context.Context, user simplejwt.User, at time.Time) error {
	const operation = "update last_login"
	field := u.lastLoginField()
	if field == nil {
		return cmp.Or(u.err, errors.New("the user model has no column "+lastLoginColumn))
	}
	changed, err := u.updateField(ctx, user, field, truncateTime(at), nil)
	if err == nil && !changed {
		err = core.ErrUserNotFound
	}
	return wrapError(operation, err)
}

// lastLoginField finds the column by its name, or by the name of its Go field; nil for none.
func (u *Users[T, P]) lastLoginField() *schema.Field {
	if field := u.lookUpField(lastLoginColumn); field != nil {
		return field
	}
	return u.lookUpField("LastLogin")
}

// UpdatePassword replaces the stored hash where it still is the user's AuthPassword, and sets on user the one that is
// stored now: a login that upgrades a hash must not overwrite a password that was changed meanwhile. encoded is a hash in
// Django's format, not a password. It returns core.ErrUserNotFound where the user is gone.
func (u *Users[T, P]) UpdatePassword(ctx context.Context, user simplejwt.User, encoded string) error {
	const operation = "update a password"
	field, err := u.requireField(u.password)
	if err != nil {
		return err
	}
	old := user.AuthPassword()
	changed, err := u.updateField(ctx, user, field, encoded, &old)
	if err == nil && !changed {
		err = u.reloadField(ctx, user, field)
	}
	return wrapError(operation, err)
}

// updateField updates one column in the database, only where it has the old value if one is given, and then the field of user.
// It reports whether there was such a row. Neither hooks nor updated_at of GORM take part.
func (u *Users[T, P]) updateField(ctx context.Context, user simplejwt.User, field *schema.Field, value any, old *string) (bool, error) {
	model, err := u.asModel(user)
	if err != nil {
		return false, err
	}
	var rows int64
	err = u.withRetry(ctx, func(tx *gorm.DB) error {
		query := u.whereUser(tx, model)
		if old != nil {
			query = query.Where(u.pool.engine.fieldEquals(field, *old))
		}
		done := query.UpdateColumn(field.DBName, value)
		rows = done.RowsAffected
		return done.Error
	})
	if err != nil || rows == 0 {
		return false, err
	}
	return true, field.Set(ctx, reflect.ValueOf(model).Elem(), value)
}

// reloadField sets the field of user to what is stored, or returns core.ErrUserNotFound.
func (u *Users[T, P]) reloadField(ctx context.Context, user simplejwt.User, field *schema.Field) error {
	model, err := u.asModel(user)
	if err != nil {
		return err
	}
	stored := new(T)
	err = u.withRetry(ctx, func(tx *gorm.DB) error {
		return u.whereUser(tx, model).Select(field.DBName).Take(stored).Error
	})
	if isNoRows(err) {
		return core.ErrUserNotFound
	}
	if err != nil {
		return err
	}
	value, _ := field.ValueOf(ctx, reflect.ValueOf(stored).Elem())
	return field.Set(ctx, reflect.ValueOf(model).Elem(), value)
}

// whereUser selects the user's row. The condition is explicit, as GORM omits that on the primary key where the key
// is zero.
func (u *Users[T, P]) whereUser(tx *gorm.DB, model P) *gorm.DB {
	key := u.schema.PrimaryFields[0]
	value, _ := key.ValueOf(tx.Statement.Context, reflect.ValueOf(model).Elem())
	return tx.Model(P(new(T))).Where(u.pool.engine.fieldEquals(key, value))
}

// CheckUsers reports what the model lacks: one primary key, the column of the login's name, a unique column with a
// text for USER_ID_FIELD, last_login for UPDATE_LAST_LOGIN. core.New calls it. It reads the model only, not the database.
func (u *Users[T, P]) CheckUsers(userIDField string, updateLastLogin bool) simplejwt.SettingsError {
	var invalid simplejwt.SettingsError
	if u.err != nil {
		invalid.Add("Deps.Users", "%v", u.err)
		return invalid
	}
	if u.lookUpField(u.username) == nil {
		invalid.Add("Deps.Users", "user model %s has no column %q for the name of a login: add it, or a method "+
			"AuthUsernameField() string that names another", u.schema.Name, u.username)
	} else if !hasText(u.lookUpField(u.username).FieldType) {
		invalid.Add("Deps.Users", "user model %s: the column %q is not text", u.schema.Name, u.username)
	}
	if u.password != passwordColumn && u.lookUpField(u.password) == nil {
		invalid.Add("Deps.Users", "user model %s has no column %q, which AuthPasswordField names", u.schema.Name, u.password)
	}
	if err := u.checkIDField(userIDField); err != nil {
		invalid.Add("USER_ID_FIELD", "%v", err)
	}
	if updateLastLogin && u.lastLoginField() == nil {
		invalid.Add("UPDATE_LAST_LOGIN", "user model %s has no column %q: add a field LastLogin *time.Time", u.schema.Name, lastLoginColumn)
	}
	return invalid
}

// checkIDField reports why a field cannot be USER_ID_FIELD.
func (u *Users[T, P]) checkIDField(name string) error {
	field, err := u.requireField(name)
	if err != nil {
		return err
	}
	if !hasText(field.FieldType) {
		return fmt.Errorf("user model %s: the column %q is of a type without a text", u.schema.Name, field.DBName)
	}
	if !u.isUnique(field) {
		return errors.New("user model " + u.schema.Name + ": the column " + field.DBName +
			` is not unique: tokens would name several users (tag it gorm:"uniqueIndex")`)
	}
	return nil
}

// isUnique reports whether the model declares the column unique by itself, without another one. A condition on the index is
// taken for that of a soft delete; findByText returns an error for a text that several users have.
func (u *Users[T, P]) isUnique(field *schema.Field) bool {
	if field.PrimaryKey || field.Unique {
		return true
	}
	for _, index := range u.schema.ParseIndexes() {
		if index.Class == "UNIQUE" && len(index.Fields) == 1 &&
			index.Fields[0].Expression == "" && index.Fields[0].DBName == field.DBName {
			return true
		}
	}
	return false
}
