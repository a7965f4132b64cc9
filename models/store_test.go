package models_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestRecord_UserIDsThatAreNotKeys(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		store := models.NewStore(migrateDB(t, d.open(t), &account{}))
		for _, id := range []string{"ada", "99999999999999999999", "1'; --"} {
			token := core.OutstandingToken{JTI: rand.Text(), UserID: id, CreatedAt: now, ExpiresAt: now}
			if err := store.Record(t.Context(), token); !errors.Is(err, core.ErrUserGone) {
				t.Errorf("Record for user %q: got %v, want core.ErrUserGone", id, err)
			}
			n, err := store.Revoke(t.Context(), core.Scope{UserID: id}, core.ReasonAdmin, now)
			if n != 0 || err != nil {
				t.Errorf("Revoke of user %q: got %d, %v; want 0", id, n, err)
			}
		}
	})
}

func TestRotate_UserDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		for range 50 {
			user, err := addAccount(t.Context(), db, rand.Text())
			requireNoError(t, err)
			jti := recordLogin(t, store, user)
			var group sync.WaitGroup
			group.Go(func() {
				if err := db.Exec("DELETE FROM accounts WHERE id = ?", user).Error; err != nil {
					t.Errorf("delete the user: %v", err)
				}
			})
			group.Go(func() {
				if _, ok, err := store.Rotate(t.Context(), newRotation(jti)); err != nil || !ok {
					t.Errorf("Rotate: %v, %v; want it rotated", ok, err)
				}
			})
			group.Wait()
			if got := countRows(t, db, "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE user_id IS NOT NULL"); got != 0 {
				t.Errorf("%d rows name the deleted user", got)
			}
		}
	})
}

func TestFlushExpired_WhileBlacklisting(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := createDjangoTables(t, d.open(t)) // Its foreign keys delete nothing by themselves.
		requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
		store := models.NewStore(db)
		for range 50 {
			jti := recordLogin(t, store, "")
			var group sync.WaitGroup
			group.Go(func() {
				if _, err := store.FlushExpired(t.Context(), now.Add(24*time.Hour)); err != nil {
					t.Errorf("FlushExpired: %v", err)
				}
			})
			group.Go(func() {
				if _, _, err := store.Blacklist(t.Context(), jti, nil, core.ReasonLogout, now); err != nil {
					t.Errorf("Blacklist: %v", err)
				}
			})
			group.Wait()
			if got := countRows(t, db, `SELECT count(*) FROM token_blacklist_blacklistedtoken b
				WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken o WHERE o.id = b.token_id)`); got != 0 {
				t.Errorf("%d blacklist rows without a token", got)
			}
		}
	})
}

func TestOutstandingToken_Queries(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		jti := recordLogin(t, store, user)
		_, _, err = store.Rotate(t.Context(), newRotation(jti))
		requireNoError(t, err)

		var rows []models.OutstandingToken
		requireNoError(t, db.Preload("Blacklisted").Where("user_id = ?", user).Order("id").Find(&rows).Error)
		if len(rows) != 2 || *rows[0].UserID != user || rows[0].Blacklisted == nil || rows[1].Blacklisted != nil {
			t.Fatalf("got %+v, want the consumed and the live token", rows)
		}
		if got := rows[0].Blacklisted.Reason; got == nil || *got != "rotated" {
			t.Errorf("the reason is %v, want rotated", got)
		}
		var spent models.BlacklistedToken
		requireNoError(t, db.Joins("Token").Take(&spent).Error)
		if spent.Token == nil || spent.Token.JTI != jti || spent.Token.Token != "" {
			t.Errorf("got %+v, want the row of the consumed token, without the token itself", spent.Token)
		}
	})
}

func TestNewStore_LeavesHandleAlone(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		var logged bytes.Buffer
		talkative := &gorm.Config{Logger: logger.New(log.New(&logged, "", 0), logger.Config{LogLevel: logger.Info})}
		dialector := postgres.Open(d.dsn)
		if d.name == "SQLite" {
			dialector = sqlite.Open(d.dsn)
		}
		db := migrateDB(t, openDB(t, dialector, talkative), &account{})
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		logged.Reset()
		before := *db.Config
		scoped := db.Where("1 = 0")
		store, users := models.NewStore(scoped), models.NewUsers[account](db)
		jti := recordLogin(t, store, user)
		_, _, err = store.Rotate(t.Context(), newRotation(jti))
		requireNoError(t, err)
		_, err = store.Revoke(t.Context(), core.Scope{UserID: user}, core.ReasonAdmin, now)
		requireNoError(t, err)
		ada, err := users.ByUsername(t.Context(), "ada")
		requireNoError(t, err)
		requireNoError(t, users.UpdatePassword(t.Context(), ada, "secret"))
		execSQL(t, d.open(t), "DROP TABLE token_blacklist_blacklistedtoken")
		if _, _, err := store.IsBlacklisted(t.Context(), jti); err == nil {
			t.Error("without a table: no error")
		}
		if logged.Len() > 0 {
			t.Errorf("logged: %s", strings.ReplaceAll(logged.String(), "secret", "(a secret)"))
		}
		if db.Config.SkipDefaultTransaction != before.SkipDefaultTransaction || db.Config.Logger != before.Logger {
			t.Error("the caller's handle has changed")
		}
	})
}

func TestStore_ErrorsAreNotDenials(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		store := models.NewStore(d.open(t)) // There are no tables.
		ctx := t.Context()
		errs := map[string]error{"Record": store.Record(ctx, core.OutstandingToken{JTI: "a", UserID: "1"})}
		_, ok, err := store.Rotate(ctx, newRotation("a"))
		errs["Rotate"] = err
		found, won, err := store.Blacklist(ctx, "a", nil, core.ReasonLogout, now)
		errs["Blacklist"] = err
		_, _, errs["IsBlacklisted"] = store.IsBlacklisted(ctx, "a")
		_, errs["State"] = store.State(ctx, "a", "")
		_, errs["Revoke"] = store.Revoke(ctx, core.Scope{SessionID: "a"}, core.ReasonAdmin, now)
		_, errs["FlushExpired"] = store.FlushExpired(ctx, now)
		for method, err := range errs {
			if err == nil || errors.Is(err, core.ErrUserGone) {
				t.Errorf("%s: got %v, want an error", method, err)
			}
		}
		if ok || found || won {
			t.Errorf("Rotate: %v, Blacklist: %v, %v; want false", ok, found, won)
		}
	})
}

func TestRotate_SQLiteLockEndsWithContext(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	db := migrateDB(t, d.open(t), &account{})
	impatient := strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(1)", 1)
	store := models.NewStore(openDB(t, sqlite.Open(impatient)))
	jti := recordLogin(t, store, "")

	writer := db.Begin()
	requireNoError(t, writer.Error)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, ok, err := store.Rotate(ctx, newRotation(jti)); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another writer holds the lock: %v, %v; want the context's error", ok, err)
	}
	requireNoError(t, writer.Rollback().Error)
	if _, ok, err := store.Rotate(t.Context(), newRotation(jti)); err != nil || !ok {
		t.Errorf("after that: %v, %v; want it rotated", ok, err)
	}
}

func TestRotate_SQLiteDeferredTransactions(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	dsn := strings.Replace(d.dsn, "_txlock=immediate&", "", 1)
	db := migrateDB(t, openDB(t, sqlite.Open(dsn)), &account{})
	store := models.NewStore(db)
	for range 10 {
		jti := recordLogin(t, store, "")
		wins := make([]bool, 16)
		errs := make([]error, len(wins))
		var group sync.WaitGroup
		for i := range wins {
			group.Go(func() { _, wins[i], errs[i] = store.Rotate(t.Context(), newRotation(jti)) })
		}
		group.Wait()
		requireNoError(t, errors.Join(errs...))
		wantSessionRows(t, db, jti, 2, 1)
	}
}

func TestRotate_RowWithoutSessionEnd(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		store := models.NewStore(db)
		jti := recordLogin(t, store, "")
		r := newRotation(jti)
		r.SessionLifetime = 36*time.Hour + time.Microsecond
		child, ok, err := store.Rotate(t.Context(), r)
		if err != nil || !ok {
			t.Fatalf("Rotate: %v, %v", ok, err)
		}
		end := now.Add(r.SessionLifetime)
		want := core.OutstandingToken{
			JTI: r.NewJTI, CreatedAt: now, ExpiresAt: end, SessionID: jti, ParentJTI: jti, SessionStartedAt: now, SessionExpiresAt: end,
		}
		if diff := cmp.Diff(want, child); diff != "" {
			t.Errorf("the successor (-want +got):\n%s", diff)
		}
	})
}
