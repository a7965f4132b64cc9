//go:build race

package main

// many is the number of rounds that is a storm without the race detector, cut to what takes as long with it.
func many(rounds int) int { return rounds / 3 }
