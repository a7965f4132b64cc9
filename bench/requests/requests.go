// Package requests measures the CPU time of this library for each request and each login, beside its peers and beside a
// floor, the least that any strict library must do. Start with [Run].
//
// All contenders of a table get the same keys, tokens and handlers. Each is used as its README shows, and what can be made
// once is made once. Before it is measured, each must accept a good token and reject a forged and an expired one. Handlers
// do not read the claims: most peers have decoded them by then, while this library decodes them on demand.
package requests

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/go-simplejwt/simplejwt/bench/measure"
)

// Options are what to measure, and how often.
type Options struct {
	// Rounds is how often each contender is measured. Defaults to 6.
	Rounds int
	// Quick measures one short round, to see that everything works.
	Quick bool
	// Parts are the names of the parts to measure. Empty means all. Names of other packages' parts are ignored.
	Parts []string
}

// peers are the modules whose versions are printed.
var peers = []string{
	"github.com/golang-jwt/jwt/v5",
	"github.com/lestrrat-go/jwx/v3",
	"github.com/cristalhq/jwt/v5",
	"github.com/gin-gonic/gin",
	"github.com/appleboy/gin-jwt/v3",
	"github.com/labstack/echo/v4",
	"github.com/labstack/echo-jwt/v4",
	"github.com/auth0/go-jwt-middleware/v3",
	"github.com/go-chi/jwtauth/v5",
}

// part is a group of tables that can be measured by name.
type part struct {
	name string // as on the command line
	run  func(context.Context, *measure.Report) error
}

// parts are in the order of the report.
var parts = []part{
	{"verify", measureVerify},
	{"sign", measureSign},
	{"middleware", measureMiddleware},
	{"decide", measureDecide},
	{"cache", measureCache},
	{"memory", measureMemory},
}

// Run measures the parts and prints tables of ratios. It fails if a contender accepts a bad token or rejects a good one, if
// ctx ends, or if out fails. A target that is missed is not an error.
func Run(ctx context.Context, out io.Writer, o Options) error {
	wanted := slices.DeleteFunc(slices.Clone(parts), func(p part) bool {
		return len(o.Parts) > 0 && !slices.Contains(o.Parts, p.name)
	})
	if len(wanted) == 0 {
		return nil
	}
	if err := measure.Environment(out, peers...); err != nil {
		return err
	}
	report := measure.NewReport(out, measure.Options{Rounds: o.Rounds, Quick: o.Quick})
	for _, p := range wanted {
		if err := p.run(ctx, report); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return report.Summary()
}
