package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

const (
	// migrationLock is the key of PostgreSQL's advisory lock under which one process migrates at a time.
	migrationLock = 0x73696d706c656a77

	// migrationPatience is how long a migration is tried again where a SQLite file is locked.
	migrationPatience = time.Minute
)

// index is an index of the outstanding table.
type index struct{ name, columns string }

// indexes serve the head of a session, the tokens of a user, and the flush.
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
// never learns that a user is gone. Creating an index on a large table stops its writers for that time; such a
// database may create the indexes itself beforehand, concurrently, under the same names.
func AutoMigrate(ctx context.Context, db *gorm.DB, user any) error {
	base := quiet(db, true).WithContext(ctx)
	owner, err := parseOwner(base, user)
	if err != nil {
		return during("migrate token tables", err)
	}
	err = retry(ctx, migrationPatience, func() error {
		return base.Transaction(func(tx *gorm.DB) error { return migrate(tx, owner) }, readCommitted(base)...)
	})
	return during("migrate token tables", err)
}

func migrate(tx *gorm.DB, owner *owner) error {
	if isPostgres(tx) {
		// READ COMMITTED: what the process before this one did is seen by every later statement.
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?::bigint)", int64(migrationLock)).Error; err != nil {
			return err
		}
	}
	if err := owner.resolve(tx); err != nil {
		return err
	}
	for _, table := range []tableSpec{outstandingSpec(owner), blacklistedSpec()} {
		if err := table.bringUpToDate(tx); err != nil {
			return fmt.Errorf("table %s: %w", table.name, err)
		}
	}
	for _, one := range indexes {
		if err := createIndex(tx, one); err != nil {
			return fmt.Errorf("index %s: %w", one.name, err)
		}
	}
	return nil
}

// owner is the user's table, as far as a foreign key asks for it.
type owner struct {
	table   string
	key     *schema.Field
	sqlType string
}

// parseOwner reads the user model; nil for no model.
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

// resolve finds the user's table in the database and the type of its key.
func (o *owner) resolve(tx *gorm.DB) error {
	if o == nil {
		return nil
	}
	exists, err := hasTable(tx, o.table)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("the user model's table %s does not exist: create it first", o.table)
	}
	if !isPostgres(tx) {
		o.sqlType = plainType(tx, o.key)
		return nil
	}
	// The true type: a table that Django made may have integer where the model says int64.
	err = tx.Raw(`SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass(?::text) AND attname = ?::text AND NOT attisdropped`,
		tx.Statement.Quote(o.table), o.key.DBName).Row().Scan(&o.sqlType)
	if noRows(err) {
		return fmt.Errorf("the user model's table %s has no column %s", o.table, o.key.DBName)
	}
	return err
}

// plainType is the type of a column that refers to the field: without auto increment, identity and default.
func plainType(tx *gorm.DB, field *schema.Field) string {
	plain := *field
	plain.AutoIncrement = false
	plain.TagSettings = make(map[string]string, len(field.TagSettings))
	for name, value := range field.TagSettings {
		if name != "GENERATED" && name != "AUTOINCREMENT" {
			plain.TagSettings[name] = value
		}
	}
	return tx.Dialector.DataTypeOf(&plain)
}

// tableSpec is one of the two tables: a model, and what GORM's schema of it does not say.
type tableSpec struct {
	name        string
	model       any
	types       map[string]string
	constraints func(quote func(any) string) []string
}

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

func blacklistedSpec() tableSpec {
	return tableSpec{name: blacklistedTable, model: &BlacklistedToken{}, constraints: func(func(any) string) []string {
		return []string{
			"CONSTRAINT " + blacklistedTable + "_token_id_key UNIQUE (token_id)",
			"CONSTRAINT " + blacklistedTable + "_token_id_fkey FOREIGN KEY (token_id) REFERENCES " + outstandingTable +
				" (id) ON DELETE CASCADE",
		}
	}}
}

// bringUpToDate creates the table, or adds the nullable columns that it lacks.
func (t tableSpec) bringUpToDate(tx *gorm.DB) error {
	stmt := &gorm.Statement{DB: tx}
	if err := stmt.Parse(t.model); err != nil {
		return err
	}
	exists, err := hasTable(tx, t.name)
	if err != nil {
		return err
	}
	if !exists {
		return t.create(tx, stmt.Schema)
	}
	present, err := columnsOf(tx, t.name)
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
		if err := tx.Exec("ALTER TABLE " + t.name + " ADD COLUMN " + t.column(tx, field)).Error; err != nil {
			return err
		}
	}
	return nil
}
