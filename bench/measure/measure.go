// Package measure measures contenders side by side in one process and prints how they compare. Start with [Report], or with
// [Run] for the numbers alone.
//
// The speed of a shared machine changes from one moment to the next, so contenders are not measured one after the other. In
// each round all of them get the same time, in short turns and in a random order, and the result of a contender is the
// median of its turns. Ratios are computed within a round, in which conditions were equal, and reported as the median of
// the rounds.
//
// The time is the CPU time of the whole process, where the system has it: it includes the garbage collector, and excludes
// other processes.
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
	// Name is printed. It is unique among the contenders of a table.
	Name string
	// Run does the operation n times. An error ends the measurement.
	Run func(n int) error
}

// Each returns a contender whose operation is one call of once.
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

// Options are how long to measure.
type Options struct {
	// Rounds is the number of rounds. Defaults to 6.
	Rounds int
	// Quick measures one round of a few milliseconds: enough to see that everything works, too little for results.
	Quick bool
}

const (
	defaultRounds = 6
	turnTime      = 25 * time.Millisecond
	roundTime     = 200 * time.Millisecond // of each contender, in all its turns
	quickTime     = 5 * time.Millisecond   // the same with Options.Quick

	// calibrations is how often the operations of a turn are counted. The largest count is used: other programs can only
	// make it smaller.
	calibrations = 3
)

// planTurns returns how many rounds to measure, how many turns a round has, and how long a turn is.
func (o Options) planTurns() (rounds, turns int, turn time.Duration) {
	if o.Quick {
		return 1, 1, quickTime
	}
	if rounds = o.Rounds; rounds <= 0 {
		rounds = defaultRounds
	}
	return rounds, int(roundTime / turnTime), turnTime
}

// Run measures the contenders. Errors: the first one of a contender, with its name, and that of ctx.
func Run(ctx context.Context, o Options, contenders ...Contender) (*Results, error) {
	rounds, turns, turn := o.planTurns()
	entries := make([]*entry, len(contenders))
	for i, c := range contenders {
		entries[i] = &entry{Contender: c}
		if err := entries[i].calibrateTurn(turn); err != nil {
			return nil, err
		}
	}
	for range rounds {
		if err := measureRound(ctx, entries, turns); err != nil {
			return nil, err
		}
	}
	return &Results{entries}, nil
}

// measureRound measures all contenders, in as many turns. The order of each turn is random, so that nobody is always first.
func measureRound(ctx context.Context, entries []*entry, turns int) error {
	for range turns {
		for _, i := range rand.Perm(len(entries)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := entries[i].measureTurn(); err != nil {
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

// entry is a contender with its measurements.
type entry struct {
	Contender
	n          int       // operations in a turn
	turns      []float64 // nanoseconds of an operation in each turn of the current round
	rounds     []float64 // nanoseconds of an operation in each round: the median of its turns
	operations uint64    // in all turns
	mallocs    uint64    // in all turns
}

// calibrateTurn counts how many operations fit into a turn. It also warms up caches and pools.
func (e *entry) calibrateTurn(turn time.Duration) error {
	for n, found := 1, 0; found < calibrations; {
		start := cpuTime()
		if err := e.Run(n); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		used := cpuTime() - start
		if used < turn/2 {
			n *= 2
			continue
		}
		found++
		e.n = max(1, e.n, int(float64(n)*float64(turn)/float64(used)))
	}
	return nil
}

// measureTurn measures one turn. It collects garbage first, so that no contender pays for that of another. Allocations are
// those of the whole process.
func (e *entry) measureTurn() error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	err := e.Run(e.n)
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Name, err)
	}
	e.turns = append(e.turns, float64(used.Nanoseconds())/float64(e.n))
	e.operations += uint64(e.n)
	e.mallocs += after.Mallocs - before.Mallocs
	return nil
}
