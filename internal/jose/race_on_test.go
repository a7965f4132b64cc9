//go:build race

package jose

// underRace is set under the race detector, which allocates and empties pools: tests do not compare allocations then.
const underRace = true
