package models_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

var (
	_ core.Users            = (*models.Users[account, *account])(nil)
	_ core.LastLoginUpdater = (*models.Users[account, *account])(nil)
	_ core.PasswordUpdater  = (*models.Users[account, *account])(nil)
	_ core.UsersChecker     = (*models.Users[account, *account])(nil)
)

// adaID is the key of the member ada@example.com.
var adaID = uuid.MustParse("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")

// people fills the three user tables.
func createUsers(t testing.TB, db *gorm.DB) *gorm.DB {
	t.Helper()
	requireNoError(t, db.AutoMigrate(&account{}, &member{}, &badge{}))
	requireNoError(t, db.Create(&[]account{
		{ID: 1, Username: "ada", Email: "ada@example.com", Password: "old", IsActive: true},
		{ID: 2, Username: "Bob", Email: "", IsActive: true},
		{ID: 3, Username: "gone", IsActive: true, DeletedAt: gorm.DeletedAt{Time: now, Valid: true}},
	}).Error)
	requireNoError(t, db.Create(&member{ID: adaID, Email: "ada@example.com", Hash: "old"}).Error)
	requireNoError(t, db.Create(&[]badge{
		{Code: "B-1", Username: "ada", Number: new(int32(7))}, {Code: "b-1", Username: "bob"}, {Code: "Ünï ", Username: "uni"},
	}).Error)
	return db
}

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
			wantUsersFound(t, createUsers(t, open(pgtest.DSN(t))))
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

func TestUsers_LongIntegers(t *testing.T) {
	users := models.NewUsers[account](createUsers(t, openDB(t, sqlite.Open(sqliteDSN(filepath.Join(t.TempDir(), "users.db"))))))
	for _, c := range []struct {
		name, text string
		invalid    bool
	}{
		{"4,300 digits are an integer that nobody has", strings.Repeat("9", 4300), false},
		{"with a sign too", "-" + strings.Repeat("9", 4300), false},
		{"4,301 digits are none", strings.Repeat("9", 4301), true},
		{"a million digits are not converted", strings.Repeat("9", 1<<20), true},
		{"a sign is none", "-", true},
		{"two signs are none", "--1", true},
		{"a fraction is none", "1.0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := users.ByField(t.Context(), "id", c.text)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, core.ErrUserNotFound) || errors.Is(err, core.ErrUserIDInvalid) != c.invalid {
				t.Errorf("error %v; core.ErrUserIDInvalid: want %t", err, c.invalid)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
				t.Errorf("allocated %d bytes", got)
			}
		})
	}
}

// narrow is an account whose Go type says more than its column can hold.
type narrow struct {
	ID       int64
	Username string
}

func (n *narrow) AuthID() string       { return strconv.FormatInt(n.ID, 10) }
func (n *narrow) AuthActive() bool     { return true }
func (n *narrow) AuthPassword() string { return "" }

// textual is an account whose keys are texts in Go and other types in the database.
type textual struct {
	ID       string
	Username string
}

func (t *textual) AuthID() string       { return t.ID }
func (t *textual) AuthActive() bool     { return true }
func (t *textual) AuthPassword() string { return "" }

func TestUsers_TextsOutOfRange(t *testing.T) {
	t.Parallel()
	db := newPostgresDatabase(t).open(t)
	execSQL(t, db, `CREATE TABLE narrows (id integer PRIMARY KEY, username text)`,
		`CREATE TABLE textuals (id uuid PRIMARY KEY, username integer UNIQUE)`,
		`INSERT INTO textuals VALUES ('`+adaID.String()+`', 42)`)
	for _, c := range []struct {
		name, field, value string
		users              core.Users
	}{
		{"an integer beyond the column's range", "id", "3000000000", models.NewUsers[narrow](db)},
		{"a text that is no UUID", "id", "ada", models.NewUsers[textual](db)},
		{"a UUID in capitals", "id", strings.ToUpper(adaID.String()), models.NewUsers[textual](db)},
		{"a text that is no integer", "username", "ada", models.NewUsers[textual](db)},
		{"a text beyond an integer's range", "username", "3000000000", models.NewUsers[textual](db)},
		{"an integer with a zero before it", "username", "042", models.NewUsers[textual](db)},
	} {
		if user, err := c.users.ByField(t.Context(), c.field, c.value); !errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("%s: got user %v, error %v; want core.ErrUserNotFound", c.name, user, err)
		}
	}
	user, err := models.NewUsers[textual](db).ByField(t.Context(), "id", adaID.String())
	if err != nil || user.AuthID() != adaID.String() {
		t.Errorf("a UUID that is a string in Go: got %v, %v", user, err)
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

// An id that can't be one is told from one that nobody has.
func TestUsers_TextsThatAreNotKeys(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := createUsers(t, d.open(t))
		accounts, members := models.NewUsers[account](db), models.NewUsers[member](db)
		for value, invalid := range map[string]bool{"x": true, "": true, "1.0": true, "1\x00": true, "\xff": true, "01": false, " 1": false, "99": false, "18446744073709551617": false} {
			if _, err := accounts.ByField(t.Context(), "id", value); errors.Is(err, core.ErrUserIDInvalid) != invalid || !errors.Is(err, core.ErrUserNotFound) {
				t.Errorf("the integer key %q: error %v; is no key at all: want %t", value, err, invalid)
			}
		}
		for value, invalid := range map[string]bool{"1": true, uuid.Nil.String(): false, strings.ToUpper(adaID.String()): false} {
			if _, err := members.ByField(t.Context(), "id", value); errors.Is(err, core.ErrUserIDInvalid) != invalid || !errors.Is(err, core.ErrUserNotFound) {
				t.Errorf("the UUID %q: error %v; is no key at all: want %t", value, err, invalid)
			}
		}
	})
}
