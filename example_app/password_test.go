package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
