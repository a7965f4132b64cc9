package models

import "gorm.io/gorm"

// FlushLock is the key of the advisory lock of the flush.
const FlushLock = int64(flushLock)

// NewPortableStore is the Store of databases that are neither PostgreSQL nor SQLite.
func NewPortableStore(db *gorm.DB) *Store {
	return &Store{pool: newPool(quiet(db, true)), engine: portable{}}
}
