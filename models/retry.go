package models

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

const (
	// patience bounds one call of a Store or of Users, its waiting for locks and its retries together.
	patience = 10 * time.Second

	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// The SQLSTATEs and SQLite result codes that are decided on.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	foreignKeyViolation  = "23503"
	invalidText          = "22P02"
	outOfRange           = "22003"
	badEncoding          = "22021"
	undefinedFunction    = "42883"
	notSupported         = "0A000"

	insufficientPrivilege = "42501"
	wrongObjectType       = "42809"

	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteForeignKey = 787
)

// quiet is a handle of db's connections that logs nothing, as GORM's logger would print values, and that wraps no
// transaction around single statements. The caller's db stays as it is.
func quiet(db *gorm.DB, fresh bool) *gorm.DB {
	out := db.Session(&gorm.Session{NewDB: fresh, Logger: logger.Discard, SkipDefaultTransaction: true})
	// GORM's dbresolver sends reads to replicas, which lag: a token just consumed would still look good.
	return out.Set("gorm:db_resolver:write", struct{}{}).Session(&gorm.Session{})
}

// patiently runs an operation of a request: retried where it lost to another transaction, and ended after patience.
func patiently(ctx context.Context, db *gorm.DB, op func(tx *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return retry(ctx, patience, func() error { return op(db.WithContext(ctx)) })
}

// retry runs op again, after a pause, as long as it fails because of another transaction: a serialization failure, a
// deadlock, a locked SQLite file. In all of these nothing of op was kept. It gives up with ctx or after limit.
func retry(ctx context.Context, limit time.Duration, op func() error) error {
	start := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := op()
		if err == nil || !transient(err) || time.Since(start) > limit {
			return err
		}
		jittered := pause/2 + rand.N(pause) //nolint:gosec // no secret: it keeps the losers apart
		if waitErr := wait(ctx, jittered); waitErr != nil {
			return fmt.Errorf("%w, retrying after: %w", waitErr, err)
		}
	}
}

// wait sleeps, or ends with ctx.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// errAgain marks a failure that another attempt may not meet.
var errAgain = errors.New("try again")

// transient reports whether the transaction failed, and was rolled back, because of another one.
func transient(err error) bool {
	if errors.Is(err, errAgain) {
		return true
	}
	switch sqlState(err) {
	case serializationFailure, deadlockDetected:
		return true
	}
	if code := sqliteCode(err); code != 0 {
		return code&0xff == sqliteBusy || code&0xff == sqliteLocked
	}
	// Drivers whose errors carry no code in a form that can be asked for without importing them.
	return strings.Contains(err.Error(), "database is locked")
}

// violatesForeignKey reports whether a row that a statement refers to does not exist.
func violatesForeignKey(err error) bool {
	return errors.Is(err, gorm.ErrForeignKeyViolated) || sqlState(err) == foreignKeyViolation ||
		sqliteCode(err) == sqliteForeignKey ||
		err != nil && strings.Contains(err.Error(), "FOREIGN KEY constraint failed")
}

// againOnForeignKey has an operation tried again whose row went away while it ran.
func againOnForeignKey(err error) error {
	if violatesForeignKey(err) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}

// unmatchable reports whether PostgreSQL says that a text is no value of the column's type, so that no row has it.
func unmatchable(err error) bool {
	switch sqlState(err) {
	case invalidText, outOfRange, badEncoding:
		return true
	}
	return false
}

// sqlState is the SQLSTATE of a PostgreSQL error ("40001"), whichever driver made it, "" for none.
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

// sqliteCode is the extended result code of modernc.org/sqlite, 0 for none.
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
