package models_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestStore_SQLiteWritersQueue(t *testing.T) {
	t.Parallel()
	d := newSQLiteDatabase(t)
	db := migrateDB(t, d.open(t), &account{})
	user := account{Username: "ada", Password: "old"}
	requireNoError(t, db.Create(&user).Error)
	d.dsn = strings.Replace(d.dsn, "busy_timeout(10000)", "busy_timeout(0)", 1)
	var seen outage
	counted := openFailing(t, d, &seen)
	store, users := models.NewStore(counted), models.NewUsers[account](counted)
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for range pickByLevel(5, 20) {
				token := newLoginRecord(&user)
				_, err := store.RecordLogin(t.Context(), token, users, &user)
				_, _, rotateErr := store.Rotate(t.Context(), newRotation(token.JTI))
				_, revokeErr := store.Revoke(t.Context(), core.Scope{SessionID: token.SessionID}, core.ReasonLogout, now)
				_, _, blacklistErr := store.Blacklist(t.Context(), token.JTI, nil, core.ReasonLogout, now)
				_, flushErr := store.FlushExpired(t.Context(), now.Add(-time.Hour))
				if errors.Is(flushErr, core.ErrFlushRunning) {
					flushErr = nil
				}
				errs[i] = errors.Join(errs[i], err, rotateErr, revokeErr, blacklistErr, flushErr)
			}
		})
	}
	group.Wait()
	requireNoError(t, errors.Join(errs...))
	if seen.failures > 0 {
		t.Errorf("%d statements failed, and were tried again after a pause", seen.failures)
	}
}

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
