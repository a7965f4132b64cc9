// Package measure measures contenders side by side in one process, and prints how they compare. Start with [Report], or
// with [Run] for the bare figures.
//
// A machine that others use too is fast now and slow a moment later, so contenders are not measured one after the other. In
// each round all of them get the same time, in short turns and in an order that is drawn anew each time, and the median of
// its turns is what a contender took in the round. Ratios are taken within a round, where all had the same weather, and what
// counts is the median of the rounds.
//
// The time is that of the processor, of the whole process where the system tells it: what others do on the machine is not in
// it, and what the garbage collector does is.
package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// Contender is one of several ways to do the same thing.
type Contender struct {
	// Name stands in the tables. It is unique among the contenders of a table.
	Name string
	// Run does the thing n times. An error ends the measuring.
	Run func(n int) error
}

// Each is a contender that does the thing once a call.
func Each(name string, once func() error) Contender {
	return Contender{Name: name, Run: func(n int) error {
		for range n {
			if err := once(); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Options say how long is measured.
type Options struct {
	// Rounds is how many rounds there are. Defaults to 6.
	Rounds int
	// Quick is one round of a few milliseconds: enough to see that it works, too little to believe the figures.
	Quick bool
}

const (
	defaultRounds = 6
	turnTime      = 25 * time.Millisecond
	roundTime     = 200 * time.Millisecond // of each contender, in turns
	quickTime     = 5 * time.Millisecond   // the same where it is to be quick

	// calibrations is how often it is tried what fits into a turn; the most counts, as one trial may be disturbed.
	calibrations = 3
)

// plan is what the options come to.
func (o Options) plan() (rounds, turns int, turn time.Duration) {
	if o.Quick {
		return 1, 1, quickTime
	}
	if rounds = o.Rounds; rounds <= 0 {
		rounds = defaultRounds
	}
	return rounds, int(roundTime / turnTime), turnTime
}

// Run measures the contenders. Errors: what a contender says, and that of a context that is done.
func Run(ctx context.Context, o Options, contenders ...Contender) (*Results, error) {
	rounds, turns, turn := o.plan()
	entries := make([]*entry, len(contenders))
	for i, c := range contenders {
		entries[i] = &entry{Contender: c}
		if err := entries[i].calibrate(turn); err != nil {
			return nil, err
		}
	}
	for range rounds {
		if err := round(ctx, entries, turns); err != nil {
			return nil, err
		}
	}
	return &Results{entries}, nil
}

func round(ctx context.Context, entries []*entry, turns int) error {
	for range turns {
		for _, i := range rand.Perm(len(entries)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := entries[i].takeTurn(); err != nil {
				return err
			}
		}
	}
	for _, e := range entries {
		slices.Sort(e.turns)
		e.rounds = append(e.rounds, e.turns[len(e.turns)/2])
		e.turns = e.turns[:0]
	}
	return nil
}

// entry is a contender and what was measured of it.
type entry struct {
	Contender
	n          int       // operations a turn
	turns      []float64 // nanoseconds an operation in each turn of the present round
	rounds     []float64 // the same in each round, the median of its turns
	operations uint64    // in all turns
	mallocs    uint64    // in all turns
}

// calibrate finds how often the thing is done in a turn. It warms up caches and pools on the way.
func (e *entry) calibrate(turn time.Duration) error {
	for n, found := 1, 0; found < calibrations; {
		start := spent()
		if err := e.Run(n); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		used := spent() - start
		if used < turn/2 {
			n *= 2
			continue
		}
		found++
		e.n = max(1, e.n, int(float64(n)*float64(turn)/float64(used)))
	}
	return nil
}

// takeTurn measures one turn. It begins with no garbage, so that nobody clears up after another. Allocations are those of
// the whole process.
func (e *entry) takeTurn() error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := spent()
	err := e.Run(e.n)
	used := spent() - start
	runtime.ReadMemStats(&after)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	e.turns = append(e.turns, float64(used.Nanoseconds())/float64(e.n))
	e.operations += uint64(e.n)
	e.mallocs += after.Mallocs - before.Mallocs
	return nil
}
