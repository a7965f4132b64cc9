package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Cookies need no TLS at an address that only this machine reaches.
func TestIsLoopback(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for _, addr := range []string{"127.0.0.1:8000", "[::1]:0", "localhost:8000", ":8000", "0.0.0.0:8000", "example.com:80", "127.0.0.1"} {
		got[addr] = isLoopback(addr)
	}
	want := map[string]bool{"127.0.0.1:8000": true, "[::1]:0": true, "localhost:8000": true, ":8000": false, "0.0.0.0:8000": false, "example.com:80": false, "127.0.0.1": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loopback addresses (-want +got):\n%s", diff)
	}
}
