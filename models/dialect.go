package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// engines are the supported databases, by the name of their GORM dialect. Nothing else in this package reads that name.
// There is no fallback for other dialects: ON CONFLICT and the number of changed rows mean other things elsewhere, so an
// untested database could let a used token through.
var engines = map[string]func() engine{
	"postgres": func() engine { return &postgresEngine{} },
	"sqlite":   func() engine { return newSQLiteEngine() },
}

// newEngine returns a new engine for db's dialect. The error names a dialect that is not supported, and those that are. A
// handle without a dialector is one with the name "".
func newEngine(db *gorm.DB) (engine, error) {
	name := ""
	if db.Dialector != nil {
		name = db.Name()
	}
	if create, ok := engines[name]; ok {
		return create(), nil
	}
	return nil, fmt.Errorf("the GORM dialect %q is not supported, only %s: open a database with a dialector of one of these names, "+
		"or implement core.Store and core.Users for yours (core/storetest proves a Store)",
		name, strings.Join(slices.Sorted(maps.Keys(engines)), " and "))
}
