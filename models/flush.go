package models

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
)

const (
	// flushBatch is how many records one transaction of FlushExpired deletes.
	flushBatch = 1000

	// flushLock is the key of PostgreSQL's advisory lock under which one process flushes at a time.
	flushLock = 0x666c757368746f6b
)

// FlushExpired deletes the records that ended at or before the given time, in short transactions. It pauses between two
// of them for as long as the last one took, so that refreshes waiting for SQLite's write lock get their turn. While another
// flush is at work, through this Store or on the same PostgreSQL, it leaves the rest to that one and answers
// core.ErrFlushRunning. On other databases the flushes of several processes take turns, batch by batch.
func (s *Store) FlushExpired(ctx context.Context, before time.Time) (int, error) {
	if !s.flushing.TryLock() {
		return 0, core.ErrFlushRunning
	}
	defer s.flushing.Unlock()
	total := 0
	for {
		start := time.Now()
		found, deleted, err := s.flushOnce(ctx, cut(before))
		total += deleted
		if err != nil || found < flushBatch {
			return total, during("flush expired tokens", err)
		}
		if err := wait(ctx, time.Since(start)); err != nil {
			return total, during("flush expired tokens", err)
		}
	}
}

// flushOnce deletes one batch: the blacklist rows first, as Django's foreign key deletes none by itself.
func (s *Store) flushOnce(ctx context.Context, before time.Time) (found, deleted int, err error) {
	err = s.pool.patiently(ctx, func(ctx context.Context, on conn) error {
		db := on.orm(ctx)
		var ids []int64
		err := db.Model(&OutstandingToken{}).Where("expires_at <= ?", before).
			Order("expires_at").Order("id").Limit(flushBatch).Pluck("id", &ids).Error
		found, deleted = len(ids), 0
		if err != nil || found == 0 {
			return err
		}
		err = db.Transaction(func(tx *gorm.DB) error {
			if err := s.lockFlush(tx); err != nil {
				return err
			}
			if err := tx.Where("token_id IN ?", ids).Delete(&BlacklistedToken{}).Error; err != nil {
				return err
			}
			gone := tx.Where("id IN ?", ids).Delete(&OutstandingToken{})
			deleted = int(gone.RowsAffected)
			return gone.Error
		}, readCommitted(db)...)
		return againOnForeignKey(err) // A token was blacklisted between the two statements.
	})
	if err != nil {
		return found, 0, err
	}
	return found, deleted, nil
}

// lockFlush takes the lock of the flush for the rest of the transaction, or answers core.ErrFlushRunning. It is not in the
// way of anything but another flush. Relatives of PostgreSQL that have no such locks flush without it.
func (s *Store) lockFlush(tx *gorm.DB) error {
	pg, ok := s.engine.(*postgres)
	if !ok || pg.lockless.Load() {
		return nil
	}
	var mine bool
	err := tx.Raw("SELECT pg_try_advisory_xact_lock(?::bigint)", int64(flushLock)).Row().Scan(&mine)
	if state := sqlState(err); state == undefinedFunction || state == notSupported {
		pg.lockless.Store(true)
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	if err != nil {
		return err
	}
	if !mine {
		return core.ErrFlushRunning
	}
	return nil
}
