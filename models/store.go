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

	"github.com/go-simplejwt/simplejwt/core"
)

// Store is a core.Store in the tables that AutoMigrate makes. On PostgreSQL every operation of a request is one
// statement; elsewhere it is a short transaction. That a user is gone is known by the foreign key of user_id.
type Store struct {
	pool     *pool
	engine   engine
	flushing sync.Mutex // held by the one flush that is under way
	// loginless: a login can't be recorded under a lock of its user's row.
	loginless atomic.Bool
}

var _ core.Store = (*Store)(nil)

// engine carries out one attempt of an operation on one kind of database.
type engine interface {
	outstand(ctx context.Context, on conn, t core.OutstandingToken) error
	rotate(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error)
	blacklist(ctx context.Context, on conn, jti string, reason core.Reason, now time.Time) (found, won bool, err error)
	sweep(ctx context.Context, on conn, s sweep) (swept, error)
	flush(ctx context.Context, on conn, b batch) (flushed, error)
}

// NewStore returns a Store on db's connections. It leaves db as it is, logs nothing, and ignores conditions set on db.
// Most of its statements pass GORM's callbacks by. Where GORM's dbresolver is in use by then, all go to its sources.
func NewStore(db *gorm.DB) *Store {
	s := &Store{pool: newPool(quiet(db, true)), engine: portable{}}
	switch {
	case isPostgres(db):
		s.engine = &postgres{}
	case isSQLite(db):
		s.engine = sqlite{}
	}
	return s
}

func isPostgres(db *gorm.DB) bool { return db.Name() == "postgres" }

func isSQLite(db *gorm.DB) bool { return db.Name() == "sqlite" }

// Outstand records a token. A jti that is on record already is left as it is. It answers core.ErrUserGone where the
// foreign key of user_id finds no user.
func (s *Store) Outstand(ctx context.Context, t core.OutstandingToken) error {
	err := s.pool.patiently(ctx, func(ctx context.Context, on conn) error { return s.engine.outstand(ctx, on, t) })
	if err != nil && t.UserID != "" && (violatesForeignKey(err) || unmatchable(err)) {
		return fmt.Errorf("record a token: %w", core.ErrUserGone)
	}
	return during("record a token", err)
}

// Rotate consumes the presented token and records its successor, in one statement or one transaction.
func (s *Store) Rotate(ctx context.Context, r core.Rotation) (out core.OutstandingToken, ok bool, err error) {
	r.Now, r.AliveAfter, r.ExpiresAt = cut(r.Now), cut(r.AliveAfter), cut(r.ExpiresAt)
	err = s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		var err error
		out, ok, err = s.engine.rotate(ctx, on, r)
		return againOnForeignKey(err) // The user was deleted meanwhile: the row has none any more.
	})
	if err == nil && ok && !r.Consume {
		ok, err = s.confirm(ctx, r)
	}
	if err != nil || !ok {
		return core.OutstandingToken{}, false, during("rotate a token", err)
	}
	return out, true, nil
}

// confirm keeps the promise of Revoke where the presented token is not consumed, so that no unique row orders a
// rotation and a sweep. Whoever writes looks again afterwards: the sweep until it finds no token, the rotation whether
// its token still is good. So one of the two sees the other.
func (s *Store) confirm(ctx context.Context, r core.Rotation) (bool, error) {
	state, err := s.State(ctx, r.JTI, "")
	if err != nil || state.Presented == nil || !state.Presented.Blacklisted {
		return err == nil, err
	}
	_, _, err = s.Blacklist(ctx, r.NewJTI, state.Presented.Reason, r.Now)
	return false, err
}

// Blacklist puts a recorded token on the blacklist.
func (s *Store) Blacklist(ctx context.Context, jti string, reason core.Reason, now time.Time) (found, won bool, err error) {
	err = s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		var err error
		found, won, err = s.engine.blacklist(ctx, on, jti, reason, cut(now))
		return againOnForeignKey(err) // The record was flushed meanwhile.
	})
	return found, won, during("blacklist a token", err)
}

// IsBlacklisted reports whether the token has a blacklist row.
func (s *Store) IsBlacklisted(ctx context.Context, jti string) (found bool, err error) {
	var count int
	err = s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		return on.row(ctx, blacklistedSQL, []any{jti}, &count)
	})
	return count > 0, during("look up the blacklist", err)
}

const blacklistedSQL = `SELECT count(*) FROM token_blacklist_outstandingtoken o
  JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = ?`

// stateSQL reads the presented token p and the head h of its session, each with its blacklist row, in one row: one
// statement is one snapshot. Every column is a plain one, by which SQLite's drivers know that it holds a time. That a row
// names no session is asked through COALESCE, here and in scopeSQL, so that no planner looks for it by the index on
// session_id, where a database that Django filled has that many NULLs.
const stateSQL = `SELECT
    p.id, p.user_id, p.jti, p.created_at, p.expires_at, p.session_id, p.parent_jti, p.session_started_at,
    p.session_expires_at, p.device_name, p.ip, p.user_agent, pb.blacklisted_at, pb.reason,
    h.id, h.user_id, h.jti, h.created_at, h.expires_at, h.session_id, h.parent_jti, h.session_started_at,
    h.session_expires_at, h.device_name, h.ip, h.user_agent, hb.blacklisted_at, hb.reason
  FROM (SELECT 1 AS one) AS always
  LEFT JOIN token_blacklist_outstandingtoken p ON p.jti = ?
  LEFT JOIN token_blacklist_blacklistedtoken pb ON pb.token_id = p.id
  LEFT JOIN token_blacklist_outstandingtoken h ON h.id = (
    SELECT max(born) FROM (
      SELECT max(a.id) AS born FROM token_blacklist_outstandingtoken a
       WHERE a.session_id = COALESCE(p.session_id, ?, p.jti)
      UNION ALL
      SELECT f.id FROM token_blacklist_outstandingtoken f
       WHERE f.jti = COALESCE(p.session_id, ?, p.jti) AND COALESCE(f.session_id, '') = ''
    ) AS members)
  LEFT JOIN token_blacklist_blacklistedtoken hb ON hb.token_id = h.id`

// State reads the presented token and the head of its session in one statement.
func (s *Store) State(ctx context.Context, jti, sid string) (out core.SessionState, err error) {
	err = s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		var presented, head tokenRow
		args := []any{jti, nullable(sid), nullable(sid)}
		if err := on.row(ctx, stateSQL, args, append(presented.columns(), head.columns()...)...); err != nil {
			return err
		}
		out = core.SessionState{Presented: presented.state(), Head: head.state()}
		return nil
	})
	return out, during("read a session", err)
}

// Revoke consumes all tokens of the scope, and those that concurrent rotations of them record.
func (s *Store) Revoke(ctx context.Context, scope core.Scope, reason core.Reason, now time.Time) (int, error) {
	where, args := scopeSQL(scope, cut(now))
	if where == "" {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	total := 0
	next := sweep{where: where, args: args, reason: nullable(string(reason)), now: cut(now)}
	// A child that is born while a sweep runs is invisible to it. Its parent is not: that is a candidate which the sweep
	// could not consume. So the next one chases what was born since, its ids being greater, and only a sweep of the whole
	// scope that finds nothing to do is the proof that none is left.
	for {
		var done swept
		err := s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
			var err error
			done, err = s.engine.sweep(ctx, on, next)
			return againOnForeignKey(err) // A record was flushed meanwhile.
		})
		total += done.consumed
		if unmatchable(err) {
			return 0, nil // The user's id is no value of the column: no row has it.
		}
		if err != nil || done.candidates == 0 && next.from == 0 {
			return total, during("revoke tokens", err)
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
	case scope.SessionID != "":
		return `(o.session_id = ? OR (o.jti = ? AND COALESCE(o.session_id, '') = ''))`, []any{scope.SessionID, scope.SessionID}
	case scope.UserID == "":
		return "", nil
	case scope.ExceptSession != "":
		return `o.user_id = ? AND COALESCE(o.session_id, o.jti) <> ?`, []any{scope.UserID, scope.ExceptSession}
	case scope.ExceptNewest > 0:
		return surplusSQL, []any{
			scope.UserID, cut(scope.AliveAfter), scope.UserID, cut(scope.AliveAfter), now, scope.ExceptNewest,
		}
	default:
		return `o.user_id = ?`, []any{scope.UserID}
	}
}

// during names the operation that failed.
func during(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// noRows reports whether err says that a query found nothing.
func noRows(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || errors.Is(err, gorm.ErrRecordNotFound)
}
