package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// sqliteError is an error as modernc.org/sqlite makes it.
type sqliteError int

func (e sqliteError) Error() string { return fmt.Sprintf("sqlite error %d", int(e)) }
func (e sqliteError) Code() int     { return int(e) }

func TestErrorsAreClassified(t *testing.T) {
	t.Parallel()
	type verdict struct{ transient, foreignKey, unmatchable bool }
	for _, c := range []struct {
		name string
		err  error
		want verdict
	}{
		{"a serialization failure", &pgconn.PgError{Code: "40001"}, verdict{transient: true}},
		{"a deadlock", &pgconn.PgError{Code: "40P01"}, verdict{transient: true}},
		{"a wrapped deadlock", fmt.Errorf("commit: %w", &pgconn.PgError{Code: "40P01"}), verdict{transient: true}},
		{"a foreign key of PostgreSQL", &pgconn.PgError{Code: "23503"}, verdict{foreignKey: true}},
		{"a unique key", &pgconn.PgError{Code: "23505"}, verdict{}},
		{"a text that is no value", &pgconn.PgError{Code: "22P02"}, verdict{unmatchable: true}},
		{"a number out of range", &pgconn.PgError{Code: "22003"}, verdict{unmatchable: true}},
		{"a NUL", &pgconn.PgError{Code: "22021"}, verdict{unmatchable: true}},
		{"a shutdown of the server", &pgconn.PgError{Code: "57P01"}, verdict{}},
		{"SQLite's lock", sqliteError(5), verdict{transient: true}},
		{"SQLite's stale snapshot", sqliteError(5 | 2<<8), verdict{transient: true}},
		{"SQLite's table lock", sqliteError(6), verdict{transient: true}},
		{"SQLite's foreign key", sqliteError(787), verdict{foreignKey: true}},
		{"SQLite's full disk", sqliteError(13), verdict{}},
		{"SQLite's lock by a driver without codes", errors.New("database is locked"), verdict{transient: true}},
		{"a foreign key by a driver without codes", errors.New("FOREIGN KEY constraint failed"), verdict{foreignKey: true}},
		{"a foreign key that GORM translated", gorm.ErrForeignKeyViolated, verdict{foreignKey: true}},
		{"an ended context", context.DeadlineExceeded, verdict{}},
		{"a lost connection", errors.New("unexpected EOF"), verdict{}},
	} {
		got := verdict{transient(c.err), violatesForeignKey(c.err), unmatchable(c.err)}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if again := transient(againOnForeignKey(c.err)); again != (c.want.transient || c.want.foreignKey) {
			t.Errorf("%s: tried again: %v", c.name, again)
		}
	}
	if violatesForeignKey(nil) || unmatchable(nil) || againOnForeignKey(nil) != nil {
		t.Error("no error is classified as one")
	}
}

func TestRetryRepeatsUntilSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := retry(t.Context(), patience, func() error {
			if calls++; calls < 5 {
				return sqliteError(5)
			}
			return nil
		})
		if err != nil || calls != 5 {
			t.Errorf("got %v after %d calls, want success after 5", err, calls)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	hard := errors.New("hard")
	for _, c := range []struct {
		name     string
		err      error
		deadline time.Duration
		want     error
		least    time.Duration
		most     time.Duration
	}{
		{"at once for another error", hard, time.Hour, hard, 0, 0},
		{"with its limit", sqliteError(5), time.Hour, sqliteError(5), patience, patience + time.Second},
		{"with the context", sqliteError(5), time.Second, context.DeadlineExceeded, time.Second, time.Second},
		{"with the context, and tells the error", sqliteError(5), time.Second, sqliteError(5), time.Second, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				start := time.Now()
				err := retry(ctx, patience, func() error { return c.err })
				if took := time.Since(start); took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestWritersOnSQLiteTakeTurnsAndWaitNoLongerThanTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		on := conn{pool: &pool{turn: make(chan struct{}, 1)}}
		var mu sync.Mutex
		var order []int
		after := func(want ...int) bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Equal(order, want)
		}
		for i := range 5 {
			go func() {
				err := on.alone(t.Context(), func() error {
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		err := on.alone(ctx, func() error { t.Error("it had a turn too early"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !after(0, 1, 2) {
			t.Errorf("got %v, or the turns in another order", err)
		}
		time.Sleep(2 * time.Second)
		if err := on.alone(t.Context(), func() error { return nil }); err != nil || !after(0, 1, 2, 3, 4) {
			t.Errorf("got %v, or the turns in another order", err)
		}
	})
}
