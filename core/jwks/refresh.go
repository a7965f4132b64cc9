package jwks

import (
	"context"
	"time"
)

// requestFetch starts a fetch in the background, unless an unknown kid has started one within unknownInterval. Of many requests at
// once only one gets past the compare-and-swap.
func (k *Keys) requestFetch() {
	now, next := k.sinceStart(), k.next.Load()
	if now < next || !k.next.CompareAndSwap(next, now+int64(unknownInterval)) {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default: // a fetch is already requested
	}
}

// sinceStart returns the time since start in nanoseconds. It is measured by the monotonic clock, so that setting the system's clock
// neither stops fetches nor causes many of them.
func (k *Keys) sinceStart() int64 { return int64(time.Since(k.start)) }

// refreshUntilDone refreshes the set, every hour and on request, until ctx ends. Only this goroutine fetches, so no two fetches
// overlap.
func (k *Keys) refreshUntilDone(ctx context.Context) {
	hourly := time.NewTicker(refreshInterval)
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hourly.C:
		case <-k.wake:
			// The interval starts with the fetch, which may have had to wait for the end of another one.
			k.next.Store(k.sinceStart() + int64(unknownInterval))
		}
		k.refreshSet(ctx)
	}
}

// refreshSet replaces the set, or keeps it if the new one cannot be fetched. A new set without a usable key replaces it too: the
// issuer has withdrawn its keys.
func (k *Keys) refreshSet(ctx context.Context) {
	set, err := k.fetchSet(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		k.log.WarnContext(ctx, "fetching the key set of JWK_URL failed: the last good set stays in use", "error", err)
		return
	case !set.hasUsableKey():
		k.log.ErrorContext(ctx, "the key set of JWK_URL has no usable key left: all tokens are rejected", "algorithm", k.algorithm, "reasons", set.skipReasons())
	}
	k.set.Store(set)
}

// fetchSet fetches and parses the set, and logs which of its keys are not used.
func (k *Keys) fetchSet(ctx context.Context) (*keySet, error) {
	body, err := k.source.fetchBody(ctx)
	if err != nil {
		return nil, err
	}
	set, err := parseSet(body, k.algorithm)
	if err != nil {
		return nil, err
	}
	if set.skipped > 0 {
		k.log.DebugContext(ctx, "the key set of JWK_URL has keys that are not used", "reasons", set.skipReasons())
	}
	return set, nil
}
