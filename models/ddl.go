package models

import (
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// create creates the table, foreign keys included: SQLite cannot add them later.
func (t tableSpec) create(tx *gorm.DB, model *schema.Schema) error {
	var parts []string
	inline := false
	for _, name := range model.DBNames {
		column := t.column(tx, model.FieldsByDBName[name])
		inline = inline || strings.Contains(strings.ToUpper(column), "PRIMARY KEY")
		parts = append(parts, column)
	}
	if !inline { // SQLite's type of such a column says it already.
		parts = append(parts, "PRIMARY KEY (id)")
	}
	parts = append(parts, t.constraints(tx.Statement.Quote)...)
	return tx.Exec("CREATE TABLE " + t.name + " (" + strings.Join(parts, ", ") + ")").Error
}

// column is the definition of a column.
func (t tableSpec) column(tx *gorm.DB, field *schema.Field) string {
	if sqlType := t.types[field.DBName]; sqlType != "" {
		return field.DBName + " " + sqlType
	}
	return field.DBName + " " + tx.Migrator().FullDataTypeOf(field).SQL
}

// PostgreSQL's catalogue is asked, instead of IF NOT EXISTS, as that locks the table even where there is nothing to do,
// and instead of GORM's migrator, as that looks into one schema of the search path only.

func hasTable(tx *gorm.DB, table string) (found bool, err error) {
	if !isPostgres(tx) {
		return tx.Migrator().HasTable(table), tx.Error
	}
	err = tx.Raw("SELECT to_regclass(?::text) IS NOT NULL", tx.Statement.Quote(table)).Row().Scan(&found)
	return found, err
}

// columnsOf are the names of the columns of a table.
func columnsOf(tx *gorm.DB, table string) (map[string]bool, error) {
	out := make(map[string]bool)
	if isPostgres(tx) {
		var names []string
		err := tx.Raw(`SELECT attname::text FROM pg_attribute
			WHERE attrelid = to_regclass(?::text) AND attnum > 0 AND NOT attisdropped`, table).Scan(&names).Error
		for _, name := range names {
			out[name] = true
		}
		return out, err
	}
	rows, err := tx.Raw("SELECT * FROM " + table + " WHERE 1 = 0").Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	for _, name := range names {
		out[name] = true
	}
	return out, errors.Join(err, rows.Err())
}

func createIndex(tx *gorm.DB, one index) error {
	var found bool
	if isPostgres(tx) {
		err := tx.Raw(`SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = to_regclass(?::text) AND c.relname = ?::text)`, outstandingTable, one.name).Row().Scan(&found)
		if err != nil {
			return err
		}
	} else {
		found = tx.Migrator().HasIndex(&OutstandingToken{}, one.name)
	}
	if found {
		return nil
	}
	return tx.Exec("CREATE INDEX " + one.name + " ON " + outstandingTable + " (" + one.columns + ")").Error
}

// readCommitted pins the isolation level on PostgreSQL, whatever the default of the database is.
func readCommitted(db *gorm.DB) []*sql.TxOptions {
	if !isPostgres(db) {
		return nil
	}
	return []*sql.TxOptions{{Isolation: sql.LevelReadCommitted}}
}
