package models

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// A batch of FlushExpired is a transaction. The first one deletes up to firstBatch records, the following ones more or fewer,
// so that each takes about as long as a request may well wait.
const (
	firstBatch = 1000
	leastBatch = 100
	mostBatch  = 5000
	quickBatch = 40 * time.Millisecond  // the next one may be larger
	slowBatch  = 100 * time.Millisecond // the next one must be smaller
)

// batch is what one transaction of FlushExpired is to delete: at most so many records that expired in a span of time, both
// ends included, those that expired first.
type batch struct {
	from, before time.Time
	most         int
}

// flushed is what a batch found and deleted.
type flushed struct {
	// found is how many records the batch selected. It may be more than deleted, where another transaction deleted some; only
	// a batch that found fewer than it may delete is the last one.
	found, deleted int
	last           time.Time // when the last one expired, zero if the engine does not say
}

// FlushExpired deletes the records that expired at or before the given time, with their blacklist rows, and returns how many.
// It works in short transactions and pauses between two of them for as long as the last one took, so that requests do not
// wait for it. After an error, or at the end of ctx, what was deleted stays deleted: call it again.
//
// While another flush is at work, through this Store or on the same PostgreSQL, it leaves the rest to that one and returns
// core.ErrFlushRunning. On SQLite the flushes of several processes alternate, batch by batch.
//
// Leave time between a token's expiry and before, as core.Auth.FlushExpired does: a clock that is set back makes a token
// valid again, and its record must still be there.
func (s *Store) FlushExpired(ctx context.Context, before time.Time) (int, error) {
	const operation = "flush expired tokens"
	if !s.flushing.TryLock() {
		return 0, core.ErrFlushRunning
	}
	defer s.flushing.Unlock()
	next, total := batch{before: truncateTime(before), most: firstBatch}, 0
	for {
		var done flushed
		start := time.Now()
		err := s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
			var err error
			done, err = s.pool.engine.deleteBatch(ctx, on, next)
			return retryOnForeignKey(s.pool.engine, err) // A token was blacklisted while its record was being deleted.
		})
		if err != nil {
			return total, wrapError(operation, err)
		}
		if total += done.deleted; done.found < next.most {
			return total, nil
		}
		took := time.Since(start)
		next = next.nextBatch(done, took)
		if err := waitFor(ctx, took); err != nil {
			return total, wrapError(operation, err)
		}
	}
}

// nextBatch returns the batch to run after one that took so long. It starts where that ended: earlier rows are deleted, but the
// index would still lead to them until it is vacuumed.
func (b batch) nextBatch(done flushed, took time.Duration) batch {
	b.from = done.last
	switch {
	case took > slowBatch:
		b.most = max(b.most/2, leastBatch)
	case took < quickBatch:
		b.most = min(b.most*2, mostBatch)
	}
	return b
}
