package models

import (
	"context"
	"database/sql"
	"reflect"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// pool runs the statements of a Store on the connections of a GORM handle, but past GORM, which takes longer to build and
// to scan such a statement than PostgreSQL takes to execute it. It is safe for concurrent use.
type pool struct {
	db     *gorm.DB // for transactions, and for what GORM builds
	engine engine
	// err is why nothing may run: the dialect is not supported, and there is no engine.
	err error
	// fixed are the connections; nil where a plugin chooses them for each statement.
	fixed gorm.ConnPool
	texts sync.Map // from statements with ? for parameters to those with the dialect's placeholders
}

// newPool returns a pool of the connections of db, a handle that quietSession made. A plugin that chooses the connections,
// such as GORM's dbresolver, must be in use by then.
func newPool(db *gorm.DB) *pool {
	p := &pool{db: db}
	if p.engine, p.err = newEngine(db); p.err != nil {
		return p
	}
	_, resolves := db.Plugins["gorm:db_resolver"] // with several sources this call may have returned that of db by chance
	if chosen, err := p.chooseConnPool(context.Background()); !resolves && err == nil && sameDatabase(chosen, db.Statement.ConnPool) {
		p.fixed = db.Statement.ConnPool
	}
	return p
}

// chooseConnPool asks plugins for the connections of a statement that writes: of one that is built, but not carried out.
func (p *pool) chooseConnPool(ctx context.Context) (gorm.ConnPool, error) {
	var none []OutstandingToken
	dry := p.db.Session(&gorm.Session{DryRun: true, Context: ctx}).Select("id").Find(&none)
	return dry.Statement.ConnPool, dry.Error
}

// sameDatabase reports whether two pools are the same one, with or without GORM's prepared statements, or the same
// transaction. It returns false where either is nil.
func sameDatabase(a, b gorm.ConnPool) bool {
	database := func(of gorm.ConnPool) any {
		if connector, ok := of.(gorm.GetDBConnector); ok && !isNil(of) {
			if db, err := connector.GetDBConn(); err == nil && db != nil {
				if tx, ok := of.(*gorm.PreparedStmtTX); ok {
					return tx.Tx
				}
				return db
			}
		}
		return of
	}
	one, other := database(a), database(b)
	return !isNil(one) && reflect.TypeOf(one).Comparable() && one == other
}

// isNil reports whether an interface is nil or holds a nil pointer: a handle without connections may have either as its
// ConnPool.
func isNil(of any) bool {
	value := reflect.ValueOf(of)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}

// conn is where one attempt of an operation runs: any connection of the pool, or that of a transaction.
type conn struct {
	gorm.ConnPool
	pool *pool
}

// withRetry runs op, retrying it where it lost to another transaction, until operationTimeout. Each attempt gets connections
// of its own, in case a plugin chooses others by then.
func (p *pool) withRetry(ctx context.Context, op func(context.Context, conn) error) error {
	if p.err != nil {
		return p.err
	}
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return retryTransient(ctx, p.engine, operationTimeout, func() error {
		on, err := p.newConn(ctx)
		if err != nil {
			return err
		}
		return op(ctx, on)
	})
}

// newConn returns where the next attempt runs. It takes no connection yet: database/sql does so for each statement.
func (p *pool) newConn(ctx context.Context) (conn, error) {
	on := p.fixed
	if on == nil {
		var err error
		if on, err = p.chooseConnPool(ctx); err != nil {
			return conn{}, err
		}
	}
	if isNil(on) {
		return conn{}, gorm.ErrInvalidDB
	}
	return conn{on, p}, nil
}

// gormDB returns a handle of this connection for what GORM builds.
func (c conn) gormDB(ctx context.Context) *gorm.DB {
	db := c.pool.db.WithContext(ctx)
	db.Statement.ConnPool = c.ConnPool
	return db
}

// inTransaction runs do in a transaction, or in a savepoint where the connection is one of a transaction already. An error of
// do rolls back.
func (c conn) inTransaction(ctx context.Context, do func(tx conn) error) error {
	return c.gormDB(ctx).Transaction(func(tx *gorm.DB) error { return do(conn{tx.Statement.ConnPool, c.pool}) })
}

// queryRow runs a statement and scans its one row. It returns sql.ErrNoRows where there is none. QueryRowContext would not do:
// where GORM cannot prepare a statement, it returns a row that panics.
func (c conn) queryRow(ctx context.Context, query string, args []any, into ...any) error {
	rows, err := c.QueryContext(ctx, c.pool.cachedSQL(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Close() // the statement runs to its end here, and may fail there
}

// exec runs a statement and returns how many rows it changed.
func (c conn) exec(ctx context.Context, query string, args ...any) (int, error) {
	result, err := c.ExecContext(ctx, c.pool.cachedSQL(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// cachedSQL returns a statement with the placeholders of the dialect. The cache cannot grow without limit: statements are put
// together from constants, and values are parameters.
func (p *pool) cachedSQL(query string) string {
	if text, ok := p.texts.Load(query); ok {
		return text.(string)
	}
	text := p.bindPlaceholders(query, 0)
	p.texts.Store(query, text)
	return text
}

// bindPlaceholders puts the placeholders of the dialect in the place of each ?, where so many parameters come before.
func (p *pool) bindPlaceholders(query string, before int) string {
	stmt := &gorm.Statement{DB: p.db, Vars: make([]any, before)}
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			stmt.Vars = append(stmt.Vars, nil)
			p.db.BindVarTo(stmt, stmt, nil)
		}
		stmt.SQL.WriteString(part)
	}
	return stmt.SQL.String()
}
