package models

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	// A batch of FlushExpired is a transaction. It deletes so many records at first, and then more or fewer, so that it
	// takes about as long as a request may well wait.
	firstBatch   = 1000
	leastBatch   = 100
	mostBatch    = 5000
	quickBatch   = 40 * time.Millisecond  // the next one may be larger
	tediousBatch = 100 * time.Millisecond // the next one must be smaller

	// flushLock is the key of PostgreSQL's advisory lock under which one process flushes at a time.
	flushLock = 0x666c757368746f6b
)

// batch is what one transaction of FlushExpired is to delete: at most so many records that ended in a span of time, those
// that ended first.
type batch struct {
	from, before time.Time
	most         int
}

// flushed is what a batch found and deleted.
type flushed struct {
	found, deleted int
	last           time.Time // when the last one ended, if the engine says
}

// FlushExpired deletes the records that ended at or before the given time, in short transactions. It pauses between two
// of them for as long as the last one took, so that requests get their turn. While another flush is at work, through this
// Store or on the same PostgreSQL, it leaves the rest to that one and answers core.ErrFlushRunning. On other databases the
// flushes of several processes take turns, batch by batch.
func (s *Store) FlushExpired(ctx context.Context, before time.Time) (int, error) {
	const operation = "flush expired tokens"
	if !s.flushing.TryLock() {
		return 0, core.ErrFlushRunning
	}
	defer s.flushing.Unlock()
	next, total := batch{before: cut(before), most: firstBatch}, 0
	for {
		var done flushed
		start := time.Now()
		err := s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
			var err error
			done, err = s.engine.flush(ctx, on, next)
			return againOnForeignKey(err) // A token was blacklisted while its record was being deleted.
		})
		if err != nil {
			return total, during(operation, err)
		}
		if total += done.deleted; done.found < next.most {
			return total, nil
		}
		took := time.Since(start)
		next = next.after(done, took)
		if err := wait(ctx, took); err != nil {
			return total, during(operation, err)
		}
	}
}

// after is the batch that follows one. It starts where that ended: before that lie only what was deleted, which an index
// would lead to until it is vacuumed.
func (b batch) after(done flushed, took time.Duration) batch {
	b.from = done.last
	switch {
	case took > tediousBatch:
		b.most = max(b.most/2, leastBatch)
	case took < quickBatch:
		b.most = min(b.most*2, mostBatch)
	}
	return b
}

// flushSQL deletes a batch: also the blacklist rows, as Django's foreign key deletes none by itself. Ids in an array have
// the indexes find them, whatever the statistics say. What it says of itself comes first: that it has the lock.
func flushSQL(locks bool, most int) string {
	mine := "SELECT true AS got"
	if locks {
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

// flush is one statement. It holds an advisory lock, which is not in the way of anything but another flush. Relatives of
// PostgreSQL that have no such locks flush without it.
func (p *postgres) flush(ctx context.Context, on conn, b batch) (out flushed, err error) {
	var mine bool
	var last *time.Time
	locks := !p.lockless.Load()
	err = on.row(ctx, flushSQL(locks, b.most), []any{b.from, b.before}, &mine, &out.found, &out.deleted, &last)
	if state := sqlState(err); locks && (state == undefinedFunction || state == notSupported) {
		p.lockless.Store(true)
		return flushed{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	if err == nil && !mine {
		err = core.ErrFlushRunning
	}
	out.last = timeOrZero(last)
	return out, err
}

const oldestSQL = ` IN (SELECT id FROM token_blacklist_outstandingtoken WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?)`

// flush finds the same records twice, as nobody else writes meanwhile.
func (sqlite) flush(ctx context.Context, on conn, b batch) (out flushed, err error) {
	err = on.alone(ctx, func() error {
		return on.transaction(ctx, func(tx conn) error {
			if _, err := tx.exec(ctx, `DELETE FROM token_blacklist_blacklistedtoken WHERE token_id`+oldestSQL, b.before, b.most); err != nil {
				return err
			}
			out.deleted, err = tx.exec(ctx, `DELETE FROM token_blacklist_outstandingtoken WHERE id`+oldestSQL, b.before, b.most)
			return err
		})
	})
	if err != nil {
		return flushed{}, err
	}
	out.found = out.deleted
	return out, nil
}

func (portable) flush(ctx context.Context, on conn, b batch) (flushed, error) {
	db := on.orm(ctx)
	var ids []int64
	err := db.Model(&OutstandingToken{}).Where("expires_at <= ?", b.before).
		Order("expires_at").Order("id").Limit(b.most).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return flushed{}, err
	}
	out := flushed{found: len(ids)}
	err = db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("token_id IN ?", ids).Delete(&BlacklistedToken{}).Error; err != nil {
			return err
		}
		gone := tx.Where("id IN ?", ids).Delete(&OutstandingToken{})
		out.deleted = int(gone.RowsAffected)
		return gone.Error
	})
	return out, err
}
