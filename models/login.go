package models

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

var _ core.LoginRecorder = (*Store)(nil)

// gormUsers are Users, whatever their model: the Store knows no type parameters.
type gormUsers interface {
	// selectUnchangedUser selects and locks the row of a user who still has their password. errors.ErrUnsupported says that these
	// Users can't do that.
	selectUnchangedUser(ctx context.Context, user simplejwt.User) (userQuery, error)
	// connPool returns the connections of these Users, nil where a plugin chooses them for each statement.
	connPool() gorm.ConnPool
}

// userQuery is a SELECT of a user's row. insertLogin makes it part of its own statement.
type userQuery struct {
	text string // with the placeholders of the dialect
	args []any
}

// RecordLogin records the first token of a session if the user still has the password that was checked
// (simplejwt.User.AuthPassword), and reports whether it did. It returns core.ErrUserGone where the foreign key of user_id finds
// no user, and errors.ErrUnsupported for Users of another type or on other connections, for a model without the column of the
// password, and where the program may not lock the user's row. core then uses Record and loads the user again.
//
// No token of an old password outlives a Revoke that follows the change. On PostgreSQL the statement takes a shared lock of the
// user's row, and the UPDATE of a password needs an exclusive one, so one of the two waits until the other has committed.
// If the login waits, it then sees the new password: READ COMMITTED reads the row again, and the stricter levels fail and are
// retried. If the UPDATE waits, the Revoke after it finds this token. On SQLite both need the write lock before they
// read the row.
func (s *Store) RecordLogin(ctx context.Context, t core.OutstandingToken, users core.Users, user simplejwt.User) (bool, error) {
	const operation = "record a login"
	if s.pool.err != nil {
		return false, wrapError(operation, s.pool.err)
	}
	of, ok := users.(gormUsers)
	if !ok || s.lockDenied.Load() || s.pool.fixed == nil || !sameDatabase(s.pool.fixed, of.connPool()) {
		return false, errors.ErrUnsupported
	}
	var recorded bool
	err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		query, err := of.selectUnchangedUser(ctx, user)
		if err != nil {
			return err
		}
		recorded, err = s.pool.engine.insertLogin(ctx, on, query, t)
		return err
	})
	switch kindOf(s.pool.engine, err) {
	case kindUnlockable:
		s.lockDenied.Store(true)
		return false, fmt.Errorf("%s: %w: %w", operation, errors.ErrUnsupported, err)
	case kindUnmatchable:
		return false, fmt.Errorf("%s: %w: %w", operation, errors.ErrUnsupported, err)
	case kindForeignKey:
		return false, fmt.Errorf("%s: %w", operation, core.ErrUserGone)
	}
	return recorded, wrapError(operation, err)
}

// selectUnchangedUser builds the query with the conditions that are set on the users' handle, by which the user was found.
func (u *Users[T, P]) selectUnchangedUser(ctx context.Context, user simplejwt.User) (userQuery, error) {
	model, err := u.asModel(user)
	field := u.lookUpField(u.password)
	if err != nil || field == nil {
		return userQuery{}, errors.ErrUnsupported
	}
	var none []T
	dry := u.whereUser(u.db.Session(&gorm.Session{DryRun: true, Context: ctx}), model).
		Where(u.pool.engine.fieldEquals(field, user.AuthPassword())).Select("1")
	dry = u.pool.engine.lockUser(dry).Find(&none)
	return userQuery{dry.Statement.SQL.String(), dry.Statement.Vars}, dry.Error
}

func (u *Users[T, P]) connPool() gorm.ConnPool { return u.pool.fixed }
