package e2e

import (
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/models"
)

func TestCommands_Revoke(t *testing.T) {
	t.Parallel()
	for command, args := range map[string][]string{"setpassword": {"-password", "another one"}, "deactivate": nil, "deleteuser": nil} {
		for _, revoke := range []bool{false, true} {
			s := startServer(t, rotating)
			_, refresh := s.login()
			all, want := append([]string{"-username", "alice"}, args...), "0"
			if revoke {
				all, want = append(all, "-revoke"), "1"
			}
			s.runCommand(command, all...)
			if got := s.queryValue("SELECT count(*) FROM token_blacklist_blacklistedtoken"); got != want {
				t.Errorf("%s, revoke %v: %s tokens are on the blacklist, want %s", command, revoke, got, want)
			}
			if revoke {
				reason := map[string]string{"setpassword": "password", "deactivate": "admin", "deleteuser": "admin"}[command]
				if got := s.queryValue("SELECT reason FROM token_blacklist_blacklistedtoken"); got != reason {
					t.Errorf("%s: the reason is %q, want %q", command, got, reason)
				}
				s.want(s.refresh(refresh), 401, "")
			}
		}
	}
}

// A sliding token may open routes for a while after its row has ended: a flush must not forget that it was revoked.
func TestCommands_FlushWithSlidingTokens(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{"": "0", `, "AUTH_TOKEN_CLASSES": ["AccessToken", "SlidingToken"]`: "1"} {
		s := startServer(t, settings)
		row := models.OutstandingToken{JTI: "sliding", ExpiresAt: time.Now().Add(-time.Minute)}
		if err := s.db.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		s.runCommand("flushexpiredtokens", "-settings", s.settings)
		if got := s.queryValue("SELECT count(*) FROM token_blacklist_outstandingtoken"); got != want {
			t.Errorf("with %q %s rows are left, want %s", settings, got, want)
		}
	}
}

func TestCommands_FlushWithLifetimesOfACentury(t *testing.T) {
	t.Parallel()
	s := startServer(t, rotating+`, "LEEWAY": "876000h", "ROTATION_GRACE_PERIOD": "876000h", "SLIDING_TOKEN_LIFETIME": "876000h",
		"AUTH_TOKEN_CLASSES": ["AccessToken", "SlidingToken"]`)
	_, refresh := s.login()
	s.runCommand("flushexpiredtokens", "-settings", s.settings)
	s.want(s.refresh(refresh), 200, "") // the sum of the three overflows
}
