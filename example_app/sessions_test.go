package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// listed is a session as the list shows it.
type listed struct {
	ID              string    `json:"id"`
	DeviceName      string    `json:"device_name"`
	UserAgent       string    `json:"user_agent"`
	IP              string    `json:"ip"`
	StartedAt       time.Time `json:"started_at"`
	LastRefreshedAt time.Time `json:"last_refreshed_at"`
	ExpiresAt       time.Time `json:"expires_at"`
	Current         bool      `json:"current"`
}

// onEachFramework runs a test against each framework: on SQLite, and the last one on PostgreSQL.
func onEachFramework(t *testing.T, settings string, test func(t *testing.T, c *client)) {
	t.Helper()
	for framework, dsn := range map[string]func(*testing.T) string{
		"gin":  func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "db.sqlite3") },
		"echo": func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "db.sqlite3") },
		"std":  func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			test(t, startFramework(t, framework, settings, dsn(t)))
		})
	}
}

// as sends a request with an access token.
func (c *client) as(access, method, path, body string) answer {
	c.t.Helper()
	return send(c.t.Context(), c.t, method, c.url+path, body, "Authorization", "Bearer "+access)
}

// list asks for the sessions.
func (c *client) list(access string) []listed {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/api/token/sessions/", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	var out []listed
	if err := json.Unmarshal(body, &out); err != nil || resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
		c.t.Fatalf("the list of sessions: %d %s", resp.StatusCode, body)
	}
	return out
}

// loginOn logs alice in on a device.
func (c *client) loginOn(device string) (access, refresh string) {
	c.t.Helper()
	a := send(c.t.Context(), c.t, http.MethodPost, c.url+"/api/token/",
		`{"username": "alice", "password": "correct horse", "device_name": "`+device+`"}`, "User-Agent", device+"/1", "X-Forwarded-For", "198.51.100.7")
	c.want(a, http.StatusOK, "")
	return a.text("access"), a.text("refresh")
}

const recommendedProfile = rotating + `, "ROTATION_GRACE_PERIOD": "10s", "REUSE_DETECTION": true, "SESSION_LIFETIME": "720h"`

func TestAUserSeesAndEndsHisSessions(t *testing.T) {
	t.Parallel()
	onEachFramework(t, recommendedProfile, func(t *testing.T, c *client) {
		phone, phoneRefresh := c.loginOn("phone")
		laptop, laptopRefresh := c.loginOn("laptop")
		_, tabletRefresh := c.loginOn("tablet")
		if _, err := c.srv.CreateUser(t.Context(), "mallory", "correct horse", false); err != nil {
			t.Fatal(err)
		}
		mallory := c.post("/api/token/", `{"username": "mallory", "password": "correct horse"}`).text("access")

		got := c.list(laptop)
		var names []string
		for _, s := range got {
			names = append(names, s.DeviceName+" "+s.UserAgent+" "+s.IP)
			if s.Current != (s.DeviceName == "laptop") || time.Since(s.StartedAt) > time.Minute || s.LastRefreshedAt.Before(s.StartedAt) || time.Until(s.ExpiresAt) < 23*time.Hour {
				t.Errorf("session %+v", s)
			}
		}
		if diff := cmp.Diff([]string{"tablet tablet/1 127.0.0.1", "laptop laptop/1 127.0.0.1", "phone phone/1 127.0.0.1"}, names); diff != "" {
			t.Errorf("sessions (-want +got):\n%s", diff)
		}

		// Another's session is not there.
		phoneID := got[2].ID
		c.want(c.as(mallory, http.MethodDelete, "/api/token/sessions/"+phoneID+"/", ""), 404, "Not found.")
		if n := len(c.list(mallory)); n != 1 {
			t.Errorf("mallory sees %d sessions, want her own", n)
		}
		c.want(c.as(mallory, http.MethodDelete, "/api/token/sessions/", ""), 204, "")
		c.want(c.as(laptop, http.MethodDelete, "/api/token/sessions/unknown", ""), 404, "Not found.")
		c.want(c.as(laptop, http.MethodDelete, "/api/token/sessions/%ff%00/", ""), 404, "")
		if n := len(c.list(laptop)); n != 3 {
			t.Fatalf("%d sessions are left, want 3", n)
		}

		// One, the others, all.
		c.want(c.as(laptop, http.MethodDelete, "/api/token/sessions/"+phoneID+"/", ""), 204, "")
		c.want(c.refresh(phoneRefresh), 401, "Token is blacklisted")
		c.want(c.as(phone, http.MethodGet, "/api/token/sessions/", ""), 401, "Given token not valid for any token type")
		c.want(c.as(phone, http.MethodDelete, "/api/token/sessions/", ""), 401, "")
		c.want(c.as(laptop, http.MethodDelete, "/api/token/sessions/others/", ""), 204, "")
		c.want(c.refresh(tabletRefresh), 401, "Token is blacklisted")
		next := c.refresh(laptopRefresh)
		c.want(next, 200, "")
		if got := c.list(laptop); len(got) != 1 || !got[0].Current || got[0].DeviceName != "laptop" || got[0].UserAgent == "laptop/1" {
			t.Errorf("sessions %+v, want the laptop, with the user agent of its refresh", got)
		}
		c.want(c.as(laptop, http.MethodDelete, "/api/token/sessions", ""), 204, "")
		c.want(c.refresh(next.text("refresh")), 401, "Token is blacklisted")
	})
}

func TestSessionsNeedAUser(t *testing.T) {
	t.Parallel()
	onEachFramework(t, "", func(t *testing.T, c *client) {
		access, refresh := c.login()
		for _, path := range []string{"/api/token/sessions/", "/api/token/sessions/others/", "/api/token/sessions/x/", "/api/me/password/"} {
			c.want(send(t.Context(), t, http.MethodDelete, c.url+path, ""), 401, "Authentication credentials were not provided.")
			c.want(c.as(refresh, http.MethodDelete, path, ""), 401, "Given token not valid for any token type")
			c.want(c.as(access, http.MethodPut, path, ""), 405, `Method "PUT" not allowed.`)
			if path != "/api/me/password/" {
				c.want(send(t.Context(), t, http.MethodOptions, c.url+path, ""), 204, "")
			}
		}
		c.want(c.as(access, http.MethodGet, "/api/token/sessions/others/", ""), 405, "")
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"": recommendedProfile, "with CHECK_REVOKE_TOKEN": recommendedProfile + `, "CHECK_REVOKE_TOKEN": true`,
		"without rotation": `, "ACCESS_TOKEN_LIFETIME": "5m"`, "rotating without blacklisting": `, "ROTATE_REFRESH_TOKENS": true`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachFramework(t, settings, func(t *testing.T, cl *client) {
				access, refresh := cl.login()
				otherAccess, otherRefresh := cl.login()
				change := func(access, old, new string) answer {
					return cl.as(access, http.MethodPost, "/api/me/password/", `{"old_password": "`+old+`", "new_password": "`+new+`"}`)
				}
				cl.want(change(access, "wrong", "new password"), 400, "")
				cl.want(change(access, "correct horse", ""), 400, "")
				cl.want(cl.as(access, http.MethodPost, "/api/me/password", `no JSON`), 400, "")
				cl.want(cl.refresh(otherRefresh), 200, "")

				a := change(access, "correct horse", "new password")
				if a.status != 200 || a.text("refresh") == "" || claims(t, a.text("refresh"))["sid"] == claims(t, refresh)["sid"] {
					t.Fatalf("answer %d %v, want the tokens of another session", a.status, a.body)
				}
				cl.want(cl.refresh(refresh), 401, "") // a thief may have a copy of it
				cl.want(change(access, "new password", "mallory's"), 401, "")
				cl.want(change(access, "wrong", "new password"), 401, "")
				access, refresh = a.text("access"), a.text("refresh")
				cl.want(cl.me(access), 200, "")
				cl.want(cl.refresh(refresh), 200, "")
				cl.want(cl.refresh(otherRefresh), 401, "")
				cl.want(change(otherAccess, "new password", "mallory's"), 401, "")
				cl.want(change(access, "wrong", "new password"), 400, "")
				if got := cl.list(access); len(got) != 1 || !got[0].Current {
					t.Errorf("sessions %+v, want the one that asked", got)
				}
				cl.want(cl.post("/api/token/", `{"username": "alice", "password": "correct horse"}`), 401, "")
				cl.want(cl.post("/api/token/", `{"username": "alice", "password": "new password"}`), 200, "")
			})
		})
	}
}

func TestTheFlagRevokeEndsSessions(t *testing.T) {
	t.Parallel()
	for command, args := range map[string][]string{"setpassword": {"-password", "another one"}, "deactivate": nil, "deleteuser": nil} {
		for _, revoke := range []bool{false, true} {
			c := start(t, rotating)
			_, refresh := c.login()
			all := append([]string{command, "-username", "alice"}, args...)
			if revoke {
				all = append(all, "-revoke")
			}
			if _, err := c.srv.command(t.Context(), all...); err != nil {
				t.Fatal(err)
			}
			want := "0"
			if revoke {
				want = "1"
			}
			if got := c.one("SELECT count(*) FROM token_blacklist_blacklistedtoken"); got != want {
				t.Errorf("%s, revoke %v: %s tokens are on the blacklist, want %s", command, revoke, got, want)
			}
			if revoke {
				reason := map[string]string{"setpassword": "password", "deactivate": "admin", "deleteuser": "admin"}[command]
				if got := c.one("SELECT reason FROM token_blacklist_blacklistedtoken"); got != reason {
					t.Errorf("%s: the reason is %q, want %q", command, got, reason)
				}
				c.want(c.refresh(refresh), 401, "")
			}
		}
	}
}

// A sliding token may open routes for a while after its row has ended: a flush must not forget that it was revoked.
func TestTheFlushCommandKeepsWhatASlidingTokenNeeds(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{"": "0", `, "AUTH_TOKEN_CLASSES": ["AccessToken", "SlidingToken"]`: "1"} {
		c := start(t, settings)
		row := models.OutstandingToken{JTI: "sliding", ExpiresAt: time.Now().Add(-time.Minute)}
		if err := c.srv.db.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		if err := c.srv.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.one("SELECT count(*) FROM token_blacklist_outstandingtoken"); got != want {
			t.Errorf("with %q %s rows are left, want %s", settings, got, want)
		}
	}
}

func TestCheckSessionEndsAccessTokensInEveryProcess(t *testing.T) {
	t.Parallel()
	const checking = recommendedProfile + `, "CHECK_SESSION": true`
	c := startOn(t, checking, pgtest.DSN(t))
	other := launch(t, t.TempDir(), nil, "serve", "-addr", "127.0.0.1:0", "-database", c.srv.dsn, "-settings", c.srv.settings)
	access, refresh := c.login()
	me := func() answer {
		return send(t.Context(), t, http.MethodGet, other.url+"/api/me/", "", "Authorization", "Bearer "+access)
	}
	c.want(me(), 200, "")
	c.want(c.post("/api/token/blacklist/", `{"refresh": "`+refresh+`"}`), 200, "")
	c.want(me(), 401, "Given token not valid for any token type")
	c.want(c.me(access), 401, "Given token not valid for any token type")
}

func TestOAuthErrorsTellWhatToDo(t *testing.T) {
	t.Parallel()
	onEachFramework(t, recommendedProfile+`, "OAUTH_ERRORS": true`, func(t *testing.T, c *client) {
		access, refresh := c.login()
		next := c.refresh(refresh).text("refresh")
		c.want(c.post("/api/token/blacklist/", `{"refresh": "`+next+`"}`), 200, "")
		for what, one := range map[string]struct {
			method, path, body, authorization string
			status                            int
			want                              map[string]any
			challenge                         string
		}{
			"a refresh": {"POST", "/api/token/refresh/", `{"refresh": "` + next + `"}`, "", 401, map[string]any{
				"detail": "Token is blacklisted", "code": "token_not_valid",
				"error": "invalid_grant", "error_description": "Token is blacklisted", "reason": "revoked",
			}, `Bearer realm="api", error="invalid_grant", error_description="Token is blacklisted"`},
			"a wrong password": {"POST", "/api/token/", `{"username": "alice", "password": "x"}`, "", 401, map[string]any{
				"detail": "No active account found with the given credentials",
				"error":  "invalid_grant", "error_description": "No active account found with the given credentials",
			}, `Bearer realm="api", error="invalid_grant", error_description="No active account found with the given credentials"`},
			"verify": {"POST", "/api/token/verify/", `{"token": "` + next + `"}`, "", 400, map[string]any{
				"non_field_errors": []any{"Token is blacklisted"},
				"error":            "invalid_token", "error_description": "Token is blacklisted", "reason": "revoked",
			}, ""},
			"a missing field": {"POST", "/api/token/refresh/", `{}`, "", 400, map[string]any{
				"refresh": []any{"This field is required."}, "error": "invalid_request", "error_description": "refresh: This field is required.",
			}, ""},
			"a request without credentials": {"GET", "/api/me/", "", "", 401, map[string]any{
				"detail": "Authentication credentials were not provided.",
			}, `Bearer realm="api"`},
			"a request with no token": {"GET", "/api/me/", "", "Bearer x", 401, map[string]any{
				"detail": "Given token not valid for any token type", "code": "token_not_valid",
				"messages": []any{map[string]any{"token_class": "AccessToken", "token_type": "access", "message": "Token is invalid"}},
				"error":    "invalid_token", "error_description": "Token is invalid",
			}, `Bearer realm="api", error="invalid_token", error_description="Token is invalid"`},
			"a route of an ended session": {"GET", "/api/token/sessions/", "", "Bearer " + access, 401, map[string]any{
				"detail": "Given token not valid for any token type", "code": "token_not_valid",
				"messages": []any{map[string]any{"token_class": "AccessToken", "token_type": "access", "message": "Token is blacklisted"}},
				"error":    "invalid_token", "error_description": "Token is blacklisted", "reason": "session_ended",
			}, `Bearer realm="api", error="invalid_token", error_description="Token is blacklisted"`},
		} {
			r := httptest.NewRequestWithContext(t.Context(), one.method, one.path, strings.NewReader(one.body))
			r.Header.Set("Content-Type", "application/json")
			if one.authorization != "" {
				r.Header.Set("Authorization", one.authorization)
			}
			w := httptest.NewRecorder()
			c.srv.handler.ServeHTTP(w, r)
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != one.status {
				t.Errorf("%s: answer %d %s, want %d", what, w.Code, w.Body, one.status)
			}
			if diff := cmp.Diff(one.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != one.challenge {
				t.Errorf("%s: WWW-Authenticate is %q, want %q", what, got, one.challenge)
			}
		}
	})
}
