//go:build !unix

package pgtest

// startPgBouncer starts nothing here: its guard is a POSIX shell.
func startPgBouncer(string, int) (string, func(), error) { return "", nil, errNoPgBouncer }
