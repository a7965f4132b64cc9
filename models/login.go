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

// gormUsers are Users, whatever their model.
type gormUsers interface {
	// selectUnchangedUser selects and locks the row of a user who still has their password. errors.ErrUnsupported says that these
	// Users can't do that.
	selectUnchangedUser(ctx context.Context, user simplejwt.User) (userQuery, error)
	connPool() gorm.ConnPool
}

// userQuery is a SELECT of a user's row.
type userQuery struct {
	text string // with the placeholders of the dialect
	args []any
}

// RecordLogin is Outstand where the user still has their password. It serves Users on the connections of this Store; for
// others it returns errors.ErrUnsupported.
//
// PostgreSQL shares a lock of the user's row, which the UPDATE of a password wants for itself. So one of the two waits
// until the other is committed: the login, and then looks at the row again, as READ COMMITTED does, or fails and is
// retried, as the stricter levels have it; or else the UPDATE, and then what is revoked after it includes this token. On
// SQLite one writer waits for the other, and both look at the row only then.
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

// selectUnchangedUser asks with the conditions that are set on the users' handle, by which the user was found.
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
