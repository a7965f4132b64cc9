package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// User is the model of the quick starts, as README has it.
type User struct {
	ID       int64
	Username string `gorm:"uniqueIndex;not null"`
	Password string `gorm:"not null"`
	Active   bool   `gorm:"not null"`
}

func (u *User) AuthID() string       { return strconv.FormatInt(u.ID, 10) }
func (u *User) AuthActive() bool     { return u.Active }
func (u *User) AuthPassword() string { return u.Password }

// testQuickStart logs in, calls the protected route and refreshes, as the reader of a quick start does.
func testQuickStart(t *testing.T, newHandler func(ctx context.Context, dsn string) (http.Handler, error)) {
	t.Helper()
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "app.db")) + "?" + readQuickStartOptions(t)
	t.Setenv("SECRET_KEY", "too short")
	var invalid simplejwt.SettingsError
	if _, err := newHandler(t.Context(), dsn); !errors.As(err, &invalid) || invalid[0].Setting != "SIGNING_KEY" {
		t.Errorf("with a key that is too short: %v, want an invalid SIGNING_KEY", err)
	}
	t.Setenv("SECRET_KEY", testKey)
	handler, err := newHandler(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	addUser(t, dsn, "alice", "correct horse")
	post := func(path, body string) (pair core.Pair) {
		w := serveRequest(t.Context(), handler, http.MethodPost, path, body, "")
		if err := json.Unmarshal(w.Body.Bytes(), &pair); err != nil || w.Code != http.StatusOK {
			t.Errorf("%s answers %d %q, want 200 with a pair", path, w.Code, w.Body)
		}
		return pair
	}
	me := func(access string) (int, string) {
		w := serveRequest(t.Context(), handler, http.MethodGet, "/api/me", "", access)
		return w.Code, w.Body.String()
	}
	pair := post("/api/token/", `{"username": "alice", "password": "correct horse"}`)
	if status, body := me(pair.Access); status != http.StatusOK || !strings.Contains(body, "alice") {
		t.Errorf("the protected route answers %d %q, want 200 with the user's name", status, body)
	}
	if status, body := me(""); status != http.StatusUnauthorized {
		t.Errorf("without a token the protected route answers %d %q, want 401", status, body)
	}
	if status, body := me(pair.Refresh); status != http.StatusUnauthorized {
		t.Errorf("with a refresh token the protected route answers %d %q, want 401", status, body)
	}
	next := post("/api/token/refresh/", `{"refresh": "`+pair.Refresh+`"}`)
	if next.Refresh == "" || next.Refresh == pair.Refresh {
		t.Errorf("a refresh answers %v, want a new pair", next)
	}
	if status, body := me(next.Access); status != http.StatusOK {
		t.Errorf("with the new access token the protected route answers %d %q, want 200", status, body)
	}
}

// readQuickStartOptions returns the options of SQLite's DSN as README has them.
func readQuickStartOptions(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, options, found := strings.Cut(string(readme), "file:app.db?")
	options, _, closed := strings.Cut(options, `"`)
	if !found || !closed {
		t.Fatal("README names no DSN file:app.db?... for SQLite")
	}
	return options
}

// addUser stores a user as README says: with a hash that hashers.Make wrote.
func addUser(t *testing.T, dsn, username, password string) {
	t.Helper()
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDatabase(db)
	hash, err := hashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Create(&User{Username: username, Password: hash, Active: true}).Error; err != nil {
		t.Fatal(err)
	}
}
