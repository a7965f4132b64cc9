package requests

import (
	"context"
	"fmt"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

const (
	cacheHit  = 0.01 // the limit of cache: of the time of a hit in that without a cache
	cacheSize = 1000
)

// measureCache measures a token that VERIFIED_TOKEN_CACHE_SIZE has kept, which many requests with the same token make good for.
func measureCache(ctx context.Context, report *measure.Report) error {
	a, err := newAlgorithm("RS256")
	if err != nil {
		return err
	}
	settings := a.settings
	settings.VerifiedTokenCacheSize = cacheSize
	caching, err := core.New(settings, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		return err
	}
	table := measure.Table{
		Title:     "cache: RS256, a token that was verified before",
		Note:      "ratio of the time with VERIFIED_TOKEN_CACHE_SIZE to that without",
		Reference: "without",
		Targets:   []measure.Target{{Of: "hit", To: "without", AtMost: cacheHit, Words: "100 times as fast"}},
	}
	t, err := newTokens(a.auth, fiveClaims())
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		auth *core.Auth
	}{{"without", a.auth}, {"hit", caching}} {
		parse := func(raw string) error {
			_, err := c.auth.ParseToken(ctx, core.AccessToken, raw)
			return err
		}
		for range 2 { // what is refused once is refused again, and what was kept is still checked
			if err := t.checkContender(c.name, parse); err != nil {
				return fmt.Errorf("%s: %w", table.Title, err)
			}
		}
		table.Contenders = append(table.Contenders, measure.Each(c.name, func() error { return parse(t.good) }))
	}
	return report.Table(ctx, table)
}
