package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

// openHandler returns the handler of the quick start over a new database with README's options.
func openHandler(t *testing.T) (http.Handler, error) {
	t.Helper()
	file := filepath.ToSlash(filepath.Join(t.TempDir(), "app.db"))
	db, err := openDatabase(t.Context(), strings.Replace(dsn, "app.db", file, 1))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return newHandler(db)
}

// call is a curl line of README and the response below it.
type call struct{ path, header, body, response string }

func readCalls(t *testing.T) []call {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "\n```console\n")
	text, _, ends := strings.Cut(text, "```\n")
	if !found || !ends {
		t.Fatal("README.md has no block of console")
	}
	pattern := regexp.MustCompile(`(?m)^\$ (?:keep "\$\()?curl (?:-s )?127\.0\.0\.1:8000(\S+)(?: -H (?:"([^"]+)"|'([^']+)'))?(?: -d '(.+)')?(?:\)")?\n(.*)$`)
	var calls []call
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		calls = append(calls, call{path: m[1], header: m[2] + m[3], body: m[4], response: m[5]})
	}
	if lines := strings.Count(text, "\n"); len(calls) == 0 || lines != 2*len(calls) {
		t.Fatalf("README's console has %d lines, and %d calls with a response were found", lines, len(calls))
	}
	return calls
}

// do sends a call, with the tokens in place of README's variables.
func do(t *testing.T, handler http.Handler, c call, tokens map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	method := http.MethodGet
	if c.body != "" {
		method = http.MethodPost
	}
	variables := strings.NewReplacer("'$REFRESH'", tokens["refresh"], "'$ACCESS'", tokens["access"], "$ACCESS", tokens["access"])
	r := httptest.NewRequestWithContext(t.Context(), method, c.path, strings.NewReader(variables.Replace(c.body)))
	if name, value, ok := strings.Cut(c.header, ": "); ok {
		r.Header.Set(name, variables.Replace(value))
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// token is a token in a response, as README shortens it or in full.
var token = regexp.MustCompile(`"(access|refresh)":"(eyJ[^"]*)"`)

func TestQuickStart_RespondsAsREADMESays(t *testing.T) {
	t.Setenv("SECRET_KEY", strings.Repeat("k", 32))
	handler, err := openHandler(t)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{}
	for _, c := range readCalls(t) {
		w := do(t, handler, c, tokens)
		body := strings.TrimSuffix(w.Body.String(), "\n")
		for _, m := range token.FindAllStringSubmatch(body, -1) {
			if tokens[m[1]] == m[2] {
				t.Errorf("%s issues the %s token that it issued before", c.path, m[1])
			}
			tokens[m[1]] = m[2]
		}
		if diff := cmp.Diff(c.response, token.ReplaceAllString(body, `"$1":"eyJ..."`)); diff != "" {
			t.Errorf("the response of %s (-README +program):\n%s", c.path, diff)
		}
	}
}

func TestQuickStart_ProtectsItsRoute(t *testing.T) {
	t.Setenv("SECRET_KEY", strings.Repeat("k", 32))
	handler, err := openHandler(t)
	if err != nil {
		t.Fatal(err)
	}
	login := do(t, handler, call{path: "/api/token/", header: "Content-Type: application/json",
		body: `{"username": "alice", "password": "correct horse"}`}, nil)
	tokens := map[string]string{}
	for _, m := range token.FindAllStringSubmatch(login.Body.String(), -1) {
		tokens[m[1]] = m[2]
	}
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"an access token is let in":     {tokens["access"], http.StatusOK},
		"a refresh token is not let in": {tokens["refresh"], http.StatusUnauthorized},
		"no token is not let in":        {"", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			me := call{path: "/api/me"}
			if c.token != "" {
				me.header = "Authorization: Bearer " + c.token
			}
			if w := do(t, handler, me, nil); w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

func TestQuickStart_ReportsAKeyThatIsTooShort(t *testing.T) {
	t.Setenv("SECRET_KEY", "too short")
	var invalid simplejwt.SettingsError
	if _, err := openHandler(t); !errors.As(err, &invalid) || invalid[0].Setting != "SIGNING_KEY" {
		t.Errorf("error %v, want an invalid SIGNING_KEY", err)
	}
}

func TestQuickStart_ReportsAMissingKey(t *testing.T) {
	t.Setenv("SECRET_KEY", "")
	if _, err := openHandler(t); err == nil || !strings.Contains(err.Error(), "SECRET_KEY is not set") {
		t.Errorf("error %v, want that SECRET_KEY is not set", err)
	}
}
