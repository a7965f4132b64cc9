package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// changePassword sends a body to the route, of a content type.
func (c *client) changePassword(access, contentType, body string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/api/me/password/", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": contentType, "Authorization": "Bearer " + access, "User-Agent": "phone/2", "X-Forwarded-For": "203.0.113.9, 198.51.100.8",
	} {
		r.Header.Set(name, value)
	}
	return c.sendRequest(r)
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"with the recommended profile": rotating + recommended, "with CHECK_REVOKE_TOKEN": rotating + recommended + `, "CHECK_REVOKE_TOKEN": true`,
		"without rotation": `, "ACCESS_TOKEN_LIFETIME": "5m"`, "rotating without blacklisting": `, "ROTATE_REFRESH_TOKENS": true`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachFramework(t, settings, func(t *testing.T, s *server) {
				access, refresh := s.login()
				otherAccess, otherRefresh := s.login()
				change := func(access, old, new string) answer {
					return s.sendAs(access, http.MethodPost, "/api/me/password/", `{"old_password": "`+old+`", "new_password": "`+new+`"}`)
				}
				s.want(change(access, "wrong", "new password"), 400, "")
				s.want(change(access, "correct horse", ""), 400, "")
				s.want(s.sendAs(access, http.MethodPost, "/api/me/password", `not JSON`), 400, "")
				s.want(s.refresh(otherRefresh), 200, "")

				a := change(access, "correct horse", "new password")
				if a.status != 200 || a.text("refresh") == "" || readClaims(t, a.text("refresh"))["sid"] == readClaims(t, refresh)["sid"] {
					t.Fatalf("answer %d %v, want the tokens of another session", a.status, a.body)
				}
				s.want(s.refresh(refresh), 401, "") // a thief may have a copy of it
				s.want(change(access, "new password", "mallory's"), 401, "")
				s.want(change(access, "wrong", "new password"), 401, "")
				access, refresh = a.text("access"), a.text("refresh")
				s.want(s.getUser(access), 200, "")
				s.want(s.refresh(refresh), 200, "")
				s.want(s.refresh(otherRefresh), 401, "")
				s.want(change(otherAccess, "new password", "mallory's"), 401, "")
				s.want(change(access, "wrong", "new password"), 400, "")
				if got := s.listSessions(access); len(got) != 1 || !got[0].Current {
					t.Errorf("sessions %+v, want the one that asked", got)
				}
				s.want(s.tryLogin("alice", "correct horse"), 401, "")
				s.want(s.tryLogin("alice", "new password"), 200, "")
			})
		})
	}
}

func TestChangePassword_Body(t *testing.T) {
	t.Parallel()
	const json, right = "application/json", `{"old_password": "correct horse", "new_password": "new password"}`
	long := strings.Repeat("x", 4097)
	onEachFramework(t, rotating+recommended, func(t *testing.T, s *server) {
		access, _ := s.login()
		for name, body := range map[string]struct {
			contentType, text string
			status            int
		}{
			"a form":                   {"application/x-www-form-urlencoded", "old_password=correct+horse&new_password=new", 415},
			"JSON as text":             {"text/plain", right, 415},
			"JSON without a type":      {"", right, 415},
			"something behind":         {json, right + `{}`, 400},
			"a name that stands twice": {json, `{"old_password": "x", "old_password": "correct horse", "new_password": "new password"}`, 400},
			"names in other letters":   {json, `{"OLD_PASSWORD": "correct horse", "New_Password": "new password"}`, 400},
			"no new password":          {json, `{"old_password": "correct horse"}`, 400},
			"a list as new password":   {json, `{"old_password": "correct horse", "new_password": ["new password"]}`, 400},
			"a blank new password":     {json, `{"old_password": "correct horse", "new_password": " "}`, 400},
			"a NUL in it":              {json, `{"old_password": "correct horse", "new_password": "a\u0000b"}`, 400},
			"a long new password":      {json, `{"old_password": "correct horse", "new_password": "` + long + `"}`, 400},
			"a body of two megabytes":  {json, `{"old_password": "` + strings.Repeat("x", 2<<20) + `"}`, 413},
			"a wrong old password":     {json, `{"old_password": "wrong", "new_password": "new password"}`, 400},
			"a long wrong password":    {json, `{"old_password": "` + long + `", "new_password": "new password"}`, 400},
			"a wrong one for the same": {json, `{"old_password": "wrong", "new_password": "correct horse"}`, 400},
			"a wrong one and a blank":  {json, `{"old_password": "wrong", "new_password": ""}`, 400},
			"a wrong one and a long":   {json, `{"old_password": "wrong", "new_password": "` + long + `"}`, 400},
			"a wrong one and 73 bytes": {json, `{"old_password": "wrong", "new_password": "` + strings.Repeat("é", 73) + `"}`, 400},
		} {
			if got := s.changePassword(access, body.contentType, body.text); got.status != body.status {
				t.Errorf("%s: %d %v, want %d", name, got.status, got.body, body.status)
			}
		}
		s.want(s.tryLogin("alice", "correct horse"), http.StatusOK, "")
		s.want(s.changePassword(access, json, right), http.StatusOK, "")
	})
}

func TestChangePassword_Device(t *testing.T) {
	t.Parallel()
	for settings, ip := range map[string]string{"": "127.0.0.1", `, "NUM_PROXIES": 1`: "198.51.100.8"} {
		onEachFramework(t, rotating+recommended+settings, func(t *testing.T, s *server) {
			access, _ := s.loginOn("phone")
			changed := s.changePassword(access, "application/json", `{"old_password": "correct horse", "new_password": "new password"}`)
			s.want(changed, http.StatusOK, "")
			got := s.listSessions(changed.text("access"))
			if len(got) != 1 || got[0].DeviceName != "phone" || got[0].IP != ip || got[0].UserAgent != "phone/2" {
				t.Errorf("sessions %+v, want phone from %s by phone/2", got, ip)
			}
		})
	}
}
