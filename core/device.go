package core

import (
	"cmp"
	"context"
	"strings"
	"unicode"
)

// Device describes the client of a session, to be shown to its user. It takes part in no decision, because a client
// can send anything.
type Device struct {
	// Name is the client's name for its device ("Alice's phone"). WithDevice keeps at most 150 characters.
	Name string `json:"device_name"`
	// IP is the client's address. WithDevice keeps at most 45 characters.
	IP string `json:"ip"`
	// UserAgent is the client's User-Agent header. WithDevice keeps at most 512 characters.
	UserAgent string `json:"user_agent"`
}

// The widths of the columns, in characters.
const (
	maxDeviceName = 150
	maxIP         = 45
	maxUserAgent  = 512
)

// withDefaults fills the empty fields of the device from an older one.
func (d Device) withDefaults(older Device) Device {
	return Device{
		Name:      cmp.Or(d.Name, older.Name),
		IP:        cmp.Or(d.IP, older.IP),
		UserAgent: cmp.Or(d.UserAgent, older.UserAgent),
	}
}

// deviceKey is the context key of a Device.
type deviceKey struct{}

// WithDevice returns a context with the client's device, which logins and refreshes record. It removes control
// characters and invalid UTF-8, and shortens what is too long. The package views calls it for its own routes;
// views.WithDevice does so for a program that calls Auth.Login itself.
func WithDevice(ctx context.Context, d Device) context.Context {
	return context.WithValue(ctx, deviceKey{}, Device{
		Name: sanitize(d.Name, maxDeviceName), IP: sanitize(d.IP, maxIP), UserAgent: sanitize(d.UserAgent, maxUserAgent),
	})
}

// DeviceFrom returns the device of a context, for example in Deps.OnEvent and Deps.Claims. It is empty if there is
// none.
func DeviceFrom(ctx context.Context) Device {
	d, _ := ctx.Value(deviceKey{}).(Device)
	return d
}

// sanitize returns text that is safe to store and to print: valid UTF-8 without control characters, of at most
// limit characters.
func sanitize(text string, limit int) string {
	var b strings.Builder
	count := 0
	for _, r := range strings.ToValidUTF8(text[:min(len(text), 16*limit)], "") {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r): // Cf: format characters reorder or hide their neighbors
			continue
		case count == limit:
			return strings.TrimSpace(b.String())
		}
		b.WriteRune(r)
		count++
	}
	return strings.TrimSpace(b.String())
}
