//go:build !race

package views_test

const underRace = false
