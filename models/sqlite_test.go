package models

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newSQLiteEngine()
		var mu sync.Mutex
		var order []int
		after := func(want ...int) bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Equal(order, want)
		}
		for i := range 5 {
			go func() {
				err := e.withWriter(t.Context(), func() error {
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		err := e.withWriter(ctx, func() error { t.Error("it had the write lock too early"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !after(0, 1, 2) {
			t.Errorf("got %v, or the writers ran in another order", err)
		}
		time.Sleep(2 * time.Second)
		if err := e.withWriter(t.Context(), func() error { return nil }); err != nil || !after(0, 1, 2, 3, 4) {
			t.Errorf("got %v, or the writers ran in another order", err)
		}
	})
}
