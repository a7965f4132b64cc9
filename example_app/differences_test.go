package main

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
	"github.com/go-simplejwt/simplejwt/models"
)

// differences pins each row of README's "Differences from SimpleJWT", by the row's first words.
var differences = map[string]func(*testing.T){
	"One winner a rotation": func(t *testing.T) {
		c := start(t, rotating)
		_, refresh := c.login()
		var mu sync.Mutex
		var wg sync.WaitGroup
		statuses := map[int]int{}
		for range 8 {
			wg.Go(func() {
				a := c.refresh(refresh)
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
		c := start(t, rotating)
		access, refresh := c.login()
		sid := claims(t, refresh)["jti"]
		next := c.refresh(refresh)
		for _, token := range []string{access, refresh, next.text("access"), next.text("refresh")} {
			if got := claims(t, token)["sid"]; got != sid {
				t.Errorf("sid %v, want the jti of the first refresh token, %v", got, sid)
			}
		}
	},
	"No bearer token in the column `token`": func(t *testing.T) {
		c := start(t, rotating)
		_, refresh := c.login()
		c.refresh(refresh)
		c.post("/api/token/sliding/", `{"username": "alice", "password": "correct horse"}`)
		if got := c.one("SELECT count(*) || ' ' || group_concat(DISTINCT token) FROM token_blacklist_outstandingtoken"); got != "3 " {
			t.Errorf("rows and their tokens: %q, want three rows with none", got)
		}
	},
	"Verify always looks at the blacklist": func(t *testing.T) {
		c := start(t, "")
		_, refresh := c.login()
		c.post("/api/token/blacklist/", `{"refresh": "`+refresh+`"}`)
		a := c.post("/api/token/verify/", `{"token": "`+refresh+`"}`)
		if a.status != http.StatusBadRequest || a.body["non_field_errors"] == nil {
			t.Errorf("answer %v, want 400 with non_field_errors", a)
		}
	},
	"Passwords are taken as sent": func(t *testing.T) {
		c := start(t, "")
		c.want(c.post("/api/token/", `{"username": " alice ", "password": "correct horse "}`), 401, core.ErrNoActiveAccount.Detail)
		if _, err := c.srv.CreateUser(t.Context(), "bob", " spaces ", false); err != nil {
			t.Fatal(err)
		}
		c.want(c.post("/api/token/", `{"username": "bob", "password": " spaces "}`), 200, "")
		c.want(c.post("/api/token/", `{"username": "bob", "password": "spaces"}`), 401, core.ErrNoActiveAccount.Detail)
	},
	"Two equal JSON keys are rejected": func(t *testing.T) {
		c := start(t, "")
		c.want(c.post("/api/token/", `{"username": "x", "password": "correct horse", "username": "alice"}`), 400, "")
	},
	"A sliding token's row ends at the later of its ends": func(t *testing.T) {
		c := start(t, "")
		a := c.post("/api/token/sliding/", `{"username": "alice", "password": "correct horse"}`)
		end := time.Unix(int64(claims(t, a.text("token"))["refresh_exp"].(float64)), 0).UTC()
		if got := c.one("SELECT expires_at FROM token_blacklist_outstandingtoken"); !strings.HasPrefix(got, end.Format("2006-01-02T15:04:05")) {
			t.Errorf("the row ends at %s, want refresh_exp, %s", got, end)
		}
	},
	"Logout ends the session": func(t *testing.T) {
		c := start(t, `, "ROTATE_REFRESH_TOKENS": true`) // the old token stays good beside the new one
		_, old := c.login()
		_, other := c.login()
		next := c.refresh(old).text("refresh")
		c.want(c.post("/api/token/blacklist/", `{"refresh": "`+old+`"}`), 200, "")
		c.want(c.refresh(next), 401, core.ErrTokenBlacklisted.Detail)
		c.want(c.refresh(other), 200, "")
	},
	"The rule for who may authenticate is asked at every request": func(t *testing.T) {
		c := start(t, "")
		access, _ := c.login()
		settings := simplejwt.Settings{SigningKey: signingKey1, UserAuthenticationRule: refuseEverybody}
		a, err := newApp(t.Context(), settings, c.srv.db, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.auth.AuthenticateToken(t.Context(), access); err == nil {
			t.Error("a user whom the rule refuses was authenticated")
		}
		c.want(c.me(access), 200, "")
	},
	"`CHECK_USER_IS_ACTIVE` holds beside a custom rule": func(t *testing.T) {
		c := start(t, "")
		_, refresh := c.login()
		everybody := func(context.Context, simplejwt.User) bool { return true }
		a, err := newApp(t.Context(), simplejwt.Settings{SigningKey: signingKey1, UserAuthenticationRule: everybody}, c.srv.db, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.srv.Deactivate(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.auth.Refresh(t.Context(), refresh); !errors.Is(err, core.ErrNoActiveAccount) {
			t.Errorf("an inactive user whom the rule accepts refreshes: %v", err)
		}
	},
	"Custom claims are computed again at refresh": func(t *testing.T) {
		c := start(t, rotating)
		role := "admin"
		auth, err := core.New(simplejwt.Settings{SigningKey: signingKey1}, core.Deps{
			Users: models.NewUsers[Account](c.srv.db), Store: models.NewStore(c.srv.db),
			Claims: func(_ context.Context, _ simplejwt.User, token *core.Token) error {
				if role != "" {
					token.Set("role", role)
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		login, _, err := auth.ObtainPair(t.Context(), "alice", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		role = ""
		next, _, err := auth.Refresh(t.Context(), login.Refresh)
		if err != nil || claims(t, login.Access)["role"] != "admin" || claims(t, next.Access)["role"] != nil {
			t.Errorf("error %v; a role that was taken is in the access token: %v", err, claims(t, next.Access)["role"])
		}
	},
	"A token of ours without a row is rejected": func(t *testing.T) {
		c := start(t, rotating)
		c.want(c.refresh(mint(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "flushed", "sid": "flushed", "user_id": "1"})), 401, core.ErrTokenBlacklisted.Detail)
		c.want(c.refresh(mint(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "elsewhere", "user_id": "1"})), 200, "")
	},
	"A changed password ends the session": func(t *testing.T) {
		c := start(t, `, "CHECK_REVOKE_TOKEN": true, "ROTATE_REFRESH_TOKENS": true`)
		_, old := c.login()
		next := c.refresh(old).text("refresh")
		if err := c.srv.SetPassword(t.Context(), "alice", "another one"); err != nil {
			t.Fatal(err)
		}
		c.want(c.refresh(old), 401, core.ErrPasswordChanged.Detail)
		c.want(c.refresh(next), 401, core.ErrTokenBlacklisted.Detail)
	},
	"Invalid settings and keys are reported at start": func(t *testing.T) {
		for settings, want := range map[string]string{
			`{"SIGNING_KEY": "short"}`:                                                              "SIGNING_KEY",
			`{"SIGNING_KEY": "` + signingKey1 + `", "ALGORITHM": "RS256"}`:                          "SIGNING_KEY",
			`{"SIGNING_KEY": "` + signingKey1 + `", "ROTATE_REFRESH_TOKEN": true}`:                  "did you mean ROTATE_REFRESH_TOKENS",
			`{"SIGNING_KEY": "` + signingKey1 + `", "BLACKLIST_AFTER_ROTATION": true}`:              "BLACKLIST_AFTER_ROTATION",
			`{"SIGNING_KEY": "", "ACCESS_TOKEN_LIFETIME": "soon", "REFRESH_TOKEN_LIFETIME": "-1s"}`: "ACCESS_TOKEN_LIFETIME",
		} {
			parsed, _ := simplejwt.FromJSON(simplejwt.Settings{}, []byte(settings))
			c := start(t, "")
			_, err := newApp(t.Context(), parsed, c.srv.db, false, nil)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want a fault that says %q", settings, err, want)
			}
		}
	},
	"What crashes SimpleJWT is a 401": func(t *testing.T) {
		c := start(t, rotating)
		for _, id := range []string{`"not-a-number"`, `{"a": 1}`, `["1"]`, `""`, `1e400`, `"1\u0000"`} {
			token := mint(t, "JWT", jwt.MapClaims{"token_type": "refresh", "jti": "a", "user_id": json.RawMessage(id)})
			c.want(c.refresh(token), 401, "")
			c.want(c.post("/api/token/blacklist/", `{"refresh": "`+token+`"}`), 401, "")
		}
	},
	"Tokens are read strictly": func(t *testing.T) {
		c := start(t, "")
		good := func(more jwt.MapClaims) jwt.MapClaims {
			out := jwt.MapClaims{"token_type": "access", "jti": "a", "user_id": 1}
			maps.Copy(out, more)
			return out
		}
		c.want(c.me(mint(t, "JWT", good(nil))), 200, "")
		c.want(c.me(mint(t, "JOSE", good(nil))), 401, "")
		for name, claims := range map[string]jwt.MapClaims{
			"a fraction as user id": {"user_id": 1.5}, "true as user id": {"user_id": true}, "a zero before the user id": {"user_id": "01"},
			"iat as text": {"iat": "1700000000"}, "no id": {"jti": ""}, "a long id": {"jti": strings.Repeat("x", 256)},
			"more than 16 KiB": {"x": strings.Repeat("x", 16<<10)},
		} {
			if a := c.me(mint(t, "JWT", good(claims))); a.status != 401 {
				t.Errorf("%s: answer %d %v, want 401", name, a.status, a.body)
			}
		}
	},
	"A missing trailing slash is served": func(t *testing.T) {
		c := start(t, "")
		c.want(c.post("/api/token", `{"username": "alice", "password": "correct horse"}`), 200, "")
	},
	"`OPTIONS` has no body": func(t *testing.T) {
		c := start(t, "")
		a := send(t.Context(), t, http.MethodOptions, c.url+"/api/token/", "")
		c.want(a, 204, "")
		if a.body != nil {
			t.Errorf("body %v, want none", a.body)
		}
	},
	"Request bodies are capped": func(t *testing.T) {
		c := start(t, "")
		c.want(c.post("/api/token/", `{"username": "`+strings.Repeat("x", 1<<20)+`"}`), 413, "")
	},
	"Two Authorization fields are rejected": func(t *testing.T) {
		c := start(t, "")
		access, _ := c.login()
		a := send(t.Context(), t, http.MethodGet, c.url+"/api/me/", "", "Authorization", "Bearer "+access, "Authorization", "Bearer "+access)
		c.want(a, 401, core.ErrBadHeader.Detail)
	},
}

func refuseEverybody(context.Context, simplejwt.User) bool { return false }

func TestDifferences(t *testing.T) {
	t.Parallel()
	for row, pin := range differences {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			pin(t)
		})
	}
}

// TestEveryDifferenceIsListed holds README's table against the tests, both ways.
func TestEveryDifferenceIsListed(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
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
