package models_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// everyOperation asks a store for all that it can do.
func everyOperation(t *testing.T, store core.Store, user string) {
	t.Helper()
	ctx := t.Context()
	first := login(t, store, user)
	next := rotation(first)
	if _, ok, err := store.Rotate(ctx, next); err != nil || !ok {
		t.Fatalf("Rotate: %v, %v", ok, err)
	}
	if _, found, err := store.IsBlacklisted(ctx, first); err != nil || !found {
		t.Errorf("IsBlacklisted: %v, %v", found, err)
	}
	if state, err := store.State(ctx, first, ""); err != nil || state.Latest == nil || state.Latest.JTI != next.NewJTI {
		t.Errorf("State: %+v, %v", state, err)
	}
	if all, err := store.Sessions(ctx, user, now); err != nil || len(all) != 1 {
		t.Errorf("Sessions: %v, %v", all, err)
	}
	if found, won, err := store.Blacklist(ctx, next.NewJTI, nil, core.ReasonLogout, now); err != nil || !found || !won {
		t.Errorf("Blacklist: %v, %v, %v", found, won, err)
	}
	login(t, store, user)
	if n, err := store.Revoke(ctx, core.Scope{UserID: user}, core.ReasonAdmin, now); err != nil || n != 1 {
		t.Errorf("Revoke: %d, %v", n, err)
	}
	if n, err := store.FlushExpired(ctx, now.Add(100*time.Hour)); err != nil || n != 3 {
		t.Errorf("FlushExpired: %d, %v", n, err)
	}
}

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

func TestAllStatementsGoToThePrimaryThatAPluginChooses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gorm:db_resolver", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, d database) {
				// Neither the handle's own connections nor the replica's lead to a database with tables.
				empty := func() *gorm.DB {
					if d.name == "SQLite" {
						return open(t, sqlite.Open(sqliteDSN(filepath.Join(t.TempDir(), "empty.db"))))
					}
					return onPostgres(t).open(t)
				}
				primary := migrated(t, d.open(t), &account{})
				user, err := addAccount(t.Context(), primary, "ada")
				must(t, err)
				db := empty()
				must(t, db.Use(&resolver{name, primary.ConnPool, empty().ConnPool}))
				everyOperation(t, models.NewStore(db), user)
			})
		})
	}
}

func TestAStoreWorksInsideATransaction(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		user, err := addAccount(t.Context(), migrated(t, d.open(t), &account{}), "ada")
		must(t, err)
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}} {
			db := reopen(t, d, options)
			tx := db.Begin()
			must(t, tx.Error)
			store := models.NewStore(tx)
			everyOperation(t, store, user)
			jti := login(t, store, user)
			must(t, tx.Rollback().Error)
			wantRows(t, db, jti, 0, 0)
			everyOperation(t, models.NewStore(db), user)
		}
	})
}

func TestConnectionsThatAreNotThereAreAnError(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}} {
			db := reopen(t, d, options)
			closed := models.NewStore(db)
			pool, err := db.DB()
			must(t, err)
			must(t, pool.Close())
			db.Statement.ConnPool = nil
			for name, store := range map[string]*models.Store{"closed": closed, "no": models.NewStore(db)} {
				if _, _, err := store.IsBlacklisted(t.Context(), "a"); err == nil {
					t.Errorf("%s connections: IsBlacklisted gives no error", name)
				}
				if _, ok, err := store.Rotate(t.Context(), rotation("a")); err == nil || ok {
					t.Errorf("%s connections: Rotate gives no error", name)
				}
				if _, err := store.FlushExpired(t.Context(), now); err == nil {
					t.Errorf("%s connections: FlushExpired gives no error", name)
				}
			}
		}
	})
}
