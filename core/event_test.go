package core_test

import (
	"strings"
	"testing"
	"time"
)

// The log has every event that Deps.OnEvent gets, at a level that operators can filter.
func TestEvent_IsLogged(t *testing.T) {
	t.Parallel()
	e := newEnv(t, withGracePeriod, withReuseDetection)
	last := func() string {
		lines := strings.Split(strings.TrimSpace(e.log.String()), "\n")
		_, line, _ := strings.Cut(lines[len(lines)-1], " ")
		return line
	}
	for _, c := range []struct {
		do   func()
		want string
	}{
		{func() { e.mustLogin() }, `level=INFO msg="a user logged in" user_id=1 session_id=id-000001 jti=id-000001 token_type=refresh`},
		{func() { _, _, _ = e.ObtainPair(background, "alice's password", "x") }, `level=INFO msg="a login failed"`},
		{func() { e.mustRefresh(e.mustLogin().Refresh) }, `level=DEBUG msg="a token was refreshed" user_id=1 session_id=id-000003 jti=id-000005 token_type=refresh`},
		{func() {
			raw := e.mustLogin().Refresh
			e.mustRefresh(raw)
			e.mustRefresh(raw)
		}, `level=DEBUG msg="a rotated refresh token was presented again within the grace period" user_id=1 session_id=id-000007 jti=id-000009 token_type=refresh`},
		{func() { _ = e.RevokeUser(background, "1", "theft") }, `level=INFO msg="sessions were ended" user_id=1 reason=theft tokens=3`},
	} {
		c.do()
		if got := last(); got != c.want {
			t.Errorf("the log says %s, want %s", got, c.want)
		}
	}
	raw := e.mustLogin().Refresh
	e.mustRefresh(raw)
	e.clock.advance(time.Minute)
	_, _ = e.refreshToken(raw)
	if want := `level=WARN msg="a rotated refresh token was presented again after the grace period" user_id=1`; !strings.Contains(e.log.String(), want) {
		t.Errorf("the log has no line %s", want)
	}
	warned := newEnv(t, withRotation, withReuseDetection)
	if !strings.Contains(warned.log.String(), "level=WARN msg=\"REUSE_DETECTION without ROTATION_GRACE_PERIOD") {
		t.Errorf("New logs no warning: %s", warned.log.String())
	}
	if quiet := newEnv(t, withGracePeriod, withReuseDetection); quiet.log.String() != "" {
		t.Errorf("New logs a warning: %s", quiet.log.String())
	}
}
