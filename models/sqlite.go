package models

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt/core"
)

// sqliteEngine is the engine of SQLite, which modifies no data in a CTE, but has one writer at a time. Every transaction
// writes before it relies on what it reads, so that it has the write lock by then, whether it was begun as IMMEDIATE or not,
// and no other writer changes what it reads.
type sqliteEngine struct {
	sharedSQL
	writer chan struct{} // holds a value while one of this engine's operations writes, or waits for the write lock
}

// newSQLiteEngine returns an engine with a queue of writers of its own. Writers of two engines on one file contend in SQLite.
func newSQLiteEngine() *sqliteEngine { return &sqliteEngine{writer: make(chan struct{}, 1)} }

// withWriter serializes writers, in the order in which they came: contenders would otherwise back off in SQLite's busy
// handler, longer each time. Writers of other processes, and of this one that do not use this engine, still contend there.
// It returns the error of ctx if that ends before the write could start.
func (s *sqliteEngine) withWriter(ctx context.Context, write func() error) error {
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
		return write()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// insertToken runs sharedSQL.insertToken while no other writer runs.
func (s *sqliteEngine) insertToken(ctx context.Context, on conn, t core.OutstandingToken) error {
	return s.withWriter(ctx, func() error { return s.sharedSQL.insertToken(ctx, on, t) })
}

func (s *sqliteEngine) insertLogin(ctx context.Context, on conn, user userQuery, t core.OutstandingToken) (inserted bool, err error) {
	err = s.withWriter(ctx, func() error {
		inserted, err = s.sharedSQL.insertLogin(ctx, on, user, t)
		return err
	})
	return inserted, err
}

// selectPresented reads what core.Rotation.Successor needs of the presented token.
const selectPresented = `SELECT jti, user_id, created_at, expires_at, session_id, session_started_at, session_expires_at, device_name, ip, user_agent
  FROM token_blacklist_outstandingtoken WHERE jti = ?`

// countOthers counts the records of a session that are another user's.
const countOthers = `SELECT count(*) FROM token_blacklist_outstandingtoken
  WHERE (session_id = ? OR jti = ?) AND user_id IS NOT NULL AND CAST(user_id AS TEXT) <> ?`

// consumePresented inserts the unique row that decides who rotates. It changes no row where the token is gone, another
// user's, or consumed already.
const consumePresented = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?, id, ? FROM token_blacklist_outstandingtoken WHERE jti = ?` + ifOwned + ` ON CONFLICT (token_id) DO NOTHING`

// ifOwned compares the owner as text, whatever the type of the column; a NULL parameter compares nothing.
const ifOwned = ` AND (? IS NULL OR user_id IS NULL OR CAST(user_id AS TEXT) = ?)`

// insertChild inserts the successor. It gets the user that the presented row p has now: the user may have been deleted since
// it was read.
const insertChild = `INSERT INTO token_blacklist_outstandingtoken (token, jti, created_at, expires_at, session_id, parent_jti,
    session_started_at, session_expires_at, device_name, ip, user_agent, user_id)
  SELECT '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, p.user_id FROM token_blacklist_outstandingtoken p WHERE p.jti = ?`

// ifUnused follows insertChild where the presented token stays usable.
const ifUnused = ` AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = p.id)`

// errLost rolls back a rotation whose presented token is consumed or gone. It stays within this engine.
var errLost = errors.New("not rotated")

// rotateToken reads the presented token, which never changes but for its user, and then consumes it and inserts its successor
// in one transaction.
func (s *sqliteEngine) rotateToken(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error) {
	var presented OutstandingToken
	err := on.queryRow(ctx, selectPresented, []any{r.JTI}, &presented.JTI, &presented.UserID, &presented.CreatedAt, &presented.ExpiresAt, &presented.SessionID,
		&presented.SessionStartedAt, &presented.SessionExpiresAt, &presented.DeviceName, &presented.IP, &presented.UserAgent)
	if isNoRows(err) {
		return core.OutstandingToken{}, false, nil
	}
	if err != nil {
		return core.OutstandingToken{}, false, err
	}
	if r.Owner != nil && presented.UserID != nil && *presented.UserID != *r.Owner {
		return core.OutstandingToken{}, false, nil
	}
	if presented.SessionID == nil && r.SessionID != "" {
		var others int
		err := on.queryRow(ctx, countOthers, []any{r.SessionID, r.SessionID, textOrEmpty(presented.UserID)}, &others)
		if err != nil {
			return core.OutstandingToken{}, false, err
		}
		if others > 0 {
			r.SessionID = ""
		}
	}
	next, ok := r.Successor(presented.toRecord())
	if !ok {
		return core.OutstandingToken{}, false, nil
	}
	child := newRow(next)
	err = s.withWriter(ctx, func() error {
		if !r.Consume {
			return child.insertAsSuccessor(ctx, on, ifUnused)
		}
		return on.inTransaction(ctx, func(tx conn) error {
			won, err := tx.exec(ctx, consumePresented, r.Now, string(cmp.Or(r.Reason, core.ReasonRotated)), r.JTI, r.Owner, r.Owner)
			if err == nil && won == 0 {
				return errLost
			}
			if err != nil {
				return err
			}
			return child.insertAsSuccessor(ctx, tx, "")
		})
	})
	if errors.Is(err, errLost) {
		return core.OutstandingToken{}, false, nil
	}
	return child.toRecord(), err == nil, err
}

// insertAsSuccessor inserts the row as the successor of its parent, and takes over the parent's user. It returns errLost if
// no parent meets the condition.
func (o *OutstandingToken) insertAsSuccessor(ctx context.Context, on conn, condition string) error {
	args := []any{
		o.JTI, o.CreatedAt, o.ExpiresAt, o.SessionID, o.ParentJTI, o.SessionStartedAt, o.SessionExpiresAt,
		o.DeviceName, o.IP, o.UserAgent, o.ParentJTI,
	}
	err := on.queryRow(ctx, insertChild+condition+" RETURNING user_id", args, &o.UserID)
	if isNoRows(err) {
		return errLost
	}
	return err
}

// blacklistToken looks for the record only where it consumed nothing, to say whether there is one.
func (s *sqliteEngine) blacklistToken(ctx context.Context, on conn, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error) {
	var inserted int
	err = s.withWriter(ctx, func() error {
		inserted, err = on.exec(ctx, consumePresented, now, nullIfEmpty(string(reason)), jti, owner, owner)
		return err
	})
	if err != nil || inserted > 0 {
		return inserted > 0, inserted > 0, err
	}
	var rows int
	err = on.queryRow(ctx, `SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti = ?`+ifOwned, []any{jti, owner, owner}, &rows)
	return rows > 0, false, err
}

// sweepSQL consumes what a condition, which follows it, selects.
const sweepSQL = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?, o.id, ? FROM token_blacklist_outstandingtoken o
    LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE b.id IS NULL AND `

// runSweep runs one statement under the write lock, so no rotation runs beside it, and nothing is left to find for another one.
func (s *sqliteEngine) runSweep(ctx context.Context, on conn, w sweep) (out swept, err error) {
	args := append([]any{w.now, w.reason}, w.args...)
	err = s.withWriter(ctx, func() error {
		out.consumed, err = on.exec(ctx, sweepSQL+w.where, args...)
		return err
	})
	return out, err
}

// inOldest selects the records of a batch.
const inOldest = ` IN (SELECT id FROM token_blacklist_outstandingtoken WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?)`

// deleteBatch deletes in two statements, which select the same records: no other writer is in between.
func (s *sqliteEngine) deleteBatch(ctx context.Context, on conn, b batch) (out flushed, err error) {
	err = s.withWriter(ctx, func() error {
		return on.inTransaction(ctx, func(tx conn) error {
			if _, err := tx.exec(ctx, `DELETE FROM token_blacklist_blacklistedtoken WHERE token_id`+inOldest, b.before, b.most); err != nil {
				return err
			}
			out.deleted, err = tx.exec(ctx, `DELETE FROM token_blacklist_outstandingtoken WHERE id`+inOldest, b.before, b.most)
			return err
		})
	})
	if err != nil {
		return flushed{}, err
	}
	out.found = out.deleted
	return out, nil
}

// lockUser adds nothing: the statement that reads the user's row also writes, so it holds the write lock.
func (*sqliteEngine) lockUser(query *gorm.DB) *gorm.DB { return query }

// The result codes that classifyError knows: https://www.sqlite.org/rescode.html. The low byte of an extended one is the
// primary one.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteForeignKey = 787
)

// classifyError also looks at texts, as the errors of some drivers carry no code that can be read without importing them.
func (*sqliteEngine) classifyError(err error) errorKind {
	code := sqliteCode(err)
	switch {
	case code&0xff == sqliteBusy, code&0xff == sqliteLocked,
		code == 0 && strings.Contains(err.Error(), "database is locked"):
		return kindTransient
	case code == sqliteForeignKey, strings.Contains(err.Error(), "FOREIGN KEY constraint failed"):
		return kindForeignKey
	}
	return kindOther
}

// sqliteCode returns the extended result code of an error of modernc.org/sqlite, 0 for none.
func sqliteCode(err error) int {
	var lite interface {
		error
		Code() int
	}
	if errors.As(err, &lite) {
		return lite.Code()
	}
	return 0
}

// migrateAlone runs one transaction. Other processes that migrate find the file locked, and try again.
func (*sqliteEngine) migrateAlone(db *gorm.DB, do func(tx *gorm.DB) error) error {
	return db.Transaction(do)
}

func (*sqliteEngine) hasTable(tx *gorm.DB, table string) (bool, error) {
	return tx.Migrator().HasTable(table), tx.Error
}

// columnNames takes the names from a query that finds no row.
func (*sqliteEngine) columnNames(tx *gorm.DB, table string) (map[string]bool, error) {
	rows, err := tx.Raw("SELECT * FROM " + table + " WHERE 1 = 0").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out, errors.Join(err, rows.Err())
}

func (*sqliteEngine) hasIndex(tx *gorm.DB, name string) (bool, error) {
	return tx.Migrator().HasIndex(&OutstandingToken{}, name), nil
}

// keyType returns the model's type, without auto increment, identity and default. SQLite's columns
// hold values of any type, so the column need not have the type that the user's table has.
func (*sqliteEngine) keyType(tx *gorm.DB, _ string, key *schema.Field) (string, error) {
	plain := *key
	plain.AutoIncrement = false
	plain.TagSettings = make(map[string]string, len(key.TagSettings))
	for name, value := range key.TagSettings {
		if name != "GENERATED" && name != "AUTOINCREMENT" {
			plain.TagSettings[name] = value
		}
	}
	return tx.Dialector.DataTypeOf(&plain), nil
}
