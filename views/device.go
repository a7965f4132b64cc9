package views

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
)

// deviceName is the field of a login by which a client may name its device.
const (
	deviceName    = "device_name"
	maxDeviceName = 150 // characters
)

// device is what a request tells of its client.
func device(r *http.Request, proxies int) core.Device {
	return core.Device{IP: clientIP(r, proxies), UserAgent: r.UserAgent()}
}

// clientIP is the address of the connection. Behind proxies that append to X-Forwarded-For it is what the outermost of
// these wrote: whatever stands before that a client may have made up.
func clientIP(r *http.Request, proxies int) string {
	remote := ""
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = at.Addr().Unmap().WithZone("").String()
	}
	if proxies == 0 {
		return remote
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	hop := strings.TrimSpace(hops[max(0, len(hops)-proxies)])
	if at, err := netip.ParseAddrPort(hop); err == nil { // some proxies write the port as well
		return at.Addr().Unmap().WithZone("").String()
	}
	if at, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
		return at.Unmap().WithZone("").String()
	}
	return remote
}
