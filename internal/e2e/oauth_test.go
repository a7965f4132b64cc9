package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOAuthErrors(t *testing.T) {
	t.Parallel()
	onEachFramework(t, rotating+recommended+`, "OAUTH_ERRORS": true`, func(t *testing.T, s *server) {
		access, refresh := s.login()
		next := s.refresh(refresh).text("refresh")
		s.want(s.post("/api/token/blacklist/", `{"refresh": "`+next+`"}`), 200, "")
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
			var headers []string
			if one.authorization != "" {
				headers = []string{"Authorization", one.authorization}
			}
			got := s.send(one.method, one.path, one.body, headers...)
			if got.status != one.status {
				t.Errorf("%s: answer %d %v, want %d", what, got.status, got.body, one.status)
			}
			if diff := cmp.Diff(one.want, got.body); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			if got := got.header.Get("WWW-Authenticate"); got != one.challenge {
				t.Errorf("%s: WWW-Authenticate is %q, want %q", what, got, one.challenge)
			}
		}
	})
}
