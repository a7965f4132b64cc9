//go:build race

package models_test

// The race detector makes SQLite, which is Go code, many times slower.
const (
	// underRace leaves SQLite out where a test is about a form of the tables, as it runs without the detector too.
	underRace = true
	// How many schedules are drawn unless -rapid.checks says otherwise.
	quickSchedules, fullSchedules = "25", "25"
)
