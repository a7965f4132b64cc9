//go:build race

package main

import "time"

// many is the number of rounds that is a storm without the race detector, cut to what takes as long with it.
func many(rounds int) int { return rounds / 3 }

// bound is how long any answer may take: ten seconds of patience, and what a busy machine and the race detector add.
const bound = 25 * time.Second
