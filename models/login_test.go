package models_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestRecordLogin(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}, {TranslateError: true}} {
			checkRecordLogin(t, func() *gorm.DB { return reopenDB(t, d, options) })
		}
	})
	t.Run("PostgreSQL with the simple protocol", func(t *testing.T) {
		t.Parallel()
		config := postgres.Config{DSN: newPostgresDatabase(t).dsn, PreferSimpleProtocol: true}
		checkRecordLogin(t, func() *gorm.DB { return openDB(t, postgres.New(config)) })
	})
}

// checkRecordLogin checks RecordLogin for users with keys of every kind.
func checkRecordLogin(t *testing.T, reopen func() *gorm.DB) {
	t.Helper()
	people := &account{Username: rand.Text(), Password: "old"}
	checkRecordLoginOf(t, reopen(), &account{}, people, "accounts", "password", "UPDATE accounts SET deleted_at = '2040-01-01 00:00:00+00:00'")
	checkRecordLoginOf(t, reopen(), &member{}, &member{ID: uuid.New(), Email: rand.Text(), Hash: "old"}, "members", "hash", "DELETE FROM members")
	checkRecordLoginOf(t, reopen(), &badge{}, &badge{Code: rand.Text(), Username: rand.Text(), Password: "old"}, "badges", "password", "DELETE FROM badges")
	// Ids are text, without a foreign key.
	checkRecordLoginOf(t, reopen(), nil, &member{ID: uuid.New(), Email: rand.Text(), Hash: "old"}, "members", "hash", "DELETE FROM members")
}

func checkRecordLoginOf(t *testing.T, db *gorm.DB, model any, user simplejwt.User, table, column, gone string) {
	t.Helper()
	execSQL(t, db, "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken", "DROP TABLE IF EXISTS token_blacklist_outstandingtoken")
	requireNoError(t, db.AutoMigrate(&account{}, &member{}, &badge{}))
	requireNoError(t, models.AutoMigrate(t.Context(), db, model))
	requireNoError(t, db.Create(user).Error)
	store := models.NewStore(db)
	var users core.Users = models.NewUsers[account](db)
	switch user.(type) {
	case *member:
		users = models.NewUsers[member](db)
	case *badge:
		users = models.NewUsers[badge](db)
	}
	record := func(what string, want bool) {
		t.Helper()
		token := newLoginRecord(user)
		got, err := store.RecordLogin(t.Context(), token, users, user)
		if err != nil || got != want {
			t.Errorf("%s, %s: recorded %v, error %v; want %v", table, what, got, err, want)
		}
		state, err := store.State(t.Context(), token.JTI, "")
		requireNoError(t, err)
		if here := state.Presented; here != nil != want || want && here.OutstandingToken != token {
			t.Errorf("%s, %s: on record is %+v, want %v", table, what, here, want)
		}
	}
	record("the same password", true)
	execSQL(t, db, "UPDATE "+table+" SET "+column+" = 'new'")
	record("another password", false)
	execSQL(t, db, "UPDATE "+table+" SET "+column+" = 'old'")
	record("the old one again", true)
	execSQL(t, db, gone)
	record("a user who is gone", false)
}

func TestRecordLogin_Unsupported(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		user := account{Username: "ada", Password: "old"}
		requireNoError(t, db.Create(&user).Error)
		resolved := d.open(t)
		requireNoError(t, resolved.Use(&resolver{"gorm:db_resolver", resolved.ConnPool, resolved.ConnPool}))
		for name, c := range map[string]struct {
			store *models.Store
			users core.Users
			user  simplejwt.User
		}{
			"other connections":       {models.NewStore(db), models.NewUsers[account](d.open(t)), &user},
			"another kind of users":   {models.NewStore(db), struct{ core.Users }{models.NewUsers[account](db)}, &user},
			"another kind of user":    {models.NewStore(db), models.NewUsers[account](db), &member{}},
			"no column of a password": {models.NewStore(db), models.NewUsers[passwordless](db), &passwordless{ID: 1}},
			"chosen connections":      {models.NewStore(resolved), models.NewUsers[account](resolved), &user},
		} {
			token := newLoginRecord(c.user)
			if got, err := c.store.RecordLogin(t.Context(), token, c.users, c.user); got || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: recorded %v, error %v; want errors.ErrUnsupported", name, got, err)
			}
			if n := countRows(t, db, rowsOfJTI, token.JTI); n != 0 {
				t.Errorf("%s: %d rows", name, n)
			}
		}
	})
}

type passwordless struct {
	ID       int64
	Username string `gorm:"uniqueIndex"`
}

func (p *passwordless) AuthID() string { return fmt.Sprint(p.ID) }

func (p *passwordless) AuthActive() bool { return true }

func (p *passwordless) AuthPassword() string { return "" }

// Where the program may only read users, their rows cannot be locked, and core records the login without RecordLogin.
func TestRecordLogin_LockDenied(t *testing.T) {
	t.Parallel()
	db := migrateDB(t, newPostgresDatabase(t).open(t), &account{})
	user := account{Username: "ada", Password: "old", IsActive: true}
	requireNoError(t, db.Create(&user).Error)
	role := "reader_" + strings.ToLower(rand.Text())
	requireNoError(t, db.Connection(func(tx *gorm.DB) error {
		execSQL(t, tx, "CREATE ROLE "+role, "GRANT SELECT ON accounts TO "+role,
			"GRANT ALL ON token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken TO "+role, "SET ROLE "+role)
		defer execSQL(t, tx, "RESET ROLE", "DROP OWNED BY "+role, "DROP ROLE "+role)
		store, users := models.NewStore(tx), models.NewUsers[account](tx)
		for range 2 {
			token := newLoginRecord(&user)
			if got, err := store.RecordLogin(t.Context(), token, users, &user); got || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("recorded %v, error %v; want errors.ErrUnsupported", got, err)
			}
			requireNoError(t, store.Record(t.Context(), token))
		}
		return nil
	}))
}

// The statement that changes the password comes first, and is committed only while the login is under way.
func TestRecordLogin_WaitsForPasswordChange(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		for _, level := range isolationLevels(d) {
			setIsolationLevel(t, db, level)
			pool := d.open(t)
			store, users := models.NewStore(pool), models.NewUsers[account](pool)
			for _, commit := range []bool{true, false} {
				user := account{Username: rand.Text(), Password: "old"}
				requireNoError(t, db.Create(&user).Error)
				token := newLoginRecord(&user)
				change := db.Begin()
				requireNoError(t, change.Error)
				execSQL(t, change, fmt.Sprintf("UPDATE accounts SET password = 'new' WHERE id = %d", user.ID))

				var recorded bool
				var err error
				var group sync.WaitGroup
				group.Go(func() { recorded, err = store.RecordLogin(t.Context(), token, users, &user) })
				waitForLock(t, d, db)
				if commit {
					requireNoError(t, change.Commit().Error)
				} else {
					requireNoError(t, change.Rollback().Error)
				}
				group.Wait()
				if err != nil || recorded == commit {
					t.Errorf("%s, committed %v: recorded %v, error %v", level, commit, recorded, err)
				}
				if n := countRows(t, db, rowsOfJTI, token.JTI); n != 0 == commit {
					t.Errorf("%s, committed %v: %d rows", level, commit, n)
				}
			}
		}
	})
}

// The login's statement comes first: what changes the password waits for it, and then there is something to revoke.
func TestRecordLogin_HoldsUpPasswordChange(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		user := account{Username: "ada", Password: "old"}
		requireNoError(t, db.Create(&user).Error)
		tx := d.open(t).Begin() // keeps the login's statement uncommitted
		requireNoError(t, tx.Error)
		recorded, err := models.NewStore(tx).RecordLogin(t.Context(), newLoginRecord(&user), models.NewUsers[account](tx), &user)
		if err != nil || !recorded {
			t.Fatalf("recorded %v, error %v", recorded, err)
		}
		var n int
		changed := make(chan error, 1)
		go func() {
			err := db.Model(&user).UpdateColumn("password", "new").Error
			if err == nil {
				n, err = models.NewStore(db).Revoke(t.Context(), core.Scope{UserID: user.AuthID()}, core.ReasonPassword, now)
			}
			changed <- err
		}()
		waitForLock(t, d, tx)
		if len(changed) > 0 {
			t.Error("the password was changed while a login was being recorded")
		}
		requireNoError(t, tx.Commit().Error)
		if err := <-changed; err != nil || n != 1 {
			t.Errorf("%d tokens were revoked, error %v; want the login's", n, err)
		}
	})
}

const liveTokensOfUser = `SELECT count(*) FROM token_blacklist_outstandingtoken o
	WHERE o.user_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`

func TestRecordLogin_RacingPasswordChange(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		for _, level := range isolationLevels(d) {
			setIsolationLevel(t, db, level)
			one, other := d.open(t), d.open(t)
			connections, err := one.DB()
			requireNoError(t, err)
			connections.SetMaxIdleConns(4)
			store, users, sweeper := models.NewStore(one), models.NewUsers[account](one), models.NewStore(other)
			recorded, declined := 0, 0
			for range pickByLevel(30, 200) / len(isolationLevels(d)) {
				user := account{Username: rand.Text(), Password: "old"}
				requireNoError(t, db.Create(&user).Error)
				logins := make([]bool, 4)
				errs := make([]error, len(logins)+1)
				var group sync.WaitGroup
				for i := range logins {
					group.Go(func() { logins[i], errs[i] = store.RecordLogin(t.Context(), newLoginRecord(&user), users, &user) })
				}
				group.Go(func() {
					err := other.Model(&account{}).Where("id = ?", user.ID).UpdateColumn("password", "new").Error
					for err != nil && strings.Contains(err.Error(), "40001") {
						err = other.Model(&account{}).Where("id = ?", user.ID).UpdateColumn("password", "new").Error
					}
					if err == nil {
						_, err = sweeper.Revoke(t.Context(), core.Scope{UserID: user.AuthID()}, core.ReasonPassword, now)
					}
					errs[len(logins)] = err
				})
				group.Wait()
				requireNoError(t, errors.Join(errs...))
				for _, one := range logins {
					if one {
						recorded++
					} else {
						declined++
					}
				}
				if n := countRows(t, db, liveTokensOfUser, user.ID); n != 0 {
					t.Fatalf("%d tokens of the old password are live", n)
				}
			}
			t.Logf("%s: %d logins were recorded and revoked, %d declined", level, recorded, declined)
		}
	})
}

// The same through core.Auth: the password changes after it was checked.
func TestRecordLogin_PasswordChangedDuringLogin(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	requireNoError(t, err)
	hash := func(password string) string {
		encoded, err := h.Make(t.Context(), password)
		requireNoError(t, err)
		return encoded
	}
	old, again, other := hash("secret"), hash("secret"), hash("another")
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		for name, c := range map[string]struct {
			now  string // the hash that is stored meanwhile, "" where the user is deleted
			want error
		}{
			"the same hash":                     {old, nil},
			"another hash of the same password": {again, nil},
			"another password":                  {other, core.ErrNoActiveAccount},
			"deleted":                           {"", core.ErrNoActiveAccount},
		} {
			for _, sliding := range []bool{false, true} {
				user := account{Username: rand.Text(), Password: old, IsActive: true}
				requireNoError(t, db.Create(&user).Error)
				pool := d.open(t)
				store := &beforeLogin{Store: models.NewStore(pool), do: func() {
					change := db.Model(&user).UpdateColumn("password", c.now)
					if c.now == "" {
						change = db.Unscoped().Delete(&user)
					}
					requireNoError(t, change.Error)
				}}
				auth, err := core.New(simplejwt.Settings{SigningKey: strings.Repeat("k", 32)}, core.Deps{
					Store: store, Users: models.NewUsers[account](pool), Logger: slog.New(slog.DiscardHandler), PasswordHashers: h,
				})
				requireNoError(t, err)
				if sliding {
					_, _, err = auth.ObtainSliding(t.Context(), user.Username, "secret")
				} else {
					_, _, err = auth.ObtainPair(t.Context(), user.Username, "secret")
				}
				if !matchesError(err, c.want) {
					t.Errorf("%s, sliding %v: error %v, want %v", name, sliding, err, c.want)
				}
				want := 1
				if c.want != nil {
					want = 0
				}
				if n := countRows(t, db, liveTokensOfUser, user.ID); n != want {
					t.Errorf("%s, sliding %v: %d live tokens, want %d", name, sliding, n, want)
				}
			}
		}
	})
}

// beforeLogin does something just before a login is recorded.
type beforeLogin struct {
	*models.Store
	do func()
}

func (s *beforeLogin) RecordLogin(ctx context.Context, t core.OutstandingToken, users core.Users, user simplejwt.User) (bool, error) {
	s.do()
	return s.Store.RecordLogin(ctx, t, users, user)
}
