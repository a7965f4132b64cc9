package requests

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
)

// The limits: our time divided by that of the floor.
const (
	signFloorHS256      = 1.4
	signFloorAsymmetric = 1.08
)

// measureSign measures how long it takes to sign a pair, a refresh token and its access token.
func measureSign(ctx context.Context, report *measure.Report) error {
	for _, name := range algorithmNames {
		a, err := newAlgorithm(name)
		if err != nil {
			return err
		}
		all, err := newContenders(ctx, a)
		if err != nil {
			return err
		}
		limit := signFloorHS256
		if name != "HS256" {
			limit = signFloorAsymmetric
		}
		table := measure.Table{
			Title:     "sign: " + name + ", a pair",
			Note:      "ratio of the time to that of the floor, which appends JSON by hand",
			Reference: "floor",
			Targets:   []measure.Target{{Of: ours, To: "floor", AtMost: limit}},
		}
		for _, c := range all {
			if err := a.checkPair(ctx, c); err != nil {
				return fmt.Errorf("%s: %s: %w", table.Title, c.name, err)
			}
			table.Contenders = append(table.Contenders, measure.Each(c.name, func() error {
				_, _, err := c.pair()
				return err
			}))
		}
		if err := report.Table(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// signPair signs a pair with this library, without a user and without a store that records it.
func (a *algorithm) signPair() (refresh, access string, err error) {
	token, err := a.auth.NewToken(core.RefreshToken)
	if err != nil {
		return "", "", err
	}
	token.Set("user_id", "1") // what a login sets
	if refresh, err = token.Sign(); err != nil {
		return "", "", err
	}
	access, err = token.AccessToken().Sign()
	return refresh, access, err
}

// checkPair verifies a pair of a contender: each must have signed the same claims.
func (a *algorithm) checkPair(ctx context.Context, c contender) error {
	rawRefresh, rawAccess, err := c.pair()
	if err != nil {
		return err
	}
	refresh, err := a.auth.ParseToken(ctx, core.RefreshToken, rawRefresh)
	if err != nil {
		return fmt.Errorf("its refresh token: %w", err)
	}
	access, err := a.auth.ParseToken(ctx, core.AccessToken, rawAccess)
	if err != nil {
		return fmt.Errorf("its access token: %w", err)
	}
	if refresh.UserID() != "1" || access.UserID() != "1" || refresh.JTI() == access.JTI() || !refresh.Has("iat") || !access.Has("iat") {
		return errors.New("its claims are not those of a pair")
	}
	return nil
}
