package models_test

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// The models of this file lack something, or have it in an unusual form.

type person struct{}

func (*person) AuthID() string { return "1" }

func (*person) AuthActive() bool { return true }

func (*person) AuthPassword() string { return "" }

type pair struct {
	person
	Left  int `gorm:"primaryKey"`
	Right int `gorm:"primaryKey"`
}

type keyless struct {
	person
	Username string
}

type nameless struct {
	person
	ID   int
	Nick string
}

type misnamed struct {
	person
	ID int
}

func (*misnamed) AuthUsernameField() string { return "handle" }

func (*misnamed) AuthPasswordField() string { return "hash" }

type broken struct {
	person
	ID   int
	Self struct{ Ring *broken }
	Chan chan int
}

type unusual struct {
	person
	ID        uint32
	Username  sql.NullString `gorm:"uniqueIndex:live_names,where:deleted_at IS NULL"`
	Device    uuid.UUID      `gorm:"unique"`
	Nick      string
	First     string  `gorm:"uniqueIndex:full"`
	Last      string  `gorm:"uniqueIndex:full"`
	Height    float64 `gorm:"unique"`
	LastLogin sql.NullTime
	DeletedAt gorm.DeletedAt
}

type late struct {
	person
	ID        int
	Username  string
	LastLogin *time.Time `gorm:"column:seen"`
}

func TestCheckUsers(t *testing.T) {
	t.Parallel()
	db := newSQLiteDatabase(t).open(t)
	for _, c := range []struct {
		name      string
		users     core.UsersChecker
		idField   string
		lastLogin bool
		setting   string // "" for none
		problem   string
	}{
		{"a complete model", models.NewUsers[account](db), "id", true, "", ""},
		{"a UUID key and an e-mail address", models.NewUsers[member](db), "id", false, "", ""},
		{"a unique column as USER_ID_FIELD", models.NewUsers[account](db), "username", false, "", ""},
		{"a Go field as USER_ID_FIELD", models.NewUsers[badge](db), "Number", false, "", ""},
		{"a column unique among the living", models.NewUsers[unusual](db), "username", true, "", ""},
		{"a type that reads and writes text", models.NewUsers[unusual](db), "device", false, "", ""},
		{"last_login under another name", models.NewUsers[late](db), "id", true, "", ""},
		{"no such column", models.NewUsers[account](db), "uuid", false, "USER_ID_FIELD", `has no column "uuid"`},
		{"a column that is not unique", models.NewUsers[unusual](db), "nick", false, "USER_ID_FIELD", "not unique"},
		{"a column unique only beside another", models.NewUsers[unusual](db), "first", false, "USER_ID_FIELD", "not unique"},
		{"a column without a text", models.NewUsers[unusual](db), "height", false, "USER_ID_FIELD", "without a text"},
		{"no last_login", models.NewUsers[badge](db), "id", true, "UPDATE_LAST_LOGIN", `has no column "last_login"`},
		{"no name", models.NewUsers[nameless](db), "id", false, "Deps.Users", "AuthUsernameField"},
		{"a wrong AuthUsernameField", models.NewUsers[misnamed](db), "id", false, "Deps.Users", `no column "handle"`},
		{"a wrong AuthPasswordField", models.NewUsers[misnamed](db), "id", false, "Deps.Users", `no column "hash"`},
		{"two primary keys", models.NewUsers[pair](db), "id", false, "Deps.Users", "it has 2"},
		{"no primary key", models.NewUsers[keyless](db), "id", false, "Deps.Users", "it has 0"},
		{"a model that GORM rejects", models.NewUsers[broken](db), "id", true, "Deps.Users", "broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			invalid := c.users.CheckUsers(c.idField, c.lastLogin)
			if c.setting == "" {
				if len(invalid) > 0 {
					t.Errorf("got %v, want no invalid setting", invalid)
				}
				return
			}
			named := func(f simplejwt.InvalidSetting) bool {
				return f.Setting == c.setting && strings.Contains(f.Problem, c.problem)
			}
			if !slices.ContainsFunc(invalid, named) {
				t.Errorf("got %v, want %s: ... %s ...", invalid, c.setting, c.problem)
			}
		})
	}
}

func TestUpdateLastLogin(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := createUsers(t, d.open(t))
		users := models.NewUsers[account](db)
		var before, after account
		requireNoError(t, db.Take(&before, 1).Error)
		user, err := users.ByUsername(t.Context(), "ada")
		requireNoError(t, err)
		user.(*account).Email = "not to be saved"
		requireNoError(t, users.UpdateLastLogin(t.Context(), user, now.Add(789)))
		requireNoError(t, db.Take(&after, 1).Error)

		before.LastLogin = new(now)
		sameInstant := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
		if diff := cmp.Diff(before, after, sameInstant); diff != "" {
			t.Errorf("the row (-want +got):\n%s", diff)
		}
		if got := user.(*account).LastLogin; got == nil || !got.Equal(now) {
			t.Errorf("the user's LastLogin is %v, want %v", got, now)
		}
		if err := users.UpdateLastLogin(t.Context(), &account{ID: 3}, now); !errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("of a deleted user: got %v, want core.ErrUserNotFound", err)
		}
		if err := models.NewUsers[badge](db).UpdateLastLogin(t.Context(), &badge{Code: "B-1"}, now); err == nil {
			t.Error("of a model without last_login: no error")
		}
	})
}

func TestUpdatePassword(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := createUsers(t, d.open(t))
		accounts, members := models.NewUsers[account](db), models.NewUsers[member](db)
		ada, err := accounts.ByUsername(t.Context(), "ada")
		requireNoError(t, err)
		other, err := accounts.ByUsername(t.Context(), "ada")
		requireNoError(t, err)
		requireNoError(t, accounts.UpdatePassword(t.Context(), ada, "new"))
		if got := ada.AuthPassword(); got != "new" {
			t.Errorf("the user has %q after the update, want new", got)
		}
		requireNoError(t, accounts.UpdatePassword(t.Context(), other, "late"))
		if got := other.AuthPassword(); got != "new" {
			t.Errorf("the user who came late has %q, want what is stored", got)
		}
		stored, err := accounts.ByField(t.Context(), "id", "1")
		requireNoError(t, err)
		if got := stored.AuthPassword(); got != "new" {
			t.Errorf("stored is %q, want new", got)
		}
		if err := accounts.UpdatePassword(t.Context(), &account{ID: 3}, "new"); !errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("of a deleted user: got %v, want core.ErrUserNotFound", err)
		}

		member, err := members.ByUsername(t.Context(), "ada@example.com")
		requireNoError(t, err)
		requireNoError(t, members.UpdatePassword(t.Context(), member, "new"))
		if got := countRows(t, db, "SELECT count(*) FROM members WHERE hash = 'new'"); got != 1 {
			t.Errorf("%d members have the new hash, want 1", got)
		}
	})
}
