//go:build !race

package main

// many is the number of rounds that is a storm; the race detector makes do with fewer.
func many(rounds int) int { return rounds }
