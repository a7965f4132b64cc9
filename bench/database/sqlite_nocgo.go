//go:build !cgo

package database

// cgoDriver finds no driver in C.
func cgoDriver() (sqliteDriver, bool) { return sqliteDriver{}, false }
