package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// clockMargin is how much longer records are kept than any token is valid, because clocks differ and may be set
// back.
const clockMargin = time.Hour

// FlushExpired deletes the records of tokens that have expired, and returns how many. It keeps a record for as long
// as LEEWAY, ROTATION_GRACE_PERIOD or a sliding token's last refresh may need it, and an hour longer, for clocks
// that differ or are set back. Without a Store it does nothing. Errors: ErrFlushRunning, those of the Store.
func (a *Auth) FlushExpired(ctx context.Context) (int, error) {
	if a.deps.Store == nil {
		return 0, nil
	}
	before := a.now().Add(-clockMargin)
	for _, kept := range []time.Duration{a.settings.Leeway, a.settings.RotationGracePeriod, a.settings.SlidingTokenLifetime} {
		before = before.Add(-kept) // one by one: the sum of three centuries is more than a Duration holds
	}
	return a.records.flushExpired(ctx, before)
}

// FlushEvery calls FlushExpired now and then at each interval, until ctx ends, and returns the error of ctx. Run it
// in a goroutine of every process: while one process deletes, the others skip. An error is logged and emitted as
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
			_ = a.unavailable(ctx, "flush expired tokens", err)
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
