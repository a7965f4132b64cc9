package views

import (
	"context"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
)

// callHook returns the result of the hook, or of work if there is no hook. The super that a hook receives is work. It reads
// input.Attrs when it is called, so that changes of the hook count, and sets input.User.
func (v *view) callHook(ctx context.Context, input *simplejwt.SerializerInput) (simplejwt.Attrs, error) {
	if v.hook == nil {
		return v.work(ctx, input)
	}
	return v.hook(ctx, input, func(ctx context.Context) (simplejwt.Attrs, error) { return v.work(ctx, input) })
}

// requestKey is the key of the HTTP request on the context of a view's work.
type requestKey struct{}

// Request returns the HTTP request behind the context that a view passes to its hook. Its body has been read. Request returns nil for a
// context of anything else than a view.
func Request(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}
