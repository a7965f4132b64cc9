package storetest

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// contextCases returns the cases about the context of a call.
func contextCases() []testCase {
	return []testCase{{
		name: "a method whose context has ended returns an error and changes nothing",
		rule: "every method returns an error if its context has ended: neither a success nor a false may stand for an operation that did not run",
		run:  methodsObserveContext,
	}}
}

// methodsObserveContext calls every method with a canceled context and then looks for changes.
func methodsObserveContext(e *env) {
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	first, ended := e.recordLogin(), e.recordExpiring(-time.Hour)
	fresh := core.OutstandingToken{JTI: e.newID(), UserID: e.userID, CreatedAt: loginAt, ExpiresAt: tokenExpiry}
	r := e.newRotation(first.JTI)
	scope := core.Scope{SessionID: first.SessionID}
	for _, c := range []struct {
		method string
		call   func() error
	}{
		{"Record", func() error { return e.Store.Record(ctx, fresh) }},
		{"Rotate", func() error { _, _, err := e.Store.Rotate(ctx, r); return err }},
		{"Blacklist", func() error { _, _, err := e.Store.Blacklist(ctx, first.JTI, nil, core.ReasonLogout, now); return err }},
		{"IsBlacklisted", func() error { _, _, err := e.Store.IsBlacklisted(ctx, first.JTI); return err }},
		{"State", func() error { _, err := e.Store.State(ctx, first.JTI, ""); return err }},
		{"Revoke", func() error { _, err := e.Store.Revoke(ctx, scope, core.ReasonAdmin, now); return err }},
		{"Sessions", func() error { _, err := e.Store.Sessions(ctx, e.userID, now); return err }},
		{"FlushExpired", func() error { _, err := e.Store.FlushExpired(ctx, flushAt); return err }},
	} {
		if err := c.call(); err == nil {
			e.Errorf("%s with a canceled context: no error", c.method)
		}
	}
	e.wantEqual("the presented token's row", activeState(first), e.loadRow(first.JTI))
	e.wantEqual("the row to be flushed", activeState(ended), e.loadRow(ended.JTI))
	for method, jti := range map[string]string{"Record": fresh.JTI, "Rotate": r.NewJTI} {
		if e.loadState(jti, "").Presented != nil {
			e.Errorf("%s with a canceled context recorded a token", method)
		}
	}
}
