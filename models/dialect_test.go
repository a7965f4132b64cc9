package models_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/models"
)

// renamed is a dialector that reports another name. It wraps SQLite, so that everything would work if the name were accepted.
type renamed struct {
	gorm.Dialector
	name string
}

func (r renamed) Name() string { return r.name }

func openRenamed(t *testing.T, dsn, name string) *gorm.DB {
	t.Helper()
	return openDB(t, renamed{sqlite.Open(dsn), name})
}

// unsupportedDialects are names of dialects that are not supported.
var unsupportedDialects = []string{"mysql", "sqlserver", "oracle", "clickhouse", "cockroach", "unknown", "", "POSTGRES", "SQLite", "postgresql", "sqlite3", "postgres "}

// wantDialectNamed checks that an error says which dialect is not supported, which are, and what to do.
func wantDialectNamed(t *testing.T, what, got, name string) {
	t.Helper()
	for _, want := range []string{fmt.Sprintf("dialect %q is not supported", name), "only postgres and sqlite", "open a database with", "implement core.Store and core.Users"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", what, got, want)
		}
	}
}

func TestNewStore_UnsupportedDialect(t *testing.T) {
	t.Parallel()
	for _, name := range unsupportedDialects {
		t.Run(fmt.Sprintf("the dialect %q is an error", name), func(t *testing.T) {
			t.Parallel()
			d := newSQLiteDatabase(t)
			known := migrateDB(t, d.open(t), &account{})
			other := openRenamed(t, d.dsn, name)
			for _, c := range []struct {
				store core.Store
				users core.Users
				want  []string
			}{
				{models.NewStore(other), models.NewUsers[account](other), []string{"Deps.Store", "Deps.Users"}},
				{models.NewStore(other), models.NewUsers[account](known), []string{"Deps.Store"}},
				{memstore.New(), models.NewUsers[account](other), []string{"Deps.Users"}},
				{models.NewStore(known), models.NewUsers[account](known), nil},
			} {
				auth, err := core.New(simplejwt.Settings{SigningKey: strings.Repeat("k", 32)},
					core.Deps{Store: c.store, Users: c.users, Logger: slog.New(slog.DiscardHandler)})
				var invalid simplejwt.SettingsError
				errors.As(err, &invalid)
				var settings []string
				for _, one := range invalid {
					settings = append(settings, one.Setting)
					wantDialectNamed(t, one.Setting, one.Problem, name)
				}
				if diff := cmp.Diff(c.want, settings); diff != "" || (auth == nil) != (c.want != nil) {
					t.Errorf("core.New gives %v, %v; the settings named (-want +got):\n%s", auth, err, diff)
				}
			}
		})
	}
}

func TestStore_UnsupportedDialect(t *testing.T) {
	t.Parallel()
	for _, name := range unsupportedDialects {
		t.Run(fmt.Sprintf("the dialect %q is an error", name), func(t *testing.T) {
			t.Parallel()
			d := newSQLiteDatabase(t)
			db := migrateDB(t, d.open(t), &account{})
			ada := account{Username: "ada", Password: "old", IsActive: true}
			requireNoError(t, db.Create(&ada).Error)
			jti := recordLogin(t, models.NewStore(db), ada.AuthID())
			before := readEveryRow(t, db)

			other := openRenamed(t, d.dsn, name)
			store := models.NewStore(other)
			want := store.CheckStore()[0].Problem
			for method, err := range callEveryMethod(t, store, models.NewUsers[account](other), models.NewUsers[account](db), &ada, jti) {
				if err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("%s: got %v, want the error that core.New reports", method, err)
				}
				if errors.Is(err, core.ErrUserGone) || errors.Is(err, core.ErrUserNotFound) || errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: %v is an answer", method, err)
				}
			}
			if diff := cmp.Diff(before, readEveryRow(t, db)); diff != "" {
				t.Errorf("something was written (-before +after):\n%s", diff)
			}
		})
	}
}

// callEveryMethod calls every method of a Store and of Users. known are Users of a supported dialect.
func callEveryMethod(t *testing.T, store *models.Store, users, known *models.Users[account, *account], ada *account, jti string) map[string]error {
	t.Helper()
	ctx := t.Context()
	out := map[string]error{"Record": store.Record(ctx, newLoginRecord(ada))}
	_, rotated, err := store.Rotate(ctx, newRotation(jti))
	out["Rotate"] = err
	found, won, err := store.Blacklist(ctx, jti, nil, core.ReasonLogout, now)
	out["Blacklist"] = err
	_, blacklisted, err := store.IsBlacklisted(ctx, jti)
	out["IsBlacklisted"] = err
	state, err := store.State(ctx, jti, "")
	out["State"] = err
	revoked, err := store.Revoke(ctx, core.Scope{UserID: ada.AuthID()}, core.ReasonAdmin, now)
	out["Revoke"] = err
	_, out["Revoke of nothing"] = store.Revoke(ctx, core.Scope{}, core.ReasonAdmin, now)
	sessions, err := store.Sessions(ctx, ada.AuthID(), now)
	out["Sessions"] = err
	flushed, err := store.FlushExpired(ctx, now.AddDate(1, 0, 0))
	out["FlushExpired"] = err
	recorded, err := store.RecordLogin(ctx, newLoginRecord(ada), users, ada)
	out["RecordLogin"] = err
	_, out["RecordLogin of other users"] = store.RecordLogin(ctx, newLoginRecord(ada), known, ada)
	if rotated || found || won || blacklisted || state.Presented != nil || revoked+flushed+len(sessions) > 0 || recorded {
		t.Error("a method of the Store has an answer beside its error")
	}
	_, out["ByUsername"] = users.ByUsername(ctx, "ada")
	_, out["ByField"] = users.ByField(ctx, "id", ada.AuthID())
	_, out["FieldValue"] = users.FieldValue(ada, "id")
	out["UpdateLastLogin"] = users.UpdateLastLogin(ctx, ada, now)
	out["UpdatePassword"] = users.UpdatePassword(ctx, ada, "new")
	return out
}

// readEveryRow returns all that the tables hold.
func readEveryRow(t *testing.T, db *gorm.DB) (out struct {
	Accounts    []account
	Outstanding []models.OutstandingToken
	Blacklisted []models.BlacklistedToken
}) {
	t.Helper()
	requireNoError(t, errors.Join(db.Find(&out.Accounts).Error, db.Find(&out.Outstanding).Error, db.Find(&out.Blacklisted).Error))
	return out
}

func TestAutoMigrate_UnsupportedDialect(t *testing.T) {
	t.Parallel()
	for _, name := range unsupportedDialects {
		t.Run(fmt.Sprintf("the dialect %q is an error", name), func(t *testing.T) {
			t.Parallel()
			d := newSQLiteDatabase(t)
			db := d.open(t)
			requireNoError(t, db.AutoMigrate(&account{}))
			before := listCatalog(t, db)
			for _, user := range []any{&account{}, nil} {
				err := models.AutoMigrate(t.Context(), openRenamed(t, d.dsn, name), user)
				if err == nil {
					t.Fatal("AutoMigrate gives no error")
				}
				wantDialectNamed(t, "AutoMigrate", err.Error(), name)
			}
			if diff := cmp.Diff(before, listCatalog(t, db)); diff != "" {
				t.Errorf("AutoMigrate changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestNewStore_NoDialector(t *testing.T) {
	t.Parallel()
	db, err := gorm.Open(nil, &gorm.Config{})
	requireNoError(t, err)
	wantDialectNamed(t, "NewStore", fmt.Sprint(models.NewStore(db).CheckStore()), "")
	wantDialectNamed(t, "NewUsers", fmt.Sprint(models.NewUsers[account](db).CheckUsers("id", true)), "")
	wantDialectNamed(t, "AutoMigrate", fmt.Sprint(models.AutoMigrate(t.Context(), db, nil)), "")
}

func TestNewStore_WrappedDialector(t *testing.T) {
	t.Parallel()
	d := database{name: "SQLite", dsn: sqliteDSN(filepath.Join(t.TempDir(), "wrapped.db"))}
	db := migrateDB(t, openRenamed(t, d.dsn, "sqlite"), &account{})
	user, err := addAccount(t.Context(), db, "ada")
	requireNoError(t, err)
	runEveryOperation(t, models.NewStore(db), user)
}
