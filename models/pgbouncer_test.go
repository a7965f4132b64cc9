package models_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core/storetest"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// throughPgBouncer is what a DSN needs where PgBouncer pools by transactions. pgx's own default prepares statements by
// name, and those stay behind on a connection that the next transaction does not get. PgBouncer knows them from 1.21 on.
const throughPgBouncer = "&default_query_exec_mode=exec"

// onPgBouncer is a database whose few connections PgBouncer hands on from transaction to transaction.
func newPgBouncerDatabase(t testing.TB) database {
	const servers = 4
	dsn := pgtest.PgBouncer(t, pgtest.DSN(t), servers) + throughPgBouncer
	return database{"PgBouncer", dsn, func(t testing.TB) *gorm.DB { return openDB(t, postgres.Open(dsn)) }}
}

func TestStore_ContractThroughPgBouncer(t *testing.T) {
	t.Parallel()
	d := newPgBouncerDatabase(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return newHarness(migrateDB(t, d.open(t), &account{}), d.open)
	})
}

func TestRotate_ThroughPgBouncer(t *testing.T) {
	t.Parallel()
	const programs, rounds = 32, 20
	d := newPgBouncerDatabase(t)
	db := d.open(t)
	requireNoError(t, db.AutoMigrate(&account{}))
	pools := make([]*gorm.DB, programs)
	for i := range pools {
		pools[i] = d.open(t)
	}
	// all has every program do it at once.
	all := func(do func(pool *gorm.DB) error) {
		t.Helper()
		errs := make([]error, programs)
		var group sync.WaitGroup
		for i, pool := range pools {
			group.Go(func() { errs[i] = do(pool) })
		}
		group.Wait()
		requireNoError(t, errors.Join(errs...))
	}
	all(func(pool *gorm.DB) error { return models.AutoMigrate(t.Context(), pool, &account{}) })
	for range rounds {
		jti := recordLogin(t, models.NewStore(db), "")
		var wins atomic.Int64
		all(func(pool *gorm.DB) error {
			_, ok, err := models.NewStore(pool).Rotate(t.Context(), newRotation(jti))
			if ok {
				wins.Add(1)
			}
			return err
		})
		if wins.Load() != 1 {
			t.Errorf("%d of %d rotations of one token won, want 1", wins.Load(), programs)
		}
		wantSessionRows(t, db, jti, 2, 1)
	}
}
