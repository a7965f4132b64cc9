package models_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/models"
)

// resolver is a plugin that chooses the connections of each statement as GORM's dbresolver does.
type resolver struct {
	name            string
	source, replica gorm.ConnPool
}

func (r *resolver) Name() string { return r.name }

func (r *resolver) Initialize(db *gorm.DB) error {
	choose := func(db *gorm.DB, writes bool) {
		if _, ok := db.Statement.ConnPool.(gorm.TxCommitter); ok {
			return
		}
		db.Statement.ConnPool = r.replica
		if _, asked := db.Statement.Settings.Load("gorm:db_resolver:write"); writes || asked {
			db.Statement.ConnPool = r.source
		}
	}
	write, read := func(db *gorm.DB) { choose(db, true) }, func(db *gorm.DB) { choose(db, false) }
	on := db.Callback()
	return errors.Join(
		on.Create().Before("*").Register(r.name, write), on.Update().Before("*").Register(r.name, write),
		on.Delete().Before("*").Register(r.name, write), on.Query().Before("*").Register(r.name, read),
		on.Row().Before("*").Register(r.name, read), on.Raw().Before("*").Register(r.name, read))
}

func TestStore_ResolverPlugin(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gorm:db_resolver", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runOnEach(t, func(t *testing.T, d database) {
				// Neither the handle's own connections nor the replica's lead to a database with tables.
				empty := func() *gorm.DB {
					if d.name == "SQLite" {
						return openDB(t, sqlite.Open(sqliteDSN(filepath.Join(t.TempDir(), "empty.db"))))
					}
					return newPostgresDatabase(t).open(t)
				}
				primary := migrateDB(t, d.open(t), &account{})
				user, err := addAccount(t.Context(), primary, "ada")
				requireNoError(t, err)
				db := empty()
				requireNoError(t, db.Use(&resolver{name, primary.ConnPool, empty().ConnPool}))
				runEveryOperation(t, models.NewStore(db), user)
			})
		})
	}
}

func TestStore_InsideTransaction(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		user, err := addAccount(t.Context(), migrateDB(t, d.open(t), &account{}), "ada")
		requireNoError(t, err)
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}} {
			db := reopenDB(t, d, options)
			tx := db.Begin()
			requireNoError(t, tx.Error)
			store := models.NewStore(tx)
			runEveryOperation(t, store, user)
			jti := recordLogin(t, store, user)
			requireNoError(t, tx.Rollback().Error)
			wantSessionRows(t, db, jti, 0, 0)
			runEveryOperation(t, models.NewStore(db), user)
		}
	})
}

func TestStore_ClosedConnections(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}} {
			db := reopenDB(t, d, options)
			closed := models.NewStore(db)
			pool, err := db.DB()
			requireNoError(t, err)
			requireNoError(t, pool.Close())
			db.Statement.ConnPool = nil
			for name, store := range map[string]*models.Store{"closed": closed, "no": models.NewStore(db)} {
				if _, _, err := store.IsBlacklisted(t.Context(), "a"); err == nil {
					t.Errorf("%s connections: IsBlacklisted gives no error", name)
				}
				if _, ok, err := store.Rotate(t.Context(), newRotation("a")); err == nil || ok {
					t.Errorf("%s connections: Rotate gives no error", name)
				}
				if _, err := store.FlushExpired(t.Context(), now); err == nil {
					t.Errorf("%s connections: FlushExpired gives no error", name)
				}
			}
		}
	})
}
