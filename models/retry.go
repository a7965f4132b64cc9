package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

const (
	// operationTimeout limits one call of a Store or of Users, its waiting for locks and its retries together.
	operationTimeout = 10 * time.Second

	// The pauses between two attempts double from the first to the last.
	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// quietSession returns a handle of db's connections that logs nothing, as GORM's logger would print values such as password
// hashes, and that wraps no transaction around single statements, which would cost two more round trips. With fresh it drops
// the conditions that are set on db. The caller's db is not changed.
func quietSession(db *gorm.DB, fresh bool) *gorm.DB {
	out := db.Session(&gorm.Session{NewDB: fresh, Logger: logger.Discard, SkipDefaultTransaction: true})
	// GORM's dbresolver sends reads to replicas, which lag: a token just consumed would still look good.
	return out.Set("gorm:db_resolver:write", struct{}{}).Session(&gorm.Session{})
}

// retryTransient runs op again, after a pause, as long as it fails because of another transaction: a serialization failure, a
// deadlock, a locked SQLite file. In all of these nothing of op was kept. It gives up at the end of ctx, with an error that
// wraps both that of ctx and that of op, or after limit, with the error of op.
func retryTransient(ctx context.Context, e engine, limit time.Duration, op func() error) error {
	start := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := op()
		if kindOf(e, err) != kindTransient || time.Since(start) > limit {
			return err
		}
		jittered := pause/2 + rand.N(pause) //nolint:gosec // no secret: it keeps the losers apart
		if waitErr := waitFor(ctx, jittered); waitErr != nil {
			return fmt.Errorf("%w, retrying after: %w", waitErr, err)
		}
	}
}

// waitFor sleeps, or returns the error of ctx as soon as that ends.
func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
