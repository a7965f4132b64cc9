package requests

import (
	"context"
	"fmt"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
)

// The limits: our time divided by that of the floor, and by that of golang-jwt.
const (
	// Reading JSON depends on the number of claims, so HS256 has a limit for each.
	verifyFloorFive       = 1.2
	verifyFloorFifteen    = 1.5
	verifyFloorAsymmetric = 1.08
	verifyPeerHS256       = 1 / 3.5
	verifyPeer            = 1
)

// contender is a library that verifies tokens and signs pairs of them, with the keys of one algorithm.
type contender struct {
	name string
	// verify returns why an access token is rejected, nil if it is accepted.
	verify func(raw string) error
	// pair signs a refresh token and an access token with the claims of SimpleJWT.
	pair func() (refresh, access string, err error)
}

// newContenders returns all libraries that verify and sign, for one algorithm.
func newContenders(ctx context.Context, a *algorithm) ([]contender, error) {
	f, g := newFloor(a), newGolangJWT(a) // these can't fail
	l, err := newLestrrat(a)
	if err != nil {
		return nil, err
	}
	c, err := newCristal(a)
	if err != nil {
		return nil, err
	}
	return []contender{
		{"floor", f.verifyToken, f.signPair},
		{ours, func(raw string) error {
			_, err := a.auth.ParseToken(ctx, core.AccessToken, raw)
			return err
		}, a.signPair},
		{"golang-jwt", g.verifyToken, g.signPair},
		{"jwx", l.verifyToken, l.signPair},
		{"cristalhq", c.verifyToken, c.signPair},
	}, nil
}

// measureVerify measures how long it takes to verify a good token.
func measureVerify(ctx context.Context, report *measure.Report) error {
	for _, name := range algorithmNames {
		a, err := newAlgorithm(name)
		if err != nil {
			return err
		}
		for _, size := range []struct {
			claims int
			custom simplejwt.Claims
			floor  float64
		}{
			{5, fiveClaims(), verifyFloorFive}, {15, fifteenClaims(), verifyFloorFifteen},
		} {
			limits := []measure.Target{{Of: ours, To: "floor", AtMost: size.floor}, {Of: ours, To: "golang-jwt", AtMost: verifyPeerHS256, Words: "3.5 times as fast"}}
			if name != "HS256" {
				limits = []measure.Target{{Of: ours, To: "floor", AtMost: verifyFloorAsymmetric}, {Of: ours, To: "golang-jwt", AtMost: verifyPeer, Words: "never slower"}}
			}
			table := measure.Table{
				Title:     fmt.Sprintf("verify: %s, %d claims", name, size.claims),
				Note:      "ratio of the time to that of the floor, the least that any strict library does",
				Reference: "floor",
				Targets:   limits,
			}
			if err := verifyTable(ctx, report, table, a, size.custom); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyTable measures one algorithm with tokens of these claims.
func verifyTable(ctx context.Context, report *measure.Report, table measure.Table, a *algorithm, claims simplejwt.Claims) error {
	t, err := newTokens(a.auth, claims)
	if err != nil {
		return err
	}
	all, err := newContenders(ctx, a)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := t.checkContender(c.name, c.verify); err != nil {
			return fmt.Errorf("%s: %w", table.Title, err)
		}
		table.Contenders = append(table.Contenders, measure.Each(c.name, func() error { return c.verify(t.good) }))
	}
	return report.Table(ctx, table)
}
