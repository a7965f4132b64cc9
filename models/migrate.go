package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// migrationTimeout limits how long a migration is retried where a SQLite file is locked.
const migrationTimeout = time.Minute

// index is an index of the outstanding table, with its columns as they stand in SQL.
type index struct{ name, columns string }

// indexes serve the latest token of a session, the tokens of a user, and the flush. Their names are part of the contract:
// AutoMigrate documents them for those who create an index themselves.
var indexes = [...]index{
	{outstandingTable + "_session", "session_id, id"},
	{outstandingTable + "_user_expires", "user_id, expires_at"},
	{outstandingTable + "_expires", "expires_at"},
}

// AutoMigrate creates the two tables, or brings those of SimpleJWT's blacklist app up to date: there it adds nullable
// columns and indexes and changes nothing else. Any number of processes may call it at once, and again at every start.
//
// user is the application's user model (&Account{}). Its table must exist; it gives user_id its type and a foreign key
// that sets user_id to NULL where a user is deleted. With nil, user_id is text without a foreign key: the Store then
// never learns that a user is gone.
//
// Creating an index on a large table blocks its writers for that time. In such a database, create the indexes beforehand, with
// CREATE INDEX CONCURRENTLY and under the same names: token_blacklist_outstandingtoken_session (session_id, id),
// token_blacklist_outstandingtoken_user_expires (user_id, expires_at) and token_blacklist_outstandingtoken_expires (expires_at).
//
// It returns an error, and creates nothing, where the dialect is not supported, the user's table is missing or its primary key
// is not one column, or a table under one of the two names is not that of the blacklist app.
func AutoMigrate(ctx context.Context, db *gorm.DB, user any) error {
	return wrapError("migrate token tables", autoMigrate(ctx, db, user))
}

// autoMigrate implements AutoMigrate. Its errors do not name the operation.
func autoMigrate(ctx context.Context, db *gorm.DB, user any) error {
	e, err := newEngine(db)
	if err != nil {
		return err
	}
	base := quietSession(db, true).WithContext(ctx)
	owner, err := parseOwner(base, user)
	if err != nil {
		return err
	}
	return retryTransient(ctx, e, migrationTimeout, func() error {
		return e.migrateAlone(base, func(tx *gorm.DB) error { return migration{tx, e}.migrateTables(owner) })
	})
}

// migration is one attempt of AutoMigrate.
type migration struct {
	tx *gorm.DB
	migrator
}

// migrateTables does everything that is left to do, tables before the indexes on them.
func (m migration) migrateTables(owner *owner) error {
	if err := m.resolveOwner(owner); err != nil {
		return err
	}
	for _, table := range []tableSpec{outstandingSpec(owner), blacklistedSpec()} {
		if err := m.bringUpToDate(table); err != nil {
			return fmt.Errorf("table %s: %w", table.name, err)
		}
	}
	for _, one := range indexes {
		if err := m.createIndex(one); err != nil {
			return fmt.Errorf("index %s: %w", one.name, err)
		}
	}
	return nil
}

// owner is the user's table, as far as a foreign key needs it.
type owner struct {
	table   string
	key     *schema.Field
	sqlType string // of a column that refers to the key; resolveOwner sets it
}

// parseOwner reads the user model, without asking the database; nil for no model.
func parseOwner(db *gorm.DB, user any) (*owner, error) {
	if user == nil {
		return nil, nil
	}
	stmt := &gorm.Statement{DB: db}
	if err := stmt.Parse(user); err != nil {
		return nil, fmt.Errorf("user model %T: %w", user, err)
	}
	if len(stmt.Schema.PrimaryFields) != 1 {
		return nil, fmt.Errorf("user model %T: the primary key must be one column", user)
	}
	return &owner{table: stmt.Table, key: stmt.Schema.PrimaryFields[0]}, nil
}

// resolveOwner finds the user's table in the database and the type of its key.
func (m migration) resolveOwner(o *owner) error {
	if o == nil {
		return nil
	}
	exists, err := m.hasTable(m.tx, o.table)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("the user model's table %s does not exist: create it first", o.table)
	}
	o.sqlType, err = m.keyType(m.tx, o.table, o.key)
	return err
}

// tableSpec is one of the two tables: a model, and what GORM's schema of it does not say: SQL types that differ from the
// model's, by column, and the constraints of a new table.
type tableSpec struct {
	name        string
	model       any
	types       map[string]string
	constraints func(quote func(any) string) []string
}

// outstandingSpec returns the table of records. The name of a constraint is the one that PostgreSQL would choose.
func outstandingSpec(o *owner) tableSpec {
	spec := tableSpec{name: outstandingTable, model: &OutstandingToken{}}
	spec.constraints = func(quote func(any) string) []string {
		out := []string{"CONSTRAINT " + outstandingTable + "_jti_key UNIQUE (jti)"}
		if o != nil {
			out = append(out, fmt.Sprintf("CONSTRAINT %s_user_id_fkey FOREIGN KEY (user_id) REFERENCES %s (%s) ON DELETE SET NULL",
				outstandingTable, quote(o.table), quote(o.key.DBName)))
		}
		return out
	}
	if o != nil {
		spec.types = map[string]string{"user_id": o.sqlType}
	}
	return spec
}

// blacklistedSpec returns the table of used and revoked tokens, whose rows go with those of the tokens.
func blacklistedSpec() tableSpec {
	return tableSpec{name: blacklistedTable, model: &BlacklistedToken{}, constraints: func(func(any) string) []string {
		return []string{
			"CONSTRAINT " + blacklistedTable + "_token_id_key UNIQUE (token_id)",
			"CONSTRAINT " + blacklistedTable + "_token_id_fkey FOREIGN KEY (token_id) REFERENCES " + outstandingTable +
				" (id) ON DELETE CASCADE",
		}
	}}
}

// bringUpToDate creates the table, or adds the nullable columns that it lacks. It never alters or drops a column, as Django may
// be using the table meanwhile.
func (m migration) bringUpToDate(t tableSpec) error {
	stmt := &gorm.Statement{DB: m.tx}
	if err := stmt.Parse(t.model); err != nil {
		return err
	}
	exists, err := m.hasTable(m.tx, t.name)
	if err != nil {
		return err
	}
	if !exists {
		return m.createTable(t, stmt.Schema)
	}
	present, err := m.columnNames(m.tx, t.name)
	if err != nil {
		return err
	}
	for _, name := range stmt.Schema.DBNames {
		field := stmt.Schema.FieldsByDBName[name]
		if present[name] {
			continue
		}
		if field.NotNull || field.PrimaryKey {
			return errors.New("the table is not that of SimpleJWT's blacklist app: it has no column " + name)
		}
		if err := m.tx.Exec("ALTER TABLE " + t.name + " ADD COLUMN " + m.defineColumn(t, field)).Error; err != nil {
			return err
		}
	}
	return nil
}

// createTable creates the table with its foreign keys, as SQLite cannot add them later.
func (m migration) createTable(t tableSpec, model *schema.Schema) error {
	var parts []string
	inline := false
	for _, name := range model.DBNames {
		column := m.defineColumn(t, model.FieldsByDBName[name])
		inline = inline || strings.Contains(strings.ToUpper(column), "PRIMARY KEY")
		parts = append(parts, column)
	}
	if !inline { // SQLite's type of such a column says it already.
		parts = append(parts, "PRIMARY KEY (id)")
	}
	parts = append(parts, t.constraints(m.tx.Statement.Quote)...)
	return m.tx.Exec("CREATE TABLE " + t.name + " (" + strings.Join(parts, ", ") + ")").Error
}

// defineColumn returns a column as CREATE TABLE and ADD COLUMN want it.
func (m migration) defineColumn(t tableSpec, field *schema.Field) string {
	sqlType := t.types[field.DBName]
	if sqlType == "" {
		sqlType = m.columnType(m.tx, field)
	}
	return field.DBName + " " + sqlType
}

// createIndex creates an index unless one of its name is there, whatever its columns.
func (m migration) createIndex(one index) error {
	found, err := m.hasIndex(m.tx, one.name)
	if err != nil || found {
		return err
	}
	return m.tx.Exec("CREATE INDEX " + one.name + " ON " + outstandingTable + " (" + one.columns + ")").Error
}
