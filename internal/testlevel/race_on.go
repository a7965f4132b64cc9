//go:build race

package testlevel

// Race reports whether the test binary was built with the race detector, which makes everything many times slower.
const Race = true
