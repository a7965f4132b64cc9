package models

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

var _ core.LoginRecorder = (*Store)(nil)

// owners are Users, whatever their model.
type owners interface {
	// unchanged is the SELECT, with its parameters, of the row of a user who still has his password. It locks the row.
	unchanged(ctx context.Context, user simplejwt.User) (query string, args []any, err error)
	connections() gorm.ConnPool
}

// OutstandLogin is Outstand where the user still has his password. It knows of users that are Users on the connections of
// this Store, on PostgreSQL and SQLite.
//
// PostgreSQL shares a lock of the user's row, which the UPDATE of a password wants for itself. So one of the two waits
// until the other is committed: the login, and then looks at the row again, as READ COMMITTED does, or fails and is
// retried, as the stricter levels have it; or else the UPDATE, and then what is revoked after it includes this token. On
// SQLite one writer waits for the other, and both look at the row only then.
func (s *Store) OutstandLogin(ctx context.Context, t core.OutstandingToken, users core.Users, user simplejwt.User) (bool, error) {
	const operation = "record a login"
	of, ok := users.(owners)
	if !ok || s.loginless.Load() || s.pool.fixed == nil || !sameDatabase(s.pool.fixed, of.connections()) {
		return false, errors.ErrUnsupported
	}
	if _, elsewhere := s.engine.(portable); elsewhere {
		return false, errors.ErrUnsupported
	}
	var n int64
	err := s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		query, args, err := of.unchanged(ctx, user)
		if err != nil {
			return err
		}
		query = "WITH u AS MATERIALIZED (" + query + ")" + on.pool.bind(recordingLogin, len(args))
		return on.alone(ctx, func() error {
			result, err := on.ExecContext(ctx, query, append(args, recorded(t)...)...)
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		})
	})
	switch {
	case err != nil && unlockable(err):
		s.loginless.Store(true)
		return false, fmt.Errorf("%s: %w: %w", operation, errors.ErrUnsupported, err)
	case unmatchable(err):
		return false, fmt.Errorf("%s: %w: %w", operation, errors.ErrUnsupported, err)
	case violatesForeignKey(err):
		return false, fmt.Errorf("%s: %w", operation, core.ErrUserGone)
	}
	return n > 0, during(operation, err)
}

// recordingLogin is recording for the user's row u.
const recordingLogin = ` INSERT INTO token_blacklist_outstandingtoken (token, jti, user_id, created_at, expires_at, session_id, parent_jti,
    session_started_at, session_expires_at, device_name, ip, user_agent)
  SELECT '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM u WHERE 1 = 1 ON CONFLICT (jti) DO NOTHING`

// unlockable reports whether the database says that rows of the user's table can't be locked: it is a view or a foreign
// table, or this role may only read it.
func unlockable(err error) bool {
	switch sqlState(err) {
	case insufficientPrivilege, notSupported, wrongObjectType:
		return true
	}
	return false
}

// unchanged asks with the conditions that are set on the users' handle, by which the user was found.
func (u *Users[T, P]) unchanged(ctx context.Context, user simplejwt.User) (string, []any, error) {
	model, err := u.model(user)
	field := u.column(u.password)
	if err != nil || field == nil {
		return "", nil, errors.ErrUnsupported
	}
	var none []T
	dry := u.row(u.db.Session(&gorm.Session{DryRun: true, Context: ctx}), model).Where(u.equal(field, user.AuthPassword())).Select("1")
	if u.postgres {
		dry = dry.Clauses(clause.Locking{Strength: "SHARE", Table: clause.Table{Name: clause.CurrentTable}})
	}
	dry = dry.Find(&none)
	return dry.Statement.SQL.String(), dry.Statement.Vars, dry.Error
}

func (u *Users[T, P]) connections() gorm.ConnPool { return u.pool.fixed }
