package hashers

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestNoMoreThanMaxConcurrentHashesAreComputedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred := &fake{gate: make(chan struct{})}
		h := newHashers(preferred, 3, defaultLimits())
		var done atomic.Int64
		for range 4 {
			go func() { _ = h.Dummy(t.Context(), secret); done.Add(1) }()
			go func() { _, _ = h.Make(t.Context(), secret); done.Add(1) }()
			go func() { _, _, _ = h.Check(t.Context(), secret, "!"); done.Add(1) }()
		}
		for finished := int64(0); finished < 12; finished++ {
			synctest.Wait()
			if want := min(3, 12-finished); preferred.active.Load() != want || done.Load() != finished {
				t.Errorf("%d at once with %d done, want %d with %d", preferred.active.Load(), done.Load(), want, finished)
			}
			preferred.gate <- struct{}{}
		}
	})
}

func TestTheWaitForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preferred := &fake{gate: make(chan struct{})}
		h := newHashers(preferred, 1, defaultLimits())
		go func() { _ = h.Dummy(t.Context(), secret) }()
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		failures := make(chan error, 4)
		go func() { failures <- h.Dummy(ctx, secret) }()
		go func() { _, err := h.Make(ctx, secret); failures <- err }()
		for _, encoded := range []string{"", vectors[1].encoded} {
			go func() {
				ok, upgrade, err := h.Check(ctx, secret, encoded)
				if ok || upgrade {
					t.Error("a check that never came to its turn answered yes")
				}
				failures <- err
			}()
		}
		synctest.Wait()
		if len(failures) != 0 {
			t.Errorf("%d calls did not wait: %v", len(failures), <-failures)
		}
		cancel()
		synctest.Wait()
		if len(failures) != 4 {
			t.Errorf("%d of 4 calls ended with the context", len(failures))
		}
		for range len(failures) {
			if err := <-failures; !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v", err)
			}
		}
		close(preferred.gate)
		synctest.Wait()
		if err := h.Dummy(ctx, secret); !errors.Is(err, context.Canceled) {
			t.Errorf("with a free slot and an ended context: error %v", err)
		}
		if got := preferred.computed.Load(); got != 1 {
			t.Errorf("computed %d hashes, want 1", got)
		}
	})
}
