package requests

import (
	"context"
	"fmt"

	"github.com/go-simplejwt/simplejwt/bench/measure"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

const (
	cacheHit  = 0.01 // the limit: the time of a hit divided by the time without a cache
	cacheSize = 1000 // tokens
)

// measureCache measures a token that is in the cache of VERIFIED_TOKEN_CACHE_SIZE. The cache saves the check of an
// asymmetric signature if many requests carry the same token. RS256 has the cheapest check of them, so its ratio is the
// worst.
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
	// Both contenders parse the same token with the same key. Only the cache differs.
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
		for range 2 { // the second time from the cache, which must not change the result
			if err := t.checkContender(c.name, parse); err != nil {
				return fmt.Errorf("%s: %w", table.Title, err)
			}
		}
		table.Contenders = append(table.Contenders, measure.Each(c.name, func() error { return parse(t.good) }))
	}
	return report.Table(ctx, table)
}
