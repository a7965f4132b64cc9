package models_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
	"github.com/go-simplejwt/simplejwt/models"
)

func TestAutoMigrate_DjangoPostgreSQL(t *testing.T) {
	t.Parallel()
	db := createDjangoTables(t, newPostgresDatabase(t).open(t))
	before := listCatalog(t, db)
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	after := listCatalog(t, db)

	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("AutoMigrate changed %s", line)
		}
	}
	added := slices.DeleteFunc(slices.Clone(after), func(line string) bool { return slices.Contains(before, line) })
	want := []string{
		"token_blacklist_blacklistedtoken.reason character varying(32)",
		"token_blacklist_outstandingtoken.device_name character varying(150)",
		"token_blacklist_outstandingtoken.ip character varying(45)",
		"token_blacklist_outstandingtoken.parent_jti character varying(255)",
		"token_blacklist_outstandingtoken.session_expires_at timestamp with time zone",
		"token_blacklist_outstandingtoken.session_id character varying(255)",
		"token_blacklist_outstandingtoken.session_started_at timestamp with time zone",
		"token_blacklist_outstandingtoken.user_agent character varying(512)",
		"CREATE INDEX token_blacklist_outstandingtoken_expires ON public.token_blacklist_outstandingtoken USING btree (expires_at)",
		"CREATE INDEX token_blacklist_outstandingtoken_session ON public.token_blacklist_outstandingtoken USING btree (session_id, id)",
		"CREATE INDEX token_blacklist_outstandingtoken_user_expires ON public.token_blacklist_outstandingtoken USING btree (user_id, expires_at)",
	}
	if diff := cmp.Diff(want, added); diff != "" {
		t.Errorf("what AutoMigrate added (-want +got):\n%s", diff)
	}
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	if diff := cmp.Diff(after, listCatalog(t, db)); diff != "" {
		t.Errorf("a second AutoMigrate changed (-want +got):\n%s", diff)
	}
}

func TestAutoMigrate_DjangoSQLite(t *testing.T) {
	t.Parallel()
	db := createDjangoTables(t, newSQLiteDatabase(t).open(t))
	before := listCatalog(t, db)
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	after := listCatalog(t, db)
	for _, line := range before {
		kept := func(now string) bool { return strings.HasPrefix(now, strings.TrimSuffix(line, ")")) }
		if !slices.ContainsFunc(after, kept) {
			t.Errorf("AutoMigrate changed %s", line)
		}
	}
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	if diff := cmp.Diff(after, listCatalog(t, db)); diff != "" {
		t.Errorf("a second AutoMigrate changed (-want +got):\n%s", diff)
	}
}

func TestAutoMigrate_CreatesTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		user       any
		userID     string
		foreignKey string
	}{
		{"for users with an integer key", &account{}, "bigint", "REFERENCES accounts(id)"},
		{"for users with a UUID as key", &member{}, "uuid", "REFERENCES members(id)"},
		{"for users with a text as key", &badge{}, "character varying(40)", "REFERENCES badges(code)"},
		{"without a user model", nil, "character varying(255)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := newPostgresDatabase(t).open(t)
			if c.user != nil {
				requireNoError(t, db.AutoMigrate(c.user))
			}
			usersOwn := listCatalog(t, db)
			requireNoError(t, models.AutoMigrate(t.Context(), db, c.user))
			want := []string{
				"token_blacklist_blacklistedtoken.blacklisted_at timestamp with time zone not null",
				"token_blacklist_blacklistedtoken.id bigint not null identity BY DEFAULT",
				"token_blacklist_blacklistedtoken.reason character varying(32)",
				"token_blacklist_blacklistedtoken.token_id bigint not null",
				"token_blacklist_outstandingtoken.created_at timestamp with time zone",
				"token_blacklist_outstandingtoken.expires_at timestamp with time zone not null",
				"token_blacklist_outstandingtoken.id bigint not null identity BY DEFAULT",
				"token_blacklist_outstandingtoken.jti character varying(255) not null",
				"token_blacklist_outstandingtoken.parent_jti character varying(255)",
				"token_blacklist_outstandingtoken.session_expires_at timestamp with time zone",
				"token_blacklist_outstandingtoken.session_id character varying(255)",
				"token_blacklist_outstandingtoken.session_started_at timestamp with time zone",
				"token_blacklist_outstandingtoken.device_name character varying(150)",
				"token_blacklist_outstandingtoken.ip character varying(45)",
				"token_blacklist_outstandingtoken.user_agent character varying(512)",
				"token_blacklist_outstandingtoken.token text not null",
				"token_blacklist_outstandingtoken.user_id " + c.userID,
				"token_blacklist_blacklistedtoken token_blacklist_blacklistedtoken_pkey PRIMARY KEY (id)",
				"token_blacklist_blacklistedtoken token_blacklist_blacklistedtoken_token_id_fkey FOREIGN KEY (token_id)" +
					" REFERENCES token_blacklist_outstandingtoken(id) ON DELETE CASCADE",
				"token_blacklist_blacklistedtoken token_blacklist_blacklistedtoken_token_id_key UNIQUE (token_id)",
				"token_blacklist_outstandingtoken token_blacklist_outstandingtoken_jti_key UNIQUE (jti)",
				"token_blacklist_outstandingtoken token_blacklist_outstandingtoken_pkey PRIMARY KEY (id)",
			}
			if c.foreignKey != "" {
				want = append(want, "token_blacklist_outstandingtoken token_blacklist_outstandingtoken_user_id_fkey FOREIGN KEY (user_id) "+
					c.foreignKey+" ON DELETE SET NULL")
			}
			onBlacklisted, onOutstanding := " ON public.token_blacklist_blacklistedtoken USING btree ", " ON public.token_blacklist_outstandingtoken USING btree "
			want = append(want,
				"CREATE INDEX token_blacklist_outstandingtoken_expires"+onOutstanding+"(expires_at)",
				"CREATE INDEX token_blacklist_outstandingtoken_session"+onOutstanding+"(session_id, id)",
				"CREATE INDEX token_blacklist_outstandingtoken_user_expires"+onOutstanding+"(user_id, expires_at)",
				"CREATE UNIQUE INDEX token_blacklist_blacklistedtoken_pkey"+onBlacklisted+"(id)",
				"CREATE UNIQUE INDEX token_blacklist_blacklistedtoken_token_id_key"+onBlacklisted+"(token_id)",
				"CREATE UNIQUE INDEX token_blacklist_outstandingtoken_jti_key"+onOutstanding+"(jti)",
				"CREATE UNIQUE INDEX token_blacklist_outstandingtoken_pkey"+onOutstanding+"(id)",
				"token_blacklist_blacklistedtoken_id_seq cache 1",
				"token_blacklist_outstandingtoken_id_seq cache 1",
			)
			got := listCatalog(t, db)
			want = append(want, usersOwn...)
			if diff := cmp.Diff(sortLines(want), sortLines(got)); diff != "" {
				t.Errorf("the tables (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAutoMigrate_Twice(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &member{})
		before := listCatalog(t, db)
		requireNoError(t, models.AutoMigrate(t.Context(), db, &member{}))
		if diff := cmp.Diff(before, listCatalog(t, db)); diff != "" {
			t.Errorf("the second AutoMigrate changed (-want +got):\n%s", diff)
		}
	})
}

func TestAutoMigrate_PreparedStatements(t *testing.T) {
	t.Parallel()
	db := createDjangoTables(t, openDB(t, postgres.Open(postgresDSN(t)), &gorm.Config{PrepareStmt: true}))
	for range 3 {
		requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	}
}

func TestAutoMigrate_UserKeyType(t *testing.T) {
	t.Parallel()
	db := newPostgresDatabase(t).open(t)
	pool, err := db.DB()
	requireNoError(t, err)
	pool.SetMaxOpenConns(1) // The search path is the connection's.
	execSQL(t, db, `CREATE SCHEMA people`, `SET search_path = people`, `CREATE TABLE people.accounts (id smallint PRIMARY KEY)`)
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
	if got := countRows(t, db, `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'people'
		AND table_name = 'token_blacklist_outstandingtoken' AND column_name = 'user_id' AND data_type = 'smallint'`); got != 1 {
		t.Error("user_id has not the type of the user's key")
	}
	requireNoError(t, models.AutoMigrate(t.Context(), db, &account{}))
}

type pairKeyed struct {
	Left  int `gorm:"primaryKey"`
	Right int `gorm:"primaryKey"`
}

func TestAutoMigrate_Rejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		user  any
		setup []string
		want  string
	}{
		{"a user model whose table does not exist", &account{}, nil, "table accounts does not exist"},
		{"a user model with two primary keys", &pairKeyed{}, nil, "the primary key must be one column"},
		{"a user model that is no struct", new(int), nil, "user model *int"},
		{"a table of another kind under Django's name", nil,
			[]string{"CREATE TABLE token_blacklist_outstandingtoken (id integer)"}, "it has no column jti"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			runOnEach(t, func(t *testing.T, d database) {
				db := d.open(t)
				execSQL(t, db, c.setup...)
				err := models.AutoMigrate(t.Context(), db, c.user)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("AutoMigrate: got %v, want an error about %q", err, c.want)
				}
			})
		})
	}
}

func TestAutoMigrate_UserTableWithoutKey(t *testing.T) {
	t.Parallel()
	db := newPostgresDatabase(t).open(t)
	execSQL(t, db, `CREATE TABLE accounts (number bigint PRIMARY KEY)`)
	err := models.AutoMigrate(t.Context(), db, &account{})
	if err == nil || !strings.Contains(err.Error(), "accounts has no column id") {
		t.Errorf("AutoMigrate: got %v, want an error about the column", err)
	}
}

func TestAutoMigrate_Concurrent(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		requireNoError(t, d.open(t).AutoMigrate(&account{}))
		migrations := pickByLevel(8, 40)
		pools := make([]*gorm.DB, migrations)
		for i := range pools {
			pools[i] = d.open(t)
		}
		errs := make([]error, migrations)
		var group sync.WaitGroup
		for i, db := range pools {
			group.Go(func() { errs[i] = models.AutoMigrate(t.Context(), db, &account{}) })
		}
		group.Wait()
		requireNoError(t, errors.Join(errs...))
		if got := countRows(t, pools[0], "SELECT count(*) FROM token_blacklist_outstandingtoken"); got != 0 {
			t.Errorf("a fresh table has %d rows", got)
		}
	})
}

func TestAutoMigrate_SeveralProcesses(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := d.open(t)
		requireNoError(t, db.AutoMigrate(&account{}))
		processes := make([]*process, 6)
		for i := range processes {
			processes[i] = startProcess(t, taskMigrate, d)
		}
		for _, p := range processes {
			p.send(t, "")
		}
		for _, p := range processes {
			if answer := p.receive(t); answer != strconv.Itoa(processClients) {
				t.Errorf("a second process answers %q", answer)
			}
		}
	})
}
