package models_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/storetest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestStore_ContractDjangoTables(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEachForm(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			db := createDjangoTables(t, d.open(t))
			requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
			h := newHarness(db, d.open)
			h.DeleteUser = func(ctx context.Context, id string) error { // Django's ORM does both; the database does neither.
				return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
					if err := tx.Exec("UPDATE token_blacklist_outstandingtoken SET user_id = NULL WHERE user_id = ?", id).Error; err != nil {
						return err
					}
					return tx.Exec("DELETE FROM accounts WHERE id = ?", id).Error
				})
			}
			return h
		})
	})
}

func TestStore_ContractThroughPgBouncer(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	d := newPgBouncerDatabase(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return newHarness(migrateDB(t, d.open(t), &account{}), d.open)
	})
}

func TestStore_Contract(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			return newHarness(migrateDB(t, d.open(t), &account{}), d.open)
		})
	})
}

func TestStore_ContractOnPostgreSQL(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	for _, c := range []struct {
		name    string
		config  postgres.Config
		options gorm.Config
		setting string
	}{
		{name: "with GORM's prepared statements", options: gorm.Config{PrepareStmt: true}},
		{name: "with translated errors", options: gorm.Config{TranslateError: true}},
		{name: "with the simple protocol", config: postgres.Config{PreferSimpleProtocol: true}},
		{name: "where transactions are serializable by default", setting: "serializable"},
		{name: "where transactions are repeatable read by default", setting: "repeatable read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.DSN = postgresDSN(t)
			if c.setting != "" {
				execSQL(t, openDB(t, postgres.Open(c.config.DSN)),
					`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''`+c.setting+`''', current_database()); END $$`)
			}
			pool := func(t testing.TB) *gorm.DB { return openDB(t, postgres.New(c.config), &c.options) }
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				return newHarness(migrateDB(t, pool(t), &account{}), pool)
			})
		})
	}
}

func TestStore_ContractUUIDUsers(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEachForm(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			db := migrateDB(t, d.open(t), &member{})
			h := newHarness(db, d.open)
			h.AddUser = func(ctx context.Context) (string, error) {
				m := member{ID: uuid.New(), Email: rand.Text()}
				return m.AuthID(), db.WithContext(ctx).Create(&m).Error
			}
			h.DeleteUser = func(ctx context.Context, id string) error {
				return db.WithContext(ctx).Delete(&member{}, "id = ?", id).Error
			}
			return h
		})
	})
}

func TestStore_ContractWithoutUsers(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEachForm(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			db := d.open(t)
			requireNoError(t, models.AutoMigrate(t.Context(), db, nil))
			h := newHarness(db, d.open)
			h.AddUser, h.DeleteUser, h.EnforcesUsers = nil, nil, false
			return h
		})
	})
}

// newHarness returns a store whose users are accounts, for storetest.
func newHarness(db *gorm.DB, again func(testing.TB) *gorm.DB) storetest.Harness {
	return storetest.Harness{
		Store:   models.NewStore(db),
		Again:   func(t *testing.T) core.Store { return models.NewStore(again(t)) },
		AddUser: func(ctx context.Context) (string, error) { return addAccount(ctx, db, rand.Text()) },
		DeleteUser: func(ctx context.Context, id string) error {
			return db.WithContext(ctx).Unscoped().Delete(&account{}, "id = ?", id).Error
		},
		EnforcesUsers: true,
	}
}
