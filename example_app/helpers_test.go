package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// testKey is the HMAC secret of these tests.
const testKey = "a signing key of these tests, long enough for every HMAC algorithm there is"

const (
	// rotating are the settings that use up a refresh token by its refresh.
	rotating = `, "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true`
	// recommended, after rotating, are the other settings of the recommended profile.
	recommended = `, "ROTATION_GRACE_PERIOD": "10s", "REUSE_DETECTION": true, "SESSION_LIFETIME": "720h"`
)

// target is the program in process: the same wiring and the same commands, without a listener.
type target struct {
	*app
	dsn      string
	settings string // the file
	db       *gorm.DB
	handler  http.Handler
	stop     context.CancelFunc
}

// newTarget makes a target of settings, a JSON object. The caller closes it.
func newTarget(t testing.TB, framework string, settings []byte, blacklistApp bool, dsn string) (*target, error) {
	parsed, err := simplejwt.FromJSON(simplejwt.Settings{}, settings)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &target{dsn: dsn, stop: stop, settings: filepath.Join(t.TempDir(), "settings.json")}
	if err := os.WriteFile(s.settings, settings, 0o600); err != nil {
		return nil, err
	}
	if s.db, err = openDatabase(ctx, s.dsn); err != nil {
		return nil, err
	}
	if s.app, err = newApp(ctx, parsed, s.db, blacklistApp, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		return nil, err
	}
	s.handler = frameworks()[framework](s.app)
	return s, nil
}

// startTarget makes a target of more settings, such as rotating, with one user, alice.
func startTarget(t *testing.T, framework, settings, dsn string) *target {
	t.Helper()
	s, err := newTarget(t, framework, []byte(`{"SIGNING_KEY": "`+testKey+`"`+settings+`}`), true, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if _, err := s.CreateUser(t.Context(), "alice", "correct horse", false); err != nil {
		t.Fatal(err)
	}
	return s
}

// newSQLite returns the DSN of a fresh SQLite file.
func newSQLite(t testing.TB) string {
	return "sqlite://" + filepath.Join(pgtest.TempDir(t), "db.sqlite3")
}

// runCommand runs a command of the program and decodes what it prints.
func (s *target) runCommand(ctx context.Context, args ...string) (map[string]any, error) {
	var out, errs bytes.Buffer
	args = append([]string{args[0], "-database", s.dsn}, args[1:]...)
	if err := runCommand(ctx, args, &out, &errs); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	var printed map[string]any
	return printed, json.Unmarshal(out.Bytes(), &printed)
}

func (s *target) Close() {
	closeDatabase(s.db)
	s.stop()
}

// serveRequest has a handler answer a request; a body is sent as JSON.
func serveRequest(ctx context.Context, handler http.Handler, method, path, body, access string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}
