package models_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

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

var (
	_ core.Users            = (*models.Users[account, *account])(nil)
	_ core.LastLoginUpdater = (*models.Users[account, *account])(nil)
	_ core.PasswordUpdater  = (*models.Users[account, *account])(nil)
	_ core.UsersChecker     = (*models.Users[account, *account])(nil)
)

func TestUsers_Find(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) { wantUsersFound(t, createUsers(t, d.open(t))) })
	for name, open := range map[string]func(dsn string) *gorm.DB{
		"PostgreSQL with the simple protocol": func(dsn string) *gorm.DB {
			return openDB(t, postgres.New(postgres.Config{DSN: dsn, PreferSimpleProtocol: true}))
		},
		"PostgreSQL with prepared statements": func(dsn string) *gorm.DB {
			return openDB(t, postgres.Open(dsn), &gorm.Config{PrepareStmt: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantUsersFound(t, createUsers(t, open(postgresDSN(t))))
		})
	}
}

func wantUsersFound(t *testing.T, db *gorm.DB) {
	accounts, members, badges := models.NewUsers[account](db), models.NewUsers[member](db), models.NewUsers[badge](db)
	for _, c := range []struct {
		name  string
		users core.Users
		field string // "" for the name of a login
		value string
		want  string // AuthID, "" for nobody
	}{
		{"by name", accounts, "", "ada", "1"},
		{"by name in another case", accounts, "", "ADA", ""},
		{"by name with a space behind it", accounts, "", "ada ", ""},
		{"by an unknown name", accounts, "", "eve", ""},
		{"by an empty name", accounts, "", "", ""},
		{"by a name with a NUL", accounts, "", "ada\x00", ""},
		{"by a name that is no UTF-8", accounts, "", "ada\xff", ""},
		{"by the name of a deleted user", accounts, "", "gone", ""},
		{"by integer key", accounts, "id", "1", "1"},
		{"by integer key with a zero before it", accounts, "id", "01", ""},
		{"by integer key with a sign", accounts, "id", "+1", ""},
		{"by integer key with a space", accounts, "id", " 1", ""},
		{"by integer key with a fraction", accounts, "id", "1.0", ""},
		{"by a word for an integer key", accounts, "id", "ada", ""},
		{"by an empty text for an integer key", accounts, "id", "", ""},
		{"by a key beyond 64 bits", accounts, "id", "18446744073709551617", ""},
		{"by the key of a deleted user", accounts, "id", "3", ""},
		{"by column", accounts, "username", "Bob", "2"},
		{"by Go field", accounts, "Username", "Bob", "2"},
		{"by UUID", members, "id", adaID.String(), adaID.String()},
		{"by UUID in capitals", members, "id", strings.ToUpper(adaID.String()), ""},
		{"by UUID without hyphens", members, "id", strings.ReplaceAll(adaID.String(), "-", ""), ""},
		{"by a text that is no UUID", members, "id", "1", ""},
		{"by another UUID", members, "id", uuid.Nil.String(), ""},
		{"by e-mail address", members, "", "ada@example.com", adaID.String()},
		{"by text key", badges, "id", "B-1", "B-1"},
		{"by text key in another case", badges, "id", "b-1", "b-1"},
		{"by text key beyond ASCII", badges, "id", "Ünï ", "Ünï "},
		{"by an unknown text key", badges, "id", "B-2", ""},
		{"by a nullable integer", badges, "number", "7", "B-1"},
		{"by an integer that nobody has", badges, "number", "8", ""},
		{"by an integer beyond the column's range", badges, "number", "3000000000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			user, err := c.users.ByUsername(t.Context(), c.value)
			if c.field != "" {
				user, err = c.users.ByField(t.Context(), c.field, c.value)
			}
			if c.want == "" {
				if !errors.Is(err, core.ErrUserNotFound) || user != nil {
					t.Errorf("got user %v, error %v; want nobody and core.ErrUserNotFound", user, err)
				}
				return
			}
			if err != nil || user.AuthID() != c.want {
				t.Fatalf("got user %v, error %v; want %s", user, err, c.want)
			}
			if c.field == "" {
				return
			}
			if got, err := c.users.FieldValue(user, c.field); err != nil || got != c.value {
				t.Errorf("FieldValue: got %q, %v; want %q", got, err, c.value)
			}
		})
	}
}

func TestUsers_CaseSensitiveNames(t *testing.T) {
	t.Parallel()
	db := newSQLiteDatabase(t).open(t)
	execSQL(t, db, `CREATE TABLE badges (code text PRIMARY KEY, username text COLLATE NOCASE, number integer, password text)`,
		`INSERT INTO badges VALUES ('1', 'Ada', 1, ''), ('2', 'ada', 2, ''), ('3', 'twin', 3, ''), ('4', 'twin', 4, '')`)
	users := models.NewUsers[badge](db)
	for name, want := range map[string]string{"Ada": "1", "ada": "2"} {
		if user, err := users.ByUsername(t.Context(), name); err != nil || user.AuthID() != want {
			t.Errorf("%s: got %v, %v; want %s", name, user, err, want)
		}
	}
	if _, err := users.ByUsername(t.Context(), "ADA"); !errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("ADA: got %v, want core.ErrUserNotFound", err)
	}
	if _, err := users.ByUsername(t.Context(), "twin"); err == nil || errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("a name that two users have: got %v, want an error", err)
	}
}

func TestUsers_ConditionsOfHandle(t *testing.T) {
	t.Parallel()
	db := createUsers(t, newSQLiteDatabase(t).open(t))
	users := models.NewUsers[account](db.Where("email <> ''"))
	for range 2 {
		if _, err := users.ByUsername(t.Context(), "Bob"); !errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("a user outside of the condition: got %v, want core.ErrUserNotFound", err)
		}
		if _, err := users.ByUsername(t.Context(), "ada"); err != nil {
			t.Errorf("a user inside of the condition: %v", err)
		}
	}
	if _, err := models.NewUsers[account](db.Unscoped()).ByUsername(t.Context(), "gone"); err != nil {
		t.Errorf("a deleted user, unscoped: %v", err)
	}
}

func TestUsers_Unavailable(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		users := models.NewUsers[account](d.open(t)) // There is no table.
		if _, err := users.ByUsername(t.Context(), "ada"); err == nil || errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("without a table: got %v, want another error", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		present := models.NewUsers[account](createUsers(t, d.open(t)))
		if _, err := present.ByField(ctx, "id", "1"); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: got %v", err)
		}
		if _, err := present.ByField(t.Context(), "shoe_size", "1"); err == nil || errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("by an unknown field: got %v, want another error", err)
		}
	})
}

func TestFieldValue_Rejects(t *testing.T) {
	t.Parallel()
	db := createUsers(t, newSQLiteDatabase(t).open(t))
	for _, c := range []struct {
		name  string
		users core.Users
		user  simplejwt.User
		field string
	}{
		{"a user of another model", models.NewUsers[account](db), &badge{}, "id"},
		{"no user", models.NewUsers[account](db), nil, "id"},
		{"a nil user", models.NewUsers[account](db), (*account)(nil), "id"},
		{"an unknown field", models.NewUsers[account](db), &account{}, "shoe_size"},
		{"a field that is NULL", models.NewUsers[badge](db), &badge{}, "number"},
		{"a field without a text", models.NewUsers[account](db), &account{}, "is_active"},
	} {
		if got, err := c.users.FieldValue(c.user, c.field); err == nil {
			t.Errorf("%s: got %q, want an error", c.name, got)
		}
	}
}

func TestUsernameField(t *testing.T) {
	t.Parallel()
	db := newSQLiteDatabase(t).open(t)
	got := []string{models.NewUsers[account](db).UsernameField(), models.NewUsers[member](db).UsernameField()}
	if diff := cmp.Diff([]string{"username", "email"}, got); diff != "" {
		t.Errorf("UsernameField (-want +got):\n%s", diff)
	}
}
