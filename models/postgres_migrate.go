package models

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// PostgreSQL's catalogue is asked, instead of IF NOT EXISTS, as that locks the table even where there is nothing to do,
// and instead of GORM's migrator, as that looks into one schema of the search path only.

// migrationLock is the key of the advisory lock under which one process migrates at a time.
const migrationLock = 0x73696d706c656a77

// migrateAlone is one transaction. It is READ COMMITTED, whatever the default of the database: behind the lock, every
// statement sees what the process before this one did.
func (*postgresEngine) migrateAlone(db *gorm.DB, do func(tx *gorm.DB) error) error {
	return db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?::bigint)", int64(migrationLock)).Error; err != nil {
			return err
		}
		return do(tx)
	}, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
}

func (*postgresEngine) hasTable(tx *gorm.DB, table string) (found bool, err error) {
	err = tx.Raw("SELECT to_regclass(?::text) IS NOT NULL", tx.Statement.Quote(table)).Row().Scan(&found)
	return found, err
}

func (*postgresEngine) columnNames(tx *gorm.DB, table string) (map[string]bool, error) {
	var names []string
	err := tx.Raw(`SELECT attname::text FROM pg_attribute
		WHERE attrelid = to_regclass(?::text) AND attnum > 0 AND NOT attisdropped`, table).Scan(&names).Error
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out, err
}

func (*postgresEngine) hasIndex(tx *gorm.DB, name string) (found bool, err error) {
	err = tx.Raw(`SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass(?::text) AND c.relname = ?::text)`, outstandingTable, name).Row().Scan(&found)
	return found, err
}

// keyType is the type that the column has: a table that Django made may have integer where the model says int64.
func (*postgresEngine) keyType(tx *gorm.DB, table string, key *schema.Field) (sqlType string, err error) {
	err = tx.Raw(`SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass(?::text) AND attname = ?::text AND NOT attisdropped`,
		tx.Statement.Quote(table), key.DBName).Row().Scan(&sqlType)
	if noRows(err) {
		return "", fmt.Errorf("the user model's table %s has no column %s", table, key.DBName)
	}
	return sqlType, err
}
