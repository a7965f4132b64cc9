package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// differences pins each row of README's "Differences from SimpleJWT", by the row's first words.
var differences = map[string]func(*testing.T){
	"Only one concurrent refresh wins": func(t *testing.T) {
		s := startServer(t, rotating)
		_, refresh := s.login()
		var mu sync.Mutex
		var wg sync.WaitGroup
		statuses := map[int]int{}
		for range 8 {
			wg.Go(func() {
				a := s.refresh(refresh)
				mu.Lock()
				defer mu.Unlock()
				statuses[a.status]++
			})
		}
		wg.Wait()
		if statuses[200] != 1 || statuses[401] != 7 {
			t.Errorf("statuses %v, want one 200 and seven 401", statuses)
		}
	},
	"`sid` in tokens": func(t *testing.T) {
		s := startServer(t, rotating)
		access, refresh := s.login()
		sid := readClaims(t, refresh)["jti"]
		next := s.refresh(refresh)
		for _, token := range []string{access, refresh, next.text("access"), next.text("refresh")} {
			if got := readClaims(t, token)["sid"]; got != sid {
				t.Errorf("sid %v, want the jti of the first refresh token, %v", got, sid)
			}
		}
	},
	"No bearer token in the column `token`": func(t *testing.T) {
		s := startServer(t, rotating)
		_, refresh := s.login()
		s.refresh(refresh)
		s.post("/api/token/sliding/", `{"username": "alice", "password": "correct horse"}`)
		if got := s.queryValue("SELECT count(*) || ' ' || group_concat(DISTINCT token) FROM token_blacklist_outstandingtoken"); got != "3 " {
			t.Errorf("rows and their tokens: %q, want three rows with none", got)
		}
	},
	"Verify always looks at the blacklist": func(t *testing.T) {
		s := startServer(t, "")
		_, refresh := s.login()
		s.post("/api/token/blacklist/", `{"refresh": "`+refresh+`"}`)
		a := s.post("/api/token/verify/", `{"token": "`+refresh+`"}`)
		if a.status != http.StatusBadRequest || a.body["non_field_errors"] == nil {
			t.Errorf("answer %v, want 400 with non_field_errors", a)
		}
	},
	"Passwords are taken as sent": func(t *testing.T) {
		s := startServer(t, "")
		s.want(s.tryLogin(" alice ", "correct horse "), 401, core.ErrNoActiveAccount.Detail)
		s.runCommand("createuser", "-username", "bob", "-password", " spaces ")
		s.want(s.tryLogin("bob", " spaces "), 200, "")
		s.want(s.tryLogin("bob", "spaces"), 401, core.ErrNoActiveAccount.Detail)
	},
	"Two equal JSON keys are rejected": func(t *testing.T) {
		s := startServer(t, "")
		s.want(s.post("/api/token/", `{"username": "x", "password": "correct horse", "username": "alice"}`), 400, "")
	},
	"A sliding token's record expires at the later of `exp` and `refresh_exp`": func(t *testing.T) {
		s := startServer(t, "")
		a := s.post("/api/token/sliding/", `{"username": "alice", "password": "correct horse"}`)
		end := time.Unix(int64(readClaims(t, a.text("token"))["refresh_exp"].(float64)), 0).UTC()
		if got := s.queryValue("SELECT expires_at FROM token_blacklist_outstandingtoken"); !strings.HasPrefix(got, end.Format("2006-01-02T15:04:05")) {
			t.Errorf("the row ends at %s, want refresh_exp, %s", got, end)
		}
	},
	"Logout ends the session": func(t *testing.T) {
		s := startServer(t, `, "ROTATE_REFRESH_TOKENS": true`) // the old token stays good beside the new one
		_, old := s.login()
		_, other := s.login()
		next := s.refresh(old).text("refresh")
		s.want(s.post("/api/token/blacklist/", `{"refresh": "`+old+`"}`), 200, "")
		s.want(s.refresh(next), 401, core.ErrTokenBlacklisted.Detail)
		s.want(s.refresh(other), 200, "")
	},
	"The rule for who may authenticate is checked at every request": func(t *testing.T) {
		s := startServer(t, "")
		access, _ := s.login()
		nobody := func(context.Context, simplejwt.User) bool { return false }
		auth := s.newAuth(simplejwt.Settings{SigningKey: signingKey, UserAuthenticationRule: nobody}, nil)
		if _, _, err := auth.AuthenticateToken(t.Context(), access); err == nil {
			t.Error("a user whom the rule rejects was authenticated")
		}
		s.want(s.getUser(access), 200, "")
	},
	"`CHECK_USER_IS_ACTIVE` applies in addition to a custom rule": func(t *testing.T) {
		s := startServer(t, "")
		_, refresh := s.login()
		everybody := func(context.Context, simplejwt.User) bool { return true }
		auth := s.newAuth(simplejwt.Settings{SigningKey: signingKey, UserAuthenticationRule: everybody}, nil)
		s.runCommand("deactivate", "-username", "alice")
		if _, _, err := auth.Refresh(t.Context(), refresh); !errors.Is(err, core.ErrNoActiveAccount) {
			t.Errorf("an inactive user whom the rule accepts refreshes: %v", err)
		}
	},
	"Custom claims are computed again at refresh": func(t *testing.T) {
		s := startServer(t, rotating)
		role := "admin"
		auth := s.newAuth(simplejwt.Settings{SigningKey: signingKey}, func(_ context.Context, _ simplejwt.User, token *core.Token) error {
			if role != "" {
				token.Set("role", role)
			}
			return nil
		})
		login, _, err := auth.ObtainPair(t.Context(), "alice", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		role = ""
		next, _, err := auth.Refresh(t.Context(), login.Refresh)
		if err != nil || readClaims(t, login.Access)["role"] != "admin" || readClaims(t, next.Access)["role"] != nil {
			t.Errorf("error %v; a role that was taken is in the access token: %v", err, readClaims(t, next.Access)["role"])
		}
	},
	"A token that this library issued is rejected if its record is missing": func(t *testing.T) {
		s := startServer(t, rotating)
		s.want(s.refresh(signToken(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "flushed", "sid": "flushed", "user_id": "1"})), 401, core.ErrTokenBlacklisted.Detail)
		s.want(s.refresh(signToken(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "elsewhere", "user_id": "1"})), 200, "")
	},
	"A changed password ends the session": func(t *testing.T) {
		s := startServer(t, `, "CHECK_REVOKE_TOKEN": true, "ROTATE_REFRESH_TOKENS": true`)
		_, old := s.login()
		next := s.refresh(old).text("refresh")
		s.runCommand("setpassword", "-username", "alice", "-password", "another one")
		s.want(s.refresh(old), 401, core.ErrPasswordChanged.Detail)
		s.want(s.refresh(next), 401, core.ErrTokenBlacklisted.Detail)
	},
	"Invalid settings and keys are reported at start": func(t *testing.T) {
		for settings, want := range map[string]string{
			`{"SIGNING_KEY": "short"}`:                                                              "SIGNING_KEY",
			`{"SIGNING_KEY": "` + signingKey + `", "ALGORITHM": "RS256"}`:                           "SIGNING_KEY",
			`{"SIGNING_KEY": "` + signingKey + `", "ROTATE_REFRESH_TOKEN": true}`:                   "did you mean ROTATE_REFRESH_TOKENS",
			`{"SIGNING_KEY": "` + signingKey + `", "BLACKLIST_AFTER_ROTATION": true}`:               "BLACKLIST_AFTER_ROTATION",
			`{"SIGNING_KEY": "", "ACCESS_TOKEN_LIFETIME": "soon", "REFRESH_TOKEN_LIFETIME": "-1s"}`: "ACCESS_TOKEN_LIFETIME",
		} {
			folder := t.TempDir()
			file := filepath.Join(folder, "settings.json")
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := runProgram(t, folder, "serve", "-addr", "127.0.0.1:0", "-database", newSQLite(t), "-settings", file, "-blacklist=false")
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want an invalid setting that says %q", settings, err, want)
			}
		}
	},
	"Tokens that crash SimpleJWT get a 401": func(t *testing.T) {
		s := startServer(t, rotating)
		for _, id := range []string{`"not-a-number"`, `{"a": 1}`, `["1"]`, `""`, `1e400`, `"1\u0000"`} {
			token := signToken(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "a", "user_id": json.RawMessage(id)})
			s.want(s.refresh(token), 401, "")
			s.want(s.post("/api/token/blacklist/", `{"refresh": "`+token+`"}`), 401, "")
		}
	},
	"Tokens are read strictly": func(t *testing.T) {
		s := startServer(t, "")
		good := func(more jwt.MapClaims) jwt.MapClaims {
			out := jwt.MapClaims{"token_type": "access", "jti": "a", "user_id": 1}
			maps.Copy(out, more)
			return out
		}
		s.want(s.getUser(signToken(t, "JWT", good(nil))), 200, "")
		s.want(s.getUser(signToken(t, "JOSE", good(nil))), 401, "")
		for name, claims := range map[string]jwt.MapClaims{
			"a fraction as user id": {"user_id": 1.5}, "true as user id": {"user_id": true}, "a zero before the user id": {"user_id": "01"},
			"iat as text": {"iat": "1700000000"}, "no id": {"jti": ""}, "a long id": {"jti": strings.Repeat("x", 256)},
			"more than 16 KiB": {"x": strings.Repeat("x", 16<<10)},
		} {
			if a := s.getUser(signToken(t, "JWT", good(claims))); a.status != 401 {
				t.Errorf("%s: answer %d %v, want 401", name, a.status, a.body)
			}
		}
	},
	"A missing trailing slash is served": func(t *testing.T) {
		s := startServer(t, "")
		s.want(s.post("/api/token", `{"username": "alice", "password": "correct horse"}`), 200, "")
	},
	"`OPTIONS` has no body": func(t *testing.T) {
		s := startServer(t, "")
		a := s.send(http.MethodOptions, "/api/token/", "")
		s.want(a, 204, "")
		if a.body != nil {
			t.Errorf("body %v, want none", a.body)
		}
	},
	"Request bodies are capped": func(t *testing.T) {
		s := startServer(t, "")
		s.want(s.post("/api/token/", `{"username": "`+strings.Repeat("x", 1<<20)+`"}`), 413, "")
	},
	"Two `Authorization` headers are rejected": func(t *testing.T) {
		s := startServer(t, "")
		access, _ := s.login()
		a := s.send(http.MethodGet, "/api/me/", "", "Authorization", "Bearer "+access, "Authorization", "Bearer "+access)
		s.want(a, 401, core.ErrBadHeader.Detail)
	},
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for row, pin := range differences {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			pin(t)
		})
	}
}

// TestDifferences_AreListed holds README's table against the tests, both ways.
func TestDifferences_AreListed(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(readme), "\n## Differences from SimpleJWT\n")
	if !ok {
		t.Fatal(`README.md has no section "Differences from SimpleJWT"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(section, -1) {
		listed[m[1]] = true
	}
	delete(listed, "Difference")
	delete(listed, "---")
	for row := range differences {
		if !listed[row] {
			t.Errorf("README does not list %q", row)
		}
	}
	for row := range listed {
		if differences[row] == nil {
			t.Errorf("README lists %q, which no test pins", row)
		}
	}
}
