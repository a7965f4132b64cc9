package models_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// The models of this file lack something, or have it in an unusual form.

type person struct{}

func (*person) AuthID() string       { return "1" }
func (*person) AuthActive() bool     { return true }
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
		setting   string // "" for no fault
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
		{"a model that GORM refuses", models.NewUsers[broken](db), "id", true, "Deps.Users", "broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			invalid := c.users.CheckUsers(c.idField, c.lastLogin)
			if c.setting == "" {
				if len(invalid) > 0 {
					t.Errorf("got %v, want no fault", invalid)
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

func TestUsers_UnusualTypes(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := d.open(t)
		requireNoError(t, db.AutoMigrate(&unusual{}))
		execSQL(t, db, `INSERT INTO unusuals (id, username, device) VALUES (7, 'ada', '`+adaID.String()+`')`)
		users := models.NewUsers[unusual](db)
		for field, value := range map[string]string{"id": "7", "username": "ada", "device": adaID.String()} {
			user, err := users.ByField(t.Context(), field, value)
			if err != nil {
				t.Errorf("by %s: %v", field, err)
				continue
			}
			if got, err := users.FieldValue(user, field); got != value || err != nil {
				t.Errorf("FieldValue %s: got %q, %v", field, got, err)
			}
		}
		if err := users.UpdateLastLogin(t.Context(), &unusual{ID: 7}, now); err != nil {
			t.Errorf("UpdateLastLogin: %v", err)
		}
	})
}

func TestUsers_UnusableModel(t *testing.T) {
	t.Parallel()
	users := models.NewUsers[broken](newSQLiteDatabase(t).open(t))
	_, byName := users.ByUsername(t.Context(), "ada")
	_, byField := users.ByField(t.Context(), "id", "1")
	_, value := users.FieldValue(&broken{}, "id")
	for method, err := range map[string]error{
		"ByUsername": byName, "ByField": byField, "FieldValue": value,
		"UpdateLastLogin": users.UpdateLastLogin(t.Context(), &broken{}, now),
		"UpdatePassword":  users.UpdatePassword(t.Context(), &broken{}, "new"),
	} {
		if err == nil {
			t.Errorf("%s: no error", method)
		}
	}
	if got := users.UsernameField(); got != "username" {
		t.Errorf("UsernameField: %q", got)
	}
}
