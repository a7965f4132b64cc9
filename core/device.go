package core

import (
	"cmp"
	"context"
	"strings"
	"unicode"
)

// Device is what is known of the client that a session belongs to, for the eyes of its user. Nothing is decided by it:
// a client may say of itself what it likes.
type Device struct {
	// Name is what the client calls its device ("Alice's phone"); at most 150 characters are kept.
	Name string `json:"device_name"`
	// IP is the address the client came from; at most 45 characters are kept.
	IP string `json:"ip"`
	// UserAgent is the client's User-Agent header; at most 512 characters are kept.
	UserAgent string `json:"user_agent"`
}

// The widths of the columns, in characters.
const (
	maxDeviceName = 150
	maxIP         = 45
	maxUserAgent  = 512
)

// withDefaults fills in what the device does not tell from an older one.
func (d Device) withDefaults(older Device) Device {
	return Device{
		Name:      cmp.Or(d.Name, older.Name),
		IP:        cmp.Or(d.IP, older.IP),
		UserAgent: cmp.Or(d.UserAgent, older.UserAgent),
	}
}

type deviceKey struct{}

// WithDevice returns a context by which logins and refreshes record the client's device. The views do it from the
// request, and views.WithDevice does it for a program that calls Auth.Login itself.
func WithDevice(ctx context.Context, d Device) context.Context {
	return context.WithValue(ctx, deviceKey{}, Device{
		Name: sanitize(d.Name, maxDeviceName), IP: sanitize(d.IP, maxIP), UserAgent: sanitize(d.UserAgent, maxUserAgent),
	})
}

// DeviceFrom is the device of a context, in Deps.OnEvent and Deps.Claims for example; empty where none was given.
func DeviceFrom(ctx context.Context) Device {
	d, _ := ctx.Value(deviceKey{}).(Device)
	return d
}

// sanitize is text that every database keeps and every terminal bears: valid, without control characters, cut.
func sanitize(text string, limit int) string {
	var b strings.Builder
	count := 0
	for _, r := range strings.ToValidUTF8(text[:min(len(text), 16*limit)], "") {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r): // Cf: it would reorder or hide what stands beside it
			continue
		case count == limit:
			return strings.TrimSpace(b.String())
		}
		b.WriteRune(r)
		count++
	}
	return strings.TrimSpace(b.String())
}
