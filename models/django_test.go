package models_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/storetest"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestStore_ContractDjangoTables(t *testing.T) {
	t.Parallel()
	runOnEachForm(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			db := createDjangoTables(t, d.open(t))
			requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
			h := newHarness(db, d.open)
			h.DeleteUser = func(ctx context.Context, id string) error { // Django's ORM does both, the database neither.
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

func TestAutoMigrate_DjangoPostgreSQL(t *testing.T) {
	t.Parallel()
	db := createDjangoTables(t, newPostgresDatabase(t).open(t))
	before := listCatalog(t, db)
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	after := listCatalog(t, db)

	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("AutoMigrate changed %s", line)
		}
	}
	added := slices.DeleteFunc(slices.Clone(after), func(line string) bool { return slices.Contains(before, line) })
	want := []string{
		"token_blacklist_blacklistedtoken.reason character varying(32)",
		"token_blacklist_outstandingtoken.device_name character varying(150)",
		"token_blacklist_outstandingtoken.ip character varying(45)",
		"token_blacklist_outstandingtoken.parent_jti character varying(255)",
		"token_blacklist_outstandingtoken.session_expires_at timestamp with time zone",
		"token_blacklist_outstandingtoken.session_id character varying(255)",
		"token_blacklist_outstandingtoken.session_started_at timestamp with time zone",
		"token_blacklist_outstandingtoken.user_agent character varying(512)",
		"CREATE INDEX token_blacklist_outstandingtoken_expires ON public.token_blacklist_outstandingtoken USING btree (expires_at)",
		"CREATE INDEX token_blacklist_outstandingtoken_session ON public.token_blacklist_outstandingtoken USING btree (session_id, id)",
		"CREATE INDEX token_blacklist_outstandingtoken_user_expires ON public.token_blacklist_outstandingtoken USING btree (user_id, expires_at)",
	}
	if diff := cmp.Diff(want, added); diff != "" {
		t.Errorf("what AutoMigrate added (-want +got):\n%s", diff)
	}
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	if diff := cmp.Diff(after, listCatalog(t, db)); diff != "" {
		t.Errorf("a second AutoMigrate changed (-want +got):\n%s", diff)
	}
}

func TestAutoMigrate_DjangoSQLite(t *testing.T) {
	t.Parallel()
	db := createDjangoTables(t, newSQLiteDatabase(t).open(t))
	before := listCatalog(t, db)
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	after := listCatalog(t, db)
	for _, line := range before {
		kept := func(now string) bool { return strings.HasPrefix(now, strings.TrimSuffix(line, ")")) }
		if !slices.ContainsFunc(after, kept) {
			t.Errorf("AutoMigrate changed %s", line)
		}
	}
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	if diff := cmp.Diff(after, listCatalog(t, db)); diff != "" {
		t.Errorf("a second AutoMigrate changed (-want +got):\n%s", diff)
	}
}

func TestStore_DjangoRows(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		ctx, db := t.Context(), createDjangoTables(t, d.open(t))
		requireNoError(t, models.AutoMigrate(ctx, db, &account{}))
		id, err := addAccount(ctx, db, "ada")
		requireNoError(t, err)
		// Django writes SQLite's times without an offset; here a PostgreSQL session in UTC reads the same text.
		execSQL(t, db,
			`INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at)
			 VALUES (`+id+`, 'first', 'ey', '2040-03-04 04:06:07.891011', '2040-03-05 04:06:07.891011')`,
			`INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at)
			 VALUES (`+id+`, 'spent', 'ey', '2040-03-04 04:06:07', '2040-03-05 04:06:07')`,
			`INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
			 SELECT '2040-03-04 05:00:00', id FROM token_blacklist_outstandingtoken WHERE jti = 'spent'`)
		store := models.NewStore(db)

		got, err := store.State(ctx, "spent", "")
		requireNoError(t, err)
		want := &core.TokenState{
			OutstandingToken: core.OutstandingToken{
				JTI: "spent", UserID: id, CreatedAt: now.Add(-time.Hour).Truncate(time.Second),
				ExpiresAt: now.Add(23 * time.Hour).Truncate(time.Second),
			},
			Blacklisted: true, BlacklistedAt: time.Date(2040, time.March, 4, 5, 0, 0, 0, time.UTC),
		}
		if diff := cmp.Diff(core.SessionState{Presented: want, Latest: want}, got); diff != "" {
			t.Errorf("State of Django's token (-want +got):\n%s", diff)
		}

		child, ok, err := store.Rotate(ctx, core.Rotation{
			JTI: "first", NewJTI: "second", Now: now, ActiveAfter: now, ExpiresAt: now.Add(48 * time.Hour),
			SessionLifetime: 2 * time.Hour, Consume: true,
		})
		if err != nil || !ok {
			t.Fatalf("Rotate of Django's token: %v, %v", ok, err)
		}
		end := now.Add(time.Hour)
		wantChild := core.OutstandingToken{
			JTI: "second", UserID: id, CreatedAt: now, ExpiresAt: end, SessionID: "first", ParentJTI: "first", SessionExpiresAt: end,
		}
		if diff := cmp.Diff(wantChild, child); diff != "" {
			t.Errorf("the successor of Django's token (-want +got):\n%s", diff)
		}
		n, err := store.Revoke(ctx, core.Scope{SessionID: "first"}, core.ReasonLogout, now)
		if err != nil || n != 1 {
			t.Errorf("Revoke of the session of Django's token: %d, %v; want the successor", n, err)
		}
		n, err = store.FlushExpired(ctx, now.Add(72*time.Hour))
		if err != nil || n != 3 {
			t.Errorf("FlushExpired: %d, %v; want all 3", n, err)
		}
	})
}
