package models

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// sqliteError is an error as modernc.org/sqlite makes it.
type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprintf("sqlite error %d", int(e)) }

func (e sqliteError) Code() int { return int(e) }

func TestKindOf(t *testing.T) {
	t.Parallel()
	const onPostgres, onSQLite, onBoth = "postgres", "sqlite", "" // the engine that knows the error
	for _, c := range []struct {
		name string
		on   string
		err  error
		want errorKind
	}{
		{"a serialization failure", onPostgres, &pgconn.PgError{Code: "40001"}, kindTransient},
		{"a deadlock", onPostgres, &pgconn.PgError{Code: "40P01"}, kindTransient},
		{"a wrapped deadlock", onPostgres, fmt.Errorf("commit: %w", &pgconn.PgError{Code: "40P01"}), kindTransient},
		{"a foreign key of PostgreSQL", onPostgres, &pgconn.PgError{Code: "23503"}, kindForeignKey},
		{"a unique key", onPostgres, &pgconn.PgError{Code: "23505"}, kindOther},
		{"a text that is no value", onPostgres, &pgconn.PgError{Code: "22P02"}, kindUnmatchable},
		{"a number out of range", onPostgres, &pgconn.PgError{Code: "22003"}, kindUnmatchable},
		{"a NUL", onPostgres, &pgconn.PgError{Code: "22021"}, kindUnmatchable},
		{"a table that may only be read", onPostgres, &pgconn.PgError{Code: "42501"}, kindUnlockable},
		{"a view", onPostgres, &pgconn.PgError{Code: "0A000"}, kindUnlockable},
		{"a foreign table", onPostgres, &pgconn.PgError{Code: "42809"}, kindUnlockable},
		{"a shutdown of the server", onPostgres, &pgconn.PgError{Code: "57P01"}, kindOther},
		{"SQLite's lock", onSQLite, sqliteError(5), kindTransient},
		{"SQLite's stale snapshot", onSQLite, sqliteError(5 | 2<<8), kindTransient},
		{"SQLite's table lock", onSQLite, sqliteError(6), kindTransient},
		{"SQLite's foreign key", onSQLite, sqliteError(787), kindForeignKey},
		{"SQLite's full disk", onSQLite, sqliteError(13), kindOther},
		{"SQLite's lock by a driver without codes", onSQLite, errors.New("database is locked"), kindTransient},
		{"a foreign key by a driver without codes", onSQLite, errors.New("FOREIGN KEY constraint failed"), kindForeignKey},
		{"a foreign key that GORM translated", onBoth, gorm.ErrForeignKeyViolated, kindForeignKey},
		{"an ended context", onBoth, context.DeadlineExceeded, kindOther},
		{"a lost connection", onBoth, errors.New("unexpected EOF"), kindOther},
		{"no error", onBoth, nil, kindOther},
	} {
		for name, create := range engines {
			e, want := create(), kindOther
			if c.on == name || c.on == onBoth {
				want = c.want
			}
			if got := kindOf(e, c.err); got != want {
				t.Errorf("%s, on %s: kind %d, want %d", c.name, name, got, want)
			}
			tried := kindOf(e, retryOnForeignKey(e, c.err)) == kindTransient
			if again := want == kindTransient || want == kindForeignKey; tried != again {
				t.Errorf("%s, on %s: tried again: %v, want %v", c.name, name, tried, again)
			}
			if got := retryOnForeignKey(e, c.err); !errors.Is(got, c.err) {
				t.Errorf("%s, on %s: %v became %v", c.name, name, c.err, got)
			}
		}
	}
}
