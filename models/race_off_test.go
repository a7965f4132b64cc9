//go:build !race

package models_test

const (
	underRace = false
	// How many schedules are drawn unless -rapid.checks says otherwise. TestRotate_AgreesWithSuccessor must meet every outcome.
	quickSchedules, fullSchedules = "40", "100"
)
