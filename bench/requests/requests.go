// Package requests measures what this library costs the processor at each request and each login, beside its peers and
// beside a floor. Start with [Run].
//
// All contenders of a table get the same keys, tokens and handlers, each is used as its own README shows, and what can be
// made once is made once. Before it is measured each must accept a good token and refuse a forged and an expired one.
// Handlers do not look at the claims: most peers have decoded them by then, and a library that decodes them only when
// asked has not.
package requests

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/go-simplejwt/simplejwt/bench/measure"
)

// Options say what is measured.
type Options struct {
	// Rounds is how often each contender is measured, in turns with the others. Defaults to 6.
	Rounds int
	// Quick is one short round, to see that everything works.
	Quick bool
	// Parts are the names of what is measured; all where there is none. Names of other packages' parts are passed over.
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

// part is what can be asked for by name.
type part struct {
	name string
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

// Run measures and prints tables of ratios. Errors: a contender that decides otherwise than it must, that of a context
// that is done, and of writing. A target that is missed is no error.
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
