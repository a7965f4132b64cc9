package models_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"sync"
	"testing"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// outage makes one statement of a database fail, counted from failAt: an exec, a query, a begin or a commit.
type outage struct {
	mu   sync.Mutex
	left int // statements until the one that fails, that one included; 0 or less for none
	lose bool
	err  error
	seen []string

	failures int // statements that failed by themselves
}

// takeSeen returns what was executed since the last call: "exec", "query", "begin", "commit", "rollback", "prepare".
func (o *outage) takeSeen() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.seen
	o.seen = nil
	return out
}

func (o *outage) noteStatement(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, what)
}

// failAt makes the statement number at fail with err: before it reaches the database or, with lose, after it was executed.
func (o *outage) failAt(at int, lose bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left, o.lose, o.err = at, lose, err
}

// disarm ends the outage and reports whether a statement failed.
func (o *outage) disarm() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	failed := o.err != nil && o.left <= 0
	o.left, o.err = 0, nil
	return failed
}

// runStatement executes a statement, unless it is the one that fails.
func (o *outage) runStatement(what string, do func() error) error {
	o.noteStatement(what)
	o.mu.Lock()
	o.left--
	strikes, lose, err := o.left == 0 && o.err != nil, o.lose, o.err
	o.mu.Unlock()
	if !strikes {
		err := do()
		if err != nil {
			o.mu.Lock()
			o.failures++
			o.mu.Unlock()
		}
		return err
	}
	if lose {
		_ = do() // its result is lost
	}
	return err
}

// openFailing opens a database whose statements all go through o.
func openFailing(t testing.TB, d database, o *outage) *gorm.DB {
	t.Helper()
	name := "sqlite"
	if d.name == "PostgreSQL" {
		name = "pgx"
	}
	plain, err := sql.Open(name, d.dsn)
	requireNoError(t, err)
	pool := sql.OpenDB(&failingConnector{plain.Driver(), d.dsn, o})
	requireNoError(t, plain.Close())
	t.Cleanup(func() { pool.Close() })
	if name == "pgx" {
		return openDB(t, postgres.New(postgres.Config{Conn: pool}))
	}
	return openDB(t, sqlite.New(sqlite.Config{Conn: pool}))
}

type failingConnector struct {
	driver driver.Driver
	dsn    string
	outage *outage
}

func (c *failingConnector) Driver() driver.Driver { return c.driver }

func (c *failingConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &failingConn{conn.(plainConn), c.outage}, nil
}

// plainConn is what both drivers' connections can do.
type plainConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
}

type failingConn struct {
	plainConn
	outage *outage
}

// CheckNamedValue leaves it to the driver which values it takes.
func (c *failingConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.plainConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *failingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	err = c.outage.runStatement("exec", func() error {
		var err error
		result, err = c.plainConn.ExecContext(ctx, query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (c *failingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.outage.runStatement("query", func() error {
		var err error
		if rows, err = c.plainConn.QueryContext(ctx, query, args); err != nil {
			rows = nil
		}
		return err
	})
	if err != nil && rows != nil {
		drainRows(rows)
	}
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (c *failingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.outage.noteStatement("prepare")
	return c.plainConn.PrepareContext(ctx, query)
}

// drainRows reads all rows, so that the statement runs to its end.
func drainRows(rows driver.Rows) {
	row := make([]driver.Value, len(rows.Columns()))
	for rows.Next(row) == nil {
	}
	_ = rows.Close()
}

func (c *failingConn) BeginTx(ctx context.Context, options driver.TxOptions) (tx driver.Tx, err error) {
	err = c.outage.runStatement("begin", func() error {
		var err error
		if tx, err = c.plainConn.BeginTx(ctx, options); err != nil {
			tx = nil // SQLite's driver returns a nil pointer
		}
		return err
	})
	if err != nil && tx != nil {
		_ = tx.Rollback() // as the database does when a connection is lost
	}
	if err != nil {
		return nil, err
	}
	return &failingTx{tx, c.outage}, nil
}

type failingTx struct {
	driver.Tx
	outage *outage
}

func (t *failingTx) Rollback() error {
	t.outage.noteStatement("rollback")
	return t.Tx.Rollback()
}

func (t *failingTx) Commit() error {
	reached := false
	err := t.outage.runStatement("commit", func() error {
		reached = true
		return t.Tx.Commit()
	})
	if !reached {
		_ = t.Tx.Rollback()
	}
	return err
}

// The errors of outages.

// errConnectionLost leaves open whether the statement was executed.
var errConnectionLost = io.ErrUnexpectedEOF

// conflictError is the error of a statement that lost to another transaction.
func conflictError(d database) error {
	if d.name == "PostgreSQL" {
		return serializationFailure{}
	}
	return sqliteBusy{}
}

type serializationFailure struct{}

func (serializationFailure) Error() string { return "could not serialize access" }

func (serializationFailure) SQLState() string { return "40001" }

type sqliteBusy struct{}

func (sqliteBusy) Error() string { return "the database is busy" }

func (sqliteBusy) Code() int { return 5 }
