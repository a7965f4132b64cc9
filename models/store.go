package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// Store is a core.Store in the tables that AutoMigrate makes. On PostgreSQL every operation of a request is one
// statement; on SQLite it is a short transaction. That a user is gone is known by the foreign key of user_id.
type Store struct {
	pool     *pool
	flushing sync.Mutex // held by the one flush that is under way
	// lockDenied: a login can't be recorded under a lock of its user's row.
	lockDenied atomic.Bool
}

var (
	_ core.Store        = (*Store)(nil)
	_ core.StoreChecker = (*Store)(nil)
)

// NewStore returns a Store on db's connections. It leaves db as it is, logs nothing, and ignores conditions set on db.
// Most of its statements pass GORM's callbacks by. Where GORM's dbresolver is in use by then, all go to its sources.
//
// A dialect that is not supported is an error of core.New, and of every method.
func NewStore(db *gorm.DB) *Store { return &Store{pool: newPool(quietSession(db, true))} }

// CheckStore reports a dialect that is not supported, as "Deps.Store".
func (s *Store) CheckStore() simplejwt.SettingsError {
	var invalid simplejwt.SettingsError
	if s.pool.err != nil {
		invalid.Add("Deps.Store", "%v", s.pool.err)
	}
	return invalid
}

// Record records a token. A jti that is on record already is left as it is. It answers core.ErrUserGone where the
// foreign key of user_id finds no user.
func (s *Store) Record(ctx context.Context, t core.OutstandingToken) error {
	err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error { return s.pool.engine.insertToken(ctx, on, t) })
	if kind := kindOf(s.pool.engine, err); t.UserID != "" && (kind == kindForeignKey || kind == kindUnmatchable) {
		return fmt.Errorf("record a token: %w", core.ErrUserGone)
	}
	return wrapError("record a token", err)
}

// Rotate consumes the presented token and records its successor, in one statement or one transaction.
func (s *Store) Rotate(ctx context.Context, r core.Rotation) (out core.OutstandingToken, ok bool, err error) {
	r.Now, r.ActiveAfter, r.ExpiresAt = truncateTime(r.Now), truncateTime(r.ActiveAfter), truncateTime(r.ExpiresAt)
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		out, ok, err = s.pool.engine.rotateToken(ctx, on, r)
		return retryOnForeignKey(s.pool.engine, err) // The user was deleted meanwhile: the row has none any more.
	})
	if err == nil && ok && !r.Consume {
		ok, err = s.confirmRotation(ctx, r)
	}
	if err != nil || !ok {
		return core.OutstandingToken{}, false, wrapError("rotate a token", err)
	}
	return out, true, nil
}

// confirmRotation keeps the promise of Revoke where the presented token is not consumed, so that no unique row orders a rotation and a
// sweep: the rotation looks again once its successor is on record. It does so whatever its client does, as the successor of an
// ended session would revive it. If the database is unavailable for as long as both statements may take, that is not prevented.
func (s *Store) confirmRotation(ctx context.Context, r core.Rotation) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	state, err := s.State(ctx, r.JTI, "")
	if err == nil && (state.Presented == nil || !state.Presented.Blacklisted) {
		return true, nil
	}
	reason := core.ReasonLogout // nobody gets a successor that could not be confirmed
	if state.Presented != nil {
		reason = state.Presented.Reason
	}
	_, _, revokeErr := s.Blacklist(ctx, r.NewJTI, nil, reason, r.Now)
	return false, errors.Join(err, revokeErr)
}

// Blacklist puts a recorded token of the owner on the blacklist.
func (s *Store) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		found, won, err = s.pool.engine.blacklistToken(ctx, on, jti, owner, reason, truncateTime(now))
		return retryOnForeignKey(s.pool.engine, err) // The record was flushed meanwhile.
	})
	return found, won, wrapError("blacklist a token", err)
}

// IsBlacklisted returns whose row the token has, and whether that has a blacklist row.
func (s *Store) IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		owner, blacklisted, err = s.pool.engine.isBlacklisted(ctx, on, jti)
		return err
	})
	return owner, blacklisted, wrapError("look up the blacklist", err)
}

// State reads the presented token and the head of its session in one statement.
func (s *Store) State(ctx context.Context, jti, sid string) (out core.SessionState, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		out, err = s.pool.engine.readState(ctx, on, jti, sid)
		return err
	})
	return out, wrapError("read a session", err)
}

// sweep is one attempt of Revoke: what is not consumed yet of the tokens o that meet a condition.
type sweep struct {
	where string
	args  []any
	// from, unless 0, leaves out the tokens with smaller ids.
	from   int64
	reason *string
	now    time.Time
}

// swept is what a sweep found and consumed.
type swept struct {
	candidates, consumed int
	// missed, where the two differ, is the smallest id that another transaction consumed first.
	missed int64
}

// Revoke consumes all tokens of the scope, and those that concurrent rotations of them record.
func (s *Store) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	where, args := scopeSQL(scope, truncateTime(now))
	if where == "" || s.pool.err != nil {
		return 0, wrapError("revoke tokens", s.pool.err)
	}
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	total := 0
	next := sweep{where: where, args: args, reason: nullIfEmpty(string(reason)), now: truncateTime(now)}
	// A child that is born while a sweep runs is invisible to it. Its parent is not: that is a candidate which the sweep
	// could not consume. So the next one chases what was born since, its ids being greater, and only a sweep of the whole
	// scope that finds nothing to do is the proof that none is left.
	for {
		var done swept
		err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
			var err error
			done, err = s.pool.engine.runSweep(ctx, on, next)
			return retryOnForeignKey(s.pool.engine, err) // A record was flushed meanwhile.
		})
		total += done.consumed
		if kindOf(s.pool.engine, err) == kindUnmatchable {
			return 0, nil // The user's id is no value of the column: no row has it.
		}
		if err != nil || done.candidates == 0 && next.from == 0 {
			return total, wrapError("revoke tokens", err)
		}
		next.from = done.missed
	}
}

// scopeSQL is the condition on the outstanding table o that a scope stands for, "" for an empty scope.
func scopeSQL(scope core.Scope, now time.Time) (where string, args []any) {
	switch {
	case scope.SessionID != "" && scope.UserID != "":
		where, args = scopeSQL(core.Scope{SessionID: scope.SessionID}, now)
		return where + ` AND o.user_id = ?`, append(args, scope.UserID)
	case scope.SessionID != "" && scope.Owner != nil:
		where, args = scopeSQL(core.Scope{SessionID: scope.SessionID}, now)
		return where + ` AND (o.user_id IS NULL OR CAST(o.user_id AS TEXT) = ?)`, append(args, *scope.Owner)
	case scope.SessionID != "":
		return `(o.session_id = ? OR (o.jti = ? AND COALESCE(o.session_id, '') = ''))`, []any{scope.SessionID, scope.SessionID}
	case scope.UserID == "":
		return "", nil
	case scope.ExceptSession != "":
		return `o.user_id = ? AND COALESCE(o.session_id, o.jti) <> ?`, []any{scope.UserID, scope.ExceptSession}
	case scope.ExceptNewest > 0:
		return surplusSQL, []any{
			scope.UserID, truncateTime(scope.ActiveAfter), scope.UserID, truncateTime(scope.ActiveAfter), now, scope.ExceptNewest,
		}
	default:
		return `o.user_id = ?`, []any{scope.UserID}
	}
}

// wrapError names the operation that failed.
func wrapError(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// isNoRows reports whether err says that a query found nothing.
func isNoRows(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || errors.Is(err, gorm.ErrRecordNotFound)
}
