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

// decideAccepted is the limit of decide: of the time to refuse in that to accept.
const decideAccepted = 1.1

// measureDecide measures how long it takes to refuse a request, without the answer: bad tokens must not be a way to keep a
// server busy.
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
			case err == nil:
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

// truncateClaims takes the end off the claims of a token, so that only the last byte tells that they are no JSON.
func truncateClaims(raw string) string {
	head, rest, _ := strings.Cut(raw, ".")
	body, signature, _ := strings.Cut(rest, ".")
	claims, _ := encoding.DecodeString(body) // of a token that was made here
	return fmt.Sprintf("%s.%s.%s", head, encoding.EncodeToString(claims[:len(claims)-1]), signature)
}
