package main

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
)

// A thief who holds the session could abort the request otherwise, and keep the session.
func TestChangePassword_HangUp(t *testing.T) {
	t.Parallel()
	const credentials = `{"username": "alice", "password": "correct horse"}`
	for framework := range frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			newDSN := newSQLite
			if framework == "std" && !testing.Short() {
				newDSN = pgtest.DSN
			}
			s := startTarget(t, framework, rotating, newDSN(t))
			post := func(ctx context.Context, path, body, access string, status int) (answer map[string]string) {
				t.Helper()
				w := serveRequest(ctx, s.handler, http.MethodPost, path, body, access)
				if w.Code != status {
					t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, status)
				}
				_ = json.Unmarshal(w.Body.Bytes(), &answer) // what is not there is missed below
				return answer
			}
			pair := post(t.Context(), "/api/token/", credentials, "", http.StatusOK)
			other := post(t.Context(), "/api/token/", credentials, "", http.StatusOK)
			ctx, hangUp := context.WithCancel(t.Context())
			hangUp()
			post(ctx, "/api/me/password/", `{"old_password": "correct horse", "new_password": "battery staple"}`, pair["access"], http.StatusOK)
			post(t.Context(), "/api/token/", credentials, "", http.StatusUnauthorized)
			post(t.Context(), "/api/token/refresh/", `{"refresh": "`+pair["refresh"]+`"}`, "", http.StatusUnauthorized)
			post(t.Context(), "/api/token/refresh/", `{"refresh": "`+other["refresh"]+`"}`, "", http.StatusUnauthorized)
			post(t.Context(), "/api/token/", `{"username": "alice", "password": "battery staple"}`, "", http.StatusOK)
		})
	}
}
