//go:build !race

package models_test

// schedules is how many schedules are drawn unless -rapid.checks says otherwise.
const schedules = "100"
