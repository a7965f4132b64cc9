package detached_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/internal/detached"
)

type key struct{}

func TestContext(t *testing.T) {
	t.Parallel()
	parent, endParent := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Hour)
	outer, cancel := detached.Context(parent)
	defer cancel()
	endParent()
	if outer.Err() != nil || outer.Value(key{}) != "value" {
		t.Errorf("the context ends with its parent (%v), or lacks its values", outer.Err())
	}
	deadline, ok := outer.Deadline()
	if left := time.Until(deadline); !ok || left > detached.Limit || left < detached.Limit/2 {
		t.Errorf("the context has %v left, want %v", left, detached.Limit)
	}
	inner, cancelInner := detached.Context(context.WithValue(outer, key{}, "other"))
	cancelInner()
	if got, _ := inner.Deadline(); got != deadline || inner.Value(key{}) != "other" || inner.Err() != nil {
		t.Errorf("nested work has another limit, %v (%v), want %v", got, inner.Err(), deadline)
	}
	cancel()
	if inner.Err() == nil {
		t.Error("nested work does not end with the work that it is part of")
	}
}
