package models

import "gorm.io/gorm"

// NewPortableStore is the Store of databases that are neither PostgreSQL nor SQLite.
func NewPortableStore(db *gorm.DB) *Store {
	return &Store{db: quiet(db, true), sweep: sweepPortably}
}
