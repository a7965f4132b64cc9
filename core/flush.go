package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// clockMargin is added to the time for which an expired record is kept, because clocks differ and may be set back.
const clockMargin = time.Hour

// FlushExpired deletes the records of expired tokens and returns how many. It keeps a record for LEEWAY +
// ROTATION_GRACE_PERIOD + SLIDING_TOKEN_LIFETIME + one hour after it expires: a token is accepted during LEEWAY, a
// retry needs the record during ROTATION_GRACE_PERIOD, and the record of a sliding token expires with its
// refresh_exp, up to SLIDING_TOKEN_LIFETIME before its last exp. The hour is for clocks that differ or are set back.
// Without a Store it does nothing. Errors: ErrFlushRunning, those of the Store.
func (a *Auth) FlushExpired(ctx context.Context) (int, error) {
	if a.deps.Store == nil {
		return 0, nil
	}
	before := a.now().Add(-clockMargin)
	for _, kept := range []time.Duration{a.settings.Leeway, a.settings.RotationGracePeriod, a.settings.SlidingTokenLifetime} {
		before = before.Add(-kept) // subtracted one at a time: the sum could overflow time.Duration (292 years)
	}
	return a.records.flushExpired(ctx, before)
}

// FlushEvery calls FlushExpired immediately and then once per interval, until ctx ends, and returns the error of ctx.
// Run it in a goroutine of every process: while one process deletes, the others skip. An error is logged and emitted as
// EventStoreError, and the next interval tries again. FlushEvery returns an error at once if interval is not more
// than 0.
func (a *Auth) FlushEvery(ctx context.Context, interval time.Duration) error {
	if interval <= 0 {
		return fmt.Errorf("flush every %v: the interval must be more than 0", interval)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		n, err := a.FlushExpired(ctx)
		switch {
		case errors.Is(err, ErrFlushRunning), ctx.Err() != nil:
		case err != nil:
			_ = a.unavailable(ctx, "flush expired tokens", err) // called for its log and its event
		case n > 0:
			a.deps.Logger.InfoContext(ctx, "expired tokens were deleted", "tokens", n)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
