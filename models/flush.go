package models

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	// A batch of FlushExpired is a transaction. It deletes so many records at first, and then more or fewer, so that it
	// takes about as long as a request may well wait.
	firstBatch = 1000
	leastBatch = 100
	mostBatch  = 5000
	quickBatch = 40 * time.Millisecond  // the next one may be larger
	slowBatch  = 100 * time.Millisecond // the next one must be smaller
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
// Store or on the same PostgreSQL, it leaves the rest to that one and returns core.ErrFlushRunning. On SQLite the flushes of
// several processes take turns, batch by batch.
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

// nextBatch is the batch that follows one. It starts where that ended: before that lie only what was deleted, which an index
// would lead to until it is vacuumed.
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
