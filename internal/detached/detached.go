// Package detached lets work that takes rights away run to its end, whatever its caller does.
package detached

import (
	"context"
	"time"
)

// Limit is how long such work may take, all of it together.
const Limit = 10 * time.Second

type key struct{}

// Is reports whether a context is one of such work, and so has a deadline of Limit at most.
func Is(ctx context.Context) bool { return ctx.Value(key{}) != nil }

// Context returns a context with the values of ctx that does not end with it, but after Limit. Where ctx is part of such
// work already, it stays as it is.
func Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if Is(ctx) {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), key{}, true), Limit)
}
