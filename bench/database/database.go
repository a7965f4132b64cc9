package database

import (
	"context"
	"io"
)

// Options say what is measured.
type Options struct {
	// Rounds is how often each contender is measured, in turns with the others.
	Rounds int
	// Quick is one short round, to see that everything works.
	Quick bool
	// Parts are the names of what is measured; all where there is none.
	Parts []string
}

// Run measures and prints tables of ratios.
func Run(ctx context.Context, out io.Writer, o Options) error {
	return nil
}
