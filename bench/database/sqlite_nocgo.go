//go:build !cgo

package database

// withCgo finds no driver in C.
func withCgo() (sqliteDriver, bool) { return sqliteDriver{}, false }
