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
	"time"

	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
)

// firstToken is the record of a login.
func firstToken(user simplejwt.User) core.OutstandingToken {
	jti := rand.Text()
	return core.OutstandingToken{JTI: jti, UserID: user.AuthID(), CreatedAt: now, ExpiresAt: now.Add(time.Hour), SessionID: jti, SessionStartedAt: now}
}

const rowsOfJTI = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti = ?"

func TestALoginIsRecordedWhileTheUserHasThePassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		for _, options := range []gorm.Config{{}, {PrepareStmt: true}, {TranslateError: true}} {
			recordsLogins(t, func() *gorm.DB { return reopen(t, d, options) })
		}
	})
	t.Run("PostgreSQL with the simple protocol", func(t *testing.T) {
		t.Parallel()
		config := postgres.Config{DSN: onPostgres(t).dsn, PreferSimpleProtocol: true}
		recordsLogins(t, func() *gorm.DB { return open(t, postgres.New(config)) })
	})
}

// recordsLogins checks RecordLogin for users with keys of every kind.
func recordsLogins(t *testing.T, reopen func() *gorm.DB) {
	t.Helper()
	people := &account{Username: rand.Text(), Password: "old"}
	recordsLoginsOf(t, reopen(), &account{}, people, "accounts", "password", "UPDATE accounts SET deleted_at = '2040-01-01 00:00:00+00:00'")
	recordsLoginsOf(t, reopen(), &member{}, &member{ID: uuid.New(), Email: rand.Text(), Hash: "old"}, "members", "hash", "DELETE FROM members")
	recordsLoginsOf(t, reopen(), &badge{}, &badge{Code: rand.Text(), Username: rand.Text(), Password: "old"}, "badges", "password", "DELETE FROM badges")
	// Ids are text, without a foreign key.
	recordsLoginsOf(t, reopen(), nil, &member{ID: uuid.New(), Email: rand.Text(), Hash: "old"}, "members", "hash", "DELETE FROM members")
}

func recordsLoginsOf(t *testing.T, db *gorm.DB, model any, user simplejwt.User, table, column, gone string) {
	t.Helper()
	execute(t, db, "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken", "DROP TABLE IF EXISTS token_blacklist_outstandingtoken")
	must(t, db.AutoMigrate(&account{}, &member{}, &badge{}))
	must(t, models.AutoMigrate(t.Context(), db, model))
	must(t, db.Create(user).Error)
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
		token := firstToken(user)
		got, err := store.RecordLogin(t.Context(), token, users, user)
		if err != nil || got != want {
			t.Errorf("%s, %s: recorded %v, error %v; want %v", table, what, got, err, want)
		}
		state, err := store.State(t.Context(), token.JTI, "")
		must(t, err)
		if here := state.Presented; here != nil != want || want && here.OutstandingToken != token {
			t.Errorf("%s, %s: on record is %+v, want %v", table, what, here, want)
		}
	}
	record("the same password", true)
	execute(t, db, "UPDATE "+table+" SET "+column+" = 'new'")
	record("another password", false)
	execute(t, db, "UPDATE "+table+" SET "+column+" = 'old'")
	record("the old one again", true)
	execute(t, db, gone)
	record("a user who is gone", false)
}

func TestALoginOfUsersElsewhereIsNotForTheStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		user := account{Username: "ada", Password: "old"}
		must(t, db.Create(&user).Error)
		resolved := d.open(t)
		must(t, resolved.Use(&resolver{"gorm:db_resolver", resolved.ConnPool, resolved.ConnPool}))
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
			token := firstToken(c.user)
			if got, err := c.store.RecordLogin(t.Context(), token, c.users, c.user); got || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: recorded %v, error %v; want errors.ErrUnsupported", name, got, err)
			}
			if n := count(t, db, rowsOfJTI, token.JTI); n != 0 {
				t.Errorf("%s: %d rows", name, n)
			}
		}
	})
}

type passwordless struct {
	ID       int64
	Username string `gorm:"uniqueIndex"`
}

func (p *passwordless) AuthID() string       { return fmt.Sprint(p.ID) }
func (p *passwordless) AuthActive() bool     { return true }
func (p *passwordless) AuthPassword() string { return "" }

// Where the program may only read users, their rows can't be locked, and a login takes the longer way.
func TestALoginWithoutTheRightToLockUsersIsNotForTheStore(t *testing.T) {
	t.Parallel()
	db := migrated(t, onPostgres(t).open(t), &account{})
	user := account{Username: "ada", Password: "old", IsActive: true}
	must(t, db.Create(&user).Error)
	role := "reader_" + strings.ToLower(rand.Text())
	must(t, db.Connection(func(tx *gorm.DB) error {
		execute(t, tx, "CREATE ROLE "+role, "GRANT SELECT ON accounts TO "+role,
			"GRANT ALL ON token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken TO "+role, "SET ROLE "+role)
		defer execute(t, tx, "RESET ROLE", "DROP OWNED BY "+role, "DROP ROLE "+role)
		store, users := models.NewStore(tx), models.NewUsers[account](tx)
		for range 2 {
			token := firstToken(&user)
			if got, err := store.RecordLogin(t.Context(), token, users, &user); got || !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("recorded %v, error %v; want errors.ErrUnsupported", got, err)
			}
			must(t, store.Record(t.Context(), token))
		}
		return nil
	}))
}

// waitsForALock waits until a statement of the database waits for a lock.
func waitsForALock(t *testing.T, d database, db *gorm.DB) {
	t.Helper()
	if d.name == "SQLite" {
		time.Sleep(100 * time.Millisecond) // who waits there can't be asked
		return
	}
	for range 500 {
		if count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("nobody waits for a lock")
}

// levels are the isolation levels that a database may have as its default; SQLite has one.
func levels(d database) []string {
	if d.name == "SQLite" {
		return []string{""}
	}
	return []string{"read committed", "repeatable read", "serializable"}
}

// setLevel makes a level the default of connections that are opened from now on.
func setLevel(t *testing.T, db *gorm.DB, level string) {
	t.Helper()
	if level != "" {
		execute(t, db, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''`+level+`''', current_database()); END $$`)
	}
}

// The statement that changes the password comes first, and is committed only while the login is under way.
func TestALoginWaitsForAPasswordThatIsBeingChanged(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		for _, level := range levels(d) {
			setLevel(t, db, level)
			pool := d.open(t)
			store, users := models.NewStore(pool), models.NewUsers[account](pool)
			for _, commit := range []bool{true, false} {
				user := account{Username: rand.Text(), Password: "old"}
				must(t, db.Create(&user).Error)
				token := firstToken(&user)
				change := db.Begin()
				must(t, change.Error)
				execute(t, change, fmt.Sprintf("UPDATE accounts SET password = 'new' WHERE id = %d", user.ID))

				var recorded bool
				var err error
				var group sync.WaitGroup
				group.Go(func() { recorded, err = store.RecordLogin(t.Context(), token, users, &user) })
				waitsForALock(t, d, db)
				if commit {
					must(t, change.Commit().Error)
				} else {
					must(t, change.Rollback().Error)
				}
				group.Wait()
				if err != nil || recorded == commit {
					t.Errorf("%s, committed %v: recorded %v, error %v", level, commit, recorded, err)
				}
				if n := count(t, db, rowsOfJTI, token.JTI); n != 0 == commit {
					t.Errorf("%s, committed %v: %d rows", level, commit, n)
				}
			}
		}
	})
}

// The login's statement comes first: what changes the password waits for it, and then there is something to revoke.
func TestAPasswordWaitsForALoginThatIsBeingRecorded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		user := account{Username: "ada", Password: "old"}
		must(t, db.Create(&user).Error)
		tx := d.open(t).Begin() // holds the login's statement back from its end
		must(t, tx.Error)
		recorded, err := models.NewStore(tx).RecordLogin(t.Context(), firstToken(&user), models.NewUsers[account](tx), &user)
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
		waitsForALock(t, d, tx)
		if len(changed) > 0 {
			t.Error("the password was changed while a login was being recorded")
		}
		must(t, tx.Commit().Error)
		if err := <-changed; err != nil || n != 1 {
			t.Errorf("%d tokens were revoked, error %v; want the login's", n, err)
		}
	})
}

const liveOfUser = `SELECT count(*) FROM token_blacklist_outstandingtoken o
	WHERE o.user_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`

func TestNoLoginOutlivesAPasswordThatIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
		for _, level := range levels(d) {
			setLevel(t, db, level)
			one, other := d.open(t), d.open(t)
			connections, err := one.DB()
			must(t, err)
			connections.SetMaxIdleConns(4)
			store, users, sweeper := models.NewStore(one), models.NewUsers[account](one), models.NewStore(other)
			recorded, refused := 0, 0
			for range 200 / len(levels(d)) {
				user := account{Username: rand.Text(), Password: "old"}
				must(t, db.Create(&user).Error)
				logins := make([]bool, 4)
				errs := make([]error, len(logins)+1)
				var group sync.WaitGroup
				for i := range logins {
					group.Go(func() { logins[i], errs[i] = store.RecordLogin(t.Context(), firstToken(&user), users, &user) })
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
				must(t, errors.Join(errs...))
				for _, one := range logins {
					if one {
						recorded++
					} else {
						refused++
					}
				}
				if n := count(t, db, liveOfUser, user.ID); n != 0 {
					t.Fatalf("%d tokens of the old password are live", n)
				}
			}
			t.Logf("%s: %d logins were recorded and revoked, %d refused", level, recorded, refused)
		}
	})
}

// The same through the whole login.
func TestAPasswordChangedDuringALoginEndsIt(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	must(t, err)
	hash := func(password string) string {
		encoded, err := h.Make(t.Context(), password)
		must(t, err)
		return encoded
	}
	old, again, other := hash("secret"), hash("secret"), hash("another")
	onEach(t, func(t *testing.T, d database) {
		db := migrated(t, d.open(t), &account{})
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
				must(t, db.Create(&user).Error)
				pool := d.open(t)
				store := &beforeLogin{Store: models.NewStore(pool), do: func() {
					change := db.Model(&user).UpdateColumn("password", c.now)
					if c.now == "" {
						change = db.Unscoped().Delete(&user)
					}
					must(t, change.Error)
				}}
				auth, err := core.New(simplejwt.Settings{SigningKey: strings.Repeat("k", 32)}, core.Deps{
					Store: store, Users: models.NewUsers[account](pool), Logger: slog.New(slog.DiscardHandler), PasswordHashers: h,
				})
				must(t, err)
				if sliding {
					_, _, err = auth.ObtainSliding(t.Context(), user.Username, "secret")
				} else {
					_, _, err = auth.ObtainPair(t.Context(), user.Username, "secret")
				}
				if !same(err, c.want) {
					t.Errorf("%s, sliding %v: error %v, want %v", name, sliding, err, c.want)
				}
				want := 1
				if c.want != nil {
					want = 0
				}
				if n := count(t, db, liveOfUser, user.ID); n != want {
					t.Errorf("%s, sliding %v: %d live tokens, want %d", name, sliding, n, want)
				}
			}
		}
	})
}

// beforeLogin has something happen just before a login is recorded.
type beforeLogin struct {
	*models.Store
	do func()
}

func (s *beforeLogin) RecordLogin(ctx context.Context, t core.OutstandingToken, users core.Users, user simplejwt.User) (bool, error) {
	s.do()
	return s.Store.RecordLogin(ctx, t, users, user)
}
