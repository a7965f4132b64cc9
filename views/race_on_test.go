//go:build race

package views_test

// underRace reports that allocations can't be compared: the race detector allocates too, and empties pools.
const underRace = true
