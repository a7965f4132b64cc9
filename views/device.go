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

// readDevice is what a request tells of its client.
func readDevice(r *http.Request, proxies int) core.Device {
	return core.Device{IP: clientIP(r, proxies), UserAgent: r.UserAgent()}
}

// maxHop is the longest entry of X-Forwarded-For that can be an address, with white space around it.
const maxHop = 128

// clientIP is the address of the connection. Behind proxies that append to X-Forwarded-For it is what the outermost of these
// wrote: the entry that is so many places from the end. A client may have made up what stands before it. So each proxy must have
// written an address: a list that is shorter, or has something else in its place, did not come through all of them.
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

// hopsFromEnd yields the entries of a list in several fields, the last one first; "" for one that is too long. It looks at no
// more of the fields than is asked for.
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

// parseHop returns the address in an entry, "" where there is none. Some proxies write the port as well, some brackets.
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

// formatAddr writes an address without zone, one of IPv4 as such.
func formatAddr(at netip.Addr) string { return at.Unmap().WithZone("").String() }
