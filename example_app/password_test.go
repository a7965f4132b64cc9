package main

import (
	"context"
	"net/http"
	"net/http/httptest"
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
	return sendRequest(c.t, r)
}

func TestChangePassword_Body(t *testing.T) {
	t.Parallel()
	const json, right = "application/json", `{"old_password": "correct horse", "new_password": "new password"}`
	long := strings.Repeat("x", 4097)
	onEachFramework(t, recommendedProfile, func(t *testing.T, c *client) {
		access, _ := c.login()
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
			if got := c.changePassword(access, body.contentType, body.text); got.status != body.status {
				t.Errorf("%s: %d %v, want %d", name, got.status, got.body, body.status)
			}
		}
		c.want(c.post("/api/token/", `{"username": "alice", "password": "correct horse"}`), http.StatusOK, "")
		c.want(c.changePassword(access, json, right), http.StatusOK, "")
	})
}

func TestChangePassword_Device(t *testing.T) {
	t.Parallel()
	for settings, ip := range map[string]string{"": "127.0.0.1", `, "NUM_PROXIES": 1`: "198.51.100.8"} {
		onEachFramework(t, recommendedProfile+settings, func(t *testing.T, c *client) {
			access, _ := c.loginOn("phone")
			changed := c.changePassword(access, "application/json", `{"old_password": "correct horse", "new_password": "new password"}`)
			c.want(changed, http.StatusOK, "")
			got := c.list(changed.text("access"))
			if len(got) != 1 || got[0].DeviceName != "phone" || got[0].IP != ip || got[0].UserAgent != "phone/2" {
				t.Errorf("sessions %+v, want phone from %s by phone/2", got, ip)
			}
		})
	}
}

// A thief who holds the session could cut the request otherwise, and keep it.
func TestChangePassword_WhenTheClientHangsUp(t *testing.T) {
	t.Parallel()
	onEachFramework(t, rotating, func(t *testing.T, c *client) {
		access, refresh := c.login()
		_, other := c.login()
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/me/password/", strings.NewReader(`{"old_password": "correct horse", "new_password": "battery staple"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+access)
		w := httptest.NewRecorder()
		c.srv.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("the change of the password: %d %s", w.Code, w.Body)
		}
		c.want(c.post("/api/token/", `{"username": "alice", "password": "correct horse"}`), http.StatusUnauthorized, "")
		c.want(c.refresh(refresh), http.StatusUnauthorized, "")
		c.want(c.refresh(other), http.StatusUnauthorized, "")
		c.want(c.post("/api/token/", `{"username": "alice", "password": "battery staple"}`), http.StatusOK, "")
	})
}
