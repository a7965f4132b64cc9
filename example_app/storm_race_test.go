//go:build race

package main

import "time"

// share is what part of a storm is run with the race detector, under which all is many times slower.
const share = 15

// bound is how long any answer may take: ten seconds of patience, and what a busy machine and the race detector add.
const bound = 30 * time.Second
