//go:build cgo

package database

import (
	"net/url"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// cgoDriver is the driver around SQLite in C, with the pragmas of pureGo in its own words.
func cgoDriver() (sqliteDriver, bool) {
	return sqliteDriver{"mattn/go-sqlite3", func(path string) gorm.Dialector {
		return sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_txlock=immediate&_busy_timeout=10000&_journal_mode=WAL&_synchronous=NORMAL&_foreign_keys=1")
	}}, true
}
