package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt/models"
)

// sqlitePath returns the file of an sqlite:// DSN, which is relative to the current folder unless it begins with a third slash. For
// any other DSN it returns "".
func sqlitePath(dsn string) string {
	path, ok := strings.CutPrefix(dsn, "sqlite://")
	if !ok || path == "" {
		return ""
	}
	return filepath.Clean(path)
}

// openDatabase opens the database of a DSN in one of databaseForms and makes the tables that are missing. The caller closes it with
// closeDatabase.
func openDatabase(ctx context.Context, dsn string) (*gorm.DB, error) {
	var dialector gorm.Dialector
	switch path := sqlitePath(dsn); {
	case path != "":
		// SQLite has one writer at a time. Transactions begin as writers (_txlock) and wait for each other up to 10 seconds: a reader
		// that becomes a writer would fail at once. With WAL, readers do not wait for the writer.
		pragmas := "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
		dialector = sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		dialector = postgres.Open(dsn)
	default:
		return nil, errors.New("the flag -database must be such as " + databaseForms)
	}
	// Queries are not logged: some of their values are secrets.
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, TranslateError: false})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // the drivers leave passwords out
	}
	pool, err := db.DB()
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	// A herd of requests waits here for a connection, and not at a PostgreSQL that other programs use too.
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return db, migrateTables(ctx, db)
}

// migrateTables makes the user table, unless it is there (Django may have made it), and the two token tables. Several processes may do so
// at once.
func migrateTables(ctx context.Context, db *gorm.DB) error {
	// AutoMigrate of GORM would alter a table that Django made. CreateTable leaves it as it is.
	m := db.WithContext(ctx).Migrator()
	if !m.HasTable(&Account{}) {
		if err := m.CreateTable(&Account{}); err != nil && !m.HasTable(&Account{}) { // another process may be quicker
			return fmt.Errorf("make table auth_user: %w", err)
		}
	}
	return models.AutoMigrate(ctx, db, &Account{})
}

// closeDatabase closes all connections of db. An error is of no use: the program ends.
func closeDatabase(db *gorm.DB) {
	if pool, err := db.DB(); err == nil {
		_ = pool.Close()
	}
}
