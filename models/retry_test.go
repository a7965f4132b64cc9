package models

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryTransient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := retryTransient(t.Context(), newSQLiteEngine(), operationTimeout, func() error {
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

func TestRetryTransient_GivesUp(t *testing.T) {
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
		{"with its limit", sqliteError(5), time.Hour, sqliteError(5), operationTimeout, operationTimeout + time.Second},
		{"with the context", sqliteError(5), time.Second, context.DeadlineExceeded, time.Second, time.Second},
		{"with the context, and wraps the last error", sqliteError(5), time.Second, sqliteError(5), time.Second, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				start := time.Now()
				err := retryTransient(ctx, newSQLiteEngine(), operationTimeout, func() error { return c.err })
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
