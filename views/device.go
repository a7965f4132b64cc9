package views

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
)

// deviceName is the field of a login by which a client may name its device.
const (
	deviceName    = "device_name"
	maxDeviceName = 150 // characters
)

// readDevice returns the device of a client as its request shows it; proxies is NUM_PROXIES. core makes its texts safe to store.
func readDevice(r *http.Request, proxies int) core.Device {
	return core.Device{IP: clientIP(r, proxies), UserAgent: r.UserAgent()}
}

// maxHop is the longest entry of X-Forwarded-For that can be an address, with white space around it.
const maxHop = 128

// clientIP returns the address of the connection, "" for none. Behind proxies that append to X-Forwarded-For it returns what the
// outermost of them wrote: the entry that is so many places from the end. A client may have made up whatever stands before that entry.
// So each proxy must have written an address: a request whose list is shorter, or has something else in one of these places, did not
// come through all proxies, and the address of its connection counts.
func clientIP(r *http.Request, proxies int) string {
	remote := ""
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = formatAddr(at.Addr())
	}
	if proxies == 0 {
		return remote
	}
	for hop := range hopsFromEnd(r.Header.Values("X-Forwarded-For")) {
		client := parseHop(hop)
		if client == "" {
			return remote
		}
		if proxies--; proxies == 0 {
			return client
		}
	}
	return remote
}

// hopsFromEnd yields the entries of a list in several header fields, the last one first, and "" for one that is longer than maxHop. It
// looks at no more of the fields than the caller asks for, so that a long header costs nothing.
func hopsFromEnd(fields []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, field := range slices.Backward(fields) {
			for comma := 0; comma >= 0; {
				start := max(0, len(field)-maxHop)
				comma = strings.LastIndexByte(field[start:], ',')
				hop := field[start+comma+1:]
				if comma < 0 && start > 0 {
					hop = ""
				}
				if !yield(hop) {
					return
				}
				field = field[:start+max(comma, 0)]
			}
		}
	}
}

// parseHop returns the address in an entry of X-Forwarded-For, "" for none. Some proxies write the port as well, some write brackets.
func parseHop(hop string) string {
	hop = strings.TrimSpace(hop)
	if at, err := netip.ParseAddrPort(hop); err == nil {
		return formatAddr(at.Addr())
	}
	if strings.HasPrefix(hop, "[") && strings.HasSuffix(hop, "]") {
		hop = hop[1 : len(hop)-1]
	}
	at, err := netip.ParseAddr(hop)
	if err != nil {
		return ""
	}
	return formatAddr(at)
}

// formatAddr returns an address as text, without its zone, and an IPv4 address within IPv6 as IPv4.
func formatAddr(at netip.Addr) string { return at.Unmap().WithZone("").String() }
