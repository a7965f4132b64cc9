//go:build race

package main

import "time"

// With the race detector all is many times slower.
const (
	underRace = true
	// share is what part of a storm is run unless STORM=full asks for all of it.
	share = 15
)

// bound is how long any answer may take: ten seconds of patience, and what a busy machine and the race detector add.
const bound = 30 * time.Second
