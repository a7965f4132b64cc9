package conformance

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// fakeServer is a Target that can do just enough for fakeScenario. The field
// broken names the only thing that it does wrong.
type fakeServer struct {
	keys   keyring
	broken string
	db     *sql.DB
	closed bool

	mu        sync.Mutex // guards what follows
	passwords map[string]string
	inactive  map[string]bool
	tokens    int
}

// newFakeServer returns a server with an empty database, which is closed when t ends.
func newFakeServer(t testing.TB, broken string) *fakeServer {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "fake.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, err = db.Exec(`
		CREATE TABLE token_blacklist_outstandingtoken
			(id integer primary key, user_id integer, jti text, token text, created_at text, expires_at datetime);
		CREATE TABLE token_blacklist_blacklistedtoken
			(id integer primary key, token_id integer, blacklisted_at real);
		CREATE TABLE auth_user
			(id integer primary key, username text, is_active integer, last_login text)`)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeServer{keys: testKeys(t), broken: broken, db: db, passwords: map[string]string{}, inactive: map[string]bool{}}
}

func (f *fakeServer) DB() *sql.DB    { return f.db }
func (f *fakeServer) Postgres() bool { return false }
func (f *fakeServer) Close()         { f.closed = true }

func (f *fakeServer) CreateUser(_ context.Context, username, password string, inactive bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passwords[username], f.inactive[username] = password, inactive
	return "7", nil
}

func (f *fakeServer) Deactivate(_ context.Context, username string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inactive[username] = f.broken != "deactivate"
	return nil
}

func (f *fakeServer) DeleteUser(_ context.Context, username string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != "delete" {
		delete(f.passwords, username)
	}
	return nil
}

func (f *fakeServer) SetPassword(_ context.Context, username, password string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != "set_password" {
		f.passwords[username] = password
	}
	return nil
}

func (f *fakeServer) Flush(ctx context.Context) error {
	if f.broken == "flush" {
		return nil
	}
	_, err := f.db.ExecContext(ctx, "DELETE FROM token_blacklist_outstandingtoken")
	return err
}

func (f *fakeServer) Handler() http.Handler { return http.HandlerFunc(f.handleLogin) }

// handleLogin answers POST /api/token/ with an access token, and records it in a row.
func (f *fakeServer) handleLogin(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.writeError(w, http.StatusBadRequest, "JSON parse error - "+err.Error())
		return
	}
	if f.broken == "5xx" {
		f.writeError(w, http.StatusInternalServerError, "oops")
		return
	}
	password, known := f.passwords[in.Username]
	if !known || password != in.Password || f.inactive[in.Username] {
		f.writeError(w, http.StatusUnauthorized, "No active account")
		return
	}
	token, jti, exp := f.mintAccess()
	created := time.Now().UTC()
	if f.broken == "row" {
		created = created.Add(-time.Hour)
	}
	_, err := f.db.Exec(`INSERT INTO token_blacklist_outstandingtoken (user_id, jti, token, created_at, expires_at)
		VALUES (7, ?, '', ?, ?)`, jti, created.Format(time.RFC3339Nano), exp.UTC().Format(time.DateTime))
	if err != nil {
		f.writeError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	out := map[string]any{"access": token}
	if f.broken == "extra" {
		out["more"] = 1
	}
	if f.broken == "always challenges" {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	f.writeJSON(w, http.StatusOK, out)
}

func (f *fakeServer) mintAccess() (token, jti string, exp time.Time) {
	f.tokens++
	jti = strings.Repeat("0", 31) + strconv.Itoa(f.tokens)
	if f.broken == "jti" {
		jti = strings.Repeat("0", 32)
	}
	exp = time.Now().Add(300 * time.Second).Truncate(time.Second)
	if f.broken == "exp" {
		exp = exp.Add(time.Hour)
	}
	claims, _ := encodeJSON(map[string]any{"exp": exp.Unix(), "jti": jti, "user_id": "7"})
	header := map[string]any{"alg": "HS256", "typ": "JWT"}
	if f.broken == "header" {
		header["typ"] = "at+jwt"
	}
	head, _ := encodeJSON(header)
	data := encodeSegment(head) + "." + encodeSegment(claims)
	key := "hs1"
	if f.broken == "key" {
		key = "hs2"
	}
	sig, _ := f.keys.signData("HS256", key, []byte(data))
	return data + "." + encodeSegment(sig), jti, exp
}

func (f *fakeServer) writeError(w http.ResponseWriter, status int, detail string) {
	if status == http.StatusUnauthorized && f.broken != "challenge" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
	}
	f.writeJSON(w, status, map[string]any{"detail": detail})
}

func (f *fakeServer) writeJSON(w http.ResponseWriter, status int, doc any) {
	if f.broken == "status" {
		status = http.StatusAccepted
	}
	if f.broken != "type" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	if f.broken == "not json" {
		_, _ = w.Write([]byte("<html>"))
		return
	}
	_ = json.NewEncoder(w).Encode(doc)
}
