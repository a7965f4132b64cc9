// Package testlevel decides how much the tests do: the quick level by default, everything with TEST_FULL=1.
package testlevel

import (
	"os"
	"testing"
)

// Variable is the environment variable that asks for everything: all rounds of the storms, second processes, browsers. With it,
// a test whose program or server is missing fails instead of being skipped.
const Variable = "TEST_FULL"

// IsFull reports whether everything is asked for.
func IsFull() bool { return os.Getenv(Variable) != "" }

// SkipUnlessFull skips a test that takes long, and says how to run it.
func SkipUnlessFull(t testing.TB) {
	t.Helper()
	if !IsFull() {
		t.Skipf("takes long: set %s=1 to run it", Variable)
	}
}

// SkipMissing skips a test whose program or server is missing; with TEST_FULL=1 it fails.
func SkipMissing(t testing.TB, what string) {
	t.Helper()
	if IsFull() {
		t.Fatalf("%s is missing, and %s is set", what, Variable)
	}
	t.Skipf("%s is missing", what)
}

const (
	quickShare = 60 // one round in so many runs at the quick level
	raceShare  = 15 // and, with TEST_FULL=1, under the race detector
)

// Rounds returns how many of all rounds of a test run at this level, at least one: all of them with TEST_FULL=1, a share of them
// under the race detector, and a few by default.
func Rounds(all int) int {
	switch {
	case !IsFull():
		return (all + quickShare - 1) / quickShare
	case Race:
		return (all + raceShare - 1) / raceShare
	}
	return all
}
