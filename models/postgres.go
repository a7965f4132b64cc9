package models

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt/core"
)

// postgresEngine is the engine of PostgreSQL. Each operation is one statement, a transaction of its own, correct under
// every isolation level: where READ COMMITTED waits for the other transaction, the stricter levels fail with a serialization
// failure, and the retry then finds what READ COMMITTED finds. Times are parameters, never now(): the clock is
// core's. Parameters whose type does not follow from their place are cast, for PgBouncer and the simple protocol.
type postgresEngine struct {
	sharedSQL
	noAdvisoryLocks atomic.Bool // the server said that it has none; some that speak PostgreSQL's protocol do not
}

// selectLive selects the presented token as live, with the session that its successor gets: core.Rotation.Successor in SQL,
// with which TestRotate_AgreesWithSuccessor compares it. The owner is compared as text, whatever the type of the column: no
// user's key is the text of another's. The claimed session is looked up only for a row without one, as COALESCE
// stops at the first value that is not NULL; a session with tokens of another user is not joined. live is MATERIALIZED so
// that its conditions are evaluated once, before anything is inserted.
const selectLive = `WITH p AS (
  SELECT id, user_id, jti, COALESCE(session_id, (
           SELECT claimed.sid FROM (SELECT ?::text AS sid) AS claimed
            WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o
                               WHERE o.session_id = claimed.sid AND o.user_id IS DISTINCT FROM p.user_id AND o.user_id IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o
                               WHERE o.jti = claimed.sid AND o.user_id IS DISTINCT FROM p.user_id AND o.user_id IS NOT NULL)
         ), jti) AS session_id, session_started_at,
         COALESCE(session_expires_at, COALESCE(session_started_at, created_at, ?::timestamptz) + ?::bigint * interval '1 microsecond')
           AS session_expires_at, device_name, ip, user_agent
    FROM token_blacklist_outstandingtoken p
   WHERE jti = ? AND expires_at > ?::timestamptz AND (?::text IS NULL OR user_id IS NULL OR user_id::text = ?::text)
), live AS MATERIALIZED (
  SELECT * FROM p WHERE session_expires_at IS NULL OR session_expires_at > ?::timestamptz
)`

// consumeLive inserts the unique row that decides who rotates. A concurrent rotation of the same token waits here until the
// first one has committed, and then inserts nothing.
const consumeLive = `, won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM live ON CONFLICT (token_id) DO NOTHING RETURNING token_id
)`

// keepLive replaces consumeLive where the presented token stays usable.
const keepLive = `, won AS (
  SELECT id AS token_id FROM live
   WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = live.id)
)`

// successorColumns are the columns of a successor that are not known beforehand.
const successorColumns = `user_id, created_at, expires_at, session_id, session_started_at, session_expires_at, device_name, ip, user_agent`

// insertSuccessor inserts the successor of the token that won, if any, and returns it. The device of the client replaces that
// of the presented token, column by column, where the client gave one.
const insertSuccessor = `, n AS (
  INSERT INTO token_blacklist_outstandingtoken (token, jti, parent_jti, ` + successorColumns + `)
  SELECT '', ?::text, jti, user_id, ?::timestamptz, LEAST(?::timestamptz, session_expires_at), session_id,
         session_started_at, session_expires_at,
         COALESCE(?::text, device_name), COALESCE(?::text, ip), COALESCE(?::text, user_agent)
    FROM live JOIN won ON won.token_id = live.id
  RETURNING ` + successorColumns + `
) SELECT ` + successorColumns + ` FROM n`

// rotateToken runs one statement, with or without consuming the presented token.
func (*postgresEngine) rotateToken(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error) {
	var lifetime *int64
	if r.SessionLifetime > 0 {
		lifetime = new(r.SessionLifetime.Microseconds())
	}
	issuedAt := r.IssuedAt
	if issuedAt.IsZero() {
		issuedAt = r.Now
	}
	query := selectLive + keepLive + insertSuccessor
	args := []any{nullIfEmpty(r.SessionID), issuedAt, lifetime, r.JTI, r.ActiveAfter, r.Owner, r.Owner, r.Now}
	if r.Consume {
		query = selectLive + consumeLive + insertSuccessor
		args = append(args, r.Now, string(cmp.Or(r.Reason, core.ReasonRotated)))
	}
	args = append(args, r.NewJTI, r.Now, r.ExpiresAt, nullIfEmpty(r.Device.Name), nullIfEmpty(r.Device.IP), nullIfEmpty(r.Device.UserAgent))
	row := OutstandingToken{JTI: r.NewJTI, ParentJTI: &r.JTI}
	err := on.queryRow(ctx, query, args, &row.UserID, &row.CreatedAt, &row.ExpiresAt, &row.SessionID,
		&row.SessionStartedAt, &row.SessionExpiresAt, &row.DeviceName, &row.IP, &row.UserAgent)
	if isNoRows(err) {
		return core.OutstandingToken{}, false, nil
	}
	return row.toRecord(), err == nil, err
}

// blacklistSQL returns how many rows it found, and how many it consumed: 0 or 1 each.
const blacklistSQL = `WITH o AS (
  SELECT id FROM token_blacklist_outstandingtoken
   WHERE jti = ? AND (?::text IS NULL OR user_id IS NULL OR user_id::text = ?::text)
), won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM o ON CONFLICT (token_id) DO NOTHING RETURNING token_id
) SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM won)`

// blacklistToken runs one statement, which also says whether there is a record.
func (*postgresEngine) blacklistToken(ctx context.Context, on conn, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	var rows, inserted int
	err = on.queryRow(ctx, blacklistSQL, []any{jti, owner, owner, now, nullIfEmpty(string(reason))}, &rows, &inserted)
	return rows > 0, inserted > 0, err
}

// A sweep looks at all tokens of a scope or only at those recorded since a certain one. A client that rotates as fast as it can
// outruns sweeps that are slower than a rotation, so their plan must not depend on statistics, which lag: the limit
// makes the planner find the tokens by the primary key, and the subquery makes it find their blacklist rows by the unique index.
const (
	sweepAll    = `WITH o AS MATERIALIZED (SELECT o.id FROM token_blacklist_outstandingtoken o WHERE `
	sweepRecent = `WITH young AS MATERIALIZED (
  SELECT id, user_id, jti, session_id, expires_at FROM token_blacklist_outstandingtoken WHERE id >= ?::bigint ORDER BY id LIMIT 1000
), o AS MATERIALIZED (SELECT o.id FROM young o WHERE `
	sweepUnconsumed = `
   AND (SELECT b.id FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id) IS NULL`
	// The order of ids keeps two sweeps from a deadlock. The last column is the smallest id that another transaction consumed.
	sweepTail = `
), won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM o ORDER BY id ON CONFLICT (token_id) DO NOTHING RETURNING token_id
) SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM won),
         COALESCE((SELECT min(id) FROM o WHERE id NOT IN (SELECT token_id FROM won)), 0)`
)

// runSweep runs one statement. It sees the tokens as of its start, so Revoke runs it until there is nothing left to find.
func (*postgresEngine) runSweep(ctx context.Context, on conn, s sweep) (out swept, err error) {
	prefix, args := sweepAll, []any{}
	if s.from > 0 {
		prefix, args = sweepRecent, []any{s.from}
	}
	args = append(append(args, s.args...), s.now, s.reason)
	err = on.queryRow(ctx, prefix+s.where+sweepUnconsumed+sweepTail, args, &out.candidates, &out.consumed, &out.missed)
	return out, err
}

// flushLock is the key of the advisory lock under which one process flushes at a time.
const flushLock = 0x666c757368746f6b

// deleteBatchSQL deletes a batch: also the blacklist rows, as Django's foreign key deletes none by itself. Ids are in an array
// so that the planner uses the indexes, whatever the statistics say. The lock comes first: without it nothing is selected. It is
// one of the transaction, so that it works behind PgBouncer and is released when a process ends.
func deleteBatchSQL(lock bool, most int) string {
	mine := "SELECT true AS got"
	if lock {
		mine = "SELECT pg_try_advisory_xact_lock(" + strconv.Itoa(flushLock) + ") AS got"
	}
	return `WITH mine AS MATERIALIZED (` + mine + `), old AS MATERIALIZED (
  SELECT id, expires_at FROM token_blacklist_outstandingtoken
   WHERE expires_at >= ?::timestamptz AND expires_at <= ?::timestamptz AND (SELECT got FROM mine)
   ORDER BY expires_at LIMIT ` + strconv.Itoa(most) + `
), b AS (
  DELETE FROM token_blacklist_blacklistedtoken WHERE token_id = ANY (ARRAY(SELECT id FROM old))
), gone AS (
  DELETE FROM token_blacklist_outstandingtoken WHERE id = ANY (ARRAY(SELECT id FROM old)) RETURNING id
) SELECT (SELECT got FROM mine), (SELECT count(*) FROM old), (SELECT count(*) FROM gone), (SELECT max(expires_at) FROM old)`
}

// deleteBatch runs one statement under an advisory lock, which nothing but another flush takes. Servers that have no such
// locks flush without it.
func (p *postgresEngine) deleteBatch(ctx context.Context, on conn, b batch) (out flushed, err error) {
	var mine bool
	var last *time.Time
	lock := !p.noAdvisoryLocks.Load()
	err = on.queryRow(ctx, deleteBatchSQL(lock, b.most), []any{b.from, b.before}, &mine, &out.found, &out.deleted, &last)
	if state := sqlState(err); lock && (state == undefinedFunction || state == notSupported) {
		p.noAdvisoryLocks.Store(true)
		return flushed{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	if err == nil && !mine {
		err = core.ErrFlushRunning
	}
	out.last = timeOrZero(last)
	return out, err
}

// fieldEquals sends an integer as a bigint: sent as the column's own integer, one out of its range would be the driver's error
// instead of no match.
func (p *postgresEngine) fieldEquals(field *schema.Field, value any) clause.Expression {
	if isInteger(field) {
		return clause.Expr{SQL: "? = ?::bigint", Vars: []any{columnOf(field), value}}
	}
	return p.sharedSQL.fieldEquals(field, value)
}

// lockUser takes a lock that other logins of the user share, and that an UPDATE or DELETE of the row waits for.
func (*postgresEngine) lockUser(query *gorm.DB) *gorm.DB {
	return query.Clauses(clause.Locking{Strength: "SHARE", Table: clause.Table{Name: clause.CurrentTable}})
}

// The SQLSTATEs that classifyError and deleteBatch know. See appendix A of PostgreSQL's documentation.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"

	foreignKeyViolation = "23503"

	invalidText = "22P02"
	outOfRange  = "22003"
	badEncoding = "22021"

	insufficientPrivilege = "42501"
	wrongObjectType       = "42809"
	notSupported          = "0A000"

	undefinedFunction = "42883"
)

// classifyError decides by SQLSTATE, which the server sends in every language.
func (*postgresEngine) classifyError(err error) errorKind {
	switch sqlState(err) {
	case serializationFailure, deadlockDetected:
		return kindTransient
	case foreignKeyViolation:
		return kindForeignKey
	case invalidText, outOfRange, badEncoding:
		return kindUnmatchable
	case insufficientPrivilege, wrongObjectType, notSupported:
		return kindUnlockable
	}
	return kindOther
}

// sqlState returns the SQLSTATE of an error ("40001"), whichever driver made it, "" for none. pgx and lib/pq have this method.
func sqlState(err error) string {
	var pg interface {
		error
		SQLState() string
	}
	if errors.As(err, &pg) {
		return pg.SQLState()
	}
	return ""
}

// A migration queries PostgreSQL's catalogue. IF NOT EXISTS would lock the table even where there is nothing to do, and GORM's
// migrator looks into one schema of the search path only.

// migrationLock is the key of the advisory lock under which one process migrates at a time.
const migrationLock = 0x73696d706c656a77

// migrateAlone runs one transaction. It is READ COMMITTED, whatever the default of the database: under the lock, every
// statement sees what the process before this one did.
func (*postgresEngine) migrateAlone(db *gorm.DB, do func(tx *gorm.DB) error) error {
	return db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?::bigint)", int64(migrationLock)).Error; err != nil {
			return err
		}
		return do(tx)
	}, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
}

func (*postgresEngine) hasTable(tx *gorm.DB, table string) (found bool, err error) {
	err = tx.Raw("SELECT to_regclass(?::text) IS NOT NULL", tx.Statement.Quote(table)).Row().Scan(&found)
	return found, err
}

// columnNames leaves out system columns and dropped ones, which stay in the catalogue.
func (*postgresEngine) columnNames(tx *gorm.DB, table string) (map[string]bool, error) {
	var names []string
	err := tx.Raw(`SELECT attname::text FROM pg_attribute
		WHERE attrelid = to_regclass(?::text) AND attnum > 0 AND NOT attisdropped`, table).Scan(&names).Error
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out, err
}

func (*postgresEngine) hasIndex(tx *gorm.DB, name string) (found bool, err error) {
	err = tx.Raw(`SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass(?::text) AND c.relname = ?::text)`, outstandingTable, name).Row().Scan(&found)
	return found, err
}

// keyType returns the type that the column has in the database: a table that Django made may have integer where the model says
// int64, and the types of a foreign key and the key should be the same.
func (*postgresEngine) keyType(tx *gorm.DB, table string, key *schema.Field) (sqlType string, err error) {
	err = tx.Raw(`SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass(?::text) AND attname = ?::text AND NOT attisdropped`,
		tx.Statement.Quote(table), key.DBName).Row().Scan(&sqlType)
	if isNoRows(err) {
		return "", fmt.Errorf("the user model's table %s has no column %s", table, key.DBName)
	}
	return sqlType, err
}
