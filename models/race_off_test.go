//go:build !race

package models_test

const (
	underRace = false
	// schedules is how many schedules are drawn unless -rapid.checks says otherwise.
	schedules = "100"
)
