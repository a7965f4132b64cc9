package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/conformance"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// leftOut are the abilities that this project does not have on purpose: it refuses to start, or lacks the algorithm.
var leftOut = []string{"es256k", "ed448", "short-key", "no-verifying-key", "mismatched-pair", "blacklist-setting-without-app"}

// TestConformance replays what the real SimpleJWT answers, through each adapter, on SQLite and on PostgreSQL.
func TestConformance(t *testing.T) {
	t.Parallel()
	for framework := range frameworks() {
		if underRace && framework != "std" {
			continue // the adapters have their own tests; with the race detector SQLite alone takes minutes
		}
		t.Run(framework+"/sqlite", func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, starter(framework, func(t testing.TB) string {
				return "sqlite://" + filepath.Join(t.TempDir(), "db.sqlite3")
			}), leftOut...)
		})
		t.Run(framework+"/postgres", func(t *testing.T) {
			t.Parallel()
			pgtest.DSN(t) // skips here, once, where there is no PostgreSQL
			conformance.Run(t, starter(framework, pgtest.DSN), leftOut...)
		})
	}
}

// target is the program itself, in process: the same wiring and the same commands, without a listener.
type target struct {
	dsn      string
	settings string
	db       *gorm.DB
	handler  http.Handler
	stop     context.CancelFunc
}

func starter(framework string, newDSN func(testing.TB) string) conformance.Start {
	return func(t testing.TB, settings []byte, blacklistApp bool) (conformance.Target, error) {
		parsed, err := simplejwt.FromJSON(simplejwt.Settings{}, settings)
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		s := &target{dsn: newDSN(t), stop: stop, settings: filepath.Join(t.TempDir(), "settings.json")}
		if err := os.WriteFile(s.settings, settings, 0o600); err != nil {
			return nil, err
		}
		if s.db, err = openDatabase(ctx, s.dsn); err != nil {
			return nil, err
		}
		a, err := newApp(ctx, parsed, s.db, blacklistApp, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			return nil, err
		}
		s.handler = frameworks()[framework](a)
		return s, nil
	}
}

func (s *target) Handler() http.Handler { return s.handler }

func (s *target) Postgres() bool { return sqlitePath(s.dsn) == "" }

func (s *target) DB() *sql.DB {
	pool, err := s.db.DB()
	if err != nil {
		panic(err)
	}
	return pool
}

func (s *target) Close() {
	closeDatabase(s.db)
	s.stop()
}

// command runs a subcommand of the program and decodes what it prints.
func (s *target) command(ctx context.Context, args ...string) (map[string]any, error) {
	var out, errs bytes.Buffer
	args = append([]string{args[0], "-database", s.dsn}, args[1:]...)
	if err := run(ctx, args, &out, &errs); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	var printed map[string]any
	return printed, json.Unmarshal(out.Bytes(), &printed)
}

func (s *target) CreateUser(ctx context.Context, username, password string, inactive bool) (string, error) {
	args := []string{"createuser", "-username", username, "-password", password}
	if inactive {
		args = append(args, "-inactive")
	}
	printed, err := s.command(ctx, args...)
	return fmt.Sprint(printed["id"]), err
}

func (s *target) Deactivate(ctx context.Context, username string) error {
	_, err := s.command(ctx, "deactivate", "-username", username)
	return err
}

func (s *target) DeleteUser(ctx context.Context, username string) error {
	_, err := s.command(ctx, "deleteuser", "-username", username)
	return err
}

func (s *target) SetPassword(ctx context.Context, username, password string) error {
	_, err := s.command(ctx, "setpassword", "-username", username, "-password", password)
	return err
}

func (s *target) Flush(ctx context.Context) error {
	_, err := s.command(ctx, "flushexpiredtokens", "-settings", s.settings)
	return err
}
