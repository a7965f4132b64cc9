package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// clockMargin is how much longer records are kept than any token is good, as clocks differ and may be set back.
const clockMargin = time.Hour

// FlushExpired deletes the records of tokens that have expired, and that neither LEEWAY, ROTATION_GRACE_PERIOD nor a
// sliding token's last refresh admits any more, and returns how many it deleted. They are kept an hour longer, for clocks
// that differ or are set back. Errors: ErrFlushRunning, those of the store.
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

// FlushEvery calls FlushExpired at once and then at an interval, until ctx ends; it returns the error of ctx. Start it with
// go in every process: one works, the others leave it to that one. Trouble is logged and raised as an event, and the next
// turn tries again. An interval that is not more than 0 is an error.
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
