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
// statement; on SQLite it is a short transaction. It learns from the foreign key of user_id that a user is gone. It is safe
// for concurrent use. Make it with NewStore: the zero value cannot be used.
type Store struct {
	pool     *pool
	flushing sync.Mutex // held by the one flush that is under way
	// lockDenied remembers that the program may not lock rows of the user's table, so that only the first login tries it.
	lockDenied atomic.Bool
}

var (
	_ core.Store        = (*Store)(nil)
	_ core.StoreChecker = (*Store)(nil)
)

// NewStore returns a Store on db's connections. It leaves db as it is, logs nothing, and ignores conditions set on db. Given a
// transaction, it works within it. Most of its statements bypass GORM's callbacks. Where GORM's dbresolver is in use by
// then, all statements go to its sources: on a replica, which lags, a used token would still look usable.
//
// A dialect that is not supported is an error of core.New, and of every method.
func NewStore(db *gorm.DB) *Store { return &Store{pool: newPool(quietSession(db, true))} }

// CheckStore reports a dialect that is not supported, as the setting "Deps.Store". core.New calls it.
func (s *Store) CheckStore() simplejwt.SettingsError {
	var invalid simplejwt.SettingsError
	if s.pool.err != nil {
		invalid.Add("Deps.Store", "%v", s.pool.err)
	}
	return invalid
}

// Record records a token. A jti that is already on record is not changed. It returns core.ErrUserGone where the
// foreign key of user_id finds no user, and where t.UserID cannot be a key of the user's table ("ada" in a column of integers).
func (s *Store) Record(ctx context.Context, t core.OutstandingToken) error {
	err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error { return s.pool.engine.insertToken(ctx, on, t) })
	if kind := kindOf(s.pool.engine, err); t.UserID != "" && (kind == kindForeignKey || kind == kindUnmatchable) {
		return fmt.Errorf("record a token: %w", core.ErrUserGone)
	}
	return wrapError("record a token", err)
}

// Rotate consumes the presented token and records its successor, in one statement or one transaction, and returns the
// successor as it is on record. It returns false, and changes nothing, where the token is unknown, expired, used, revoked
// or another user's; State then says which. Times are truncated to microseconds, as databases keep them.
func (s *Store) Rotate(ctx context.Context, r core.Rotation) (out core.OutstandingToken, ok bool, err error) {
	r.Now, r.ActiveAfter, r.ExpiresAt = truncateTime(r.Now), truncateTime(r.ActiveAfter), truncateTime(r.ExpiresAt)
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		out, ok, err = s.pool.engine.rotateToken(ctx, on, r)
		return retryOnForeignKey(s.pool.engine, err) // The user was deleted meanwhile: the row has none now.
	})
	if err == nil && ok && !r.Consume {
		ok, err = s.confirmRotation(ctx, r)
	}
	if err != nil || !ok {
		return core.OutstandingToken{}, false, wrapError("rotate a token", err)
	}
	return out, true, nil
}

// confirmRotation keeps the promise of Revoke for a rotation that consumes nothing. No unique row orders such a rotation and a
// concurrent sweep, so it reads the presented token again once its successor is on record, and revokes the successor where the
// session was ended meanwhile. It ignores the end of ctx: a client that hangs up must not revive an ended session. If the
// database is unavailable for as long as both statements may take, the successor stays usable.
func (s *Store) confirmRotation(ctx context.Context, r core.Rotation) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	state, err := s.State(ctx, r.JTI, "")
	if err == nil && (state.Presented == nil || !state.Presented.Blacklisted) {
		return true, nil
	}
	reason := core.ReasonLogout // for a successor that could not be confirmed, and that no client gets
	if state.Presented != nil {
		reason = state.Presented.Reason
	}
	_, _, revokeErr := s.Blacklist(ctx, r.NewJTI, nil, reason, r.Now)
	return false, errors.Join(err, revokeErr)
}

// Blacklist puts a recorded token of the owner on the blacklist. found says whether the owner, or no user, has a record of it,
// and won whether this call consumed it: of all that would consume a token, exactly one wins, and its reason and time stay.
// A nil owner compares no user; an empty reason is stored as NULL, as in rows that Django wrote.
func (s *Store) Blacklist(ctx context.Context, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		found, won, err = s.pool.engine.blacklistToken(ctx, on, jti, owner, reason, truncateTime(now))
		return retryOnForeignKey(s.pool.engine, err) // The record was flushed meanwhile.
	})
	return found, won, wrapError("blacklist a token", err)
}

// IsBlacklisted returns whose record a token has, and whether it was used or revoked. owner is nil where there is no record, and
// points to "" where the record names no user.
func (s *Store) IsBlacklisted(ctx context.Context, jti string) (owner *string, blacklisted bool, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		owner, blacklisted, err = s.pool.engine.isBlacklisted(ctx, on, jti)
		return err
	})
	return owner, blacklisted, wrapError("look up the blacklist", err)
}

// State reads the presented token and the latest token of its session in one statement, so both as of one moment. sid is
// the session that the token claims, "" for none; it counts only where the token's record has no session id or is missing.
func (s *Store) State(ctx context.Context, jti, sid string) (out core.SessionState, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		out, err = s.pool.engine.readState(ctx, on, jti, sid)
		return err
	})
	return out, wrapError("read a session", err)
}

// sweep is one pass of Revoke. It consumes those of the tokens o that meet a condition and are not consumed yet.
type sweep struct {
	where string // with ? for parameters
	args  []any
	from  int64 // leaves out the tokens with smaller ids; 0 leaves out none
	// reason and now are what the blacklist rows say.
	reason *string
	now    time.Time
}

// swept is what a sweep found and consumed.
type swept struct {
	candidates, consumed int // tokens that met the condition, and those that this sweep consumed
	// missed, where the two differ, is the smallest id that another transaction consumed first.
	missed int64
}

// Revoke consumes all tokens of the scope, and those that concurrent rotations of them record, and returns how many it
// consumed. Once it has returned without an error, none of them is usable, and none of their successors: a client that
// rotates as fast as it can cannot outrun it. An empty scope, and a user id that cannot be a key of the user's table, consume
// nothing and are not errors. After an error, what was consumed stays consumed: call it again.
func (s *Store) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	where, args := scopeSQL(scope, truncateTime(now))
	if where == "" || s.pool.err != nil {
		return 0, wrapError("revoke tokens", s.pool.err)
	}
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	total := 0
	next := sweep{where: where, args: args, reason: nullIfEmpty(string(reason)), now: truncateTime(now)}
	// A sweep does not see a token that is recorded while it runs. It does see the token's parent: a candidate which it
	// could not consume. So the next sweep looks only at what was recorded since, which has greater ids, and only a sweep
	// of the whole scope that finds no candidate shows that none is left.
	for {
		var done swept
		err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
			var err error
			done, err = s.pool.engine.runSweep(ctx, on, next)
			return retryOnForeignKey(s.pool.engine, err) // A record was flushed meanwhile.
		})
		total += done.consumed
		if kindOf(s.pool.engine, err) == kindUnmatchable {
			return 0, nil // The user's id is not a value of the column type, so no row has it.
		}
		if err != nil || done.candidates == 0 && next.from == 0 {
			return total, wrapError("revoke tokens", err)
		}
		next.from = done.missed
	}
}

// scopeSQL returns the condition on the outstanding table o that a scope stands for, with its parameters; "" for an empty
// scope. A token without a session belongs to the one with its own jti as the id.
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

// wrapError names the operation that failed ("rotate a token"); nil stays nil.
func wrapError(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// isNoRows reports whether err says that a query found nothing, as an error of database/sql or of GORM.
func isNoRows(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || errors.Is(err, gorm.ErrRecordNotFound)
}
