package requests

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// decideAccepted is the limit: the time to reject divided by the time to accept.
const decideAccepted = 1.1

// measureDecide measures how long it takes to reject a request, without writing the response: a server must not be kept
// busy by bad tokens.
func measureDecide(ctx context.Context, report *measure.Report) error {
	a, err := newAlgorithm("HS256")
	if err != nil {
		return err
	}
	t, err := newTokens(a.auth, fiveClaims())
	if err != nil {
		return err
	}
	stateless := a.auth.Stateless()
	if err := t.checkContender(ours, func(raw string) error {
		_, err := a.auth.ParseToken(ctx, core.AccessToken, raw)
		return err
	}); err != nil {
		return err
	}
	// views.Authenticate is the decision that the middleware of every adapter calls.
	table := measure.Table{
		Title:     "decide: HS256",
		Note:      "ratio of the time to decide on a request to that for an accepted one",
		Reference: "accepted",
	}
	for _, kind := range []struct{ name, raw string }{
		{"accepted", t.good}, {"bad signature", t.forged}, {"expired", t.expired}, {"malformed", truncateClaims(t.good)},
	} {
		c, err := newClient(ctx, kind.raw)
		if err != nil {
			return err
		}
		accepted := kind.raw == t.good
		table.Contenders = append(table.Contenders, measure.Each(kind.name, func() error {
			_, err := views.Authenticate(stateless, c.template)
			switch {
			case accepted:
				return err
			case err == nil: // a contender that accepts a bad token is not measured
				return errors.New("was accepted")
			}
			return nil
		}))
		if !accepted {
			table.Targets = append(table.Targets, measure.Target{Of: kind.name, To: "accepted", AtMost: decideAccepted})
		}
	}
	return report.Table(ctx, table)
}

// truncateClaims removes the last byte of the claims of a token, so that the JSON is not valid, which only its end shows.
func truncateClaims(raw string) string {
	head, rest, _ := strings.Cut(raw, ".")
	body, signature, _ := strings.Cut(rest, ".")
	claims, _ := encoding.DecodeString(body) // never fails: the token was made here
	return fmt.Sprintf("%s.%s.%s", head, encoding.EncodeToString(claims[:len(claims)-1]), signature)
}
