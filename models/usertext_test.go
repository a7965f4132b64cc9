package models_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/libtnb/sqlite"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

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

func (n *narrow) AuthID() string { return strconv.FormatInt(n.ID, 10) }

func (n *narrow) AuthActive() bool { return true }

func (n *narrow) AuthPassword() string { return "" }

// textual is an account whose keys are texts in Go and other types in the database.
type textual struct {
	ID       string
	Username string
}

func (t *textual) AuthID() string { return t.ID }

func (t *textual) AuthActive() bool { return true }

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

// An id that cannot be one is distinguished from one that nobody has.
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
