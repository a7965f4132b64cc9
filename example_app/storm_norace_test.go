//go:build !race

package main

import "time"

const (
	underRace = false
	// share is what part of a storm is run unless STORM=full asks for all of it.
	share = 6
)

// bound is how long any answer may take: ten seconds of patience, and what a busy machine adds.
const bound = 20 * time.Second
