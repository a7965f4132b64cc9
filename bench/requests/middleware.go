package requests

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// The limits: our time divided by that of the peer, and our allocations, both beyond those of the bare handler.
const (
	middlewarePeer   = 0.4
	middlewareAllocs = 16
)

// measureMiddleware measures what a middleware adds to a request, for each framework and outcome.
func measureMiddleware(ctx context.Context, report *measure.Report) error {
	a, err := newAlgorithm("HS256")
	if err != nil {
		return err
	}
	secret := []byte(a.settings.SigningKey)
	t, err := newTokens(a.auth, fiveClaims())
	if err != nil {
		return err
	}
	onGin, err := ginApps(a.auth, secret)
	if err != nil {
		return err
	}
	if err := middlewareTables(ctx, report, "Gin", onGin, t, middlewarePeer); err != nil {
		return err
	}
	if err := middlewareTables(ctx, report, "Echo", echoApps(a.auth, secret), t, middlewarePeer); err != nil {
		return err
	}
	if err := middlewareTables(ctx, report, "net/http", httpApps(a.auth, secret), t, middlewarePeer); err != nil {
		return err
	}
	return middlewareAuth0(ctx, report, a)
}

// middlewareAuth0 measures tokens with iss and aud, which auth0's middleware requires in every token. Ours checks them too.
func middlewareAuth0(ctx context.Context, report *measure.Report, a *algorithm) error {
	// The same key as in the other tables, with two more settings.
	settings := a.settings
	settings.Issuer, settings.Audience = issuer, []string{audience}
	auth, err := core.New(settings, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		return err
	}
	t, err := newTokens(auth, fiveClaims())
	if err != nil {
		return err
	}
	apps, err := auth0Apps(auth, []byte(settings.SigningKey))
	if err != nil {
		return err
	}
	return middlewareTables(ctx, report, "net/http with iss and aud", apps, t, 0)
}

// middlewareTables measures applications that differ in their middleware only: bare, ours, the peer that ratios refer to,
// and others, in this order. The limits hold for accepted tokens; a limit of 0 means none.
func middlewareTables(ctx context.Context, report *measure.Report, framework string, apps []app, t tokens, limit float64) error {
	peer := apps[2].name
	// All but the bare application must decide alike before anything is measured.
	for _, a := range apps[1:] {
		if err := t.checkContender(a.name, func(raw string) error { return serveOnce(ctx, a.handler, raw) }); err != nil {
			return fmt.Errorf("on %s: %w", framework, err)
		}
	}
	for _, kind := range []struct {
		name, raw string
		status    int
	}{
		{"accepted token", t.good, http.StatusOK}, {"bad signature", t.forged, http.StatusUnauthorized}, {"expired token", t.expired, http.StatusUnauthorized},
	} {
		table := measure.Table{
			Title:     fmt.Sprintf("middleware: %s, HS256, %s", framework, kind.name),
			Note:      fmt.Sprintf("ratio of the time beyond the bare handler's to that of %s", peer),
			Reference: peer,
			Base:      bare,
		}
		if kind.raw == t.good && limit > 0 {
			table.Targets = []measure.Target{{Of: ours, To: peer, AtMost: limit}, {Of: ours, To: bare, AtMost: middlewareAllocs, Allocs: true}}
		}
		for _, a := range apps {
			c, err := newClient(ctx, kind.raw)
			if err != nil {
				return err
			}
			status := kind.status
			if a.name == bare { // it accepts everything
				status = http.StatusOK
			}
			table.Contenders = append(table.Contenders, c.newContender(a.name, a.handler, status))
		}
		if err := report.Table(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// serveOnce sends one request with raw as its token. A status other than 200 is an error.
func serveOnce(ctx context.Context, h http.Handler, raw string) error {
	c, err := newClient(ctx, raw)
	if err != nil {
		return err
	}
	if status := c.sendRequest(h); status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return nil
}
