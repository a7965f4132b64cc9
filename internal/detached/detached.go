// Package detached keeps work that takes rights away, such as a logout, from ending with the request that started it: a
// thief could otherwise prevent it by closing the connection.
package detached

import (
	"context"
	"time"
)

// Limit is how long such work may take in all.
const Limit = 10 * time.Second

type contextKey struct{}

// Is reports whether ctx comes from [Context], and so has a deadline within Limit.
func Is(ctx context.Context) bool { return ctx.Value(contextKey{}) != nil }

// Context returns a context with the values of ctx that does not end when ctx does, but after Limit. If ctx comes from
// Context already, it is returned as it is, so that nested calls share one Limit. The caller must call the CancelFunc.
func Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if Is(ctx) {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), contextKey{}, true), Limit)
}
