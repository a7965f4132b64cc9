package main

import "testing"

func TestFlushExpiredTokens_LifetimesOfACentury(t *testing.T) {
	t.Parallel()
	c := start(t, rotating+`, "LEEWAY": "876000h", "ROTATION_GRACE_PERIOD": "876000h", "SLIDING_TOKEN_LIFETIME": "876000h",
		"AUTH_TOKEN_CLASSES": ["AccessToken", "SlidingToken"]`)
	_, refresh := c.login()
	if out, err := c.srv.command(t.Context(), "flushexpiredtokens", "-settings", c.srv.settings); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.want(c.refresh(refresh), 200, "") // the sum of the three overflows
}
