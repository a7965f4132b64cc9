//go:build !linux

package pgtest

// memoryFolder returns "": only Linux has a file system in memory everywhere.
func memoryFolder() string { return "" }
