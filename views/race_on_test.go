//go:build race

package views_test

// underRace says that allocations are not to be compared: the race detector makes some of its own, and empties pools.
const underRace = true
