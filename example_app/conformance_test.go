package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/conformance"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// missingFeatures are those that this project leaves out on purpose: it does not start with such settings, or lacks the algorithm.
var missingFeatures = []string{"es256k", "ed448", "short-key", "no-verifying-key", "mismatched-pair", "blacklist-setting-without-app"}

// TestConformance replays what the real SimpleJWT answers: through each adapter on SQLite and, for net/http, on PostgreSQL. With
// TEST_FULL=1 through each adapter on both; with -short and under the race detector, where SQLite alone takes minutes, net/http only.
func TestConformance(t *testing.T) {
	t.Parallel()
	for framework := range frameworks() {
		if framework != "std" && (testlevel.Race || testing.Short()) {
			continue
		}
		t.Run(framework+"/sqlite", func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, newStarter(framework, newSQLite), missingFeatures...)
		})
		t.Run(framework+"/postgres", func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("-short: without PostgreSQL")
			}
			if framework != "std" {
				testlevel.SkipUnlessFull(t)
			}
			pgtest.DSN(t) // skips here, once, where there is no PostgreSQL
			conformance.Run(t, newStarter(framework, pgtest.DSN), missingFeatures...)
		})
	}
}

func newStarter(framework string, newDSN func(testing.TB) string) conformance.Start {
	return func(t testing.TB, settings []byte, blacklistApp bool) (conformance.Target, error) {
		s, err := newTarget(t, framework, settings, blacklistApp, newDSN(t))
		if err != nil {
			return nil, err // and not a target that is nil
		}
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

func (s *target) CreateUser(ctx context.Context, username, password string, inactive bool) (string, error) {
	args := []string{"createuser", "-username", username, "-password", password}
	if inactive {
		args = append(args, "-inactive")
	}
	printed, err := s.runCommand(ctx, args...)
	return fmt.Sprint(printed["id"]), err
}

func (s *target) Deactivate(ctx context.Context, username string) error {
	_, err := s.runCommand(ctx, "deactivate", "-username", username)
	return err
}

func (s *target) DeleteUser(ctx context.Context, username string) error {
	_, err := s.runCommand(ctx, "deleteuser", "-username", username)
	return err
}

func (s *target) SetPassword(ctx context.Context, username, password string) error {
	_, err := s.runCommand(ctx, "setpassword", "-username", username, "-password", password)
	return err
}

func (s *target) Flush(ctx context.Context) error {
	_, err := s.runCommand(ctx, "flushexpiredtokens", "-settings", s.settings)
	return err
}
