//go:build !race

package main

import "time"

// many is the number of rounds that is a storm; with the race detector it is cut.
func many(rounds int) int { return rounds }

// bound is how long any answer may take: ten seconds of patience, and what a busy machine adds.
const bound = 15 * time.Second
