package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestARefusalTellsItsReason(t *testing.T) {
	t.Parallel()
	full := []opsOption{opsGrace, opsReuse, opsSessionLifetime(48 * time.Hour), opsLeeway(0)}
	refresh := func(e *opsEnv, raw string) error { _, err := e.refresh(raw); return err }
	old := func(e *opsEnv) string { // rotated, its grace over
		raw := e.login().Refresh
		e.mustRefresh(raw)
		e.clock.advance(time.Minute)
		return raw
	}
	ended := func(reason core.Reason) func(e *opsEnv) string {
		return func(e *opsEnv) string {
			raw := e.login().Refresh
			_ = e.RevokeUser(opsCtx(), "1", reason)
			return raw
		}
	}
	endedLater := func(reason core.Reason) func(e *opsEnv) string { // rotated, then the session was ended
		return func(e *opsEnv) string {
			raw := e.login().Refresh
			e.mustRefresh(raw)
			_ = e.RevokeUser(opsCtx(), "1", reason)
			return raw
		}
	}
	for name, c := range map[string]struct {
		options []opsOption
		prepare func(e *opsEnv) string
		do      func(e *opsEnv, raw string) error
		want    string
	}{
		"an expired token": {full, func(e *opsEnv) string {
			raw := e.login().Refresh
			e.clock.advance(24 * time.Hour)
			return raw
		}, refresh, "expired"},
		"an expired access token": {full, func(e *opsEnv) string {
			raw := e.login().Access
			e.clock.advance(time.Hour)
			return raw
		}, func(e *opsEnv, raw string) error { _, _, err := e.AuthenticateToken(opsCtx(), raw); return err }, "expired"},
		"an expired refresh_exp": {full, func(e *opsEnv) string {
			return e.forge(map[string]any{"token_type": "sliding", "refresh_exp": 5})
		}, func(e *opsEnv, raw string) error { _, err := e.slide(raw); return err }, "expired"},
		"a rotated token after its grace":   {full, old, refresh, "reused"},
		"the same, without REUSE_DETECTION": {[]opsOption{opsGrace}, old, refresh, "reused"},
		"a logout with it":                  {full, old, func(e *opsEnv, raw string) error { return e.Blacklist(opsCtx(), raw) }, "reused"},
		"the victim's token": {full, func(e *opsEnv) string {
			raw := e.login().Refresh
			next := e.mustRefresh(raw)
			e.clock.advance(time.Minute)
			_, _ = e.refresh(raw)
			return next.Refresh
		}, refresh, "reused"},
		"a token that was logged out":        {full, ended(core.ReasonLogout), refresh, "revoked"},
		"a token that an admin ended":        {full, ended(core.ReasonAdmin), refresh, "revoked"},
		"a token that Django consumed":       {full, ended(""), refresh, "revoked"},
		"without rotation":                   {nil, ended(core.ReasonAdmin), refresh, "revoked"},
		"without rotation, with a lifetime":  {[]opsOption{opsSessionLifetime(time.Hour)}, ended(core.ReasonPassword), refresh, "password_changed"},
		"a token ended by a password change": {full, ended(core.ReasonPassword), refresh, "password_changed"},
		"the digest of another password": {append(full, opsCheckRevoke), func(e *opsEnv) string {
			raw := e.login().Refresh
			e.change(func(a *memstore.Account) { a.Password = "another" })
			return raw
		}, refresh, "password_changed"},
		"a rotated token of an ended session": {full, endedLater(core.ReasonLogout), refresh, "session_ended"},
		"a logout with it in its grace again": {full, endedLater(core.ReasonPassword), refresh, "password_changed"},
		"a rotated token of a robbed session": {full, endedLater(core.ReasonReuse), refresh, "reused"},
		"a session past its lifetime": {[]opsOption{opsGrace, opsSessionLifetime(time.Hour)}, func(e *opsEnv) string {
			raw := e.login().Refresh
			e.clock.advance(time.Hour)
			return e.forge(map[string]any{"jti": e.jti(raw), "sid": e.jti(raw)}) // its exp ended with the session
		}, refresh, "session_ended"},
		"a token that is none": {full, func(*opsEnv) string { return "x" }, refresh, ""},
	} {
		e := opsNew(t, c.options...)
		err := c.do(e, c.prepare(e))
		var refusal *core.Error
		if !errors.As(err, &refusal) || refusal.Status != 401 || refusal.Reason != c.want {
			t.Errorf("%s: error %#v, want a 401 for the reason %q", name, err, c.want)
		}
	}
}

// The first token of a session has a row before it leaves. One without a row was flushed, whatever the clock says now.
func TestATokenOfOursWithoutARowIsRefused(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]opsOption{"consuming": opsGrace, "not consuming": opsRotateOnly} {
		e := opsNew(t, option)
		raw := e.login().Refresh
		if err := e.Blacklist(opsCtx(), raw); err != nil {
			t.Fatal(err)
		}
		e.clock.advance(100 * time.Hour)
		if n, err := e.FlushExpired(opsCtx()); n != 1 || err != nil {
			t.Fatalf("%d rows flushed, error %v", n, err)
		}
		e.clock.advance(-100 * time.Hour)
		e.wantRefused(name, raw, core.ErrTokenBlacklisted)
	}
}
