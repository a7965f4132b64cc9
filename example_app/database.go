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

// sqlitePath is the file of an sqlite:// DSN, in the current folder unless it begins with a third slash; "" for another DSN.
func sqlitePath(dsn string) string {
	path, ok := strings.CutPrefix(dsn, "sqlite://")
	if !ok || path == "" {
		return ""
	}
	return filepath.Clean(path)
}

// openDatabase opens the database and makes the tables that are missing.
func openDatabase(ctx context.Context, dsn string) (*gorm.DB, error) {
	var dialector gorm.Dialector
	switch path := sqlitePath(dsn); {
	case path != "":
		// One writer at a time: transactions begin as writers and wait for each other.
		pragmas := "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
		dialector = sqlite.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		dialector = postgres.Open(dsn)
	default:
		return nil, errors.New("the flag -database must be such as " + databaseForms)
	}
	// Queries are logged without their values, if at all: some of these are secrets.
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, TranslateError: false})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // the driver leaves passwords out
	}
	pool, err := db.DB()
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(16)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return db, migrate(ctx, db)
}

// migrate makes the user table, unless Django has made it, and the two token tables.
func migrate(ctx context.Context, db *gorm.DB) error {
	m := db.WithContext(ctx).Migrator()
	if !m.HasTable(&Account{}) {
		if err := m.CreateTable(&Account{}); err != nil && !m.HasTable(&Account{}) { // another process may be quicker
			return fmt.Errorf("make table auth_user: %w", err)
		}
	}
	return models.AutoMigrate(ctx, db, &Account{})
}

func closeDatabase(db *gorm.DB) {
	if pool, err := db.DB(); err == nil {
		_ = pool.Close()
	}
}
