package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

func TestError_Reason(t *testing.T) {
	t.Parallel()
	full := []authOption{withGracePeriod, withReuseDetection, withSessionLifetime(48 * time.Hour), withLeeway(0)}
	refresh := func(e *env, raw string) error { _, err := e.refreshToken(raw); return err }
	old := func(e *env) string { // rotated, and its grace period is over
		raw := e.mustLogin().Refresh
		e.mustRefresh(raw)
		e.clock.advance(time.Minute)
		return raw
	}
	ended := func(reason core.Reason) func(e *env) string {
		return func(e *env) string {
			raw := e.mustLogin().Refresh
			_ = e.RevokeUser(background, "1", reason)
			return raw
		}
	}
	endedLater := func(reason core.Reason) func(e *env) string { // rotated, and then its session was ended
		return func(e *env) string {
			raw := e.mustLogin().Refresh
			e.mustRefresh(raw)
			_ = e.RevokeUser(background, "1", reason)
			return raw
		}
	}
	for name, c := range map[string]struct {
		options []authOption
		prepare func(e *env) string
		do      func(e *env, raw string) error
		want    string
	}{
		"an expired token": {full, func(e *env) string {
			raw := e.mustLogin().Refresh
			e.clock.advance(24 * time.Hour)
			return raw
		}, refresh, "expired"},
		"an expired access token": {full, func(e *env) string {
			raw := e.mustLogin().Access
			e.clock.advance(time.Hour)
			return raw
		}, func(e *env, raw string) error { _, _, err := e.AuthenticateToken(background, raw); return err }, "expired"},
		"a sliding token whose refresh_exp is over": {full, func(e *env) string {
			return e.signExternal(map[string]any{"token_type": "sliding", "refresh_exp": 5})
		}, func(e *env, raw string) error { _, err := e.refreshSliding(raw); return err }, "expired"},
		"a rotated token after its grace period": {full, old, refresh, "reused"},
		"the same, without REUSE_DETECTION":      {[]authOption{withGracePeriod}, old, refresh, "reused"},
		"a logout with it":                       {full, old, func(e *env, raw string) error { return e.Blacklist(background, raw) }, "reused"},
		"the latest token after a reuse": {full, func(e *env) string {
			raw := e.mustLogin().Refresh
			next := e.mustRefresh(raw)
			e.clock.advance(time.Minute)
			_, _ = e.refreshToken(raw)
			return next.Refresh
		}, refresh, "reused"},
		"a token that was logged out":                       {full, ended(core.ReasonLogout), refresh, "revoked"},
		"a token that an admin ended":                       {full, ended(core.ReasonAdmin), refresh, "revoked"},
		"a token that Django blacklisted":                   {full, ended(""), refresh, "revoked"},
		"a revoked token without rotation":                  {nil, ended(core.ReasonAdmin), refresh, "revoked"},
		"a token without rotation, after a password change": {[]authOption{withSessionLifetime(time.Hour)}, ended(core.ReasonPassword), refresh, "password_changed"},
		"a token ended by a password change":                {full, ended(core.ReasonPassword), refresh, "password_changed"},
		"a token with the digest of another password": {append(full, withCheckRevokeToken), func(e *env) string {
			raw := e.mustLogin().Refresh
			e.changeAlice(func(a *memstore.Account) { a.Password = "another" })
			return raw
		}, refresh, "password_changed"},
		"a rotated token of an ended session":                       {full, endedLater(core.ReasonLogout), refresh, "session_ended"},
		"a rotated token of a session that a password change ended": {full, endedLater(core.ReasonPassword), refresh, "password_changed"},
		"a rotated token of a session that reuse ended":             {full, endedLater(core.ReasonReuse), refresh, "reused"},
		"a session past its lifetime": {[]authOption{withGracePeriod, withSessionLifetime(time.Hour)}, func(e *env) string {
			raw := e.mustLogin().Refresh
			e.clock.advance(time.Hour)
			return e.signExternal(map[string]any{"jti": e.readJTI(raw), "sid": e.readJTI(raw)}) // its exp is that of the session
		}, refresh, "session_ended"},
		"a text that is not a token": {full, func(*env) string { return "x" }, refresh, ""},
	} {
		e := newEnv(t, c.options...)
		err := c.do(e, c.prepare(e))
		var denial *core.Error
		if !errors.As(err, &denial) || denial.Status != 401 || denial.Reason != c.want {
			t.Errorf("%s: error %#v, want status 401 and the reason %q", name, err, c.want)
		}
	}
}
